/* What became of hot places: why recordings came to nothing, what was made, what has died.
 *
 * A note per place, in a list, made when the first recording from there ends; it goes with its
 * code. While somebody watches (`fullspeed explain`), notes keep their code instead, and a
 * trace that dies is written down as it is then.
 */
#include "jit/jit_watch.h"

#include "jit/jit_report.h"
#include "jit/jit_room.h"

enum { NOTES_DEAD = 2000 };

static fs_jit_note *notes_first;
static bool notes_watch;
static PyObject *notes_dead; /* list */
static struct {
    const fs_code *co; /* NULL: not known */
    int slot;
} notes_stop;

void fs_jit_watch(void)
{
    notes_watch = true;
}

void fs_jit_note_stop(const fs_code *co, int slot)
{
    notes_stop.co = co;
    notes_stop.slot = slot;
}

/* The note of a place, made when there is none; NULL: no memory. */
static fs_jit_note *notes_at(fs_code *co, int slot, int kind)
{
    fs_jit_place *place = fs_jit_place_at(co, slot, kind);
    if (place == NULL || place->note != NULL) {
        return place == NULL ? NULL : place->note;
    }
    fs_jit_note *note = calloc(1, sizeof(*note));
    if (note == NULL) {
        return NULL;
    }
    note->co = co;
    note->slot = slot;
    note->kind = (uint8_t)kind;
    note->op = -1;
    note->stop_slot = -1;
    note->next = notes_first;
    note->link = &notes_first;
    if (note->next != NULL) {
        note->next->link = &note->next;
    }
    notes_first = note;
    place->note = note;
    if (notes_watch) {
        Py_INCREF(co->pycode);
        note->held = true;
    }
    return note;
}

void fs_jit_note_abort(fs_code *co, int slot, int kind, fs_exit *from, enum fs_abort why, int op)
{
    int line = notes_stop.co != NULL ? fs_jit_line_of(notes_stop.co, notes_stop.slot) : 0;
    if (from != NULL) {
        from->why = (uint8_t)why;
        from->why_op = (uint8_t)(op >= 0 && op < 256 ? op : 0);
        from->why_line = (uint16_t)(line > 0 && line <= UINT16_MAX ? line : 0);
        notes_stop.co = NULL;
        return;
    }
    fs_jit_note *note = notes_at(co, slot, kind);
    if (note != NULL) {
        note->why = (uint8_t)why;
        note->op = (int16_t)op;
        note->aborts[why] += note->aborts[why] < UINT16_MAX;
        note->stop_line = line;
        note->stop_slot = notes_stop.co != NULL ? notes_stop.slot : -1;
        if (note->held) {
            Py_XSETREF(note->stop_co, notes_stop.co == NULL
                                          ? NULL
                                          : (PyCodeObject *)Py_NewRef(notes_stop.co->pycode));
        }
    }
    notes_stop.co = NULL;
}

void fs_jit_note_trace(const fs_trace *trace)
{
    for (int i = 0; notes_watch && i < trace->ir.nframes; i++) {
        Py_INCREF(trace->ir.frames[i].co->pycode); /* for good, as the notes' */
    }
    if (trace->kind == FS_TRACE_LOOP || trace->kind == FS_TRACE_ENTRY) {
        fs_jit_note *note = notes_at(trace->co, trace->slot, trace->kind);
        if (note != NULL) {
            note->traces++;
        }
    }
}

/* A dying trace as it is; nothing else may run meanwhile. */
static void notes_keep_dead(const fs_trace *trace)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int collects = PyGC_Disable();
    if (notes_dead == NULL) {
        notes_dead = PyList_New(0);
    }
    if (notes_dead != NULL && PyList_GET_SIZE(notes_dead) < NOTES_DEAD) {
        PyObject *row = fs_jit_describe(trace, FS_DESCRIBE_IR | FS_DESCRIBE_CODE);
        if (row != NULL) {
            (void)PyList_Append(notes_dead, row);
            Py_DECREF(row);
        }
    }
    if (collects) {
        PyGC_Enable();
    }
    PyErr_Restore(type, value, traceback);
}

/* Whether all code of the trace lives: it may be older than the watch, and die with its code. */
static bool notes_may_keep(const fs_trace *trace)
{
    bool lives = Py_REFCNT(trace->co->pycode) > 0;
    for (int i = 0; i < trace->ir.nframes; i++) {
        lives = lives && Py_REFCNT(trace->ir.frames[i].co->pycode) > 0;
    }
    return lives;
}

void fs_jit_note_death(const fs_trace *trace)
{
    fs_jit_place *place = fs_jit_place_find(trace->co, trace->slot);
    if (place != NULL && place->note != NULL &&
        (trace->kind == FS_TRACE_LOOP || trace->kind == FS_TRACE_ENTRY)) {
        place->note->died++;
        place->note->entries += trace->entries;
    }
    if (notes_watch && notes_may_keep(trace)) {
        notes_keep_dead(trace);
    }
}

void fs_jit_note_code_dies(const fs_code *co)
{
    for (fs_jit_place *place = co->places; place != NULL; place = place->next) {
        fs_jit_note *note = place->note;
        if (note != NULL) {
            *note->link = note->next;
            if (note->next != NULL) {
                note->next->link = note->link;
            }
            Py_XDECREF(note->stop_co);
            free(note);
            place->note = NULL;
        }
    }
    if (notes_stop.co == co) {
        notes_stop.co = NULL;
    }
}

static PyObject *notes_aborts(const fs_jit_note *note)
{
    PyObject *dict = PyDict_New();
    for (int why = 1; dict != NULL && why < FS_ABORT_COUNT; why++) {
        if (note->aborts[why] == 0) {
            continue;
        }
        PyObject *count = PyLong_FromLong(note->aborts[why]);
        if (count == NULL || PyDict_SetItemString(dict, fs_jit_abort_names[why], count) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(count);
    }
    return dict;
}

static PyObject *notes_row(const fs_jit_note *note)
{
    const fs_jit_place *place = fs_jit_place_find(note->co, note->slot);
    const PyCodeObject *code = note->co->pycode;
    uint64_t entries = note->entries;
    for (const fs_trace *t = place->trace; t != NULL; t = t->version) {
        entries += t->entries;
    }
    const char *state = place->trace != NULL && place->left == 0 && !place->given_up ? "compiled"
                        : place->trace != NULL                                       ? "rests"
                        : place->given_up                                            ? "given up"
                                                                                     : "counting";
    return Py_BuildValue(
        "{sO sO sO si si ss ss si si sI sI sK sN sz sz sz si si sO}", "code", code, "file",
        code->co_filename, "function", code->co_qualname, "slot", note->slot, "line",
        fs_jit_line_of(note->co, note->slot), "kind", fs_jit_kind_names[note->kind], "state", state,
        "tries", (int)place->tries, "rests", (int)place->rests, "traces", (unsigned)note->traces,
        "died", (unsigned)note->died, "entries", (unsigned long long)entries, "aborts",
        notes_aborts(note), "why", note->why != 0 ? fs_jit_abort_names[note->why] : NULL,
        "why_text", note->why != 0 ? fs_jit_abort_texts[note->why] : NULL, "op",
        fs_jit_op_name(note->op), "stop_line", note->stop_line, "stop_slot", note->stop_slot,
        "stop_code", note->stop_co != NULL ? (PyObject *)note->stop_co : Py_None);
}

PyObject *fs_jit_list_places(void)
{
    PyObject *list = PyList_New(0);
    int collects = PyGC_Disable(); /* (a collection could end code, and its note) */
    for (const fs_jit_note *note = notes_first; list != NULL && note != NULL; note = note->next) {
        PyObject *row = notes_row(note);
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    if (collects) {
        PyGC_Enable();
    }
    return list;
}

PyObject *fs_jit_list_dead(void)
{
    return notes_dead != NULL ? Py_NewRef(notes_dead) : PyList_New(0);
}
