/* The back end for x86-64, its driver: from allocated steps to a finished block of code.
 *
 *     allocate ─▶ for each step: moves, code, store of a spilled result ─▶ cold code ─▶ exits ─▶
 *     constants ─▶ fill in jumps ─▶ copy into the code cache
 *
 * A block is position independent: it reaches its own constants relative to the instruction, C and
 * the exits by absolute addresses.
 */
#include "asm/asm.h"

#include "asm/asm_cache.h"
#include "asm/asm_entry.h"
#include "asm/asm_frame.h"
#include "asm/asm_x86_64.h"

#include "interp/interp_num.h"
#include "opt/opt.h"

#include <stdlib.h>
#include <string.h>

enum { ASM_LOOP_ALIGN = 32, ASM_LONG_TURN = 16 };

/* ---- operands ---- */

fs_asm_rm fs_asm_at(int where)
{
    _Static_assert(offsetof(fs_exit_state, args) ==
                       offsetof(fs_exit_state, spill) + 8 * FS_SPILL_SLOTS,
                   "the places of spill slots and arguments are numbered through");
    if (where < FS_LOC_SPILL) {
        return fs_asm_r(where & 15);
    }
    return fs_asm_m(FS_REG_STATE,
                    (int32_t)offsetof(fs_exit_state, spill) + 8 * (where - FS_LOC_SPILL));
}

static uint64_t asm_bits(const fs_asm *as, fs_ref r)
{
    return r == 0 ? 0 : fs_ir_constant(as->ir, r)->bits;
}

bool fs_asm_immediate(const fs_asm *as, fs_ref r, int64_t *imm)
{
    if (r > 0) {
        return false;
    }
    *imm = (int64_t)asm_bits(as, r);
    return fs_asm_fits32(*imm);
}

void fs_asm_emit(fs_asm *as, int form, int reg, fs_asm_rm rm)
{
    fs_asm_op(&as->b, form, reg, rm);
    if (rm.pool &&
        fs_asm_more(&as->al, &as->pools, &as->pools_room, as->npools, sizeof(fs_asm_fixup))) {
        as->pools[as->npools++] = (fs_asm_fixup){as->b.size - 4, rm.disp};
    }
}

void fs_asm_rr(fs_asm *as, int form, int reg, int rm)
{
    fs_asm_op(&as->b, form, reg, fs_asm_r(rm));
}

/* Constant number i of the pool as an operand. */
static fs_asm_rm asm_pool_at(int i)
{
    return (fs_asm_rm){
        .base = -1, .index = -1, .scale = 1, .mem = true, .pool = true, .disp = 8 * i};
}

fs_asm_rm fs_asm_pool(fs_asm *as, uint64_t bits)
{
    for (int i = 0; i < as->npool; i++) {
        if (as->pool[i] == bits) {
            return asm_pool_at(i);
        }
    }
    if (!fs_asm_more(&as->al, &as->pool, &as->pool_room, as->npool, sizeof(uint64_t))) {
        return asm_pool_at(0);
    }
    as->pool[as->npool++] = bits;
    return asm_pool_at(as->npool - 1);
}

fs_asm_rm fs_asm_pool_pair(fs_asm *as, uint64_t low, uint64_t high)
{
    for (int i = 0; i + 1 < as->npool; i += 2) {
        if (as->pool[i] == low && as->pool[i + 1] == high) {
            return asm_pool_at(i);
        }
    }
    uint64_t words[3] = {0, low, high};
    int first = as->npool;
    for (int k = first % 2 == 0; k < 3; k++) {
        if (!fs_asm_more(&as->al, &as->pool, &as->pool_room, as->npool, sizeof(uint64_t))) {
            return asm_pool_at(0);
        }
        as->pool[as->npool++] = words[k];
    }
    return asm_pool_at(as->npool - 2);
}

fs_asm_rm fs_asm_pool_copy(fs_asm *as, const void *data, size_t size)
{
    int first = as->npool;
    for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, (const char *)data + done,
               size - done < sizeof(word) ? size - done : sizeof(word));
        if (!fs_asm_more(&as->al, &as->pool, &as->pool_room, as->npool, sizeof(uint64_t))) {
            return asm_pool_at(0);
        }
        as->pool[as->npool++] = word;
    }
    return asm_pool_at(first);
}

/* A constant into a register. */
static void asm_get_constant(fs_asm *as, int to, uint64_t bits)
{
    if (to < FS_LOC_XMM) {
        fs_asm_mov_imm(&as->b, to, bits);
    } else if (bits == 0) {
        fs_asm_rr(as, X_XORPS, to - FS_LOC_XMM, to - FS_LOC_XMM);
    } else {
        fs_asm_emit(as, X_MOVSD, to - FS_LOC_XMM, fs_asm_pool(as, bits));
    }
}

/* FRAME, CTX or DSTACK into a general register. */
static void asm_get_fixed(fs_asm *as, int to, fs_ref r)
{
    int op = as->ir->ins[r].op;
    if (op == FS_IR_DSTACK) {
        fs_asm_op(&as->b, X_MOV, to, FS_ASM_STATE(dstack));
    } else {
        fs_asm_rr(as, X_MOV, to, op == FS_IR_FRAME ? FS_REG_FRAME : FS_REG_CTX);
    }
}

void fs_asm_get(fs_asm *as, int to, fs_ref r, int from)
{
    if (from == to) {
        return;
    }
    if (from == FS_AT_CONST) {
        asm_get_constant(as, to, asm_bits(as, r));
    } else if (from == FS_AT_FIXED) {
        asm_get_fixed(as, to, r);
    } else if (to < FS_LOC_XMM) {
        fs_asm_op(&as->b, X_MOV, to, fs_asm_at(from));
    } else if (from >= FS_LOC_SPILL) {
        fs_asm_op(&as->b, X_MOVSD, to - FS_LOC_XMM, fs_asm_at(from));
    } else {
        fs_asm_rr(as, from < FS_LOC_XMM ? X_MOVQ_XR : X_MOVAPS, to - FS_LOC_XMM, from & 15);
    }
}

int fs_asm_gpr(fs_asm *as, const fs_asm_step *st, int k, int scratch)
{
    if (st->at[k] >= 0 && st->at[k] < FS_LOC_XMM) {
        return st->at[k];
    }
    if (st->at[k] == FS_AT_FIXED && as->ir->ins[st->ref[k]].op != FS_IR_DSTACK) {
        return as->ir->ins[st->ref[k]].op == FS_IR_FRAME ? FS_REG_FRAME : FS_REG_CTX;
    }
    fs_asm_get(as, scratch, st->ref[k], st->at[k]);
    return scratch;
}

fs_asm_rm fs_asm_operand(fs_asm *as, const fs_asm_step *st, int k, int scratch)
{
    return st->at[k] >= FS_LOC_SPILL ? fs_asm_at(st->at[k])
                                     : fs_asm_r(fs_asm_gpr(as, st, k, scratch));
}

int fs_asm_xmm(fs_asm *as, const fs_asm_step *st, int k)
{
    if (st->at[k] >= FS_LOC_XMM && st->at[k] < FS_LOC_SPILL) {
        return st->at[k] - FS_LOC_XMM;
    }
    fs_asm_get(as, FS_LOC_XMM + FS_XMM_SCRATCH, st->ref[k], st->at[k]);
    return FS_XMM_SCRATCH;
}

fs_asm_rm fs_asm_int_operand(fs_asm *as, const fs_asm_step *st, int k)
{
    return st->at[k] == FS_AT_CONST ? fs_asm_pool(as, asm_bits(as, st->ref[k]))
                                    : fs_asm_operand(as, st, k, R10);
}

fs_asm_rm fs_asm_float_operand(fs_asm *as, const fs_asm_step *st, int k)
{
    return st->at[k] == FS_AT_CONST ? fs_asm_pool(as, asm_bits(as, st->ref[k]))
                                    : fs_asm_at(st->at[k]);
}

fs_asm_rm fs_asm_field(fs_asm *as, const fs_asm_step *st, int k, int64_t offset)
{
    if (st->at[k] == FS_AT_CONST) {
        int64_t address = (int64_t)asm_bits(as, st->ref[k]) + offset;
        if (fs_asm_fits32(address) && address >= 0) {
            return fs_asm_m(-1, (int32_t)address);
        }
    }
    if (!fs_asm_fits32(offset)) {
        as->al.reason = "an offset is out of reach";
    }
    return fs_asm_m(fs_asm_gpr(as, st, k, R11), (int32_t)offset);
}

void fs_asm_into_result(fs_asm *as, const fs_asm_step *st, int k)
{
    fs_asm_get(as, st->result, st->ref[k], st->at[k]);
}

void fs_asm_compare_constant(fs_asm *as, fs_asm_rm rm, uint64_t value, int scratch)
{
    if (fs_asm_fits32((int64_t)value)) {
        fs_asm_op_imm(&as->b, X_CMPI, 0, rm, (int64_t)value);
    } else {
        fs_asm_mov_imm(&as->b, scratch, value);
        fs_asm_op(&as->b, X_CMP, scratch, rm);
    }
}

/* ---- flow ---- */

void fs_asm_exit_at(fs_asm *as, int exit, int at)
{
    if (exit < 0) {
        as->al.reason = "an instruction may leave but has no exit";
    } else if (fs_asm_more(&as->al, &as->exits, &as->exits_room, as->nexits,
                           sizeof(fs_asm_fixup))) {
        as->exits[as->nexits++] = (fs_asm_fixup){at, exit};
    }
}

void fs_asm_exit_if(fs_asm *as, int exit, int cc)
{
    fs_asm_exit_at(as, exit, fs_asm_jcc(&as->b, cc));
}

void fs_asm_exit(fs_asm *as, int exit)
{
    fs_asm_exit_at(as, exit, fs_asm_jmp(&as->b));
}

int fs_asm_cold_if(fs_asm *as, int i, int cc, void (*lower)(fs_asm *, const fs_asm_cold *))
{
    return fs_asm_cold_at(as, i, cc < 0 ? fs_asm_jmp(&as->b) : fs_asm_jcc(&as->b, cc), lower);
}

int fs_asm_cold_at(fs_asm *as, int i, int at, void (*lower)(fs_asm *, const fs_asm_cold *))
{
    if (!fs_asm_more(&as->al, &as->colds, &as->colds_room, as->ncolds, sizeof(fs_asm_cold))) {
        return 0;
    }
    as->colds[as->ncolds] = (fs_asm_cold){.lower = lower, .i = i, .from = at};
    return as->ncolds++;
}

void fs_asm_cold_here(fs_asm *as, int cold)
{
    if (cold < as->ncolds) {
        as->colds[cold].back = as->b.size;
    }
}

void fs_asm_call(fs_asm *as, const void *function)
{
    fs_asm_emit(as, X_CALL, 0, fs_asm_pool(as, (uint64_t)(uintptr_t)function));
}

uint32_t fs_asm_kept(const fs_asm_step *st)
{
    uint32_t kept = st->live;
    for (int k = 0; k < 3; k++) {
        if (st->at[k] >= 0 && st->at[k] < 32) {
            kept |= 1u << st->at[k];
        }
    }
    return kept & (uint32_t)FS_ASM_CALL_CLOBBERS;
}

/* Stores registers where the exit thunk would put them (STORE forms), or loads them back. */
static void asm_keep(fs_asm *as, uint32_t regs, int general, int floats)
{
    for (uint32_t left = regs; left != 0; left &= left - 1) {
        int reg = __builtin_ctz(left);
        int32_t to = reg < FS_LOC_XMM
                         ? (int32_t)offsetof(fs_exit_state, gpr) + 8 * reg
                         : (int32_t)offsetof(fs_exit_state, xmm) + 8 * (reg - FS_LOC_XMM);
        fs_asm_op(&as->b, reg < FS_LOC_XMM ? general : floats, reg & 15,
                  fs_asm_m(FS_REG_STATE, to));
    }
}

void fs_asm_save(fs_asm *as, uint32_t regs)
{
    asm_keep(as, regs, X_STORE64, X_STORESD);
}

void fs_asm_restore(fs_asm *as, uint32_t regs)
{
    asm_keep(as, regs, X_MOV, X_MOVSD);
}

/* ---- the ends of traces ---- */

void fs_asm_jexit(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_exit(as, st->exit);
}

void fs_asm_jloop(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_patch(&as->b, fs_asm_jmp(&as->b), as->loop);
}

void fs_asm_jtrace(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_mov_imm(&as->b, R11, (uint64_t)(uintptr_t)as->trace->target->loop);
    fs_asm_op(&as->b, X_JUMP, 0, fs_asm_r(R11));
}

void fs_asm_jentry(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_mov_imm(&as->b, R11, (uint64_t)(uintptr_t)as->trace->target->code);
    fs_asm_op(&as->b, X_JUMP, 0, fs_asm_r(R11));
}

/* ---- steps ---- */

void fs_asm_move_one(fs_asm *as, const fs_asm_move *m)
{
    fs_asm_buffer *b = &as->b;
    if (m->to < FS_LOC_SPILL) {
        fs_asm_get(as, m->to, m->ref, m->from);
        return;
    }
    fs_asm_rm to = fs_asm_at(m->to);
    int64_t imm;
    if (m->from >= FS_LOC_XMM && m->from < FS_LOC_SPILL) {
        fs_asm_op(b, X_STORESD, m->from - FS_LOC_XMM, to);
    } else if (m->from >= 0 && m->from < FS_LOC_XMM) {
        fs_asm_op(b, X_STORE64, m->from, to);
    } else if (m->from == FS_AT_CONST && fs_asm_immediate(as, m->ref, &imm)) {
        fs_asm_op_imm(b, X_STORE64I, 0, to, imm);
    } else {
        fs_asm_get(as, R10, m->ref, m->from);
        fs_asm_op(b, X_STORE64, R10, to);
    }
}

/* Stores a value that is spilled later; its slot is then always right. */
static void asm_store_spilled(fs_asm *as, fs_ref r)
{
    const fs_asm_value *v = &as->al.values[r];
    if (v->slot >= 0 && v->def >= 0) {
        fs_asm_move_one(as, &(fs_asm_move){r, v->def, (int16_t)(FS_LOC_SPILL + v->slot)});
    }
}

static void asm_moves(fs_asm *as, const fs_asm_step *st)
{
    for (int m = 0; m < st->nmoves; m++) {
        fs_asm_move_one(as, &as->al.moves[st->move + m]);
    }
}

/* Whether turns are counted: where that is nothing beside what a turn does. */
static bool asm_counts(const fs_ir *ir, int loop)
{
    bool counts = ir->nins - loop > ASM_LONG_TURN;
    for (int i = loop; i < ir->nins; i++) {
        counts |= ir->ins[i].op == FS_IR_CALL;
    }
    return counts;
}

/* The loop's head: PHIs that are spilled in the loop are stored in each turn. */
static void asm_loop_head(fs_asm *as, int loop)
{
    fs_asm_align(&as->b, ASM_LOOP_ALIGN, true);
    as->loop = as->b.size;
    as->trace->counts = asm_counts(as->ir, loop);
    if (as->trace->counts) {
        fs_asm_mov_imm(&as->b, R11, (uint64_t)(uintptr_t)&as->trace->turns);
        fs_asm_op(&as->b, X_INC, 0, fs_asm_m(R11, 0));
    }
    FS_ASM_EACH_PHI(&as->al, p)
    {
        asm_store_spilled(as, p);
    }
}

/* Where other traces enter the loop. They bring its values to their places; of those in registers
 * that the trace itself has stored before the loop, they do not know: a way in of their own. */
static void asm_loop_entry(fs_asm *as)
{
    const fs_asm_alloc *al = &as->al;
    as->entry = as->loop;
    for (int r = 1; r < al->loop; r++) {
        const fs_asm_value *v = &al->values[r];
        if (v->loop < 0 || v->loop >= FS_LOC_SPILL || v->slot < 0) {
            continue;
        }
        if (as->entry == as->loop) {
            as->entry = as->b.size;
        }
        fs_asm_move_one(as, &(fs_asm_move){r, v->loop, (int16_t)(FS_LOC_SPILL + v->slot)});
    }
    if (as->entry != as->loop) {
        fs_asm_patch(&as->b, fs_asm_jmp(&as->b), as->loop);
    }
}

static void asm_step(fs_asm *as, int i)
{
    const fs_ins *ins = &as->ir->ins[i];
    const fs_asm_step *st = &as->al.steps[i];
    asm_moves(as, st);
    if (ins->op == FS_IR_LOOP) {
        asm_loop_head(as, i);
    } else if (!as->al.values[i].skip && fs_asm_op_rows[ins->op].lower != NULL) {
        fs_asm_op_rows[ins->op].lower(as, i, ins, st);
        if (st->result >= 0) {
            asm_store_spilled(as, i);
        }
    }
}

/* The start of a side trace: second names of inherited values, and stores of those spilled later.
 */
static void asm_start(fs_asm *as)
{
    asm_moves(as, &as->al.steps[0]);
    for (int i = 1; i < as->ir->nins; i++) {
        if (as->ir->ins[i].op == FS_IR_PLOAD && !as->al.values[i].skip) {
            asm_store_spilled(as, i);
        }
    }
}

/* ---- exits ---- */

/* Gets operand a back from the result that took its place. */
static void asm_undo(fs_asm *as, const fs_ins *ins, const fs_asm_step *st)
{
    bool adds = ins->op == FS_IR_ADDOV;
    int64_t imm;
    if (fs_asm_immediate(as, st->ref[1], &imm)) {
        fs_asm_op_imm(&as->b, adds ? X_SUBI : X_ADDI, 0, fs_asm_r(st->result), imm);
    } else {
        fs_asm_emit(as, adds ? X_SUB : X_ADD, st->result, fs_asm_operand(as, st, 1, R10));
    }
}

/* The way out through one exit: jumps go on at exit->target with r11 = exit. */
static void asm_exit_stub(fs_asm *as, fs_exit *exit)
{
    fs_asm_buffer *b = &as->b;
    const fs_ins *ins = &as->ir->ins[exit->guard];
    const fs_asm_step *st = &as->al.steps[exit->guard];
    _Static_assert(offsetof(fs_exit, target) == 0, "an exit begins with its target");
    if (st->undo) {
        asm_undo(as, ins, st);
    }
    if (ins->flags & FS_INS_ERROR) {
        fs_asm_op_imm(b, X_STORE64I, 0, FS_ASM_STATE(error), 1);
    }
    fs_asm_mov_imm(b, R11, (uint64_t)(uintptr_t)exit);
    fs_asm_op(b, X_JUMP, 0, fs_asm_m(R11, 0));
}

/* A stub per exit that is jumped to, and those jumps. */
static bool asm_exit_stubs(fs_asm *as)
{
    fs_trace *trace = as->trace;
    int *stubs = calloc((size_t)trace->nexits + 1, sizeof(int));
    if (stubs == NULL) {
        return false;
    }
    for (int k = 0; k < as->nexits; k++) {
        int e = as->exits[k].target;
        if (stubs[e] == 0) {
            stubs[e] = as->b.size;
            asm_exit_stub(as, &trace->exits[e]);
        }
        fs_asm_patch(&as->b, as->exits[k].at, stubs[e]);
    }
    free(stubs);
    return true;
}

/* ---- the block ---- */

/* The constants behind the code, and the references to them. */
static void asm_constants(fs_asm *as)
{
    fs_asm_align(&as->b, 16, false);
    int start = as->b.size;
    for (int i = 0; i < as->npool; i++) {
        fs_asm_u64(&as->b, as->pool[i]);
    }
    for (int k = 0; k < as->npools; k++) {
        fs_asm_patch(&as->b, as->pools[k].at, start + as->pools[k].target);
    }
}

/* All code of the trace into the buffer. */
static bool asm_generate(fs_asm *as)
{
    asm_start(as);
    for (int i = 1; i < as->ir->nins; i++) {
        asm_step(as, i);
    }
    for (int c = 0; c < as->ncolds; c++) { /* cold code makes no more of it */
        fs_asm_patch(&as->b, as->colds[c].from, as->b.size);
        as->colds[c].lower(as, &as->colds[c]);
    }
    asm_loop_entry(as);
    if (!asm_exit_stubs(as)) {
        return false;
    }
    asm_constants(as);
    return !as->b.failed && as->al.reason == NULL;
}

/* The places of the exits' values, as one block; NULL: out of memory. */
static fs_loc *asm_make_locs(const fs_asm_alloc *al)
{
    fs_loc *locs = malloc(((size_t)al->nlocs + 1) * sizeof(fs_loc));
    if (locs != NULL && al->nlocs > 0) {
        memcpy(locs, al->locs, (size_t)al->nlocs * sizeof(fs_loc));
    }
    return locs;
}

/* The thunk that keeps what the exit needs. */
static const void *asm_thunk_of(const fs_exit *exit)
{
    int floats = 0; /* xmm registers that may have something */
    for (int i = 0; i < exit->nlocs; i++) {
        int where = exit->locs[i].where;
        if (where >= FS_LOC_XMM && where < FS_LOC_SPILL && where - FS_LOC_XMM >= floats) {
            floats = where - FS_LOC_XMM + 1;
        }
    }
    return floats == 0                  ? (const void *)fs_asm_exit_thunk_general
           : floats <= FS_ASM_THUNK_FEW ? (const void *)fs_asm_exit_thunk_few
                                        : (const void *)fs_asm_exit_thunk;
}

/* Gives all exits their part of the block and the thunk as target. The first exit's part begins the
 * block. */
static void asm_fill_exits(const fs_asm_alloc *al, fs_trace *trace, fs_loc *locs)
{
    for (int e = 0; e < trace->nexits; e++) {
        trace->exits[e].locs = locs + al->exits[e].first;
        trace->exits[e].nlocs = (uint16_t)al->exits[e].n;
        trace->exits[e].target = asm_thunk_of(&trace->exits[e]);
    }
}

/* Notes what the loop expects, and where, for those who go on in it. */
static bool asm_note_live(const fs_asm_alloc *al, fs_trace *trace)
{
    bool is_target = trace->ir.loop > 0 || trace->kind == FS_TRACE_BRIDGE;
    int n = is_target ? fs_opt_live_in(&trace->ir, NULL) : 0;
    fs_ref *live = n < 0 ? NULL : malloc(((size_t)n + 1) * sizeof(fs_ref));
    int16_t *where = n < 0 ? NULL : malloc(((size_t)n + 1) * sizeof(int16_t));
    if (live == NULL || where == NULL || (n > 0 && fs_opt_live_in(&trace->ir, live) != n)) {
        free(live);
        free(where);
        return false;
    }
    for (int k = 0; k < n; k++) {
        where[k] = al->values[live[k]].loop;
    }
    trace->live = live;
    trace->live_where = where;
    trace->nlive = n;
    return true;
}

static void asm_clear(fs_asm *as)
{
    fs_asm_alloc_clear(&as->al);
    free(as->b.bytes);
    free(as->pool);
    free(as->exits);
    free(as->pools);
    free(as->colds);
}

/* Copies the block into the code cache and fills in the trace. */
static bool asm_install(fs_asm *as)
{
    fs_trace *trace = as->trace;
    fs_loc *locs = asm_make_locs(&as->al);
    char *code = locs == NULL ? NULL : fs_asm_cache_put(as->b.bytes, (size_t)as->b.size);
    if (code == NULL) {
        free(locs);
        as->al.reason =
            fs_asm_cache_works() ? "the code cache is full" : "memory cannot be made executable";
        return false;
    }
    if (!asm_note_live(&as->al, trace)) {
        free(locs);
        fs_asm_cache_drop(code, (size_t)as->b.size);
        return false;
    }
    if (trace->nexits > 0) {
        asm_fill_exits(&as->al, trace, locs);
    } else {
        free(locs);
    }
    trace->code = code;
    trace->code_size = (size_t)as->b.size;
    trace->loop = trace->ir.loop > 0               ? code + as->entry
                  : trace->kind == FS_TRACE_BRIDGE ? code
                                                   : NULL;
    trace->ir.nspill = as->al.nslots;
    fs_asm_name(trace);
    return true;
}

/* Whether an int that the trace takes out of a box had two digits when it was recorded, and all
 * boxes have room for them. */
static bool asm_is_wide(const fs_ir *ir)
{
    for (int i = 1; fs_num_known_blocks && i < ir->nins; i++) {
        if (ir->ins[i].op == FS_IR_UNBOXI && ir->ins[i].flags & FS_INS_WIDE) {
            return true;
        }
    }
    return false;
}

int fs_asm_compile(fs_trace *trace, const char **reason)
{
    fs_asm as = {.trace = trace, .ir = &trace->ir, .wide = asm_is_wide(&trace->ir)};
    bool ok = fs_asm_allocate(&as.al, trace) && asm_generate(&as) && asm_install(&as);
    if (!ok) {
        *reason = as.al.reason != NULL ? as.al.reason : "out of memory";
    }
    asm_clear(&as);
    return ok ? 0 : -1;
}

void fs_asm_free(fs_trace *trace)
{
    fs_asm_unname(trace);
    fs_asm_cache_drop(trace->code, trace->code_size);
    if (trace->nexits > 0) {
        free(trace->exits[0].locs);
    }
    free(trace->exits);
    free(trace->live);
    free(trace->live_where);
    trace->code = trace->loop = NULL;
    trace->exits = NULL;
    trace->live = NULL;
    trace->live_where = NULL;
    trace->nexits = trace->nlive = 0;
}

void fs_asm_enter(const fs_trace *trace, fs_exit_state *state)
{
    fs_asm_enter_code(state, trace->code);
}

void fs_asm_link_exit(fs_exit *exit, const fs_trace *side)
{
    exit->target = side != NULL ? side->code : asm_thunk_of(exit);
}

size_t fs_asm_memory_used(void)
{
    return fs_asm_cache_used();
}

void fs_asm_set_limit(size_t bytes)
{
    fs_asm_cache_set_limit(bytes);
    fs_asm_cache_leave_gaps(fs_asm_name_gap());
}

bool fs_asm_available(void)
{
    return fs_asm_cache_works();
}

PyObject *fs_asm_bytes(const fs_trace *trace)
{
    return PyBytes_FromStringAndSize(trace->code, (Py_ssize_t)trace->code_size);
}
