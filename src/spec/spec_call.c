/* Specialisation of calls. */
#include "spec/spec.h"

void fs_spec_call(fs_instr *ip, PyObject **sp)
{
    PyObject **base = sp - (Py_ssize_t)ip->arg - 2;
    PyObject *callable = base[0] != NULL ? base[0] : base[1];
    Py_ssize_t nargs = (Py_ssize_t)ip->arg + (base[0] != NULL);
    if (PyFunction_Check(callable)) {
        fs_code *co = fs_code_for_inline((PyFunctionObject *)callable);
        if (co != NULL && co->argcount == nargs) {
            fs_spec_to(ip, FS_OP_CALL_PY_EXACT);
            return;
        }
    }
    fs_spec_fail(ip, FS_OP_CALL_GENERIC);
}
