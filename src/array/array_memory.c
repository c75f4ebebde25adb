/* Memory of large results.
 *
 * How it works: the kernel clears each page of fresh memory when it is first touched, which costs
 * as much as the evaluation of a simple expression. So a large result's memory comes from our own
 * handler (NumPy keeps it with the array): whole maps, on huge pages where there are any, and a few
 * maps of arrays that are gone are kept for the next result. Those are handed to the kernel with
 * MADV_FREE: it takes their pages when it is short of memory, and nothing happens when it is not.
 *
 * What must stay true: memory that the user sees as his is never more than what he holds plus
 * MEMORY_KEPT_MOST; nothing is kept where address space is limited; contents of kept memory are
 * undefined, so only results that are written as a whole are made here; any thread may free.
 */
#define _GNU_SOURCE
#include "array/array_memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_LARGE ((size_t)4 << 20)     /* smaller ones are malloc's, which keeps them itself */
#define MEMORY_HUGE_PAGE ((size_t)2 << 20) /* data begins on such a border when it is as long */
#define MEMORY_KEPT_MOST ((size_t)512 << 20) /* bytes, and never more than 1/16 of all memory */
enum { MEMORY_PAGE = 4096, MEMORY_KEPT_MAPS = 4 };

/* In front of the data. */
struct memory_header {
    void *map;       /* where it begins; NULL: malloc's */
    size_t map_size; /* of all of it */
    size_t size;     /* of the data: what fits in */
    char pad[40];    /* data is on a border of 64 bytes */
};

_Static_assert(sizeof(struct memory_header) == 64, "data must stay aligned");

static struct {
    pthread_mutex_t lock;
    struct memory_header *maps[MEMORY_KEPT_MAPS]; /* the last one freed is the last one */
    int count;
    size_t size;
} memory_kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct memory_header *memory_header(void *data)
{
    return (struct memory_header *)data - 1;
}

static void memory_unmap(struct memory_header *header)
{
    munmap(header->map, header->map_size);
}

/* How much may be kept. */
static size_t memory_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) {
        return 0;
    }
    long pages = sysconf(_SC_PHYS_PAGES);
    size_t part = pages > 0 ? (size_t)pages * (MEMORY_PAGE / 16) : 0;
    return part < MEMORY_KEPT_MOST ? part : MEMORY_KEPT_MOST;
}

/* Takes one of the kept maps out of the list. The lock is held. */
static struct memory_header *memory_take(int index)
{
    struct memory_header *header = memory_kept.maps[index];
    memory_kept.count--;
    memory_kept.size -= header->size;
    memmove(&memory_kept.maps[index], &memory_kept.maps[index + 1],
            (size_t)(memory_kept.count - index) * sizeof *memory_kept.maps);
    return header;
}

/* A kept map for so many bytes that does not waste much; NULL: there is none. */
static struct memory_header *memory_reuse(size_t size)
{
    struct memory_header *found = NULL;
    pthread_mutex_lock(&memory_kept.lock);
    for (int i = memory_kept.count - 1; i >= 0 && found == NULL; i--) {
        size_t has = memory_kept.maps[i]->size;
        if (has >= size && has - size <= size / 4) {
            found = memory_take(i);
        }
    }
    pthread_mutex_unlock(&memory_kept.lock);
    return found;
}

/* Gives all that is kept back to the kernel. */
static void memory_drop(void)
{
    pthread_mutex_lock(&memory_kept.lock);
    while (memory_kept.count > 0) {
        memory_unmap(memory_take(0));
    }
    pthread_mutex_unlock(&memory_kept.lock);
}

static struct memory_header *memory_map(size_t size)
{
    size_t border = size >= MEMORY_HUGE_PAGE ? MEMORY_HUGE_PAGE : MEMORY_PAGE;
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t rounded = (size + border - 1) / border * border;
    size_t map_size = rounded + border + MEMORY_PAGE;
    char *map = mmap(NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    char *data = map + MEMORY_PAGE;
    data += (border - (uintptr_t)data % border) % border;
    if (border == MEMORY_HUGE_PAGE) {
        madvise(data, rounded, MADV_HUGEPAGE); /* without it, it is slower and nothing else */
    }
    struct memory_header *header = memory_header(data);
    header->map = map;
    header->map_size = map_size;
    header->size = rounded;
    return header;
}

/* ---- the handler's functions ---- */

static void *memory_malloc(void *unused, size_t size)
{
    (void)unused;
    struct memory_header *header;
    if (size < MEMORY_LARGE) {
        header = aligned_alloc(64, (sizeof *header + size + 63) / 64 * 64);
        if (header != NULL) {
            *header = (struct memory_header){.size = size};
        }
    } else {
        header = memory_reuse(size);
        if (header == NULL) {
            header = memory_map(size);
        }
        if (header == NULL) {
            memory_drop();
            header = memory_map(size);
        }
    }
    return header != NULL ? header + 1 : NULL;
}

static void memory_free(void *unused, void *data, size_t size)
{
    (void)unused, (void)size;
    if (data == NULL) {
        return;
    }
    struct memory_header *header = memory_header(data);
    if (header->map == NULL) {
        free(header);
        return;
    }
    size_t limit = memory_limit();
    if (header->size > limit || madvise(data, header->size, MADV_FREE) != 0) {
        memory_unmap(header);
        return;
    }
    pthread_mutex_lock(&memory_kept.lock);
    while (memory_kept.count == MEMORY_KEPT_MAPS || memory_kept.size > limit - header->size) {
        memory_unmap(memory_take(0));
    }
    memory_kept.maps[memory_kept.count++] = header;
    memory_kept.size += header->size;
    pthread_mutex_unlock(&memory_kept.lock);
}

static void *memory_calloc(void *unused, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    void *data = memory_malloc(unused, bytes);
    return data != NULL ? memset(data, 0, bytes) : NULL;
}

static void *memory_realloc(void *unused, void *data, size_t size)
{
    void *other = memory_malloc(unused, size);
    if (data == NULL || other == NULL) {
        return other;
    }
    size_t had = memory_header(data)->size;
    memcpy(other, data, had < size ? had : size);
    memory_free(unused, data, had);
    return other;
}

static PyDataMem_Handler memory_handler = {
    "fullspeed_array", 1, {NULL, memory_malloc, memory_calloc, memory_realloc, memory_free}};

size_t fs_array_memory_kept(void)
{
    pthread_mutex_lock(&memory_kept.lock);
    size_t size = memory_kept.size;
    pthread_mutex_unlock(&memory_kept.lock);
    return size;
}

/* ---- arrays ---- */

static PyArrayObject *memory_array(PyArray_Descr *descr, int ndim, const npy_intp *shape,
                                   const npy_intp *strides)
{
    return (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, descr, ndim, shape, strides, NULL,
                                                 0, NULL);
}

PyArrayObject *fs_array_memory_new(PyArray_Descr *descr, int ndim, const npy_intp *shape,
                                   const npy_intp *strides)
{
    static PyObject *capsule;
    double bytes = (double)PyDataType_ELSIZE(descr);
    for (int i = 0; i < ndim; i++) {
        bytes *= (double)shape[i];
    }
    if (bytes < (double)MEMORY_LARGE) {
        return memory_array(descr, ndim, shape, strides);
    }
    if (capsule == NULL) {
        capsule = PyCapsule_New(&memory_handler, "mem_handler", NULL);
    }
    PyObject *before = capsule != NULL ? PyDataMem_SetHandler(capsule) : NULL;
    if (before == NULL) {
        Py_DECREF(descr);
        return NULL;
    }
    PyArrayObject *array = memory_array(descr, ndim, shape, strides);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *ours = PyDataMem_SetHandler(before);
    Py_DECREF(before);
    if (ours == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        Py_CLEAR(array);
        return NULL;
    }
    Py_DECREF(ours);
    PyErr_Restore(type, value, traceback);
    return array;
}
