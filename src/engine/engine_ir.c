/* The trace JIT's parts one by one, for tests: textual IR through verifier, passes, IR interpreter
 * and back end.
 *
 * _ir_run makes a frame of a function that the test gives, as if that function were running and
 * had come to the trace's anchor, runs a trace in it, and says where it left and with what values.
 */
#include "engine/engine.h"

#include "asm/asm.h"
#include "interp/interp_macros.h"
#include "jit/jit_help.h"
#include "opt/opt.h"

#include <stdlib.h>

static int ir_parse(fs_ir *ir, const char *text, PyObject *names)
{
    if (names != NULL && !PyDict_Check(names)) {
        PyErr_SetString(PyExc_TypeError, "names must be a dict");
        return -1;
    }
    fs_ir_init(ir);
    return fs_ir_parse(ir, text, names);
}

static PyObject *ir_none_is_null(PyObject *o)
{
    return o == Py_None ? NULL : o;
}

PyObject *fs_engine_ir_format(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"text", "names", NULL};
    const char *text;
    PyObject *names = Py_None, *result = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O:_ir_format", keywords, &text, &names)) {
        return NULL;
    }
    fs_ir ir;
    if (ir_parse(&ir, text, ir_none_is_null(names)) == 0) {
        result = fs_ir_format(&ir, ir_none_is_null(names));
    }
    fs_ir_clear(&ir);
    return result;
}

PyObject *fs_engine_ir_verify(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"text", "names", NULL};
    const char *text;
    PyObject *names = Py_None, *result = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O:_ir_verify", keywords, &text, &names)) {
        return NULL;
    }
    fs_ir ir;
    char buffer[200];
    if (ir_parse(&ir, text, ir_none_is_null(names)) == 0) {
        const char *fault = fs_ir_verify(&ir, buffer, sizeof(buffer));
        result = fault == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(fault);
    }
    fs_ir_clear(&ir);
    return result;
}

/* ---- _ir_optimize ---- */

/* A trace on its way through fs_opt_emit into another one. */
typedef struct {
    const fs_ir *from;
    fs_ir *to;
    fs_ref *refs; /* of `to`, by ref of `from` */
    int *snaps;   /* likewise */
    int *places;  /* number of instructions of `to` when this one came */
    bool never;   /* a guard that never holds has come: the trace leaves there */
} ir_feed;

static fs_ref ir_feed_ref(const ir_feed *feed, fs_ref ref)
{
    if (ref >= 0) {
        return feed->refs[ref];
    }
    return fs_ir_const_of(feed->to, fs_ir_constant(feed->from, ref));
}

/* The snapshot of `from` in `to`. */
static int ir_feed_snap(const ir_feed *feed, int number)
{
    const fs_ir *from = feed->from;
    if (number == 0 || feed->snaps[number] != 0) {
        return number == 0 ? 0 : feed->snaps[number];
    }
    const fs_snap *snap = &from->snaps[number - 1];
    fs_snap_entry entries[FS_SPILL_SLOTS];
    int n = snap->nentries < FS_SPILL_SLOTS ? snap->nentries : FS_SPILL_SLOTS;
    for (int i = 0; i < n; i++) {
        entries[i] = from->entries[snap->entries + (uint32_t)i];
        entries[i].ref = ir_feed_ref(feed, entries[i].ref);
    }
    feed->snaps[number] = fs_ir_snap(feed->to, &from->snap_frames[snap->frames], snap->nframes,
                                     entries, n, snap->flags);
    return feed->snaps[number];
}

static void ir_feed_ins(ir_feed *feed, int i)
{
    fs_ins ins = feed->from->ins[i];
    fs_ref args[FS_SPILL_SLOTS];
    int n = ins.nargs < FS_SPILL_SLOTS ? ins.nargs : FS_SPILL_SLOTS;
    for (int k = 0; k < n; k++) {
        args[k] = ir_feed_ref(feed, feed->from->pool[ins.args + (uint32_t)k]);
    }
    ins.args = n > 0 ? fs_ir_args(feed->to, args, n) : 0;
    ins.a = ir_feed_ref(feed, ins.a);
    ins.b = ir_feed_ref(feed, ins.b);
    ins.c = ir_feed_ref(feed, ins.c);
    ins.snap = (uint16_t)ir_feed_snap(feed, ins.snap);
    feed->places[i] = feed->to->nins;
    feed->refs[i] = fs_opt_emit(feed->to, &ins, &feed->never);
    if (ins.op == FS_IR_LOOP) {
        feed->to->loop = feed->refs[i];
    }
}

static void ir_feed_rest(ir_feed *feed)
{
    const fs_ir *from = feed->from;
    fs_ir *to = feed->to;
    for (int i = 0; i < from->nframes; i++) {
        fs_frame_desc desc = from->frames[i];
        desc.func = ir_feed_ref(feed, desc.func);
        desc.baseref = ir_feed_ref(feed, desc.baseref);
        (void)fs_ir_frame(to, &desc);
    }
    to->slots = from->nslots > 0 ? calloc((size_t)from->nslots, sizeof(*to->slots)) : NULL;
    to->nslots = to->slots == NULL ? 0 : from->nslots;
    for (int i = 0; i < to->nslots; i++) {
        to->slots[i] = from->slots[i];
        to->slots[i].end = ir_feed_ref(feed, from->slots[i].end);
        to->slots[i].first = feed->places[from->slots[i].first];
    }
    to->parent_snap = from->parent_snap;
}

/* Writes `from` again, every instruction through fs_opt_emit as if it were recorded; *end becomes
 * the number of its snapshot there. */
static bool ir_feed_all(const fs_ir *from, fs_ir *to, int *end)
{
    ir_feed feed = {
        .from = from,
        .to = to,
        .refs = calloc((size_t)from->nins, sizeof(fs_ref)),
        .snaps = calloc((size_t)from->nsnaps + 1, sizeof(int)),
        .places = calloc((size_t)from->nins + 1, sizeof(int)),
    };
    bool good = feed.refs != NULL && feed.snaps != NULL && feed.places != NULL;
    for (int i = 1; good && i < from->nins && !feed.never; i++) {
        ir_feed_ins(&feed, i);
        if (feed.never) {
            fs_ins leave = {.op = FS_IR_JEXIT,
                            .snap = (uint16_t)ir_feed_snap(&feed, from->ins[i].snap)};
            good = *end == 0 && fs_ir_append(to, &leave) != 0;
        }
    }
    if (good) {
        feed.places[from->nins] = to->nins;
        ir_feed_rest(&feed);
        *end = ir_feed_snap(&feed, *end);
    }
    free(feed.refs);
    free(feed.snaps);
    free(feed.places);
    return good && !to->failed;
}

/* The passes of a comma-separated list, or "all"; -1 with ValueError. */
static int64_t ir_passes(const char *list)
{
    static const char *const names[] = {
#define X(name, help) #name,
        FS_PASSES(X)
#undef X
    };
    int64_t passes = 0;
    if (strcmp(list, "all") == 0) {
        return FS_PASS_ALL;
    }
    while (*list != '\0') {
        size_t n = strcspn(list, ",");
        int i = 0;
        while (i < FS_PASS_N && (strlen(names[i]) != n || strncmp(names[i], list, n) != 0)) {
            i++;
        }
        if (i == FS_PASS_N) {
            PyErr_Format(PyExc_ValueError, "no such pass: %.*s", (int)n, list);
            return -1;
        }
        passes |= 1 << i;
        list += n + (list[n] == ',');
    }
    return passes;
}

/* Raises ValueError when IR is not well-formed. */
static int ir_check(const fs_ir *ir, const char *when)
{
    char buffer[200];
    const char *fault = fs_ir_verify(ir, buffer, sizeof(buffer));
    if (fault != NULL) {
        PyErr_Format(PyExc_ValueError, "%s: %s", when, fault);
    }
    return fault == NULL ? 0 : -1;
}

PyObject *fs_engine_ir_optimize(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"text", "passes", "names", "end", "emit", "parent", "guard", NULL};
    const char *text, *list = "all", *parent_text = NULL;
    PyObject *names = Py_None, *result = NULL;
    int end = 0, emit = 1, guard = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|sOipzi:_ir_optimize", keywords, &text, &list,
                                     &names, &end, &emit, &parent_text, &guard)) {
        return NULL;
    }
    int64_t passes = ir_passes(list);
    if (passes < 0) {
        return NULL;
    }
    fs_ir parsed = {0}, fed, parent = {0};
    fs_ir *ir = &parsed;
    fs_ir_init(&fed);
    bool has_parent = parent_text != NULL;
    if ((!has_parent || ir_parse(&parent, parent_text, ir_none_is_null(names)) == 0) &&
        ir_parse(&parsed, text, ir_none_is_null(names)) == 0) {
        parsed.passes = fed.passes = (uint32_t)passes;
        parsed.parent = fed.parent = has_parent ? &parent : NULL;
        parsed.parent_guard = fed.parent_guard = guard;
        bool good = !emit || ir_feed_all(&parsed, &fed, &end);
        ir = emit ? &fed : &parsed;
        if (!good || !fs_opt_run(ir, end)) {
            PyErr_SetString(PyExc_ValueError, "the passes gave the trace up");
        } else if (ir_check(ir, "after the passes") == 0) {
            result = fs_ir_format(ir, ir_none_is_null(names));
        }
    }
    fs_ir_clear(&parsed);
    fs_ir_clear(&fed);
    fs_ir_clear(&parent);
    return result;
}

/* ---- _ir_run ---- */

enum { IR_MAX_TRACES = 16 };

typedef struct {
    PyThreadState *ts;
    fs_ctx ctx;
    fs_exit_state state;
    fs_trace traces[IR_MAX_TRACES];
    int ntraces;
    bool machine;
    PyObject *made[FS_SPILL_SLOTS]; /* objects made of sunk allocations, */
    fs_ref made_of[FS_SPILL_SLOTS]; /* by ref */
    int nmade;
} ir_runner;

static int ir_add_trace(ir_runner *runner, PyObject *text, PyObject *names, fs_code *co)
{
    fs_trace *trace = &runner->traces[runner->ntraces];
    const char *utf8 = PyUnicode_AsUTF8(text);
    if (utf8 == NULL) {
        return -1;
    }
    runner->ntraces++;
    if (ir_parse(&trace->ir, utf8, names) < 0) {
        return -1;
    }
    trace->id = (uint32_t)runner->ntraces;
    trace->kind = trace->ir.loop != 0 ? FS_TRACE_LOOP : FS_TRACE_ENTRY;
    trace->co = co;
    trace->root = trace;
    trace->interp = runner->ts->interp;
    return ir_check(&trace->ir, "not well-formed") < 0 || !fs_jit_make_exits(trace) ? -1 : 0;
}

/* The trace of a number that the test gives. */
static fs_trace *ir_trace(ir_runner *runner, int number)
{
    if (number < 1 || number > runner->ntraces) {
        PyErr_Format(PyExc_ValueError, "there is no trace %d", number);
        return NULL;
    }
    return &runner->traces[number - 1];
}

/* Finds out what a JTRACE goes on in, makes machine code. */
static int ir_finish_trace(ir_runner *runner, fs_trace *trace)
{
    const fs_ins *last = &trace->ir.ins[trace->ir.nins - 1];
    if (last->op == FS_IR_JTRACE) {
        trace->target = ir_trace(runner, last->aux);
        if (trace->target == NULL) {
            return -1;
        }
    }
    const char *reason = NULL;
    if (runner->machine && fs_asm_compile(trace, &reason) < 0) {
        PyErr_Format(PyExc_ValueError, "trace %u cannot be compiled: %s", trace->id, reason);
        return -1;
    }
    return 0;
}

/* A side trace at an exit of its parent. */
static int ir_link(ir_runner *runner, int parent, int guard, int side)
{
    fs_trace *from = ir_trace(runner, parent);
    fs_trace *to = ir_trace(runner, side);
    fs_exit *exit = from == NULL || to == NULL ? NULL : fs_jit_exit_at(from, guard);
    if (exit == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "trace %d has no exit at %d", parent, guard);
        }
        return -1;
    }
    to->kind = FS_TRACE_SIDE;
    to->root = from->root;
    to->from = exit;
    to->ir.parent = &from->ir;
    to->ir.parent_snap = exit->snap;
    if (ir_check(&to->ir, "not well-formed") < 0 || ir_finish_trace(runner, to) < 0) {
        return -1;
    }
    exit->side = to;
    exit->state = FS_EXIT_LINKED;
    if (runner->machine) {
        fs_asm_link_exit(exit, to);
    }
    return 0;
}

/* Reads the traces: trace 1 is the root, `links` says where side traces hang. */
static int ir_add_traces(ir_runner *runner, PyObject *texts, PyObject *links, PyObject *names,
                         fs_code *co)
{
    if (!PyList_Check(texts) || PyList_GET_SIZE(texts) < 1 ||
        PyList_GET_SIZE(texts) > IR_MAX_TRACES || !PyList_Check(links)) {
        PyErr_Format(PyExc_TypeError, "lists are wanted, of 1 to %d traces", IR_MAX_TRACES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(texts); i++) {
        if (ir_add_trace(runner, PyList_GET_ITEM(texts, i), names, co) < 0) {
            return -1;
        }
    }
    bool is_side[IR_MAX_TRACES] = {false};
    int parent, guard, side;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(links); i++) {
        if (!PyArg_ParseTuple(PyList_GET_ITEM(links, i), "iii", &parent, &guard, &side) ||
            ir_trace(runner, side) == NULL) {
            return -1;
        }
        is_side[side - 1] = true;
    }
    for (int i = 0; i < runner->ntraces; i++) {
        if (!is_side[i] && ir_finish_trace(runner, &runner->traces[i]) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(links); i++) {
        if (!PyArg_ParseTuple(PyList_GET_ITEM(links, i), "iii", &parent, &guard, &side) ||
            ir_link(runner, parent, guard, side) < 0) {
            return -1;
        }
    }
    return 0;
}

static void ir_free_traces(ir_runner *runner)
{
    for (int i = 0; i < runner->ntraces; i++) {
        fs_trace *trace = &runner->traces[i];
        if (runner->machine && trace->code != NULL) {
            fs_asm_free(trace);
        }
        for (int k = 0; k < trace->nexits; k++) {
            free(trace->exits[k].locs);
        }
        free(trace->exits);
        free(trace->live);
        free(trace->live_where);
        fs_ir_clear(&trace->ir);
    }
}

/* Locals and stack slots of a code object's frames. */
static int ir_room(const fs_code *co)
{
    return co->framesize - 1 -
           (int)(offsetof(_PyInterpreterFrame, localsplus) / sizeof(PyObject *));
}

/* A frame of the function with the given slots; NULL with an error. */
static _PyInterpreterFrame *ir_frame(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                     PyObject *slots)
{
    int room = ir_room(co);
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(slots, &pos, &key, &value)) {
        long slot = PyLong_AsLong(key);
        if (slot < 0 || slot >= room) {
            PyErr_Format(PyExc_ValueError, "no such slot: %R", key);
            return NULL;
        }
    }
    _PyInterpreterFrame *frame = fs_frame_push(ts, func, co, FS_KIND_CALL);
    if (frame == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no room on the data stack");
        return NULL;
    }
    Py_INCREF(func);
    for (int i = 0; i < room; i++) {
        frame->localsplus[i] = NULL;
    }
    pos = 0;
    while (PyDict_Next(slots, &pos, &key, &value)) {
        frame->localsplus[PyLong_AsLong(key)] = Py_NewRef(value);
    }
    return frame;
}

/* The word that a ref has at the exit. */
static uint64_t ir_word(ir_runner *runner, fs_ref ref)
{
    const fs_exit_state *state = &runner->state;
    const fs_exit *exit = state->exit;
    if (ref <= 0) {
        return ref == 0 ? 0 : exit->trace->ir.consts[-ref].bits;
    }
    if (state->values != NULL) {
        return state->values[ref];
    }
    uint64_t word = 0;
    for (int i = 0; i < exit->nlocs; i++) {
        int where = exit->locs[i].where;
        if (exit->locs[i].ref != ref) {
            continue;
        }
        if (where >= FS_LOC_XMM && where < FS_LOC_SPILL) {
            memcpy(&word, &state->xmm[where - FS_LOC_XMM], sizeof(word));
        } else {
            word = where < FS_LOC_XMM ? state->gpr[where] : state->spill[where - FS_LOC_SPILL];
        }
        return word;
    }
    PyErr_Format(PyExc_ValueError, "the exit at %d has no place for %d", exit->guard, ref);
    return 0;
}

static PyObject *ir_value(ir_runner *runner, fs_ref ref);

/* The object of a sunk allocation (borrowed), made when it is asked for first. */
static PyObject *ir_make_sunk(ir_runner *runner, fs_ref ref, const fs_ins *ins)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    for (int i = 0; i < runner->nmade; i++) {
        if (runner->made_of[i] == ref) {
            return runner->made[i];
        }
    }
    PyObject *parts[FS_SCRATCH_ARGS] = {NULL};
    for (int i = 0; i < ins->nargs && i < FS_SCRATCH_ARGS; i++) {
        fs_ref part = ir->pool[ins->args + (uint32_t)i];
        parts[i] = part == 0 ? NULL : ir_value(runner, part);
        /* Objects that are not made here come with a reference of the trace's own. */
        if (part != 0 && fs_ir_type(ir, part) == FS_T_OBJ &&
            !(part > 0 && ir->ins[part].flags & FS_INS_SUNK)) {
            Py_DECREF(parts[i]);
        }
    }
    uint64_t word = ins->nargs == 0 && ins->op != FS_IR_NEWINST ? ir_word(runner, ins->a) : 0;
    double real;
    memcpy(&real, &word, sizeof(real));
    PyObject *made = NULL;
    switch (ins->op) {
    case FS_IR_BOXI:
        made = fs_jit_box_int((int64_t)word);
        break;
    case FS_IR_BOXF:
        made = fs_jit_box_float(real);
        break;
    case FS_IR_BOXB:
        made = fs_jit_box_bool(word);
        break;
    case FS_IR_NEWTUPLE:
        made = fs_jit_new_tuple(&runner->ctx, parts, ins->nargs);
        break;
    case FS_IR_NEWLIST:
        made = fs_jit_new_list(&runner->ctx, parts, ins->nargs);
        break;
    default:
        made = fs_jit_new_instance(&runner->ctx, (PyTypeObject *)(uintptr_t)ir_word(runner, ins->a),
                                   parts, ins->nargs);
        break;
    }
    if (made == NULL || runner->nmade == FS_SPILL_SLOTS) {
        PyErr_NoMemory();
        return NULL;
    }
    runner->made_of[runner->nmade] = ref;
    runner->made[runner->nmade++] = made;
    return made;
}

/* The value of a ref as a Python object (a new reference); None for none. */
static PyObject *ir_value(ir_runner *runner, fs_ref ref)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    if (ref == 0) {
        Py_RETURN_NONE;
    }
    if (ref > 0 && ir->ins[ref].flags & FS_INS_SUNK) {
        return Py_XNewRef(ir_make_sunk(runner, ref, &ir->ins[ref]));
    }
    uint64_t word = ir_word(runner, ref);
    double real;
    memcpy(&real, &word, sizeof(real));
    if (PyErr_Occurred()) {
        return NULL;
    }
    switch (fs_ir_type(ir, ref)) {
    case FS_T_I64:
        return PyLong_FromLongLong((int64_t)word);
    case FS_T_F64:
        return PyFloat_FromDouble(real);
    case FS_T_B:
        return PyBool_FromLong((word & 0xff) != 0); /* the rest of a register is not sure */
    case FS_T_PTR:
        return PyLong_FromUnsignedLongLong(word);
    default:
        return word == 0 ? Py_NewRef(Py_None) : Py_NewRef((PyObject *)(uintptr_t)word);
    }
}

/* Whether the trace owned a reference that an entry hands on. */
static bool ir_entry_owns(ir_runner *runner, const fs_snap_entry *entry)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    return entry->owned && entry->ref > 0 && ir->ins[entry->ref].type == FS_T_OBJ &&
           !(ir->ins[entry->ref].flags & FS_INS_SUNK);
}

/* [(frame, slot, value), ...] of the snapshot; a slot of -1 is what is dropped. */
static PyObject *ir_entries(ir_runner *runner)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    const fs_snap *snap = &ir->snaps[runner->state.exit->snap];
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < snap->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        PyObject *value = ir_value(runner, entry->ref);
        PyObject *row =
            value == NULL ? NULL : Py_BuildValue("(iiN)", entry->frame, entry->slot, value);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* [(description, slot, depth, real), ...] of the snapshot's frames. */
static PyObject *ir_frames(ir_runner *runner)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    const fs_snap *snap = &ir->snaps[runner->state.exit->snap];
    PyObject *list = PyList_New(snap->nframes);
    for (int i = 0; list != NULL && i < snap->nframes; i++) {
        const fs_snap_frame *frame = &ir->snap_frames[snap->frames + (uint32_t)i];
        PyList_SET_ITEM(list, i,
                        Py_BuildValue("(iiiO)", frame->desc, frame->slot, frame->depth,
                                      frame->real ? Py_True : Py_False));
    }
    return list;
}

/* {slot: value} of the locals that the root frame's memory holds. */
static PyObject *ir_locals(ir_runner *runner, fs_code *co)
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < co->nlocalsplus; i++) {
        PyObject *value = runner->state.frame->localsplus[i];
        PyObject *key = value == NULL ? NULL : PyLong_FromLong(i);
        if (value != NULL && (key == NULL || PyDict_SetItem(dict, key, value) < 0)) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
    }
    return dict;
}

/* The exception that is set, as an object; None when there is none. */
static PyObject *ir_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) {
        Py_RETURN_NONE;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Empties what the frame of place `place` in the snapshot does not own, and drops the rest. */
static void ir_clear_frame(ir_runner *runner, int place)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    const fs_snap *snap = &ir->snaps[runner->state.exit->snap];
    const fs_snap_frame *at = &ir->snap_frames[snap->frames + (uint32_t)place];
    _PyInterpreterFrame *frame = runner->ctx.cframe.current_frame;
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        if (entry->frame == place && entry->slot >= 0 && !entry->stale) {
            frame->localsplus[entry->slot] = NULL;
        }
    }
    frame->stacktop = at->depth;
    runner->ctx.cframe.current_frame = frame->previous;
    fs_pyrt_frame_clear(runner->ts, frame);
    fs_pyrt_frame_free(runner->ts, frame);
}

/* Whether every slot of the snapshots is one that the frame has. */
static int ir_check_slots(const fs_ir *ir, int room)
{
    for (int i = 0; i < ir->nsnaps; i++) {
        const fs_snap *snap = &ir->snaps[i];
        for (int k = 0; k < snap->nentries; k++) {
            const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)k];
            if (entry->frame == 0 && entry->slot >= room) {
                PyErr_Format(PyExc_ValueError, "snapshot %d: the function has no slot %d", i + 1,
                             entry->slot);
                return -1;
            }
        }
    }
    return 0;
}

/* Gives back everything that the trace and its frames own. */
static void ir_drop_all(ir_runner *runner)
{
    const fs_ir *ir = &runner->state.exit->trace->ir;
    const fs_snap *snap = &ir->snaps[runner->state.exit->snap];
    for (int i = snap->nframes - 1; i >= 0; i--) {
        if (i == 0 || ir->snap_frames[snap->frames + (uint32_t)i].real) {
            ir_clear_frame(runner, i);
        }
    }
    for (int i = 0; i < snap->nentries; i++) {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        if (ir_entry_owns(runner, entry)) {
            Py_DECREF((PyObject *)(uintptr_t)ir_word(runner, entry->ref));
        }
    }
    for (int i = 0; i < runner->nmade; i++) {
        Py_DECREF(runner->made[i]);
    }
}

/* An activation as fs_eval makes it, with the frame as its entry frame. */
static void ir_activate(ir_runner *runner, _PyInterpreterFrame *frame, fs_code *co)
{
    PyThreadState *ts = runner->ts;
    fs_ctx *ctx = &runner->ctx;
    ctx->ts = ts;
    ctx->eval_breaker = &ts->interp->ceval.eval_breaker;
    ctx->slot = &ts->interp->eval_frame;
    ctx->table = fs_run_table(FS_TABLE_MAIN);
    ctx->co = co;
    ctx->frame = frame;
    ctx->cframe.previous = ts->cframe;
    ctx->cframe.current_frame = frame;
    frame->is_entry = true;
    frame->previous = ts->cframe->current_frame;
    frame->stacktop = -1;
    runner->state.ctx = ctx;
    runner->state.frame = frame;
    runner->state.dstack = ts->datastack_top;
    ts->cframe = &ctx->cframe;
}

/* The machine code of all traces, as a list of bytes; [] when there is none. */
static PyObject *ir_code(ir_runner *runner)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && runner->machine && i < runner->ntraces; i++) {
        PyObject *bytes = fs_asm_bytes(&runner->traces[i]);
        if (bytes == NULL || PyList_Append(list, bytes) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(bytes);
    }
    return list;
}

/* Runs trace 1 and says how it left. */
static PyObject *ir_execute(ir_runner *runner, PyFunctionObject *func, fs_code *co, PyObject *slots)
{
    PyThreadState *ts = runner->ts;
    for (int i = 0; i < runner->ntraces; i++) {
        if (ir_check_slots(&runner->traces[i].ir, ir_room(co)) < 0) {
            return NULL;
        }
    }
    _PyInterpreterFrame *frame = ir_frame(ts, func, co, slots);
    if (frame == NULL) {
        return NULL;
    }
    _PyCFrame *outer = ts->cframe;
    int depth = ts->recursion_remaining;
    ir_activate(runner, frame, co);
    if (runner->machine) {
        fs_asm_enter(&runner->traces[0], &runner->state);
    } else {
        fs_ir_run(&runner->traces[0], &runner->state);
    }
    PyObject *error = ir_exception();
    PyObject *locals = ir_locals(runner, co);
    PyObject *entries = ir_entries(runner);
    PyObject *result = NULL;
    if (error != NULL && locals != NULL && entries != NULL) {
        const fs_exit *exit = runner->state.exit;
        result =
            Py_BuildValue("{sI si si sO sO sO sN sN}", "trace", exit->trace->id, "exit",
                          exit->guard, "snap", exit->snap + 1, "error", error, "locals", locals,
                          "entries", entries, "frames", ir_frames(runner), "code", ir_code(runner));
    }
    Py_XDECREF(error);
    Py_XDECREF(locals);
    Py_XDECREF(entries);
    ir_drop_all(runner);
    ts->cframe = outer;
    outer->use_tracing = runner->ctx.cframe.use_tracing;
    ts->recursion_remaining = depth;
    PyMem_Free(runner->state.values);
    return result;
}

PyObject *fs_engine_ir_run(PyObject *self FS_UNUSED, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"function", "slots", "texts", "links", "names", "machine", NULL};
    PyFunctionObject *func;
    PyObject *slots, *texts, *links = NULL, *names = Py_None, *result = NULL;
    int machine = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O|OOp:_ir_run", keywords, &PyFunction_Type,
                                     &func, &PyDict_Type, &slots, &texts, &links, &names,
                                     &machine)) {
        return NULL;
    }
    fs_code *co = fs_code_of((PyCodeObject *)func->func_code);
    ir_runner *runner = PyMem_Calloc(1, sizeof(*runner));
    PyObject *no_links = PyList_New(0);
    if (co != NULL && runner != NULL && no_links != NULL) {
        runner->ts = _PyThreadState_GET();
        runner->machine = machine;
        if (ir_add_traces(runner, texts, links == NULL ? no_links : links, ir_none_is_null(names),
                          co) == 0) {
            result = ir_execute(runner, func, co, slots);
        } else if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        ir_free_traces(runner);
    }
    Py_XDECREF(no_links);
    PyMem_Free(runner);
    return result;
}
