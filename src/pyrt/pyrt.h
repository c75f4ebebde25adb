/* The one door to CPython's internals.
 *
 * Everything that depends on the layout of CPython's private structures or on
 * symbols that CPython hides is declared here and defined in one file per
 * CPython version (pyrt_3_11.c). No other file tests the version.
 */
#ifndef FS_PYRT_H
#define FS_PYRT_H

#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>
#include <frameobject.h>
#include <internal/pycore_ceval.h>
#include <internal/pycore_code.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_floatobject.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_function.h>
#include <internal/pycore_genobject.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_list.h>
#include <internal/pycore_long.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_object.h>
#include <internal/pycore_pyerrors.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_tuple.h>
#include <opcode.h>
#include <structmember.h>

#include "base/base.h"

typedef struct fs_code fs_code;

/* ---- code objects: our translation hangs in a co_extra slot ---- */

/* The layout behind PyCodeObject.co_extra, which CPython keeps private. */
typedef struct {
    Py_ssize_t size;
    void *slots[1];
} fs_pyrt_extra;

extern FS_HIDDEN Py_ssize_t fs_pyrt_extra_index;

/* Reserves the slot in this interpreter and hooks code deallocation; -1 with an error set. */
int fs_pyrt_init(void (*free_code)(fs_code *));

/* The translation of a code object, NULL when there is none yet. */
FS_INLINE fs_code *fs_pyrt_code_get(PyCodeObject *code)
{
    fs_pyrt_extra *extra = (fs_pyrt_extra *)code->co_extra;
    if (FS_UNLIKELY(extra == NULL || extra->size <= fs_pyrt_extra_index)) {
        return NULL;
    }
    return (fs_code *)extra->slots[fs_pyrt_extra_index];
}

/* Attaches a translation (or NULL) to a code object; -1 with MemoryError. */
int fs_pyrt_code_set(PyCodeObject *code, fs_code *translation);

/* ---- array.array, whose layout its module keeps to itself ---- */

typedef struct fs_pyrt_array fs_pyrt_array;

/* How items of one type code are read and written. */
typedef struct {
    char typecode;
    int itemsize;
    PyObject *(*getitem)(fs_pyrt_array *, Py_ssize_t);
    int (*setitem)(fs_pyrt_array *, Py_ssize_t, PyObject *);
} fs_pyrt_array_descr;

struct fs_pyrt_array {
    PyObject_VAR_HEAD char *items;
    Py_ssize_t allocated;
    const fs_pyrt_array_descr *descr;
    PyObject *weakrefs;
    Py_ssize_t exports;
};

/* Whether the type is array.array itself (each interpreter has its own). */
bool fs_pyrt_is_array(PyTypeObject *type);

/* ---- NumPy's arrays and scalars (numpy/ndarraytypes.h, arrayscalars.h): the beginnings that its
 * C API has kept from 1.x to 2.x ---- */

typedef struct {
    PyObject_HEAD PyTypeObject *typeobj;
    char kind, type, byteorder, flags;
    int type_num;
} fs_pyrt_dtype;

typedef struct {
    PyObject_HEAD char *data;
    int nd;
    Py_ssize_t *dimensions, *strides; /* strides in bytes */
    PyObject *base;
    fs_pyrt_dtype *dtype;
    int flags;
} fs_pyrt_ndarray;

typedef struct {
    PyObject_HEAD union {
        double f;
        int64_t i;
    } value;
} fs_pyrt_scalar;

enum { FS_NDARRAY_WRITEABLE = 0x0400, FS_NDARRAY_KEYS = 3 };
#define FS_NDARRAY_WARN_ON_WRITE 0x80000000u

enum fs_numpy {
    FS_NUMPY_NONE,
    FS_NUMPY_FLOAT64,
    FS_NUMPY_INT64,
    FS_NUMPY_BOOL,
    FS_NUMPY_ARRAY,
    FS_NUMPY_KINDS
};

/* The types that have been recognised: they are static, and stay. */
extern FS_HIDDEN PyTypeObject *fs_pyrt_numpy_types[FS_NUMPY_KINDS];

/* Which of NumPy's number types this is, float64 or int64, if any (NULL: none). */
enum fs_numpy fs_pyrt_numpy_scalar(PyTypeObject *type);
bool fs_pyrt_is_numpy_bool(PyTypeObject *type);
bool fs_pyrt_is_ndarray(PyTypeObject *type);
/* The type of a kind that has been recognised before; NULL: FS_NUMPY_NONE or not yet. */
PyTypeObject *fs_pyrt_numpy_type(enum fs_numpy kind);

/* Whether the thread runs no Python code ever again, and its C stack may be gone: the interpreter
 * ends, in another thread. */
FS_INLINE bool fs_pyrt_is_gone(const PyThreadState *ts)
{
    const PyThreadState *ending = _PyRuntimeState_GetFinalizing(&_PyRuntime);
    return FS_UNLIKELY(ending != NULL) && ts != ending;
}

/* Whether somebody listens to audit events. */
FS_INLINE bool fs_pyrt_is_audited(PyThreadState *ts)
{
    return _PyRuntime.audit_hook_head != NULL || ts->interp->audit_hooks != NULL;
}

/* ---- frames and the data stack ---- */

/* Room for `size` words on the data stack, opening a chunk when needed; NULL with MemoryError. */
PyObject **fs_pyrt_datastack_grow(PyThreadState *ts, size_t size);

FS_INLINE _PyInterpreterFrame *fs_pyrt_frame_alloc(PyThreadState *ts, size_t size)
{
    PyObject **top = ts->datastack_top;
    if (FS_LIKELY(top != NULL && size < (size_t)(ts->datastack_limit - top))) {
        ts->datastack_top = top + size;
        return (_PyInterpreterFrame *)top;
    }
    return (_PyInterpreterFrame *)fs_pyrt_datastack_grow(ts, size);
}

/* Closes the newest data stack chunk, whose first word is where the frame began. */
void fs_pyrt_datastack_shrink(PyThreadState *ts);

FS_INLINE void fs_pyrt_frame_free(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    PyObject **base = (PyObject **)frame;
    if (FS_UNLIKELY(base == &ts->datastack_chunk->data[0])) {
        fs_pyrt_datastack_shrink(ts);
    } else {
        ts->datastack_top = base;
    }
}

/* The frame object of the current frame (borrowed), made when there is none; NULL with an error. */
PyFrameObject *fs_pyrt_frame_object(PyThreadState *ts, _PyInterpreterFrame *frame);

/* ---- functions (pyrt_function.c) ---- */

/* As PyFunction_New. */
PyObject *fs_pyrt_function_new(PyThreadState *ts, PyObject *code, PyObject *globals);
/* The same; NULL, nothing done: a collection is due, or it is not quick. */
PyObject *fs_pyrt_function_quick(PyThreadState *ts, PyObject *code, PyObject *globals);

/* Ends a function whose last reference has gone. */
void fs_pyrt_function_end(PyObject *o);

/* Whether it would run no code, and nothing dies with the function but a tuple of cells. */
bool fs_pyrt_function_ends_plainly(const PyObject *o);

FS_INLINE void fs_pyrt_function_drop(PyFunctionObject *func)
{
    if (--((PyObject *)func)->ob_refcnt == 0) {
        fs_pyrt_function_end((PyObject *)func);
    }
}

/* ---- frames that end ---- */

/* Hands the frame to its frame object, if that outlives it, else drops what the frame holds. */
void fs_pyrt_frame_clear_slow(PyThreadState *ts, _PyInterpreterFrame *frame);

/* Drops what a finished, unlinked frame holds. */
FS_INLINE void fs_pyrt_frame_clear(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    if (FS_UNLIKELY(frame->frame_obj != NULL)) {
        fs_pyrt_frame_clear_slow(ts, frame);
        return;
    }
    PyObject **slot = frame->localsplus;
    PyObject **end = slot + frame->stacktop;
    for (; slot < end; slot++) {
        Py_XDECREF(*slot);
    }
    Py_XDECREF(frame->f_locals);
    fs_pyrt_function_drop(frame->f_func);
    Py_DECREF(frame->f_code);
}

/* ---- tracing ---- */

/* Fires a trace and a profile event of `frame` as sys.settrace and sys.setprofile ask for; -1 on
 * error. */
int fs_pyrt_trace_event(PyThreadState *ts, _PyInterpreterFrame *frame, int what, PyObject *arg);

/* Fires the `exception` event for the exception that is set. */
void fs_pyrt_trace_exception(PyThreadState *ts, _PyInterpreterFrame *frame);

/* ---- versions ---- */

/* A version for the keys of a dict (0 when none can be had). */
uint32_t fs_pyrt_keys_version(PyDictKeysObject *keys);

/* The version of a function as it is now; 0 when none can be had. */
uint32_t fs_pyrt_func_version(PyFunctionObject *func);

/* The version tag of a type, assigned now if need be; 0 when it has none. */
uint32_t fs_pyrt_type_version(PyTypeObject *type);

/* Index of a unicode key in a keys table of unicode keys, or -1. */
Py_ssize_t fs_pyrt_keys_index(PyDictKeysObject *keys, PyObject *name);

/* The same by the key's text: -1 means that no equal key is there. */
Py_ssize_t fs_pyrt_keys_find(PyDictKeysObject *keys, PyObject *name);

/* A value never used before for PyDictObject.ma_version_tag: CPython's own counter is hidden
 * and counts up, ours counts down. */
extern FS_HIDDEN uint64_t fs_pyrt_last_dict_version;
#define FS_PYRT_NEXT_DICT_VERSION() (--fs_pyrt_last_dict_version)

/* ---- objects whose layout CPython keeps to itself ---- */

typedef struct {
    PyObject_HEAD PyObject *fget;
    PyObject *fset;
} fs_pyrt_property;

/* staticmethod and classmethod. */
typedef struct {
    PyObject_HEAD PyObject *callable;
} fs_pyrt_wrapped;

typedef struct {
    PyObject_HEAD PyTypeObject *type;
    PyObject *obj;
    PyTypeObject *obj_type;
} fs_pyrt_super;

/* The index of a _collections._tuplegetter, which collections.namedtuple makes; -1: not one. */
Py_ssize_t fs_pyrt_tuple_field(PyObject *descr);

/* Where the instance's dict pointer stands, from the object on; 0: there is none. */
FS_INLINE int fs_pyrt_dict_offset(PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        return MANAGED_DICT_OFFSET;
    }
    return type->tp_dictoffset > 0 && type->tp_dictoffset < INT32_MAX ? (int)type->tp_dictoffset
                                                                      : 0;
}

/* Whether loads from instances go the `standard` way, save for a __getattr__ that is asked
 * after it has failed. */
bool fs_pyrt_standard_loads(PyTypeObject *type, getattrofunc standard);

/* Whether stores to instances go the standard way. */
FS_INLINE bool fs_pyrt_standard_stores(PyTypeObject *type)
{
    return type->tp_setattro == PyObject_GenericSetAttr;
}

/* ---- iterators: layouts that CPython keeps to itself ---- */

typedef struct {
    PyObject_HEAD long index;
    long start;
    long step;
    long len;
} fs_pyrt_rangeiter;

/* Iterators of list and tuple, and of str. */
typedef struct {
    PyObject_HEAD Py_ssize_t index;
    PyObject *seq; /* NULL: exhausted */
} fs_pyrt_seqiter;

typedef struct {
    PyObject_HEAD PyDictObject *dict; /* NULL: exhausted */
    Py_ssize_t used;
    Py_ssize_t pos;
    PyObject *result; /* of items(): the tuple to use again */
    Py_ssize_t len;
} fs_pyrt_dictiter;

typedef struct {
    PyObject_HEAD Py_ssize_t index;
    PyObject *iter;
    PyObject *result;
    PyObject *longindex;
    PyObject *one;
} fs_pyrt_enumerate;

typedef struct {
    PyObject_HEAD Py_ssize_t size;
    PyObject *iters;
    PyObject *result;
    int strict;
} fs_pyrt_zip;

/* What `__anext__()` and `asend()` of an async generator give. */
typedef struct {
    PyObject_HEAD PyAsyncGenObject *gen;
    PyObject *sendval; /* NULL: None */
    enum { FS_PYRT_ASEND_INIT, FS_PYRT_ASEND_ITER, FS_PYRT_ASEND_CLOSED } state;
} fs_pyrt_asend;

/* collections.deque. */
typedef struct {
    PyObject_VAR_HEAD void *left, *right;
    Py_ssize_t left_index, right_index;
    size_t state;
    Py_ssize_t maxlen; /* negative: none */
    Py_ssize_t nfree;
    void *free[16];
    PyObject *weakrefs;
} fs_pyrt_deque;

/* Whether iterators of this type have the layout that is declared here (checked by size). */
bool fs_pyrt_knows_iterator(PyTypeObject *type);

/* ---- tuples ---- */

/* A tracked tuple of n items, to be filled at once, from CPython's free list; NULL: make one. */
FS_INLINE PyTupleObject *fs_pyrt_tuple_take(PyThreadState *ts, size_t n)
{
    struct _Py_tuple_state *state = &ts->interp->tuple;
    if (n - 1 >= PyTuple_NFREELISTS || state->free_list[n - 1] == NULL) {
        return NULL;
    }
    PyTupleObject *tuple = state->free_list[n - 1];
    state->free_list[n - 1] = (PyTupleObject *)tuple->ob_item[0];
    state->numfree[n - 1]--;
    tuple->ob_base.ob_base.ob_refcnt = 1;
    _PyObject_GC_TRACK((PyObject *)tuple);
    return tuple;
}

/* ---- singletons ---- */

/* The shared string of one character up to U+00FF (borrowed). */
FS_INLINE PyObject *fs_pyrt_latin1_char(unsigned char c)
{
    return c < 128 ? (PyObject *)&_Py_SINGLETON(strings).ascii[c]
                   : (PyObject *)&_Py_SINGLETON(strings).latin1[c - 128];
}

#endif
