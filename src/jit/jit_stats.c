/* What the JIT has done and has, as Python objects. */
#include "jit/jit_report.h"

#include "asm/asm.h"
#include "jit/jit_room.h"

fs_jit_stats_t fs_jit_stats;

static const char *const stats_aborts[FS_ABORT_COUNT] = {
#define X(name, text) #name,
    FS_ABORTS(X)
#undef X
};

/* dict[name] = number; false with an error. */
static bool stats_put(PyObject *dict, const char *name, uint64_t number)
{
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    bool done = value != NULL && PyDict_SetItemString(dict, name, value) == 0;
    Py_XDECREF(value);
    return done;
}

/* {name: number} of those that are not 0. */
static PyObject *stats_table(const char *const *names, const uint64_t *numbers, int n)
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < n; i++) {
        if (numbers[i] != 0 && !stats_put(dict, names[i], numbers[i])) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

const char *fs_jit_mode(void)
{
    return !fs_jit_settings.on ? "off" : fs_jit_settings.interpret ? "ir" : "on";
}

PyObject *fs_jit_report(void)
{
    const fs_jit_stats_t *s = &fs_jit_stats;
    return Py_BuildValue("{ss sN sN sN sK sK sK sK sK sK sK sK sK sK}", "mode", fs_jit_mode(),
                         "traces", stats_table(fs_jit_kind_names, s->traces, FS_TRACE_KINDS),
                         "alive", stats_table(fs_jit_kind_names, s->alive, FS_TRACE_KINDS),
                         "aborts", stats_table(stats_aborts, s->aborts, FS_ABORT_COUNT), "entries",
                         s->entries, "exits", s->exits, "given_up", s->given_up, "killed",
                         s->killed, "evicted", s->evicted, "memory",
                         (unsigned long long)fs_asm_memory_used(), "memory_limit",
                         (unsigned long long)fs_jit_memory_limit, "record_us", s->record_us,
                         "optimize_us", s->optimize_us, "compile_us", s->compile_us);
}

void fs_jit_reset_stats(void)
{
    fs_jit_stats_t fresh = {0};
    memcpy(fresh.alive, fs_jit_stats.alive, sizeof(fresh.alive));
    fs_jit_stats = fresh;
}

/* The exits that were ever taken. */
static PyObject *stats_exits(const fs_trace *trace)
{
    static const char *const states[] = {
        [FS_EXIT_COLD] = "cold", [FS_EXIT_LINKED] = "linked", [FS_EXIT_GIVEN_UP] = "given up"};
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < trace->nexits; i++) {
        const fs_exit *exit = &trace->exits[i];
        if (exit->count == 0 && exit->state == FS_EXIT_COLD) {
            continue;
        }
        int slot;
        const fs_code *co = fs_jit_exit_place(exit, &slot);
        PyObject *row = Py_BuildValue(
            "{si sI ss ss sO si si sN}", "number", i, "count", (unsigned)exit->count, "state",
            states[exit->state], "guard", fs_ir_ops[trace->ir.ins[exit->guard].op].name, "file",
            co->pycode->co_filename, "line", fs_jit_line_of(co, slot), "failures",
            (int)exit->failures, "side",
            exit->side != NULL ? PyLong_FromUnsignedLong(exit->side->id) : Py_NewRef(Py_None));
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *stats_trace(const fs_trace *trace, bool with_ir)
{
    PyObject *from = trace->from == NULL
                         ? Py_NewRef(Py_None)
                         : Py_BuildValue("(Ii)", (unsigned)trace->from->trace->id,
                                         (int)(trace->from - trace->from->trace->exits));
    PyObject *target =
        trace->target == NULL ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(trace->target->id);
    PyObject *ir = with_ir ? fs_ir_format(&trace->ir, NULL) : Py_NewRef(Py_None);
    return Py_BuildValue(
        "{sI ss sO si si sO sI si sn sK sN sN sN sN}", "id", (unsigned)trace->id, "kind",
        fs_jit_kind_names[trace->kind], "file", trace->co->pycode->co_filename, "line",
        fs_jit_line_of(trace->co, trace->slot), "slot", trace->slot, "function",
        trace->co->pycode->co_qualname, "root", (unsigned)trace->root->id, "instructions",
        trace->ir.nins - 1, "bytes", (Py_ssize_t)trace->code_size, "entries", trace->entries,
        "from", from, "goes_on_in", target, "exits", stats_exits(trace), "ir", ir);
}

PyObject *fs_jit_list_traces(bool with_ir)
{
    PyObject *list = PyList_New(0);
    for (uint32_t id = 1; list != NULL && id < fs_jit_next_id; id++) {
        const fs_trace *trace = fs_jit_trace_of(id);
        if (trace == NULL) {
            continue;
        }
        PyObject *row = stats_trace(trace, with_ir);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

bool fs_jit_is_active(void)
{
    const PyThreadState *ts = PyThreadState_Get();
    for (const fs_jit_inside *inside = fs_jit_insiders; inside != NULL; inside = inside->next) {
        if (&inside->ctx->cframe == ts->cframe) {
            return true;
        }
    }
    return false;
}
