/* Executes a program: the one entry of the room's second half.
 *
 * How it works: layout (array_operand.c), plan (array_plan.c), the cut of the walk into chunks
 * (array_loop.c, array_reduce.c), workers' memory, and then the chunks, on one thread or several
 * (array_thread.c). Small work keeps the GIL and stays on one thread.
 *
 * What must stay true: everything that can fail is done before the first chunk, with the GIL held;
 * the result is written as a whole unless an exception comes of a signal.
 */
#include "array/array.h"
#include "array/array_reduce.h"
#include "array/array_thread.h"
#include "array/array_verify.h"

#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RUN_KEEPS_GIL 5e3  /* nanoseconds of work that are not worth giving up the GIL */
#define RUN_ONE_THREAD 4e4 /* and that are not worth waking somebody */

struct run_job {
    union {
        struct fs_array_walk walk;
        struct fs_array_reduction reduction;
    } cut;                /* the first member: chunks know it */
    PyThreadState *state; /* while the GIL is given up */
    bool failed;          /* by an exception */
};

/* Memory of workers of the last evaluation that is done, for the next one. */
static struct {
    atomic_flag taken;
    void *memory;
    size_t size;
} run_spare = {.taken = ATOMIC_FLAG_INIT};

enum { RUN_SPARE_MOST = 1 << 20 };

/* Memory on a border of 64 bytes; *spare says whether it goes back to run_spare. */
static void *run_memory(size_t size, bool *spare)
{
    *spare = size <= RUN_SPARE_MOST && !atomic_flag_test_and_set(&run_spare.taken);
    if (!*spare) {
        return aligned_alloc(64, size);
    }
    if (run_spare.size < size) {
        free(run_spare.memory);
        run_spare.memory = aligned_alloc(64, size);
        run_spare.size = run_spare.memory != NULL ? size : 0;
        if (run_spare.memory == NULL) {
            atomic_flag_clear(&run_spare.taken);
            *spare = false;
        }
    }
    return *spare ? run_spare.memory : NULL;
}

static void run_memory_back(void *memory, bool spare)
{
    if (spare) {
        atomic_flag_clear(&run_spare.taken);
    } else {
        free(memory);
    }
}

/* Asked now and then while chunks are computed: Ctrl-C, and whatever else signals bring. */
static bool run_poll(void *data)
{
    struct run_job *job = data;
    if (job->state != NULL) {
        PyEval_RestoreThread(job->state);
    }
    job->failed = PyErr_CheckSignals() != 0;
    if (job->state != NULL) {
        job->state = PyEval_SaveThread();
    }
    return !job->failed;
}

/* Does the chunks; false with an exception set. Signals are Python's main thread's: no other thread
 * asks for them. (Nor may it: the interpreter ends threads that ask for the GIL while it finalizes,
 * and helpers work on this one's stack.) */
static bool run_chunks(struct run_job *job, fs_array_work *work, double cost, int threads)
{
    size_t chunks = job->cut.walk.chunks;
    if (cost < RUN_KEEPS_GIL) {
        for (size_t chunk = 0; chunk < chunks; chunk++) {
            work(job, 0, chunk);
        }
        return true;
    }
    fs_array_poll *poll = _PyOS_IsMainThread() ? run_poll : NULL;
    job->state = PyEval_SaveThread();
    bool good = fs_array_parallel(work, poll, job, chunks, threads);
    PyEval_RestoreThread(job->state);
    if (!good && !job->failed) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a signal handler forked while several threads computed an array "
                        "expression: the child has no result of it");
    }
    return good;
}

/* The result of a reduction of nothing. */
static bool run_nothing(const struct fs_array_program *program, struct fs_array_layout *layout)
{
    if (program->reduce == FS_ARRAY_REDUCE_NONE || layout->kept == 0) {
        return true;
    }
    if (program->reduce == FS_ARRAY_REDUCE_MIN || program->reduce == FS_ARRAY_REDUCE_MAX) {
        PyErr_Format(PyExc_ValueError,
                     "zero-size array to reduction operation %s which has no identity",
                     program->reduce == FS_ARRAY_REDUCE_MIN ? "min" : "max");
        return false;
    }
    PyObject *number = PyLong_FromLong(program->reduce == FS_ARRAY_REDUCE_PROD);
    bool good = number != NULL && PyArray_FillWithScalar(layout->result, number) == 0;
    Py_XDECREF(number);
    return good;
}

/* Executes a plan. */
static bool run_plan(struct fs_array_plan *plan)
{
    struct run_job job = {.state = NULL, .failed = false};
    bool reduce = plan->program->reduce != FS_ARRAY_REDUCE_NONE;
    size_t extra = 0, partial = 0;
    if (reduce) {
        fs_array_reduce_cut(&job.cut.reduction, plan);
        extra = job.cut.reduction.extra;
        partial = (job.cut.reduction.partial_size + 63) / 64 * 64;
    } else {
        fs_array_walk_cut(&job.cut.walk, plan);
    }
    double cost = plan->cost * (double)plan->layout->total;
    int threads = 1;
    if (cost >= RUN_ONE_THREAD && !plan->alone) {
        threads = fs_array_threads();
        if (threads < 0) {
            return false;
        }
        threads = (size_t)threads < job.cut.walk.chunks ? threads : (int)job.cut.walk.chunks;
    }
    size_t each = fs_array_worker_size(plan) + (extra + 63) / 64 * 64, count = (size_t)threads;
    size_t table = (count * sizeof(struct fs_array_worker) + 63) / 64 * 64;
    bool spare;
    char *memory = run_memory(table + count * each + partial, &spare);
    if (memory == NULL) {
        PyErr_NoMemory();
        return false;
    }
    job.cut.walk.workers = (struct fs_array_worker *)memory;
    for (size_t i = 0; i < count; i++) {
        fs_array_worker_start(&job.cut.walk.workers[i], plan, memory + table + i * each);
    }
    if (reduce) {
        job.cut.reduction.partial = memory + table + count * each;
    }
    bool good =
        run_chunks(&job, reduce ? fs_array_reduce_chunk : fs_array_walk_chunk, cost, threads);
    if (good && reduce) {
        fs_array_reduce_finish(&job.cut.reduction);
    }
    run_memory_back(memory, spare);
    return good;
}

static bool run_layout(const struct fs_array_program *program, struct fs_array_layout *layout,
                       struct fs_array_way *way)
{
    if (layout->total == 0) {
        return run_nothing(program, layout);
    }
    if (program->reduce != FS_ARRAY_REDUCE_NONE) {
        fs_array_reduce_arrange(layout);
    }
    struct fs_array_plan plan;
    if (!fs_array_plan_make(&plan, program, layout, way)) {
        PyErr_NoMemory();
        return false;
    }
    way->loops = plan.loops;
    bool good = run_plan(&plan);
    fs_array_plan_clear(&plan);
    return good;
}

PyObject *fs_array_run_by(const struct fs_array_program *program, PyObject *const *inputs,
                          const struct fs_array_options *options, struct fs_array_way *way)
{
    struct fs_array_layout layout;
    PyObject *result = NULL;
    if (fs_array_layout_make(&layout, program, inputs, options) &&
        run_layout(program, &layout, way)) {
        if (layout.copy_to == NULL) {
            result = (PyObject *)layout.result;
            layout.result = NULL;
        } else if (PyArray_CopyInto(layout.copy_to, layout.result) == 0) {
            result = Py_NewRef((PyObject *)layout.copy_to);
        }
    }
    fs_array_layout_clear(&layout);
    return result;
}

PyObject *fs_array_run(const struct fs_array_program *program, PyObject *const *inputs,
                       const struct fs_array_options *options)
{
    if (FS_UNLIKELY(fs_array_verify_due())) {
        return fs_array_verify(program, inputs, options);
    }
    struct fs_array_way way = {.kernels = fs_array_kernels(options->reproducible),
                               .reproducible = options->reproducible};
    return fs_array_run_by(program, inputs, options, &way);
}
