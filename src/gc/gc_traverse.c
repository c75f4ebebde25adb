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
    traverse_add_rows();
}
