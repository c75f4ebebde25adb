/* The extension module fullspeed._engine: switches, statistics, build facts.
 *
 * One engine per process: its switch, tables and statistics are global; which
 * interpreters use it is told by their evaluator slot. The slot is taken only
 * when it is free, and given back only when it is still ours.
 */
#include "engine/engine.h"

#include "gc/gc.h"
#include "interp/interp.h"
#include "interp/interp_arena.h"
#include "interp/interp_num.h"
#include "interp/interp_record.h"
#include "jit/jit_report.h"
#include "sem/sem.h"

#include <dlfcn.h>

extern const char fs_run_dispatch[];

/* The name of whoever holds the slot, as far as the dynamic linker knows. */
static PyObject *engine_slot_holder(_PyFrameEvalFunction holder)
{
    Dl_info info;
    if (dladdr((void *)(uintptr_t)holder, &info) != 0 && info.dli_fname != NULL) {
        if (info.dli_sname != NULL) {
            return PyUnicode_FromFormat("%s in %s", info.dli_sname, info.dli_fname);
        }
        return PyUnicode_FromFormat("a function in %s", info.dli_fname);
    }
    return PyUnicode_FromFormat("a function at %p", (void *)(uintptr_t)holder);
}

PyDoc_STRVAR(engine_enable_doc,
             "enable()\n--\n\n"
             "Take the frame-evaluator slot (PEP 523) of the current interpreter.\n\n"
             "Does nothing when it is ours already. Raises RuntimeError, naming the holder,\n"
             "when another evaluator has it.");

static PyObject *engine_enable(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    _PyFrameEvalFunction holder = _PyInterpreterState_GetEvalFrameFunc(interp);
    if (holder == fs_eval || fs_eval_is_lent(interp)) {
        Py_RETURN_NONE;
    }
    if (holder != _PyEval_EvalFrameDefault) {
        PyObject *name = engine_slot_holder(holder);
        if (name != NULL) {
            PyErr_Format(PyExc_RuntimeError,
                         "fullspeed cannot be enabled: the frame evaluator slot (PEP 523) of this "
                         "interpreter is held by %U; switch that off first",
                         name);
            Py_DECREF(name);
        }
        return NULL;
    }
    if (fs_gc_install(interp) < 0) {
        return NULL;
    }
    fs_arena_keep();
    fs_eval_stay(interp);
    _PyInterpreterState_SetEvalFrameFunc(interp, fs_eval);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(engine_disable_doc,
             "disable()\n--\n\n"
             "Give the slot back. Frames that are running leave at their next instruction\n"
             "after a call or a loop turn. Does nothing when the slot is not ours.");

static PyObject *engine_disable(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    if (_PyInterpreterState_GetEvalFrameFunc(interp) == fs_eval || fs_eval_is_lent(interp)) {
        fs_eval_forget_loan(interp);
        _PyInterpreterState_SetEvalFrameFunc(interp, _PyEval_EvalFrameDefault);
        fs_eval_leave(interp);
        fs_gc_remove(interp);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(engine_is_enabled_doc, "is_enabled() -> bool\n--\n\n"
                                    "Whether the current interpreter's evaluator slot is ours.");

static PyObject *engine_is_enabled(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    return PyBool_FromLong(_PyInterpreterState_GetEvalFrameFunc(interp) == fs_eval ||
                           fs_eval_is_lent(interp));
}

/* {op name: count} of one hand-over reason. */
static PyObject *engine_handover_dict(const uint64_t *counts)
{
    PyObject *dict = PyDict_New();
    for (int op = 0; dict != NULL && op < FS_OP_COUNT; op++) {
        if (counts[op] == 0) {
            continue;
        }
        PyObject *count = PyLong_FromUnsignedLongLong(counts[op]);
        if (count == NULL || PyDict_SetItemString(dict, fs_ops[op].name, count) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(count);
    }
    return dict;
}

PyDoc_STRVAR(
    engine_stats_doc,
    "stats() -> dict\n--\n\n"
    "Counters since the start or reset_stats(): frames entered from C, code objects\n"
    "translated (ever, alive, their bytes), specialisations, guard misses, hand-overs\n"
    "to CPython's evaluator by reason and op, collections under 'gc', and under 'jit' what\n"
    "the JIT has done.");

static PyObject *engine_stats(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    const fs_stats_t *s = &fs_stats;
    return Py_BuildValue(
        "{sK sK sK sK sK sK sK sK s{sN sN sN} s{sK sK sK sK} sN}", "frames", s->frames,
        "code_translated", s->translated, "code_objects", s->translated_now, "code_bytes",
        s->bytes_now, "specialized", s->specialized, "misses", s->misses, "despecialized",
        s->despecialized, "given_up", s->given_up, "handovers", "tracing",
        engine_handover_dict(s->handovers[FS_HANDOVER_TRACING]), "disabled",
        engine_handover_dict(s->handovers[FS_HANDOVER_DISABLED]), "odd_code",
        engine_handover_dict(s->handovers[FS_HANDOVER_CODE]), "gc", "ours", fs_gc_counts.ours,
        "left", fs_gc_counts.left, "simulated", fs_gc_counts.simulated, "cleared",
        fs_gc_counts.cleared, "jit", fs_jit_report());
}

PyDoc_STRVAR(engine_reset_stats_doc,
             "reset_stats()\n--\n\nSet the counters to 0, but for what is alive.");

static PyObject *engine_reset_stats(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    fs_stats_t fresh = {.translated_now = fs_stats.translated_now, .bytes_now = fs_stats.bytes_now};
    fs_stats = fresh;
    fs_gc_counts = (fs_gc_counts_t){0};
    fs_jit_reset_stats();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(engine_jit_traces_doc,
             "jit_traces(ir=False, code=False, machine_code=False) -> list of dict\n--\n\n"
             "The traces that are alive: where each begins, its size, the exits that were taken;\n"
             "with ir its instructions as text, with code the code objects and lines, with\n"
             "machine_code that, as bytes.");

PyDoc_STRVAR(engine_jit_places_doc,
             "jit_places() -> list of dict\n--\n\n"
             "The loop heads and function entries that were hot, and what became of each.");

PyDoc_STRVAR(
    engine_jit_watch_doc,
    "jit_watch()\n--\n\n"
    "From now on the code of hot places is kept for jit_places(), and traces that die are\n"
    "kept for jit_dead_traces().");

PyDoc_STRVAR(engine_jit_dead_traces_doc, "jit_dead_traces() -> list of dict\n--\n\n"
                                         "Traces that have died since jit_watch().");

PyDoc_STRVAR(engine_jit_mode_doc,
             "jit_mode() -> str\n--\n\n"
             "'on', 'ir' (traces are interpreted) or 'off': what FULLSPEED_JIT asked for when the\n"
             "engine was loaded.");

PyDoc_STRVAR(engine_jit_is_available_doc, "jit_is_available() -> bool\n--\n\n"
                                          "Whether machine code can be made on this machine.");

PyDoc_STRVAR(engine_jit_is_active_doc,
             "jit_is_active() -> bool\n--\n\n"
             "Whether the code that calls this runs in a trace just now. Only for experiments: a\n"
             "program whose course depends on it has two courses.");

PyDoc_STRVAR(
    engine_jit_install_doc,
    "_jit_install(code, slot, text, names=None, kind='loop', parent=0, guard=0) -> int\n"
    "--\n\n"
    "Make a trace of textual IR the one that is run at a slot of a code object, or from an\n"
    "exit of another trace (tests). Its number.");

PyDoc_STRVAR(engine_build_info_doc, "build_info() -> dict\n--\n\nHow this engine was built.");

static PyObject *engine_build_info(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
#ifdef FS_DEBUG
    int debug = 1;
#else
    int debug = 0;
#endif
    return Py_BuildValue("{ss ss ss ss sO}", "dispatch", fs_run_dispatch, "compiler", compiler,
                         "version", FS_VERSION, "python_built_for", "3.11", "debug",
                         debug ? Py_True : Py_False);
}

PyDoc_STRVAR(engine_record_start_doc, "record_start(size=100000)\n--\n\n"
                                      "Swap to the recording table, keeping the last ops (tests).");

static PyObject *engine_record_start(PyObject *self FS_UNUSED, PyObject *args)
{
    Py_ssize_t size = 100000;
    if (!PyArg_ParseTuple(args, "|n", &size)) {
        return NULL;
    }
    if (size < 1) {
        PyErr_Format(PyExc_ValueError, "record_start: size must be at least 1, not %zd", size);
        return NULL;
    }
    if (fs_record_start((size_t)size) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(engine_record_stop_doc,
             "record_stop() -> (count, names)\n--\n\n"
             "Swap back; how many ops were seen, and the last ones' names.");

static PyObject *engine_record_stop(PyObject *self FS_UNUSED, PyObject *unused FS_UNUSED)
{
    return fs_record_stop();
}

PyDoc_STRVAR(engine_disassemble_doc,
             "disassemble(code) -> list of (offset, op name, argument)\n--\n\n"
             "The instructions of a code object's translation as they stand now, or [] when it\n"
             "has none. offset counts code units.");

static PyObject *engine_disassemble(PyObject *self FS_UNUSED, PyObject *arg)
{
    if (!PyCode_Check(arg)) {
        return PyErr_Format(PyExc_TypeError, "disassemble: a code object is wanted, not %.100s",
                            Py_TYPE(arg)->tp_name);
    }
    PyObject *list = PyList_New(0);
    fs_code *co = fs_pyrt_code_get((PyCodeObject *)arg);
    if (list == NULL || co == NULL) {
        return list;
    }
    for (int i = 0; i < co->nslots && !co->runs_stock;) {
        fs_instr *ip = &co->instrs[i];
        PyObject *row = Py_BuildValue("(isI)", i, fs_ops[ip->op].name, ip->arg);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_XDECREF(row);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(row);
        int length = fs_ops[ip->op].length;
        i += length > 0 ? length : 1;
    }
    return list;
}

PyDoc_STRVAR(engine_is_translatable_doc,
             "is_translatable(code) -> bool\n--\n\n"
             "Whether our loop runs this code object; translates it to find out. False: it is not\n"
             "what a compiler makes, and CPython's evaluator runs it.");

static PyObject *engine_is_translatable(PyObject *self FS_UNUSED, PyObject *arg)
{
    if (!PyCode_Check(arg)) {
        return PyErr_Format(PyExc_TypeError, "is_translatable: a code object is wanted, not %.100s",
                            Py_TYPE(arg)->tp_name);
    }
    fs_code *co = fs_code_of((PyCodeObject *)arg);
    return co == NULL ? NULL : PyBool_FromLong(!co->runs_stock);
}

PyDoc_STRVAR(
    engine_after_import_doc,
    "after_import(names, module)\n--\n\n"
    "Once our loop has run an import statement for one of the names (a tuple), import the\n"
    "module and call its install(). One request at a time; for the main interpreter.");

static PyObject *engine_after_import(PyObject *self FS_UNUSED, PyObject *args)
{
    PyObject *names, *module;
    if (!PyArg_ParseTuple(args, "O!U:after_import", &PyTuple_Type, &names, &module)) {
        return NULL;
    }
    fs_sem_after_import(names, module);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(engine_ir_format_doc,
             "_ir_format(text, names=None)\n--\n\n"
             "Textual IR, read and written again. names: {name: object} (tests).");

PyDoc_STRVAR(engine_ir_verify_doc, "_ir_verify(text, names=None)\n--\n\n"
                                   "What is wrong with textual IR, None: nothing (tests).");

PyDoc_STRVAR(
    engine_ir_optimize_doc,
    "_ir_optimize(text, passes='all', names=None, end=0, emit=True, parent=None, guard=0)\n--\n\n"
    "Textual IR after the passes (a comma-separated list). end: number of the snapshot at\n"
    "the end of a loop's turn. emit: every instruction goes through fs_opt_emit first, as\n"
    "when it is recorded. parent: text of the trace whose guard this one hangs on (tests).");

PyDoc_STRVAR(
    engine_ir_run_doc,
    "_ir_run(function, slots, texts, links=[], names=None, machine=False)\n--\n\n"
    "Run trace 1 of `texts` in a frame of the function whose slots hold {slot: value}, by\n"
    "the IR interpreter or as machine code. links: [(trace, guard, side trace)]. A dict\n"
    "says how it left: trace, exit, snap, error, locals, entries, frames, code (tests).");

#define IR_METHOD(name)                                                                            \
    {"_ir_" #name, (PyCFunction)(void (*)(void))fs_engine_ir_##name, METH_VARARGS | METH_KEYWORDS, \
     engine_ir_##name##_doc}

static PyMethodDef engine_methods[] = {
    {"enable", engine_enable, METH_NOARGS, engine_enable_doc},
    {"disable", engine_disable, METH_NOARGS, engine_disable_doc},
    {"is_enabled", engine_is_enabled, METH_NOARGS, engine_is_enabled_doc},
    {"stats", engine_stats, METH_NOARGS, engine_stats_doc},
    {"reset_stats", engine_reset_stats, METH_NOARGS, engine_reset_stats_doc},
    {"build_info", engine_build_info, METH_NOARGS, engine_build_info_doc},
    {"jit_traces", (PyCFunction)(void (*)(void))fs_engine_jit_traces, METH_VARARGS | METH_KEYWORDS,
     engine_jit_traces_doc},
    {"jit_places", fs_engine_jit_places, METH_NOARGS, engine_jit_places_doc},
    {"jit_watch", fs_engine_jit_watch, METH_NOARGS, engine_jit_watch_doc},
    {"jit_dead_traces", fs_engine_jit_dead_traces, METH_NOARGS, engine_jit_dead_traces_doc},
    {"_jit_install", (PyCFunction)(void (*)(void))fs_engine_jit_install,
     METH_VARARGS | METH_KEYWORDS, engine_jit_install_doc},
    {"jit_mode", fs_engine_jit_mode, METH_NOARGS, engine_jit_mode_doc},
    {"jit_is_available", fs_engine_jit_is_available, METH_NOARGS, engine_jit_is_available_doc},
    {"jit_is_active", fs_engine_jit_is_active, METH_NOARGS, engine_jit_is_active_doc},
    {"record_start", engine_record_start, METH_VARARGS, engine_record_start_doc},
    {"record_stop", engine_record_stop, METH_NOARGS, engine_record_stop_doc},
    {"after_import", engine_after_import, METH_VARARGS, engine_after_import_doc},
    {"is_translatable", engine_is_translatable, METH_O, engine_is_translatable_doc},
    {"disassemble", engine_disassemble, METH_O, engine_disassemble_doc},
    IR_METHOD(format),
    IR_METHOD(verify),
    IR_METHOD(optimize),
    IR_METHOD(run),
    {NULL, NULL, 0, NULL},
};

/* Py_mod_exec: once per interpreter that imports the module. */
static int engine_exec(PyObject *module FS_UNUSED)
{
    if (fs_sem_init() < 0 || fs_num_init() < 0 || fs_jit_init() < 0) {
        return -1;
    }
    fs_eval_init();
    return fs_pyrt_init(fs_code_free);
}

static PyModuleDef_Slot engine_slots[] = {
    {Py_mod_exec, engine_exec},
    {0, NULL},
};

static struct PyModuleDef engine_def = {
    PyModuleDef_HEAD_INIT,       .m_name = "fullspeed._engine", .m_doc = "The C core of fullspeed.",
    .m_methods = engine_methods, .m_slots = engine_slots,
};

/* Called by PyInit__engine (src/cpu/cpu_guard.c). */
FS_HIDDEN PyObject *fs_module__engine(void);
PyObject *fs_module__engine(void)
{
    return PyModuleDef_Init(&engine_def);
}
