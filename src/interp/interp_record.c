/* What runs before every op while the recording table is in force: the trace recorder, or the
 * test recorder.
 *
 * The latter logs opcodes into a ring, so that tests can see that the second dispatch table
 * reaches every op.
 */
#include "interp/interp.h"
#include "interp/interp_record.h"
#include "jit/jit_hooks.h"

static struct {
    uint16_t *ring;
    size_t size;
    uint64_t count;
} record_log;

int fs_record_start(size_t size)
{
    uint16_t *ring = PyMem_Calloc(size, sizeof(*ring));
    if (ring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(record_log.ring);
    record_log.ring = ring;
    record_log.size = size;
    record_log.count = 0;
    fs_eval_record(true);
    return 0;
}

void fs_record_op(fs_ctx *ctx, _PyInterpreterFrame *frame, PyObject **sp, fs_instr *ip)
{
    if (!fs_jit_record_op(ctx, frame, sp, ip) && record_log.ring != NULL) {
        record_log.ring[record_log.count++ % record_log.size] = ip->op;
    }
}

PyObject *fs_record_stop(void)
{
    fs_eval_record(false);
    uint64_t kept = record_log.count < record_log.size ? record_log.count : record_log.size;
    PyObject *names = PyList_New((Py_ssize_t)kept);
    for (uint64_t i = 0; names != NULL && i < kept; i++) {
        uint16_t op = record_log.ring[(record_log.count - kept + i) % record_log.size];
        PyObject *name = PyUnicode_InternFromString(fs_ops[op].name);
        if (name == NULL) {
            Py_CLEAR(names);
            break;
        }
        PyList_SET_ITEM(names, (Py_ssize_t)i, name);
    }
    PyObject *result = names == NULL ? NULL : Py_BuildValue("(KN)", record_log.count, names);
    PyMem_Free(record_log.ring);
    record_log.ring = NULL;
    return result;
}
