/* Specialisation of iteration. */
#include "spec/spec.h"

/* Misses before a loop is taken for one over iterators of several types. */
enum { ITER_PATIENCE = 3 };

/* The form for an iterator of a type whose layout we know; 0: none. */
static int iter_form(fs_instr *ip, PyTypeObject *type)
{
    bool two = ip[1].op == FS_OP_UNPACK_TWO_LOCALS;
    const struct {
        PyTypeObject *type;
        int form;
    } forms[] = {
        {&PyRangeIter_Type,
         ip[1].op == FS_OP_STORE_FAST ? FS_OP_FOR_ITER_RANGE_STORE : FS_OP_FOR_ITER_RANGE},
        {&PyListIter_Type, FS_OP_FOR_ITER_LIST},
        {&PyTupleIter_Type, FS_OP_FOR_ITER_TUPLE},
        {&PyDictIterKey_Type, FS_OP_FOR_ITER_DICT_KEYS},
        {&PyDictIterValue_Type, FS_OP_FOR_ITER_DICT_VALUES},
        {&PyDictIterItem_Type, two ? FS_OP_FOR_ITER_DICT_ITEMS_UNPACK : 0},
        {&PyEnum_Type, two ? FS_OP_FOR_ITER_ENUMERATE_UNPACK : 0},
        {&PyZip_Type, two ? FS_OP_FOR_ITER_ZIP_UNPACK : 0},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].type == type) {
            return fs_pyrt_knows_iterator(type) ? forms[i].form : 0;
        }
    }
    return 0;
}

void fs_spec_for_iter(fs_instr *ip, PyObject *iter)
{
    int form = PyGen_CheckExact(iter) ? FS_OP_FOR_ITER_GEN : iter_form(ip, Py_TYPE(iter));
    if (form != 0) {
        fs_spec_to(ip, form);
        return;
    }
    fs_spec_fail(ip, FS_OP_FOR_ITER_GENERIC);
}

void fs_spec_for_iter_miss(fs_instr *ip, PyObject *iter)
{
    fs_spec_miss(ip);
    if (ip->op == FS_OP_FOR_ITER || ip->counter + ITER_PATIENCE > FS_SPEC_MISSES) {
        return;
    }
    PyTypeObject *type = Py_TYPE(iter);
    bool mixed = type == &PyListIter_Type || type == &PyTupleIter_Type || type == &PyGen_Type ||
                 type == &PyDictIterKey_Type;
    if (mixed && fs_pyrt_knows_iterator(&PyListIter_Type) &&
        fs_pyrt_knows_iterator(&PyTupleIter_Type) && fs_pyrt_knows_iterator(&PyDictIterKey_Type)) {
        fs_spec_to(ip, FS_OP_FOR_ITER_MIXED);
    }
}
