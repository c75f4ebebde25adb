/* Specialisation of subscripts. */
#include "spec/spec.h"

void fs_spec_binary_subscr(fs_instr *ip, PyObject *v FS_UNUSED, PyObject *w FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_BINARY_SUBSCR_GENERIC);
}

void fs_spec_store_subscr(fs_instr *ip, PyObject *v FS_UNUSED, PyObject *w FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_STORE_SUBSCR_GENERIC);
}
