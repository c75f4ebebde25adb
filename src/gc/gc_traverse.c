/* The types whose references are known: gc_traverse.h's table. */
#include "gc/gc_traverse.h"

#include "gc/gc_reach.h"

fs_gc_known_t fs_gc_known[FS_GC_KNOWN];
traverseproc fs_gc_of_classes;
inquiry fs_gc_class_has_head;

static fs_gc_known_t *traverse_add(traverseproc traverse, enum fs_gc_kind kind)
{
    unsigned at = fs_gc_hash(traverse);
    while (fs_gc_known[at].traverse != NULL) {
        at = (at + 1) % FS_GC_KNOWN;
    }
    fs_gc_known[at] = (fs_gc_known_t){.traverse = traverse, .kind = (uint8_t)kind};
    return &fs_gc_known[at];
}

/* A type whose references stand at fixed places, in the order of its tp_traverse. */
static void traverse_add_row(traverseproc traverse, const uint8_t *at, size_t n)
{
    fs_gc_known_t *known = traverse_add(traverse, FS_GC_ROW);
    known->n = (uint8_t)n;
    memcpy(known->at, at, n);
}

#define AT(type, field) (offsetof(type, field) / sizeof(PyObject *))
#define ADD_ROW(traverse, ...)                                            \
    do {                                                                  \
        static const uint8_t at_[] = {__VA_ARGS__};                       \
        _Static_assert(sizeof(at_) / sizeof(at_[0]) <= FS_GC_PLACES, ""); \
        traverse_add_row(traverse, at_, sizeof(at_) / sizeof(at_[0]));    \
    } while (0)

/* In the order in which CPython's functions for these types go. */
static void traverse_add_rows(void)
{
    typedef PyFunctionObject func;
    typedef PyBaseExceptionObject exc;
    typedef PyHeapTypeObject heap;
    ADD_ROW(PyFunction_Type.tp_traverse, AT(func, func_code), AT(func, func_globals),
            AT(func, func_builtins), AT(func, func_module), AT(func, func_defaults),
            AT(func, func_kwdefaults), AT(func, func_doc), AT(func, func_name), AT(func, func_dict),
            AT(func, func_closure), AT(func, func_annotations), AT(func, func_qualname));
    ADD_ROW(PyMethod_Type.tp_traverse, AT(PyMethodObject, im_func), AT(PyMethodObject, im_self));
    ADD_ROW(PyCell_Type.tp_traverse, AT(PyCellObject, ob_ref));
    ADD_ROW(_PyWeakref_RefType.tp_traverse, AT(PyWeakReference, wr_callback));
    ADD_ROW(PyTraceBack_Type.tp_traverse, AT(PyTracebackObject, tb_next),
            AT(PyTracebackObject, tb_frame));
    ADD_ROW(((PyTypeObject *)PyExc_BaseException)->tp_traverse, AT(exc, dict), AT(exc, args),
            AT(exc, notes), AT(exc, traceback), AT(exc, cause), AT(exc, context));
    ADD_ROW(PyType_Type.tp_traverse, AT(PyTypeObject, tp_dict), AT(PyTypeObject, tp_cache),
            AT(PyTypeObject, tp_mro), AT(PyTypeObject, tp_bases), AT(PyTypeObject, tp_base),
            AT(heap, ht_module));
}

/* ---- types that are asked for their places ---- */

enum { PROBE_WORDS = 40 };

typedef struct {
    PyObject marks[PROBE_WORDS]; /* one for each word of an object */
    uint8_t at[FS_GC_PLACES];
    int n;
    bool odd; /* something else is visited, or too much */
} probe;

static int probe_visit(PyObject *o, void *state)
{
    probe *p = state;
    ptrdiff_t word = o - p->marks;
    if (o < p->marks || word >= PROBE_WORDS || p->n == FS_GC_PLACES) {
        p->odd = true;
    } else {
        p->at[p->n++] = (uint8_t)word;
    }
    return 0;
}

/* A type whose tp_traverse visits fields and looks at nothing else: at which places they are, and
 * in which order, is found out with an object that has another mark in each word. */
static void traverse_probe(PyTypeObject *type)
{
    PyObject *fake[PROBE_WORDS] = {NULL};
    size_t words = (size_t)type->tp_basicsize / sizeof(fake[0]);
    probe p = {.n = 0};
    if (words > PROBE_WORDS) {
        return;
    }
    for (size_t i = 0; i < words; i++) {
        p.marks[i] = (PyObject){.ob_refcnt = 1, .ob_type = &PyBaseObject_Type};
        fake[i] = &p.marks[i];
    }
    PyObject *o = (PyObject *)fake;
    o->ob_refcnt = 1;
    o->ob_type = type;
    (void)type->tp_traverse(o, probe_visit, &p);
    if (!p.odd) {
        traverse_add_row(type->tp_traverse, p.at, (size_t)p.n);
    }
}

/* Static types of extension modules of CPython that can be probed. */
static const char *const traverse_probed[] = {"_asyncio.Future", "_asyncio.Task",
                                              "_asyncio.FutureIter", "TaskStepMethWrapper"};

void fs_gc_ask(traverseproc traverse, visitproc asked, void *state, PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    while (type->tp_base != NULL && type->tp_base->tp_traverse == traverse) {
        type = type->tp_base;
    }
    if (type->tp_traverse == traverse && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        for (size_t i = 0; i < sizeof(traverse_probed) / sizeof(traverse_probed[0]); i++) {
            if (strcmp(type->tp_name, traverse_probed[i]) == 0) {
                traverse_probe(type);
            }
        }
    }
    (void)traverse(o, asked, state);
}

static void traverse_probe_builtins(void)
{
    traverse_probe(&PyContext_Type);
    traverse_probe(&PyProperty_Type);
    traverse_probe(&PyStaticMethod_Type);
    traverse_probe(&PyClassMethod_Type);
    traverse_probe(&PyMethodDescr_Type);
}

void fs_gc_traverse_init(traverseproc of_classes)
{
    if (fs_gc_of_classes != NULL) {
        return;
    }
    fs_gc_of_classes = of_classes;
    fs_gc_class_has_head = PyType_Type.tp_is_gc;
    traverse_add(PyList_Type.tp_traverse, FS_GC_LIST);
    traverse_add(PyTuple_Type.tp_traverse, FS_GC_TUPLE);
    traverse_add(PyDict_Type.tp_traverse, FS_GC_DICT);
    traverse_add(PySet_Type.tp_traverse, FS_GC_SET);
    traverse_add(PyGen_Type.tp_traverse, FS_GC_GENERATOR);
    traverse_add(PyFrame_Type.tp_traverse, FS_GC_FRAME);
    traverse_add(PyCFunction_Type.tp_traverse, FS_GC_BUILTIN);
    traverse_add_rows();
    traverse_probe_builtins();
}
