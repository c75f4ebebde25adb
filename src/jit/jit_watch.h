/* For those who look at the JIT: notes of what became of places, and a selection of what may be
 * compiled.
 */
#ifndef FS_JIT_WATCH_H
#define FS_JIT_WATCH_H

#include "jit/jit.h"
#include "record/record.h"

/* ---- jit_notes.c ---- */

/* What became of a loop head or function entry that was hot. */
typedef struct fs_jit_note {
    struct fs_jit_note *next, **link;
    fs_code *co;
    int slot;
    uint8_t kind;          /* enum fs_trace_kind */
    uint8_t why;           /* enum fs_abort of the last recording that came to nothing */
    int16_t op;            /* where it stopped: CPython's opcode, -1: none, */
    int stop_line;         /* line, 0: not known, */
    int stop_slot;         /* slot, -1: not known, */
    PyCodeObject *stop_co; /* of this code; NULL: not kept */
    uint32_t traces, died; /* traces made here; of those, gone */
    uint64_t entries;      /* times that those were entered that are gone */
    uint16_t aborts[FS_ABORT_COUNT];
    bool held; /* its code is kept, as somebody watches */
} fs_jit_note;

/* From now on notes keep their code, and traces that die are kept as they were. */
void fs_jit_watch(void);
/* Where the recording that is about to be given up has stopped. */
void fs_jit_note_stop(const fs_code *co, int slot);
/* A recording came to nothing; from: the exit that it began at, NULL. */
void fs_jit_note_abort(fs_code *co, int slot, int kind, fs_exit *from, enum fs_abort why, int op);
void fs_jit_note_trace(const fs_trace *trace); /* one is made */
void fs_jit_note_death(const fs_trace *trace); /* one dies */
void fs_jit_note_code_dies(const fs_code *co);
/* A list of dicts of the places; of the traces that have died (owned). */
PyObject *fs_jit_list_places(void);
PyObject *fs_jit_list_dead(void);

/* ---- jit_select.c: FULLSPEED_JIT_ONLY, FULLSPEED_JIT_SKIP ---- */
void fs_jit_select_init(void);
/* Whether a recording may begin at a place of this code, or from an exit of its traces. It gets
 * a number: each time that is asked for one is one more. */
bool fs_jit_selected(const fs_code *co);
/* The number of the last one; 0: nobody selects. */
uint32_t fs_jit_recording_number(void);
const char *fs_jit_recording_place(void); /* file:line:function */

#endif
