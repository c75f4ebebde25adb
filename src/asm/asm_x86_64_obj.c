/* x86-64: types, boxes, reference counts.
 *
 * Boxes take and leave blocks of the interpreter's pools (interp/interp_num.h) inline; what a pool
 * cannot give, and deaths, are cold code that calls C and keeps the trace's registers.
 */
#include "asm/asm_x86_64.h"

#include "asm/asm_entry.h"
#include "interp/interp_num.h"
#include "jit/jit_help.h"

enum {
    SIZE_OFFSET = offsetof(PyVarObject, ob_size),
    DIGIT_OFFSET = offsetof(PyLongObject, ob_digit)
};

/* Operand k as the first argument of a call from cold code. */
static void obj_argument(fs_asm *as, const fs_asm_step *st, int k)
{
    fs_asm_get(as, RDI, st->ref[k], st->at[k]);
}

static void obj_back(fs_asm *as, const fs_asm_cold *cold)
{
    fs_asm_patch(&as->b, fs_asm_jmp(&as->b), cold->back);
}

void fs_asm_gtype(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_rm type = fs_asm_field(as, st, 0, offsetof(PyObject, ob_type));
    if (st->at[1] == FS_AT_CONST) {
        fs_asm_compare_constant(as, type, fs_ir_constant(as->ir, st->ref[1])->bits, R10);
    } else {
        fs_asm_op(&as->b, X_CMP, fs_asm_gpr(as, st, 1, R10), type);
    }
    fs_asm_exit_if(as, st->exit, CC_NE);
}

/* ---- unboxing ---- */

/* An int of more than one digit: r10 is its size. */
static void obj_unbox_two_digits(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    fs_asm_buffer *b = &as->b;
    fs_asm_rm high = fs_asm_field(as, st, 0, DIGIT_OFFSET + (int)sizeof(digit));
    fs_asm_op(b, X_MOV32, R11, high);
    fs_asm_op_imm(b, X_SHLI, 0, fs_asm_r(R11), PyLong_SHIFT);
    fs_asm_rr(as, X_OR, st->result, R11);
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R10), 2);
    fs_asm_patch(b, fs_asm_jcc(b, CC_E), cold->back);
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R10), -2);
    fs_asm_exit_if(as, st->exit, CC_NE);
    fs_asm_op(b, X_NEG, 0, fs_asm_r(st->result));
    obj_back(as, cold);
}

/* r10, an int's size, is neither -1 to 1 nor 2. */
static void obj_unbox_negative(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    fs_asm_buffer *b = &as->b;
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R10), -2);
    fs_asm_exit_if(as, st->exit, CC_NE);
    fs_asm_op(b, X_MOV32, st->result, fs_asm_field(as, st, 0, DIGIT_OFFSET));
    fs_asm_op(b, X_MOV32, R11, fs_asm_field(as, st, 0, DIGIT_OFFSET + (int)sizeof(digit)));
    fs_asm_op_imm(b, X_SHLI, 0, fs_asm_r(R11), PyLong_SHIFT);
    fs_asm_rr(as, X_OR, st->result, R11);
    fs_asm_op(b, X_NEG, 0, fs_asm_r(st->result));
    obj_back(as, cold);
}

/* Without a jump for one digit or two, which nobody could foretell. (Behind one digit there may be
 * anything, but it is memory: the digits begin at a multiple of eight.) */
static void obj_unbox_wide(fs_asm *as, int i, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    _Static_assert(DIGIT_OFFSET % 8 == 0 && sizeof(digit) == 4, "a digit that is read needlessly");
    fs_asm_op(b, X_MOV, R10, fs_asm_field(as, st, 0, SIZE_OFFSET));
    fs_asm_op(b, X_LEA, R11, fs_asm_m(R10, 1));
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R11), 3);
    int cold = fs_asm_cold_if(as, i, CC_A, obj_unbox_negative);
    fs_asm_op(b, X_MOV32, st->result, fs_asm_field(as, st, 0, DIGIT_OFFSET));
    fs_asm_op(b, X_MOV32, R11, fs_asm_field(as, st, 0, DIGIT_OFFSET + (int)sizeof(digit)));
    fs_asm_op_imm(b, X_SHLI, 0, fs_asm_r(R11), PyLong_SHIFT);
    fs_asm_rr(as, X_OR, R11, st->result);
    fs_asm_rr(as, X_IMUL, st->result, R10);
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R10), 2);
    fs_asm_cmov(b, CC_E, st->result, fs_asm_r(R11));
    fs_asm_cold_here(as, cold);
}

void fs_asm_unboxi(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    if (as->wide) {
        obj_unbox_wide(as, i, st);
        return;
    }
    fs_asm_op(b, X_MOV32, st->result, fs_asm_field(as, st, 0, DIGIT_OFFSET));
    fs_asm_op(b, X_MOV, R10, fs_asm_field(as, st, 0, SIZE_OFFSET));
    fs_asm_op(b, X_LEA, R11, fs_asm_m(R10, 1));
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R11), 2);
    int cold = fs_asm_cold_if(as, i, CC_A, obj_unbox_two_digits);
    fs_asm_rr(as, X_IMUL, st->result, R10);
    fs_asm_cold_here(as, cold);
}

void fs_asm_unboxf(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_op(&as->b, X_MOVSD, st->result - FS_LOC_XMM,
              fs_asm_field(as, st, 0, offsetof(PyFloatObject, ob_fval)));
}

/* ---- boxing ---- */

/* result := one of CPython's singletons. */
static void obj_box_small(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    _Static_assert(sizeof(PyLongObject) == 32, "small ints are found by a shift");
    fs_asm_rr(as, X_MOV, st->result, st->at[0]);
    fs_asm_op_imm(&as->b, X_SHLI, 0, fs_asm_r(st->result), 5);
    fs_asm_mov_imm(&as->b, R11, (uint64_t)(uintptr_t)fs_num_small_ints);
    fs_asm_rr(as, X_ADD, st->result, R11);
    fs_asm_op(&as->b, X_INC, 0, fs_asm_m(st->result, 0));
    obj_back(as, cold);
}

/* result := a box that C makes. */
static void obj_box_int(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    uint32_t kept = fs_asm_kept(st);
    fs_asm_save(as, kept);
    obj_argument(as, st, 0);
    fs_asm_call(as, (const void *)fs_jit_box_int);
    fs_asm_rr(as, X_MOV, R11, RAX);
    fs_asm_restore(as, kept);
    fs_asm_rr(as, X_TEST, R11, R11);
    fs_asm_exit_if(as, st->exit, CC_E);
    fs_asm_rr(as, X_MOV, st->result, R11);
    obj_back(as, cold);
}

/* result := the newest block of a pool, with one reference; to cold code when there is none. */
static int obj_take_block(fs_asm *as, int i, const fs_asm_step *st, const fs_pool *pool,
                          void (*none)(fs_asm *, const fs_asm_cold *))
{
    fs_asm_buffer *b = &as->b;
    _Static_assert(offsetof(fs_pool, top) == 0 && offsetof(fs_pool, blocks) == 8,
                   "an empty pool's top points right behind itself");
    fs_asm_mov_imm(b, R11, (uint64_t)(uintptr_t)pool);
    fs_asm_op(b, X_MOV, R10, fs_asm_m(R11, 0));
    fs_asm_op(b, X_LEA, st->result, fs_asm_m(R11, 8));
    fs_asm_rr(as, X_CMP, R10, st->result);
    int cold = fs_asm_cold_if(as, i, CC_E, none);
    fs_asm_op(b, X_MOV, st->result, fs_asm_m(R10, -8));
    fs_asm_op_imm(b, X_SUBI, 0, fs_asm_r(R10), 8);
    fs_asm_op(b, X_STORE64, R10, fs_asm_m(R11, 0));
    fs_asm_op_imm(b, X_STORE64I, 0, fs_asm_m(st->result, offsetof(PyObject, ob_refcnt)), 1);
    return cold;
}

/* Jumps to `small` when the int in register v is one of CPython's singletons; the jump. */
static int obj_if_small(fs_asm *as, int i, int v, void (*small)(fs_asm *, const fs_asm_cold *))
{
    fs_asm_op(&as->b, X_LEA, R10, fs_asm_m(v, _PY_NSMALLNEGINTS));
    fs_asm_op_imm(&as->b, X_CMPI, 0, fs_asm_r(R10), _PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS - 1);
    return fs_asm_cold_if(as, i, CC_BE, small);
}

/* Jumps to `other` when obj_store_int cannot take it; the jump. */
static int obj_unless_fits(fs_asm *as, int i, int v, void (*other)(fs_asm *, const fs_asm_cold *))
{
    fs_asm_buffer *b = &as->b;
    if (as->wide) { /* (one bit less than two digits have) */
        fs_asm_mov_imm(b, R10, (uint64_t)1 << (2 * PyLong_SHIFT - 1));
        fs_asm_rr(as, X_ADD, R10, v);
        fs_asm_op_imm(b, X_SHRI, 0, fs_asm_r(R10), 2 * PyLong_SHIFT);
        return fs_asm_cold_if(as, i, CC_NE, other);
    }
    fs_asm_op(b, X_LEA, R10, fs_asm_m(v, PyLong_MASK));
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R10), 2 * (int64_t)PyLong_MASK);
    return fs_asm_cold_if(as, i, CC_A, other);
}

/* The int in register v becomes the value of the result, a block. */
static void obj_store_int(fs_asm *as, const fs_asm_step *st, int v)
{
    fs_asm_buffer *b = &as->b;
    fs_asm_rm size = fs_asm_m(st->result, SIZE_OFFSET);
    fs_asm_rm low = fs_asm_m(st->result, DIGIT_OFFSET);
    fs_asm_rr(as, X_MOV, R10, v); /* r10 := -1 or 0; r11 := the magnitude */
    fs_asm_op_imm(b, X_SARI, 0, fs_asm_r(R10), 63);
    fs_asm_rr(as, X_MOV, R11, v);
    fs_asm_rr(as, X_XOR, R11, R10);
    fs_asm_rr(as, X_SUB, R11, R10);
    fs_asm_op(b, X_STORE32, R11, low);
    if (!as->wide) { /* r10 := -1 or 1 */
        fs_asm_op_imm(b, X_ORI, 0, fs_asm_r(R10), 1);
        fs_asm_op(b, X_STORE64, R10, size);
        return;
    }
    fs_asm_op_imm(b, X_AND32I, 0, low, PyLong_MASK);
    fs_asm_op_imm(b, X_SHRI, 0, fs_asm_r(R11), PyLong_SHIFT);
    fs_asm_op(b, X_STORE32, R11, fs_asm_m(st->result, DIGIT_OFFSET + (int)sizeof(digit)));
    fs_asm_op_imm(b, X_CMPI, 0, fs_asm_r(R11), 1); /* r11 := 1 or 2, then with the sign */
    fs_asm_mov_imm(b, R11, 2);
    fs_asm_op_imm(b, X_SBBI, 0, fs_asm_r(R11), 0);
    fs_asm_rr(as, X_XOR, R11, R10);
    fs_asm_rr(as, X_SUB, R11, R10);
    fs_asm_op(b, X_STORE64, R11, size);
}

void fs_asm_boxi(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    if (st->at[0] < 0) {
        fs_asm_cold_here(as, fs_asm_cold_if(as, i, -1, obj_box_int));
        return;
    }
    int v = st->at[0];
    int small = obj_if_small(as, i, v, obj_box_small);
    int other = obj_unless_fits(as, i, v, obj_box_int);
    int none = obj_take_block(as, i, st, &fs_int_pool, obj_box_int);
    obj_store_int(as, st, v);
    fs_asm_cold_here(as, small);
    fs_asm_cold_here(as, other);
    fs_asm_cold_here(as, none);
}

/* Fills the empty pool and tries again. */
static void obj_fill_floats(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    uint32_t kept = fs_asm_kept(st);
    fs_asm_save(as, kept);
    fs_asm_call(as, (const void *)fs_pool_fill_floats);
    fs_asm_restore(as, kept & ~(1u << RAX));
    fs_asm_rr(as, X_TEST8, RAX, RAX);
    fs_asm_restore(as, kept & 1u << RAX);
    fs_asm_exit_if(as, st->exit, CC_E);
    obj_back(as, cold);
}

void fs_asm_boxf(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int again = as->b.size;
    int cold = obj_take_block(as, i, st, &fs_float_pool, obj_fill_floats);
    as->colds[cold].back = again;
    fs_asm_op(&as->b, X_STORESD, fs_asm_xmm(as, st, 0),
              fs_asm_m(st->result, offsetof(PyFloatObject, ob_fval)));
}

void fs_asm_boxb(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    int test = fs_asm_gpr(as, st, 0, R10);
    fs_asm_mov_imm(b, R11, (uint64_t)(uintptr_t)Py_True);
    fs_asm_mov_imm(b, st->result, (uint64_t)(uintptr_t)Py_False);
    fs_asm_rr(as, X_TEST, test, test);
    fs_asm_cmov(b, CC_NE, st->result, fs_asm_r(R11));
    fs_asm_op(b, X_INC, 0, fs_asm_m(st->result, offsetof(PyObject, ob_refcnt)));
}

/* The box cannot be used again: C makes another. */
static void obj_rebox(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    bool real = as->ir->ins[cold->i].op == FS_IR_REBOXF;
    uint32_t kept = fs_asm_kept(st);
    fs_asm_save(as, kept);
    if (real) {
        fs_asm_get(as, FS_LOC_XMM, st->ref[0], st->at[0]);
        obj_argument(as, st, 1);
        fs_asm_call(as, (const void *)fs_jit_rebox_float);
    } else {
        fs_asm_get(as, R10, st->ref[0], st->at[0]);
        fs_asm_get(as, RSI, st->ref[1], st->at[1]);
        fs_asm_rr(as, X_MOV, RDI, R10);
        fs_asm_call(as, (const void *)fs_jit_rebox_int);
    }
    fs_asm_rr(as, X_MOV, R11, RAX);
    fs_asm_restore(as, kept);
    fs_asm_rr(as, X_TEST, R11, R11);
    fs_asm_exit_if(as, st->exit, CC_E);
    fs_asm_rr(as, X_MOV, st->result, R11);
    obj_back(as, cold);
}

/* Operand 1 in the result's register; to cold code when others have it, too. */
static int obj_take_old(fs_asm *as, int i, const fs_asm_step *st)
{
    fs_asm_get(as, st->result, st->ref[1], st->at[1]);
    fs_asm_op_imm(&as->b, X_CMPI, 0, fs_asm_m(st->result, offsetof(PyObject, ob_refcnt)), 1);
    return fs_asm_cold_if(as, i, CC_NE, obj_rebox);
}

void fs_asm_reboxi(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int v = fs_asm_gpr(as, st, 0, R11);
    int shared = obj_take_old(as, i, st);
    int small = obj_if_small(as, i, v, obj_rebox);
    int other = obj_unless_fits(as, i, v, obj_rebox);
    obj_store_int(as, st, v);
    fs_asm_cold_here(as, shared);
    fs_asm_cold_here(as, small);
    fs_asm_cold_here(as, other);
}

void fs_asm_reboxf(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    int cold = obj_take_old(as, i, st);
    fs_asm_op(&as->b, X_STORESD, fs_asm_xmm(as, st, 0),
              fs_asm_m(st->result, offsetof(PyFloatObject, ob_fval)));
    fs_asm_cold_here(as, cold);
}

/* ---- reference counts ---- */

void fs_asm_incref(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_op(&as->b, X_INC, 0, fs_asm_field(as, st, 0, offsetof(PyObject, ob_refcnt)));
}

void fs_asm_decrefnz(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_op(&as->b, X_DEC, 0, fs_asm_field(as, st, 0, offsetof(PyObject, ob_refcnt)));
}

/* The last reference to operand 0 is gone: a number goes to its pool, and the code goes on. */
static void obj_keep_number(fs_asm *as, const fs_asm_cold *cold, const fs_asm_step *st)
{
    fs_asm_get(as, R11, st->ref[0], st->at[0]);
    fs_asm_call(as, (const void *)fs_asm_keep_number);
    fs_asm_patch(&as->b, fs_asm_jcc(&as->b, CC_E), cold->back);
}

/* The last reference is gone: frees the object, or leaves if that could run code. */
static void obj_die(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    uint32_t kept = fs_asm_kept(st);
    obj_keep_number(as, cold, st);
    fs_asm_save(as, kept);
    obj_argument(as, st, 0);
    fs_asm_call(as, (const void *)fs_jit_dealloc_quiet);
    fs_asm_rr(as, X_TEST8, RAX, RAX);
    fs_asm_restore(as, kept);
    fs_asm_exit_if(as, st->exit, CC_E);
    obj_back(as, cold);
}

void fs_asm_decref(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_decrefnz(as, i, ins, st);
    fs_asm_cold_here(as, fs_asm_cold_if(as, i, CC_E, obj_die));
}

/* A box's last reference is gone. */
static void obj_free_box(fs_asm *as, const fs_asm_cold *cold)
{
    const fs_asm_step *st = &as->al.steps[cold->i];
    uint32_t kept = fs_asm_kept(st);
    obj_keep_number(as, cold, st);
    fs_asm_save(as, kept);
    obj_argument(as, st, 0);
    fs_asm_call(as, (const void *)fs_num_dealloc);
    fs_asm_restore(as, kept);
    obj_back(as, cold);
}

void fs_asm_dropbox(fs_asm *as, int i, const fs_ins *ins, const fs_asm_step *st)
{
    fs_asm_buffer *b = &as->b;
    int o = fs_asm_gpr(as, st, 0, R11);
    fs_asm_rr(as, X_TEST, o, o);
    int over = fs_asm_jcc_short(b, CC_E);
    fs_asm_op(b, X_DEC, 0, fs_asm_m(o, offsetof(PyObject, ob_refcnt)));
    fs_asm_cold_here(as, fs_asm_cold_if(as, i, CC_E, obj_free_box));
    fs_asm_patch_short(b, over, b->size);
}
