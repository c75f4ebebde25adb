/* The IR's storage: arrays that grow, constants shared by value, tables of facts.
 *
 * Adding never raises: when memory or a limit runs out, ir->failed is set and nothing more is
 * added, so that a recorder looks once, at the end.
 */
#include "ir/ir.h"

#include <stdlib.h>

/* ---- tables ---- */

#define HAS(letters, letter, bit) (__builtin_strchr(letters, letter) != 0 ? (bit) : 0)
#define FLAGS(s)                                                                        \
    (HAS(s, 'P', FS_IRF_PURE) | HAS(s, 'L', FS_IRF_LOAD) | HAS(s, 'S', FS_IRF_STORE) |  \
     HAS(s, 'G', FS_IRF_GUARD) | HAS(s, 'A', FS_IRF_ALLOC) | HAS(s, 'C', FS_IRF_CALL) | \
     HAS(s, 'R', FS_IRF_REF) | HAS(s, 'E', FS_IRF_END) | HAS(s, 'X', FS_IRF_FIXED))

const fs_ir_op_info fs_ir_ops[FS_IR_COUNT] = {
#define FS_IR(name, operands, result, flags, help) \
    [FS_IR_##name] = {#name, operands, FS_T_##result, FLAGS(flags), help},
#include "ir/ir_ops.def"
};

const char *const fs_type_names[FS_T_COUNT] = {"NONE", "I64", "F64", "B", "PTR", "OBJ"};

const char *const fs_cond_names[FS_COND_COUNT] = {
    "eq", "ne", "lt", "le", "gt", "ge", "ult", "uge", "ule", "ugt", "nlt", "nle", "ngt", "nge",
};

const char *const fs_mem_names[FS_M_COUNT] = {
    "i64", "i32", "u32", "i16", "u16", "i8", "u8", "f64", "f32", "ptr", "obj",
};

const uint8_t fs_mem_size[FS_M_COUNT] = {8, 4, 4, 2, 2, 1, 1, 8, 4, 8, 8};

const uint8_t fs_mem_type[FS_M_COUNT] = {
    FS_T_I64, FS_T_I64, FS_T_I64, FS_T_I64, FS_T_I64, FS_T_I64,
    FS_T_I64, FS_T_F64, FS_T_F64, FS_T_PTR, FS_T_OBJ,
};

const char *const fs_alias_names[FS_A_COUNT] = {
    [FS_A_CONST] = "const",     [FS_A_FRAME] = "frame",       [FS_A_FRAMEHDR] = "framehdr",
    [FS_A_LISTHDR] = "listhdr", [FS_A_LISTITEM] = "listitem", [FS_A_OBJHDR] = "objhdr",
    [FS_A_ATTR] = "attr",       [FS_A_CELL] = "cell",         [FS_A_DICTHDR] = "dicthdr",
    [FS_A_DICTVAL] = "dictval", [FS_A_TYPE] = "type",         [FS_A_FUNC] = "func",
    [FS_A_ITER] = "iter",       [FS_A_ARRAYHDR] = "arrayhdr", [FS_A_RAW] = "raw",
    [FS_A_THREAD] = "thread",   [FS_A_MISC] = "misc",
};

/* ---- arrays ---- */

/* Makes room for `more` items of `size` bytes; false, and ir->failed, when there is no memory. */
static bool ir_grow(fs_ir *ir, void **array, int *room, int count, int more, size_t size)
{
    if (ir->failed) {
        return false;
    }
    if (FS_LIKELY(count + more <= *room)) {
        return true;
    }
    int wanted = *room < 32 ? 64 : *room * 2;
    if (wanted < count + more) {
        wanted = count + more;
    }
    void *grown = realloc(*array, (size_t)wanted * size);
    if (grown == NULL) {
        ir->failed = true;
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

#define GROW(ir, array, count, more)                                                  \
    ir_grow(ir, (void **)&(ir)->array, &(ir)->array##_room, (ir)->count, (int)(more), \
            sizeof(*(ir)->array))

void fs_ir_init(fs_ir *ir)
{
    memset(ir, 0, sizeof(*ir));
    if (GROW(ir, ins, nins, 1)) {
        ir->ins[ir->nins++] = (fs_ins){.op = FS_IR_NOP};
    }
    if (GROW(ir, consts, nconsts, 1)) {
        ir->consts[ir->nconsts++] = (fs_const){.type = FS_T_NONE};
    }
}

void fs_ir_clear(fs_ir *ir)
{
    free(ir->ins);
    free(ir->consts);
    free(ir->const_index);
    free(ir->pool);
    free(ir->frames);
    free(ir->snaps);
    free(ir->snap_frames);
    free(ir->entries);
    free(ir->slots);
    free(ir->opt_index);
    memset(ir, 0, sizeof(*ir));
}

size_t fs_ir_bytes(const fs_ir *ir)
{
#define BYTES(array, count) ((size_t)(count) * sizeof(*ir->array))
    return BYTES(ins, ir->ins_room) + BYTES(consts, ir->consts_room) +
           BYTES(const_index, ir->const_index_room) + BYTES(pool, ir->pool_room) +
           BYTES(frames, ir->frames_room) + BYTES(snaps, ir->snaps_room) +
           BYTES(snap_frames, ir->snap_frames_room) + BYTES(entries, ir->entries_room) +
           BYTES(slots, ir->nslots);
#undef BYTES
}

fs_ref fs_ir_append(fs_ir *ir, const fs_ins *ins)
{
    fs_ins added = *ins; /* it may lie in the array that moves */
    if (ir->nins >= FS_IR_MAX_INS) {
        ir->failed = true;
    }
    if (!GROW(ir, ins, nins, 1)) {
        return 0;
    }
    ir->ins[ir->nins] = added;
    return ir->nins++;
}

uint32_t fs_ir_args(fs_ir *ir, const fs_ref *args, int n)
{
    /* (they may be in the pool themselves, which moves when it grows) */
    uintptr_t at = (uintptr_t)args - (uintptr_t)ir->pool;
    bool inside = ir->pool != NULL && at < (uintptr_t)ir->npool * sizeof(*args);
    if (!GROW(ir, pool, npool, n)) {
        return 0;
    }
    args = inside ? ir->pool + at / sizeof(*args) : args;
    uint32_t first = (uint32_t)ir->npool;
    for (int i = 0; i < n; i++) {
        ir->pool[ir->npool++] = args[i];
    }
    return first;
}

int fs_ir_frame(fs_ir *ir, const fs_frame_desc *desc)
{
    if (ir->nframes >= FS_IR_MAX_FRAMES) {
        ir->failed = true;
    }
    if (!GROW(ir, frames, nframes, 1)) {
        return -1;
    }
    ir->frames[ir->nframes] = *desc;
    return ir->nframes++;
}

int fs_ir_snap(fs_ir *ir, const fs_snap_frame *frames, int nframes, const fs_snap_entry *entries,
               int nentries, int flags)
{
    if (ir->nsnaps >= FS_IR_MAX_SNAPS || nframes > UINT16_MAX || nentries > UINT16_MAX) {
        ir->failed = true;
    }
    if (!GROW(ir, snaps, nsnaps, 1) || !GROW(ir, snap_frames, nsnap_frames, nframes) ||
        !GROW(ir, entries, nentries, nentries)) {
        return 0;
    }
    ir->snaps[ir->nsnaps] = (fs_snap){
        .frames = (uint32_t)ir->nsnap_frames,
        .entries = (uint32_t)ir->nentries,
        .nframes = (uint16_t)nframes,
        .nentries = (uint16_t)nentries,
        .work = (uint16_t)(ir->work < UINT16_MAX ? ir->work : UINT16_MAX),
        .flags = (uint8_t)flags,
    };
    for (int i = 0; i < nframes; i++) {
        ir->snap_frames[ir->nsnap_frames++] = frames[i];
    }
    for (int i = 0; i < nentries; i++) {
        ir->entries[ir->nentries++] = entries[i];
    }
    return ++ir->nsnaps;
}

/* ---- constants ---- */

static uint32_t ir_const_hash(int type, uint64_t bits)
{
    uint64_t mixed = (bits ^ (uint64_t)type << 56) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> 32);
}

/* Twice the room, all constants put in again. */
static bool ir_const_rehash(fs_ir *ir)
{
    int room = ir->const_index_room == 0 ? 128 : ir->const_index_room * 2;
    while (room <= ir->nconsts * 2) { /* (a trimmed one has no table) */
        room *= 2;
    }
    int *index = calloc((size_t)room, sizeof(*index));
    if (index == NULL) {
        ir->failed = true;
        return false;
    }
    for (int i = 1; i < ir->nconsts; i++) {
        uint32_t at = ir_const_hash(ir->consts[i].type, ir->consts[i].bits);
        while (index[at &= (uint32_t)room - 1] != 0) {
            at++;
        }
        index[at] = i;
    }
    free(ir->const_index);
    ir->const_index = index;
    ir->const_index_room = room;
    return true;
}

fs_ref fs_ir_const(fs_ir *ir, int type, uint64_t bits)
{
    if (ir->failed || (ir->nconsts * 2 >= ir->const_index_room && !ir_const_rehash(ir))) {
        return 0;
    }
    uint32_t mask = (uint32_t)ir->const_index_room - 1;
    uint32_t at = ir_const_hash(type, bits) & mask;
    for (int i; (i = ir->const_index[at]) != 0; at = (at + 1) & mask) {
        if (ir->consts[i].bits == bits && ir->consts[i].type == type) {
            return -i;
        }
    }
    if (!GROW(ir, consts, nconsts, 1)) {
        return 0;
    }
    ir->consts[ir->nconsts] = (fs_const){.type = (uint8_t)type, .bits = bits};
    ir->const_index[at] = ir->nconsts;
    return -ir->nconsts++;
}

fs_ref fs_ir_int(fs_ir *ir, int64_t v)
{
    return fs_ir_const(ir, FS_T_I64, (uint64_t)v);
}

fs_ref fs_ir_float(fs_ir *ir, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return fs_ir_const(ir, FS_T_F64, bits);
}

fs_ref fs_ir_const_of(fs_ir *ir, const fs_const *other)
{
    fs_const copy = *other;
    fs_ref r = fs_ir_const(ir, copy.type, copy.bits);
    if (r != 0 && copy.type == FS_T_OBJ) {
        fs_const *c = fs_ir_constant(ir, r);
        c->fixed |= copy.fixed;
        c->known = c->known != NULL ? c->known : copy.known;
        memcpy(c->hint, copy.hint, sizeof(c->hint));
    }
    return r;
}

/* A module may be given another class. */
static bool ir_type_is_fixed(const PyTypeObject *type)
{
    return type != &PyModule_Type && (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 &&
           (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) != 0;
}

/* Takes down what an object is called. */
static void ir_note_name(fs_const *c, PyObject *o)
{
    const char *name = "";
    if (PyType_Check(o)) {
        name = ((PyTypeObject *)o)->tp_name;
    } else if (PyCFunction_CheckExact(o)) {
        name = ((PyCFunctionObject *)o)->m_ml->ml_name;
    } else {
        PyObject *text = PyFunction_Check(o)                  ? ((PyFunctionObject *)o)->func_name
                         : PyCode_Check(o)                    ? ((PyCodeObject *)o)->co_name
                         : Py_IS_TYPE(o, &PyMethodDescr_Type) ? PyDescr_NAME(o)
                         : PyUnicode_CheckExact(o)            ? o
                                                              : NULL;
        if (text != NULL && PyUnicode_IS_COMPACT_ASCII(text)) {
            name = (const char *)PyUnicode_1BYTE_DATA(text);
        }
    }
    size_t n = 0;
    for (; n < sizeof(c->hint) - 1 && name[n] > ' ' && name[n] != '>'; n++) {
        c->hint[n] = name[n];
    }
    c->hint[n] = '\0';
}

fs_ref fs_ir_obj(fs_ir *ir, PyObject *o)
{
    fs_ref r = fs_ir_const(ir, FS_T_OBJ, (uintptr_t)o);
    if (r != 0 && o != NULL) {
        fs_const *c = fs_ir_constant(ir, r);
        c->known = ir_type_is_fixed(Py_TYPE(o)) ? Py_TYPE(o) : NULL;
        c->alive = true;
        c->fixed = PyType_Check(o) && ir_type_is_fixed((PyTypeObject *)o);
        ir_note_name(c, o);
    }
    return r;
}

fs_ref fs_ir_ptr(fs_ir *ir, const void *p)
{
    return fs_ir_const(ir, FS_T_PTR, (uintptr_t)p);
}

fs_ref fs_ir_bool(fs_ir *ir, bool v)
{
    return fs_ir_const(ir, FS_T_B, v);
}

/* ---- what conditions and letters mean ---- */

bool fs_ir_compare_floats(int cond, double a, double b)
{
    switch (cond) {
    case FS_EQ:
        return a == b;
    case FS_NE:
        return a != b;
    case FS_LT:
        return a < b;
    case FS_LE:
        return a <= b;
    case FS_GT:
        return a > b;
    case FS_GE:
        return a >= b;
    case FS_NLT:
        return !(a < b);
    case FS_NLE:
        return !(a <= b);
    case FS_NGT:
        return !(a > b);
    default:
        return !(a >= b);
    }
}

bool fs_ir_compare_words(int cond, uint64_t a, uint64_t b)
{
    switch (cond) {
    case FS_EQ:
        return a == b;
    case FS_NE:
        return a != b;
    case FS_LT:
        return (int64_t)a < (int64_t)b;
    case FS_LE:
        return (int64_t)a <= (int64_t)b;
    case FS_GT:
        return (int64_t)a > (int64_t)b;
    case FS_GE:
        return (int64_t)a >= (int64_t)b;
    case FS_ULT:
        return a < b;
    case FS_UGE:
        return a >= b;
    case FS_ULE:
        return a <= b;
    default:
        return a > b;
    }
}

bool fs_ir_letter_fits(char letter, int type, bool is_base)
{
    switch (letter) {
    case 'i':
        return type == FS_T_I64;
    case 'f':
        return type == FS_T_F64;
    case 'b':
        return type == FS_T_B;
    case 'p':
        return type == FS_T_PTR || (is_base && type == FS_T_OBJ);
    case 'o':
    case 's':
        return type == FS_T_OBJ;
    default:
        return type != FS_T_NONE;
    }
}
