/* What the JIT has done and has, as Python objects. */
#include "jit/jit_report.h"

#include "asm/asm.h"
#include "jit/jit_room.h"

fs_jit_stats_t fs_jit_stats;

const char *const fs_jit_abort_names[FS_ABORT_COUNT] = {
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

/* Traces by the microseconds that making them took, for their median. */
enum { STATS_MADE = 1000 };
static uint32_t stats_made[STATS_MADE];

void fs_jit_made(uint64_t us)
{
    stats_made[us < STATS_MADE ? us : STATS_MADE - 1]++;
}

static unsigned stats_median(void)
{
    uint64_t all = 0, below = 0;
    for (int us = 0; us < STATS_MADE; us++) {
        all += stats_made[us];
    }
    unsigned us = 0;
    for (; us < STATS_MADE - 1 && (below += stats_made[us]) * 2 < all; us++) {
    }
    return us;
}

const char *fs_jit_mode(void)
{
    return !fs_jit_settings.on ? "off" : fs_jit_settings.interpret ? "ir" : "on";
}

PyObject *fs_jit_report(void)
{
    const fs_jit_stats_t *s = &fs_jit_stats;
    return Py_BuildValue(
        "{ss sN sN sN sK sK sK sK sK sK sK sK sK sK sK sI}", "mode", fs_jit_mode(), "traces",
        stats_table(fs_jit_kind_names, s->traces, FS_TRACE_KINDS), "alive",
        stats_table(fs_jit_kind_names, s->alive, FS_TRACE_KINDS), "aborts",
        stats_table(fs_jit_abort_names, s->aborts, FS_ABORT_COUNT), "entries", s->entries, "exits",
        s->exits, "given_up", s->given_up, "killed", s->killed, "evicted", s->evicted, "memory",
        (unsigned long long)fs_jit_memory_used(), "machine_code",
        (unsigned long long)fs_asm_memory_used(), "memory_limit",
        (unsigned long long)fs_jit_memory_limit, "record_us", s->record_us, "optimize_us",
        s->optimize_us, "compile_us", s->compile_us, "median_us", stats_median());
}

void fs_jit_reset_stats(void)
{
    fs_jit_stats_t fresh = {0};
    memcpy(fresh.alive, fs_jit_stats.alive, sizeof(fresh.alive));
    fs_jit_stats = fresh;
    memset(stats_made, 0, sizeof(stats_made));
}

static PyObject *stats_code(const fs_code *co, int what)
{
    return Py_NewRef(what & FS_DESCRIBE_CODE ? (PyObject *)co->pycode : Py_None);
}

static PyObject *stats_exit(const fs_trace *trace, int number, int what)
{
    static const char *const states[] = {
        [FS_EXIT_COLD] = "cold", [FS_EXIT_LINKED] = "linked", [FS_EXIT_GIVEN_UP] = "given up"};
    const fs_exit *exit = &trace->exits[number];
    int slot;
    const fs_code *co = fs_jit_exit_place(exit, &slot);
    PyObject *side =
        exit->side != NULL ? PyLong_FromUnsignedLong(exit->side->id) : Py_NewRef(Py_None);
    return Py_BuildValue("{si sI ss ss si si sO sO si si si sz sz sz si sN sN}", "number", number,
                         "count", (unsigned)exit->count, "state", states[exit->state], "guard",
                         fs_ir_ops[trace->ir.ins[exit->guard].op].name, "ref", (int)exit->guard,
                         "snap", exit->snap + 1, "file", co->pycode->co_filename, "function",
                         co->pycode->co_qualname, "line", fs_jit_line_of(co, slot), "slot", slot,
                         "failures", (int)exit->failures, "why",
                         exit->why != 0 ? fs_jit_abort_names[exit->why] : NULL, "why_text",
                         exit->why != 0 ? fs_jit_abort_texts[exit->why] : NULL, "why_op",
                         exit->why_op != 0 ? fs_jit_op_name(exit->why_op) : NULL, "why_line",
                         exit->why_line, "side", side, "code", stats_code(co, what));
}

/* The exits that were ever taken. */
static PyObject *stats_exits(const fs_trace *trace, int what)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < trace->nexits; i++) {
        const fs_exit *exit = &trace->exits[i];
        if (exit->count == 0 && exit->state == FS_EXIT_COLD && exit->failures == 0) {
            continue;
        }
        PyObject *row = stats_exit(trace, i, what);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* Where the trace's snapshots stand: {(code, slot)}. */
static PyObject *stats_slots(const fs_trace *trace)
{
    PyObject *set = PySet_New(NULL);
    for (int i = 0; set != NULL && i < trace->ir.nsnap_frames; i++) {
        const fs_snap_frame *frame = &trace->ir.snap_frames[i];
        const fs_code *co = trace->ir.frames[frame->desc].co;
        PyObject *slot = Py_BuildValue("(Oi)", co->pycode, frame->slot);
        if (slot == NULL || PySet_Add(set, slot) < 0) {
            Py_CLEAR(set);
        }
        Py_XDECREF(slot);
    }
    return set;
}

/* What a function makes of the trace; None when nobody wants that. */
static PyObject *stats_if(bool wanted, PyObject *(*make)(const fs_trace *), const fs_trace *trace)
{
    return wanted ? make(trace) : Py_NewRef(Py_None);
}

static PyObject *stats_ir(const fs_trace *trace)
{
    return fs_ir_format(&trace->ir, NULL);
}

PyObject *fs_jit_describe(const fs_trace *trace, int what)
{
    PyObject *from = trace->from == NULL
                         ? Py_NewRef(Py_None)
                         : Py_BuildValue("(Ii)", (unsigned)trace->from->trace->id,
                                         (int)(trace->from - trace->from->trace->exits));
    PyObject *target =
        trace->target == NULL ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(trace->target->id);
    bool has_code = (what & FS_DESCRIBE_BYTES) != 0 && trace->code != NULL;
    return Py_BuildValue(
        "{sI ss sO si si sO sI si sn sK sI sI sN sN sN sN sN sN sN sK}", "id", (unsigned)trace->id,
        "kind", fs_jit_kind_names[trace->kind], "file", trace->co->pycode->co_filename, "line",
        fs_jit_line_of(trace->co, trace->slot), "slot", trace->slot, "function",
        trace->co->pycode->co_qualname, "root", (unsigned)trace->root->id, "instructions",
        trace->ir.nins - 1, "bytes", (Py_ssize_t)trace->code_size, "entries", trace->entries,
        "record_us", (unsigned)trace->record_us, "compile_us", (unsigned)trace->compile_us, "from",
        from, "goes_on_in", target, "exits", stats_exits(trace, what), "ir",
        stats_if(what & FS_DESCRIBE_IR, stats_ir, trace), "slots",
        stats_if(what & FS_DESCRIBE_CODE, stats_slots, trace), "machine_code",
        stats_if(has_code, fs_asm_bytes, trace), "code", stats_code(trace->co, what), "address",
        (unsigned long long)(uintptr_t)trace->code);
}

PyObject *fs_jit_list_traces(int what)
{
    PyObject *list = PyList_New(0);
    for (uint32_t id = 1; list != NULL && id < fs_jit_next_id; id++) {
        const fs_trace *trace = fs_jit_trace_of(id);
        if (trace == NULL) {
            continue;
        }
        PyObject *row = fs_jit_describe(trace, what);
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
