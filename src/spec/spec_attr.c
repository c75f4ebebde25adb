/* Specialisation of attribute loads, stores and method loads. */
#include "spec/spec.h"

void fs_spec_load_attr(fs_instr *ip, PyObject *owner FS_UNUSED, PyObject *name FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_LOAD_ATTR_GENERIC);
}

void fs_spec_store_attr(fs_instr *ip, PyObject *owner FS_UNUSED, PyObject *name FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_STORE_ATTR_GENERIC);
}

void fs_spec_load_method(fs_instr *ip, PyObject *owner FS_UNUSED, PyObject *name FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_LOAD_METHOD_GENERIC);
}
