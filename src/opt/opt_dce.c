/* Dead code: what neither the way of the trace, nor memory, nor an exit needs goes; the rest
 * moves together and gets new numbers, snapshots likewise.
 *
 * A guard whose only purpose is its value (an overflow check, UNBOXI) goes with the value.
 */
#include "opt/opt_index.h"

#include <stdlib.h>

typedef struct {
    fs_ir *ir;
    fs_ref *numbers; /* by ref: 0 dead, else alive; then the new number */
    uint16_t *snaps; /* by snapshot number + 1: likewise */
    fs_ref *pool;    /* the new pool of arguments */
    fs_ref *todo;    /* alive, operands not looked at yet */
    int ntodo;
} dce;

/* Whether an instruction is needed whoever uses its value. */
static bool dce_has_effect(const fs_ins *ins)
{
    int flags = opt_flags(ins);
    if (ins->op == FS_IR_GUARD && ins->flags & FS_INS_MARK) {
        return false;
    }
    if (ins->op == FS_IR_NOP || ins->op == FS_IR_PHI || ins->op == FS_IR_COPY ||
        (ins->flags & FS_INS_SUNK)) {
        return false;
    }
    if (ins->op == FS_IR_CALL) {
        int call = fs_ir_calls[ins->aux].flags;
        /* One that fails says that the program goes another way there: no key, no hash. */
        return !(call & (FS_CALLF_PURE | FS_CALLF_READS)) || (call & FS_CALLF_FAILS);
    }
    bool box = ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF || ins->op == FS_IR_BOXB;
    bool raises = ins->op == FS_IR_F2I; /* int(nan) for nothing */
    return raises || (!(flags & (FS_IRF_PURE | FS_IRF_LOAD)) && !box);
}

static void dce_need(dce *d, fs_ref r)
{
    if (r > 0 && d->numbers[r] == 0) {
        d->numbers[r] = 1;
        d->todo[d->ntodo++] = r;
    }
}

static void dce_need_desc(dce *d, int number)
{
    dce_need(d, d->ir->frames[number].func);
    dce_need(d, d->ir->frames[number].baseref);
}

static void dce_need_snap(dce *d, int snap)
{
    const fs_ir *ir = d->ir;
    if (snap == 0 || d->snaps[snap] != 0) {
        return;
    }
    d->snaps[snap] = 1;
    const fs_snap *s = &ir->snaps[snap - 1];
    for (int i = 0; i < s->nentries; i++) {
        dce_need(d, ir->entries[s->entries + (uint32_t)i].ref);
    }
    for (int i = 0; i < s->nframes; i++) {
        dce_need_desc(d, ir->snap_frames[s->frames + (uint32_t)i].desc);
    }
}

static void dce_need_operands(dce *d, const fs_ins *ins)
{
    const fs_ir *ir = d->ir;
    dce_need(d, ins->a);
    dce_need(d, ins->b);
    dce_need(d, ins->c);
    for (int i = 0; i < ins->nargs; i++) {
        dce_need(d, ir->pool[ins->args + (uint32_t)i]);
    }
    dce_need_snap(d, ins->snap);
    if (ins->op == FS_IR_PUSHFRAME || ins->op == FS_IR_POPFRAME) {
        dce_need_desc(d, ins->aux);
    }
}

static void dce_finish_todo(dce *d)
{
    while (d->ntodo > 0) {
        dce_need_operands(d, &d->ir->ins[d->todo[--d->ntodo]]);
    }
}

static void dce_mark(dce *d)
{
    const fs_ir *ir = d->ir;
    for (int at = ir->nins - 1; at > 0; at--) {
        if (dce_has_effect(&ir->ins[at])) {
            dce_need(d, at);
        }
        dce_finish_todo(d);
    }
    /* Links ask what the slots have at the end of the first turn. */
    for (int slot = 0; slot < ir->nslots; slot++) {
        dce_need(d, ir->slots[slot].end);
        dce_finish_todo(d);
    }
    /* Guards that only look after a value (opt_magnitude.c). What their exits need is older. */
    for (int at = 1; at < ir->nins; at++) {
        const fs_ins *ins = &ir->ins[at];
        bool wanted = ins->op == FS_IR_GUARD && ins->flags & FS_INS_MARK && d->numbers[at] == 0 &&
                      d->numbers[ins->a] != 0;
        if (wanted) {
            dce_need(d, at);
            dce_finish_todo(d);
            at = 0; /* (once more, as there may be others now) */
        }
    }
}

/* ---- moving together ---- */

static fs_ref dce_ref(const dce *d, fs_ref r)
{
    return r > 0 ? d->numbers[r] : r;
}

/* Numbers what is alive; the number of an instruction that is dead is then that of the next. */
static int dce_number(dce *d, int *next)
{
    const fs_ir *ir = d->ir;
    int n = 1;
    for (int at = 1; at < ir->nins; at++) {
        next[at] = n;
        if (d->numbers[at] != 0) {
            d->numbers[at] = n++;
        }
    }
    next[ir->nins] = n;
    return n;
}

static void dce_move_snaps(dce *d)
{
    fs_ir *ir = d->ir;
    int n = 0, nentries = 0, nframes = 0;
    for (int snap = 1; snap <= ir->nsnaps; snap++) {
        if (d->snaps[snap] == 0) {
            continue;
        }
        fs_snap s = ir->snaps[snap - 1];
        for (int i = 0; i < s.nentries; i++) {
            fs_snap_entry entry = ir->entries[s.entries + (uint32_t)i];
            entry.ref = dce_ref(d, entry.ref);
            ir->entries[nentries + i] = entry;
        }
        memmove(&ir->snap_frames[nframes], &ir->snap_frames[s.frames],
                s.nframes * sizeof(*ir->snap_frames));
        s.entries = (uint32_t)nentries;
        s.frames = (uint32_t)nframes;
        nentries += s.nentries;
        nframes += s.nframes;
        ir->snaps[n] = s;
        d->snaps[snap] = (uint16_t)++n;
    }
    ir->nsnaps = n;
    ir->nentries = nentries;
    ir->nsnap_frames = nframes;
}

static void dce_move(dce *d, const int *next)
{
    fs_ir *ir = d->ir;
    int n = 1, npool = 0;
    dce_move_snaps(d);
    for (int at = 1; at < ir->nins; at++) {
        if (d->numbers[at] == 0) {
            continue;
        }
        fs_ins ins = ir->ins[at];
        ins.a = dce_ref(d, ins.a);
        ins.b = dce_ref(d, ins.b);
        ins.c = dce_ref(d, ins.c);
        ins.snap = d->snaps[ins.snap];
        for (int i = 0; i < ins.nargs; i++) {
            d->pool[npool + i] = dce_ref(d, ir->pool[ins.args + (uint32_t)i]);
        }
        ins.args = (uint32_t)npool;
        npool += ins.nargs;
        ir->ins[n++] = ins;
    }
    ir->nins = n;
    ir->npool = 0;
    (void)fs_ir_args(ir, d->pool, npool);
    ir->loop = ir->loop == 0 ? 0 : d->numbers[ir->loop];
    for (int i = 0; i < ir->nframes; i++) {
        ir->frames[i].func = dce_ref(d, ir->frames[i].func);
        ir->frames[i].baseref = dce_ref(d, ir->frames[i].baseref);
    }
    for (int slot = 0; slot < ir->nslots; slot++) {
        ir->slots[slot].end = dce_ref(d, ir->slots[slot].end);
        ir->slots[slot].first = next[ir->slots[slot].first];
    }
}

/* Arguments of all instructions: some may share theirs in the pool. */
static size_t dce_arguments(const fs_ir *ir)
{
    size_t n = 0;
    for (int at = 1; at < ir->nins; at++) {
        n += ir->ins[at].nargs;
    }
    return n;
}

void fs_opt_dce(fs_ir *ir)
{
    size_t n = (size_t)ir->nins + 1;
    dce d = {
        .ir = ir,
        .numbers = calloc(n, sizeof(fs_ref)),
        .snaps = calloc((size_t)ir->nsnaps + 1, sizeof(uint16_t)),
        .pool = calloc(dce_arguments(ir) + 1, sizeof(fs_ref)),
        .todo = calloc(n, sizeof(fs_ref)),
    };
    int *next = calloc(n, sizeof(int));
    if (d.numbers != NULL && d.snaps != NULL && d.pool != NULL && d.todo != NULL && next != NULL) {
        dce_mark(&d);
        (void)dce_number(&d, next);
        dce_move(&d, next);
        fs_opt_index_drop(ir);
    }
    free(d.numbers);
    free(d.snaps);
    free(d.pool);
    free(d.todo);
    free(next);
}
