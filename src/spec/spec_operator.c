/* Specialisation of binary operators and compares. */
#include "spec/spec.h"

void fs_spec_binary_op(fs_instr *ip, PyObject *v FS_UNUSED, PyObject *w FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_BINARY_OP_GENERIC);
}

void fs_spec_compare_op(fs_instr *ip, PyObject *v FS_UNUSED, PyObject *w FS_UNUSED)
{
    fs_spec_fail(ip, FS_OP_COMPARE_OP_GENERIC);
}
