/* The JIT in the Python module: what it has done, and traces of a test's own making. */
#include "engine/engine.h"

#include "asm/asm.h"
#include "jit/jit_report.h"
#include "jit/jit_watch.h"

PyObject *fs_engine_jit_traces(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"ir", "code", "machine_code", NULL};
    int ir = 0, code = 0, bytes = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ppp:jit_traces", keywords, &ir, &code,
                                     &bytes)) {
        return NULL;
    }
    return fs_jit_list_traces((ir ? FS_DESCRIBE_IR : 0) | (code ? FS_DESCRIBE_CODE : 0) |
                              (bytes ? FS_DESCRIBE_BYTES : 0));
}

PyObject *fs_engine_jit_places(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return fs_jit_list_places();
}

PyObject *fs_engine_jit_watch(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    fs_jit_watch();
    Py_RETURN_NONE;
}

PyObject *fs_engine_jit_dead_traces(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return fs_jit_list_dead();
}

PyObject *fs_engine_jit_mode(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return PyUnicode_FromString(fs_jit_mode());
}

PyObject *fs_engine_jit_is_available(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return PyBool_FromLong(fs_asm_available());
}

PyObject *fs_engine_jit_is_active(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return PyBool_FromLong(fs_jit_is_active());
}

/* The exit of a live trace at an instruction; NULL with an error. */
static fs_exit *jit_find_exit(unsigned id, int guard)
{
    fs_trace *trace = fs_jit_trace_of(id);
    fs_exit *exit = trace == NULL ? NULL : fs_jit_exit_at(trace, guard);
    if (exit == NULL) {
        PyErr_Format(PyExc_ValueError, "trace %u has no exit at %d, or is not there", id, guard);
    }
    return exit;
}

PyObject *fs_engine_jit_install(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"code", "slot", "text", "names", "kind", "parent", "guard", NULL};
    PyCodeObject *code;
    PyObject *names = Py_None;
    const char *text, *kind = "loop";
    int slot, guard = 0;
    unsigned parent = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!is|OsIi:_jit_install", keywords, &PyCode_Type,
                                     &code, &slot, &text, &names, &kind, &parent, &guard)) {
        return NULL;
    }
    fs_code *co = fs_code_of(code);
    fs_exit *from = NULL;
    if (co == NULL || (parent != 0 && (from = jit_find_exit(parent, guard)) == NULL)) {
        return NULL;
    }
    if (!fs_jit_settings.on || co->runs_stock || slot < 0 || slot >= co->nslots) {
        PyErr_SetString(PyExc_ValueError, "the JIT is off, or there is no such place");
        return NULL;
    }
    fs_trace *trace = calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return PyErr_NoMemory();
    }
    fs_ir_init(&trace->ir);
    trace->co = co;
    trace->slot = slot;
    trace->from = from;
    trace->kind = from != NULL                 ? FS_TRACE_SIDE
                  : strcmp(kind, "entry") == 0 ? FS_TRACE_ENTRY
                                               : FS_TRACE_LOOP;
    if (from != NULL) {
        trace->ir.parent = &from->trace->ir;
        trace->ir.parent_snap = from->snap;
    }
    const char *wrong = NULL;
    char buffer[200];
    if (fs_ir_parse(&trace->ir, text, names == Py_None ? NULL : names) < 0) {
        wrong = "";
    } else {
        wrong = fs_ir_verify(&trace->ir, buffer, sizeof(buffer));
    }
    if (wrong != NULL) {
        fs_jit_discard(trace);
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_ValueError, "not well-formed: %s", wrong);
    }
    wrong = fs_jit_install(trace);
    return wrong == NULL ? PyLong_FromUnsignedLong(trace->id)
                         : PyErr_Format(PyExc_ValueError, "cannot be run: %s", wrong);
}
