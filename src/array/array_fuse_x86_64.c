/* Machine code of a fused loop, for AVX2 and AVX-512.
 *
 * How it works: void loop(void *const *pointers, size_t n), pointers of operands and then of
 * outputs. Pointers go to general registers, single values are broadcast before the loop; the body
 * is written twice: for whole vectors, and once more, with all loads and stores masked, for the
 * items that are left. Registers are given out from the front to the back, by the number of uses
 * that are left of each value.
 *
 * Outputs that go past the caches are in order with other stores only after a fence, which is the
 * walk's business (array_loop.c), as it would cost too much after each block.
 *
 * A fold has its accumulators in registers: the body is written once per vector of lanes, the last
 * items go through masked bodies, one per vector, until there are no more.
 *
 * What must stay true: no byte outside of the n items is read or written; nothing is contracted or
 * put into another order, so that each item has the bits that the kernels give it.
 */
#include "array/array_fuse.h"

#include "base/base.h"

#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Registers that hold pointers, the ones that the caller wants back last. */
static const uint8_t fuse_bases[] = {R8, R9, R10, R11, RBX, RBP, R12, R13, R14, R15};
enum {
    FUSE_BASES = sizeof fuse_bases,
    FUSE_SUMS = FS_ARRAY_LANE_BYTES / 32,
    FUSE_VALUES = FS_ARRAY_FUSE_OPERANDS + FS_ARRAY_FUSE_NODES
};

struct fuse_emitter {
    const struct fs_array_fuse_group *group;
    bool wide;   /* AVX-512 */
    bool eight;  /* items of eight bytes */
    bool real;   /* floating point */
    bool masked; /* the body for the items that are left */
    uint8_t *code;
    size_t size;
    uint32_t free;                       /* vector registers */
    int8_t reg[FUSE_VALUES];             /* of values, or -1 */
    uint8_t uses[FUSE_VALUES];           /* that are left */
    int8_t base[FS_ARRAY_FUSE_POINTERS]; /* registers of pointers, or -1: reloaded */
    int sign, mask;                      /* registers with a purpose: for NEG and ABS, of lanes */
    int8_t sums[FUSE_SUMS];              /* and the accumulators of a fold */
    int turn;                            /* which of them the body takes up to */
    bool failed;
};

/* ---- bytes ---- */

static void fuse_byte(struct fuse_emitter *e, unsigned byte)
{
    if (e->size < FS_ARRAY_FUSE_CODE) {
        e->code[e->size++] = (uint8_t)byte;
    } else {
        e->failed = true;
    }
}

static void fuse_bytes(struct fuse_emitter *e, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fuse_byte(e, (unsigned char)bytes[i]);
    }
}

static void fuse_word(struct fuse_emitter *e, uint32_t word)
{
    for (int i = 0; i < 4; i++) {
        fuse_byte(e, word >> (8 * i) & 255);
    }
}

/* An instruction of vectors: prefix (0 none, 1 66, 2 F3), map (1 0F, 2 0F38, 3 0F3A), opcode. */
struct fuse_code {
    uint8_t prefix, map, opcode;
    bool w_vex, w_evex;
};

/* Where the last operand is: a register, or [base + index * scale] with RAX as the index, or
 * [base] alone. */
struct fuse_place {
    bool memory, indexed;
    int reg; /* or base */
};

static void fuse_modrm(struct fuse_emitter *e, int reg, struct fuse_place place)
{
    unsigned low = (unsigned)(reg & 7) << 3;
    if (!place.memory) {
        fuse_byte(e, 0xc0 | low | (unsigned)(place.reg & 7));
    } else if (place.indexed) {
        fuse_byte(e, 0x44 | low); /* with a displacement of one byte: any base will do */
        fuse_byte(e, (e->eight ? 0xc0u : 0x80u) | RAX << 3 | (unsigned)(place.reg & 7));
        fuse_byte(e, 0);
    } else {
        fuse_byte(e, 0x40 | low | (unsigned)(place.reg & 7)); /* no base here is RSP or R12 */
        fuse_byte(e, 0);
    }
}

/* What lanes an instruction of AVX-512 writes: all; those of k1, the others become 0 (loads) or
 * stay (stores); those of k2, the others stay; those of k1, the others stay (of masks: become 0).
 */
enum { FUSE_ALL, FUSE_LEFT, FUSE_PICKED, FUSE_INTO = 5 };

/* One instruction; `other` is the second source, 0 where there is none. */
static void fuse_vector(struct fuse_emitter *e, struct fuse_code code, int reg, int other,
                        struct fuse_place place, unsigned lanes)
{
    unsigned r = ~(unsigned)reg, v = ~(unsigned)other, p = ~(unsigned)place.reg;
    unsigned x = place.memory ? 1 : p >> 4; /* RAX is the only index */
    if (e->wide) {
        unsigned zero = lanes == FUSE_LEFT && code.opcode != 0x11 ? 0x80 : 0;
        fuse_byte(e, 0x62);
        fuse_byte(e, (r >> 3 & 1) << 7 | (x & 1) << 6 | (p >> 3 & 1) << 5 | (r >> 4 & 1) << 4 |
                         code.map);
        fuse_byte(e, (unsigned)code.w_evex << 7 | (v & 15) << 3 | 4 | code.prefix);
        fuse_byte(e, zero | 0x40 | (v >> 4 & 1) << 3 | (lanes & 3));
    } else {
        fuse_byte(e, 0xc4);
        fuse_byte(e, (r >> 3 & 1) << 7 | 1 << 6 | (p >> 3 & 1) << 5 | code.map);
        fuse_byte(e, (unsigned)code.w_vex << 7 | (v & 15) << 3 | 4 | code.prefix);
    }
    fuse_byte(e, code.opcode);
    fuse_modrm(e, reg, place);
}

/* ---- what instruction an operation is ---- */

static struct fuse_code fuse_code_of(const struct fuse_emitter *e, enum fs_array_fuse_op op)
{
    /* NEG turns the sign bit (vxorpd), ABS leaves it out (vandnpd). */
    static const uint8_t real[FS_ARRAY_FUSE_OPS] = {
        [FS_ARRAY_FUSE_ADD] = 0x58,  [FS_ARRAY_FUSE_SUB] = 0x5c, [FS_ARRAY_FUSE_MUL] = 0x59,
        [FS_ARRAY_FUSE_DIV] = 0x5e,  [FS_ARRAY_FUSE_NEG] = 0x57, [FS_ARRAY_FUSE_ABS] = 0x55,
        [FS_ARRAY_FUSE_SQRT] = 0x51, [FS_ARRAY_FUSE_MAX] = 0x5f, [FS_ARRAY_FUSE_MIN] = 0x5d,
    };
    static const uint8_t whole[2][FS_ARRAY_FUSE_OPS] = {{[FS_ARRAY_FUSE_ADD] = 0xfe,
                                                         [FS_ARRAY_FUSE_SUB] = 0xfa,
                                                         [FS_ARRAY_FUSE_MUL] = 0x40,
                                                         [FS_ARRAY_FUSE_AND] = 0xdb,
                                                         [FS_ARRAY_FUSE_OR] = 0xeb,
                                                         [FS_ARRAY_FUSE_XOR] = 0xef},
                                                        {[FS_ARRAY_FUSE_ADD] = 0xd4,
                                                         [FS_ARRAY_FUSE_SUB] = 0xfb,
                                                         [FS_ARRAY_FUSE_MUL] = 0x40,
                                                         [FS_ARRAY_FUSE_AND] = 0xdb,
                                                         [FS_ARRAY_FUSE_OR] = 0xeb,
                                                         [FS_ARRAY_FUSE_XOR] = 0xef}};
    if (e->real) {
        return (struct fuse_code){e->eight ? 1 : 0, 1, real[op], false, e->eight};
    }
    unsigned map = op == FS_ARRAY_FUSE_MUL ? 2 : 1;
    return (struct fuse_code){1, (uint8_t)map, whole[e->eight][op], false, e->eight};
}

bool fs_array_fuse_can(enum fs_array_fuse_level level, enum fs_array_fuse_op op,
                       enum fs_array_type type)
{
    bool real = type == FS_ARRAY_FLOAT || type == FS_ARRAY_DOUBLE;
    bool whole = type == FS_ARRAY_INT || type == FS_ARRAY_LONG;
    if (level == FS_ARRAY_FUSE_OFF || op == FS_ARRAY_FUSE_NONE || !(real || whole)) {
        return false;
    }
    switch (op) {
    case FS_ARRAY_FUSE_DIV:
    case FS_ARRAY_FUSE_SQRT:
    case FS_ARRAY_FUSE_NEG:
    case FS_ARRAY_FUSE_ABS:
    case FS_ARRAY_FUSE_MAX:
    case FS_ARRAY_FUSE_MIN:
        return real;
    case FS_ARRAY_FUSE_AND:
    case FS_ARRAY_FUSE_OR:
    case FS_ARRAY_FUSE_XOR:
        return whole;
    case FS_ARRAY_FUSE_MUL: /* of eight bytes there is none in AVX2 */
        return type != FS_ARRAY_LONG || level == FS_ARRAY_FUSE_AVX512;
    default:
        return true;
    }
}

/* ---- registers ---- */

static int fuse_take(struct fuse_emitter *e)
{
    if (e->free == 0) {
        e->failed = true;
        return 0;
    }
    int reg = __builtin_ctz(e->free);
    e->free &= e->free - 1;
    return reg;
}

static bool fuse_is_scalar(const struct fuse_emitter *e, int value)
{
    return value < e->group->operands && (e->group->scalars >> value & 1);
}

/* One use less; the register of a value that has none left is free. */
static void fuse_used(struct fuse_emitter *e, int value)
{
    if (--e->uses[value] == 0 && e->reg[value] >= 0 && !fuse_is_scalar(e, value)) {
        e->free |= 1u << e->reg[value];
    }
}

/* The register that points to an operand or output; RDX is loaded where there is none. */
static int fuse_base(struct fuse_emitter *e, int pointer)
{
    if (e->base[pointer] >= 0) {
        return e->base[pointer];
    }
    fuse_bytes(e, "\x48\x8b\x57", 3); /* mov rdx, [rdi + pointer * 8] */
    fuse_byte(e, (unsigned)pointer * 8);
    return RDX;
}

/* ---- loads and stores ---- */

/* A vector between memory and a register: of whole vectors, or of the lanes that are left. */
static void fuse_move(struct fuse_emitter *e, int reg, int pointer, bool store)
{
    struct fuse_place place = {.memory = true, .indexed = true, .reg = fuse_base(e, pointer)};
    if (e->masked && !e->wide) { /* vmaskmovps, vmaskmovpd */
        uint8_t opcode = (uint8_t)((store ? 0x2e : 0x2c) + e->eight);
        fuse_vector(e, (struct fuse_code){1, 2, opcode, false, false}, reg, e->mask, place,
                    FUSE_ALL);
        return;
    }
    struct fuse_code code = {e->eight, 1, store ? 0x11 : 0x10, false, e->eight};
    if (store && e->group->stream && !e->masked) {
        code.opcode = 0x2b; /* vmovntps, vmovntpd: past the caches, to borders of vectors only */
    }
    fuse_vector(e, code, reg, 0, place, e->masked ? FUSE_LEFT : FUSE_ALL);
}

/* The register of a value; an operand is loaded when it is first needed. */
static int fuse_get(struct fuse_emitter *e, int value)
{
    if (e->reg[value] < 0) {
        e->reg[value] = (int8_t)fuse_take(e);
        fuse_move(e, e->reg[value], value, false);
    }
    return e->reg[value];
}

/* Whether an operand can be read by the instruction that needs it. */
static bool fuse_folds(const struct fuse_emitter *e, int value)
{
    return !e->masked && value < e->group->operands && e->reg[value] < 0 && e->uses[value] == 1;
}

/* ---- the body ---- */

/* Greater or less of x and y, into another register than y's; in all lanes, or in some. The
 * processor's own gives x when either is NaN, and where both are zero, if x comes second; then y
 * takes the lanes where it is NaN. */
static void fuse_pick(struct fuse_emitter *e, enum fs_array_fuse_op op, int to, int x, int y,
                      unsigned lanes)
{
    struct fuse_place px = {.reg = x}, py = {.reg = y};
    struct fuse_code compare = {e->eight, 1, 0xc2, false, e->eight};
    fuse_vector(e, fuse_code_of(e, op), to, y, px, lanes);
    if (e->wide) { /* vcmppd k2, y, y, unordered; vmovapd to{k2}, y */
        fuse_vector(e, compare, 2, y, py, lanes);
        fuse_byte(e, 3);
        fuse_vector(e, (struct fuse_code){e->eight, 1, 0x28, false, e->eight}, to, 0, py,
                    FUSE_PICKED);
        return;
    }
    int strange = fuse_take(e); /* vcmppd; vblendvpd to, to, y, strange */
    fuse_vector(e, compare, strange, y, py, FUSE_ALL);
    fuse_byte(e, 3);
    fuse_vector(e, (struct fuse_code){1, 3, (uint8_t)(0x4a + e->eight), false, false}, to, to, py,
                FUSE_ALL);
    fuse_byte(e, (unsigned)strange << 4);
    e->free |= 1u << strange;
}

/* Takes a value up to the turn's accumulators: a step of the fold, in the lanes that there are. */
static void fuse_take_up(struct fuse_emitter *e, int value)
{
    enum fs_array_fuse_op op = (enum fs_array_fuse_op)e->group->fold;
    bool pick = op == FS_ARRAY_FUSE_MAX || op == FS_ARRAY_FUSE_MIN, blend = e->masked && !e->wide;
    int sum = e->sums[e->turn], to = blend ? fuse_take(e) : sum;
    struct fuse_place place = {.reg = e->reg[value]};
    unsigned lanes = e->masked && e->wide ? FUSE_INTO : FUSE_ALL;
    if (pick) {
        fuse_pick(e, op, to, sum, e->reg[value], lanes);
    } else {
        fuse_vector(e, fuse_code_of(e, op), to, sum, place, lanes);
    }
    if (blend) { /* vblendvpd sum, sum, to, mask */
        place.reg = to;
        fuse_vector(e, (struct fuse_code){1, 3, (uint8_t)(0x4a + e->eight), false, false}, sum, sum,
                    place, FUSE_ALL);
        fuse_byte(e, (unsigned)e->mask << 4);
        e->free |= 1u << to;
    }
}

static void fuse_output(struct fuse_emitter *e, int value)
{
    const struct fs_array_fuse_group *group = e->group;
    for (int i = 0; i < group->outputs; i++) {
        if (group->output[i] == value && group->fold != FS_ARRAY_FUSE_NONE) {
            fuse_take_up(e, value);
            fuse_used(e, value);
        } else if (group->output[i] == value) {
            fuse_move(e, e->reg[value], group->operands + i, true);
            fuse_used(e, value);
        }
    }
}

static void fuse_node(struct fuse_emitter *e, int index)
{
    const struct fs_array_fuse_group *group = e->group;
    enum fs_array_fuse_op op = (enum fs_array_fuse_op)group->node[index].op;
    int value = group->operands + index;
    int first = group->node[index].src[0], second = group->node[index].src[1];
    if (op == FS_ARRAY_FUSE_MAX || op == FS_ARRAY_FUSE_MIN) {
        int x = fuse_get(e, first), y = fuse_get(e, second);
        e->reg[value] = (int8_t)fuse_take(e);
        fuse_pick(e, op, e->reg[value], x, y, FUSE_ALL);
        fuse_used(e, first);
        fuse_used(e, second);
        fuse_output(e, value);
        return;
    }
    bool one = op >= FS_ARRAY_FUSE_SQRT;
    bool commutes = op != FS_ARRAY_FUSE_SUB && op != FS_ARRAY_FUSE_DIV && !one;
    int other = 0;
    if (op == FS_ARRAY_FUSE_NEG || op == FS_ARRAY_FUSE_ABS) {
        other = e->sign;
        second = first;
    } else if (op == FS_ARRAY_FUSE_SQRT) {
        second = first;
    } else {
        if (commutes && first != second && fuse_folds(e, first)) {
            int swapped = first;
            first = second;
            second = swapped;
        }
        other = fuse_get(e, first);
    }
    struct fuse_place place = {.memory = fuse_folds(e, second), .indexed = true};
    place.reg = place.memory ? fuse_base(e, second) : fuse_get(e, second);
    fuse_used(e, second);
    if (!one) {
        fuse_used(e, first);
    }
    e->reg[value] = (int8_t)fuse_take(e);
    fuse_vector(e, fuse_code_of(e, op), e->reg[value], other, place, FUSE_ALL);
    fuse_output(e, value);
}

/* Counts uses and starts with nothing in registers but single values. */
static void fuse_body(struct fuse_emitter *e, bool masked)
{
    const struct fs_array_fuse_group *group = e->group;
    uint32_t free = e->free;
    e->masked = masked;
    memset(e->uses, 0, sizeof e->uses);
    for (int i = 0; i < group->nodes; i++) {
        e->uses[group->node[i].src[0]]++;
        if (group->node[i].op < FS_ARRAY_FUSE_SQRT) {
            e->uses[group->node[i].src[1]]++;
        }
    }
    for (int i = 0; i < group->outputs; i++) {
        e->uses[group->output[i]]++;
    }
    for (int v = 0; v < group->operands + group->nodes; v++) {
        if (!fuse_is_scalar(e, v)) {
            e->reg[v] = -1;
        }
    }
    for (int i = 0; i < group->nodes && !e->failed; i++) {
        fuse_node(e, i);
    }
    e->free = free;
}

/* ---- around the body ---- */

/* Pushes or pops what the caller wants back of the first `count` bases. */
static void fuse_saved(struct fuse_emitter *e, int count, bool push)
{
    for (int k = 0; k < count; k++) {
        int reg = fuse_bases[push ? k : count - 1 - k];
        if (reg == RBX || reg == RBP || reg >= R12) {
            if (reg >= 8) {
                fuse_byte(e, 0x41);
            }
            fuse_byte(e, (push ? 0x50u : 0x58u) | (unsigned)(reg & 7));
        }
    }
}

/* A jump whose target comes later; returns where its distance stands. */
static size_t fuse_jump(struct fuse_emitter *e, unsigned condition)
{
    fuse_byte(e, 0x0f);
    fuse_byte(e, 0x80 | condition);
    fuse_word(e, 0);
    return e->size - 4;
}

static void fuse_land(struct fuse_emitter *e, size_t jump)
{
    uint32_t distance = (uint32_t)(e->size - jump - 4);
    memcpy(e->code + jump, &distance, sizeof distance);
}

/* Gives pointers their registers; the number of registers. */
static int fuse_pointers(struct fuse_emitter *e)
{
    int count = 0;
    for (int k = 0; k < e->group->operands + e->group->outputs; k++) {
        bool scalar = k < e->group->operands && fuse_is_scalar(e, k);
        e->base[k] = scalar || count == FUSE_BASES ? -1 : (int8_t)fuse_bases[count++];
    }
    return count;
}

/* mov base, [rdi + k * 8] */
static void fuse_load_pointers(struct fuse_emitter *e)
{
    for (int k = 0; k < e->group->operands + e->group->outputs; k++) {
        if (e->base[k] >= 0) {
            fuse_byte(e, e->base[k] >= 8 ? 0x4c : 0x48);
            fuse_byte(e, 0x8b);
            fuse_byte(e, 0x47 | (unsigned)(e->base[k] & 7) << 3);
            fuse_byte(e, (unsigned)k * 8);
        }
    }
}

/* Single values in all lanes, and the sign bits of NEG and ABS. */
static void fuse_constants(struct fuse_emitter *e)
{
    const struct fs_array_fuse_group *group = e->group;
    for (int v = 0; v < group->operands; v++) {
        if (fuse_is_scalar(e, v)) {
            e->reg[v] = (int8_t)fuse_take(e);
            struct fuse_place place = {.memory = true, .reg = fuse_base(e, v)};
            struct fuse_code code = {1, 2, e->eight ? 0x19 : 0x18, false, e->eight};
            fuse_vector(e, code, e->reg[v], 0, place, FUSE_ALL);
        }
    }
    bool signs = false;
    for (int i = 0; i < group->nodes; i++) {
        signs |= group->node[i].op == FS_ARRAY_FUSE_NEG || group->node[i].op == FS_ARRAY_FUSE_ABS;
    }
    if (signs) {
        e->sign = fuse_take(e);
        struct fuse_place self = {.reg = e->sign};
        if (e->wide) { /* vpternlogd: all ones */
            fuse_vector(e, (struct fuse_code){1, 3, 0x25, false, false}, e->sign, e->sign, self,
                        FUSE_ALL);
            fuse_byte(e, 0xff);
        } else { /* vpcmpeqd */
            fuse_vector(e, (struct fuse_code){1, 1, 0x76, false, false}, e->sign, e->sign, self,
                        FUSE_ALL);
        }
        /* vpsllq, vpslld: the highest bit alone */
        struct fuse_code shift = {1, 1, e->eight ? 0x73 : 0x72, false, e->eight};
        fuse_vector(e, shift, 6, e->sign, self, FUSE_ALL);
        fuse_byte(e, e->eight ? 63 : 31);
    }
}

/* The RCX first lanes: in k1, or in a register. RCX and RDX are lost. */
static void fuse_lanes(struct fuse_emitter *e)
{
    static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    if (e->wide) { /* mov edx, 1; shl edx, cl; dec edx; kmovw k1, edx */
        fuse_bytes(e, "\xba\x01\x00\x00\x00\xd3\xe2\xff\xca\xc5\xf8\x92\xca", 13);
        return;
    }
    uint64_t end = (uint64_t)(uintptr_t)(lanes + 8);
    fuse_bytes(e, "\x48\xba", 2); /* mov rdx, the border between ones and zeros */
    fuse_word(e, (uint32_t)end);
    fuse_word(e, (uint32_t)(end >> 32));
    /* shl rcx, log2 of an item's bytes; sub rdx, rcx */
    fuse_bytes(e, e->eight ? "\x48\xc1\xe1\x03" : "\x48\xc1\xe1\x02", 4);
    fuse_bytes(e, "\x48\x29\xca", 3);
    struct fuse_place place = {.memory = true, .reg = RDX};
    fuse_vector(e, (struct fuse_code){0, 1, 0x10, false, false}, e->mask, 0, place, FUSE_ALL);
}

/* RCX becomes the number of items before the output's first border, at most RSI. */
static void fuse_to_border(struct fuse_emitter *e)
{
    fuse_bytes(e, "\x48\x8b\x4f", 3); /* mov rcx, [rdi + output * 8]; neg rcx; and ecx, 63 or 31 */
    fuse_byte(e, (unsigned)e->group->operands * 8);
    fuse_bytes(e, "\x48\xf7\xd9\x83\xe1", 5);
    fuse_byte(e, e->wide ? 63 : 31);
    fuse_bytes(e, e->eight ? "\xc1\xe9\x03" : "\xc1\xe9\x02", 3); /* shr ecx, 3 or 2 */
    fuse_bytes(e, "\x48\x39\xf1\x48\x0f\x47\xce", 7);             /* cmp rcx, rsi; cmova rcx, rsi */
}

/* The end of a loop: add rax, width; cmp rax, rcx; jb top */
static void fuse_next(struct fuse_emitter *e, unsigned width, size_t top)
{
    fuse_bytes(e, "\x48\x83\xc0", 3);
    fuse_byte(e, width);
    fuse_bytes(e, "\x48\x39\xc8\x0f\x82", 5);
    fuse_word(e, (uint32_t)(top - e->size - 4));
}

/* The loop for whole vectors, and the masked body for the items that are left. */
static void fuse_plain_loop(struct fuse_emitter *e, unsigned width)
{
    fuse_bytes(e, "\x31\xc0", 2); /* xor eax, eax */
    if (e->group->stream) {
        fuse_to_border(e);
        fuse_bytes(e, "\x85\xc9", 2); /* test ecx, ecx */
        size_t at_border = fuse_jump(e, 4);
        fuse_lanes(e);
        fuse_body(e, true);
        fuse_to_border(e);
        fuse_bytes(e, "\x89\xc8", 2); /* mov eax, ecx */
        fuse_land(e, at_border);
    }
    fuse_bytes(e, "\x48\x89\xf1\x48\x29\xc1\x48\x83\xe1",
               9); /* mov rcx, rsi; sub rcx, rax; and rcx, */
    fuse_byte(e, 256 - width);
    size_t none = fuse_jump(e, 4);    /* no whole vector */
    fuse_bytes(e, "\x48\x01\xc1", 3); /* add rcx, rax */
    size_t top = e->size;
    fuse_body(e, false);
    fuse_next(e, width, top);
    fuse_land(e, none);
    fuse_bytes(e, "\x48\x89\xf1\x48\x29\xc1", 6); /* mov rcx, rsi; sub rcx, rax: what is left */
    size_t end = fuse_jump(e, 4);
    fuse_lanes(e);
    fuse_body(e, true);
    fuse_land(e, end);
}

/* The accumulators between memory and their registers. RAX is lost. */
static void fuse_move_sums(struct fuse_emitter *e, unsigned width, unsigned count, bool store)
{
    e->masked = false;
    for (unsigned v = 0; v < count; v++) {
        fuse_byte(e, 0xb8); /* mov eax, */
        fuse_word(e, v * width);
        fuse_move(e, e->sums[v], e->group->operands, store);
    }
}

/* A loop that folds: a body for each vector of lanes; the last items in masked ones. */
static void fuse_fold_loop(struct fuse_emitter *e, unsigned width)
{
    unsigned count = FS_ARRAY_LANE_BYTES / (e->wide ? 64 : 32);
    size_t ends[FUSE_SUMS];
    for (unsigned v = 0; v < count; v++) {
        e->sums[v] = (int8_t)fuse_take(e);
    }
    fuse_move_sums(e, width, count, false);
    /* xor eax, eax; mov rcx, rsi; and rcx, */
    fuse_bytes(e, "\x31\xc0\x48\x89\xf1\x48\x83\xe1", 8);
    fuse_byte(e, 256 - count * width);
    size_t none = fuse_jump(e, 4); /* fewer items than lanes */
    size_t top = e->size;
    for (unsigned v = 0; v < count; v++) {
        e->turn = (int)v;
        fuse_body(e, false);
        if (v + 1 < count) {
            fuse_bytes(e, "\x48\x83\xc0", 3); /* add rax, width */
            fuse_byte(e, width);
        }
    }
    fuse_next(e, width, top);
    fuse_land(e, none);
    for (unsigned v = 0; v < count; v++) {
        fuse_bytes(e, "\x48\x39\xf0", 3); /* cmp rax, rsi; jae */
        ends[v] = fuse_jump(e, 3);
        /* mov rcx, rsi; sub rcx, rax; mov edx, width; cmp rcx, rdx; cmova rcx, rdx */
        fuse_bytes(e, "\x48\x89\xf1\x48\x29\xc1\xba", 7);
        fuse_word(e, width);
        fuse_bytes(e, "\x48\x39\xd1\x48\x0f\x47\xca", 7);
        fuse_lanes(e);
        e->turn = (int)v;
        fuse_body(e, true);
        fuse_bytes(e, "\x48\x83\xc0", 3); /* add rax, width */
        fuse_byte(e, width);
    }
    for (unsigned v = 0; v < count; v++) {
        fuse_land(e, ends[v]);
    }
    fuse_move_sums(e, width, count, true);
}

size_t fs_array_fuse_emit(const struct fs_array_fuse_group *group, enum fs_array_fuse_level level,
                          uint8_t code[FS_ARRAY_FUSE_CODE])
{
    struct fuse_emitter emitter = {.group = group, .code = code}, *e = &emitter;
    e->wide = level == FS_ARRAY_FUSE_AVX512;
    e->eight = group->type == FS_ARRAY_DOUBLE || group->type == FS_ARRAY_LONG;
    e->real = group->type == FS_ARRAY_DOUBLE || group->type == FS_ARRAY_FLOAT;
    unsigned width = (e->wide ? 64u : 32u) / (e->eight ? 8 : 4);
    e->free = e->wide ? 0xffffffffu : 0x7fffu; /* the last of AVX2's is the mask */
    e->mask = 15;
    memset(e->reg, -1, sizeof e->reg);

    int bases = fuse_pointers(e);
    fuse_saved(e, bases, true);
    fuse_load_pointers(e);
    fuse_constants(e);
    if (group->fold != FS_ARRAY_FUSE_NONE) {
        fuse_fold_loop(e, width);
    } else {
        fuse_plain_loop(e, width);
    }
    fuse_saved(e, bases, false);
    fuse_bytes(e, "\xc5\xf8\x77\xc3", 4); /* vzeroupper; ret */
    return e->failed ? 0 : e->size;
}
