/* Specialisation of iteration. */
#include "spec/spec.h"

void fs_spec_for_iter(fs_instr *ip, PyObject *iter)
{
    if (PyGen_CheckExact(iter)) {
        fs_spec_to(ip, FS_OP_FOR_ITER_GEN);
        return;
    }
    fs_spec_fail(ip, FS_OP_FOR_ITER_GENERIC);
}
