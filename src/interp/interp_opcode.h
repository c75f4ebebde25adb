/* What the translator and the verifier know of each opcode of CPython: see interp_opcode.c. */
#ifndef FS_INTERP_OPCODE_H
#define FS_INTERP_OPCODE_H

#include "interp/interp.h"

/* Slots to wait before the first try to specialise an adaptive op. */
enum { FS_WARMUP = 2 };

/* What an op's argument is an index of, and so how large it may be. */
enum fs_arg_kind {
    FS_ARG_ANY,
    FS_ARG_LOCAL,
    FS_ARG_CONST,
    FS_ARG_NAME,
    FS_ARG_GLOBAL, /* a name, times two */
    FS_ARG_BINARY,
    FS_ARG_COMPARE,
    FS_ARG_FREE, /* the number of free variables */
    FS_ARG_KINDS
};

/* How many values an op finds on the stack. */
enum fs_inputs_kind {
    FS_INPUTS_FIXED,
    FS_INPUTS_DEEP, /* and as many more as its argument says */
    FS_INPUTS_USED, /* what its stack effect takes away, and what it leaves */
};

enum fs_jump_kind { FS_JUMP_NONE, FS_JUMP_FORWARD, FS_JUMP_BACKWARD };

typedef struct {
    uint16_t op;          /* ours */
    uint8_t opcode;       /* CPython's, brought back from its quickened forms */
    bool known;           /* not a hole in the table */
    uint8_t length;       /* code units with those of CACHE */
    uint8_t warmup;       /* first value of the counter */
    uint8_t arg;          /* fs_arg_kind */
    uint8_t jump;         /* fs_jump_kind */
    bool last;            /* never goes on to the op behind it */
    bool effect_varies;   /* the stack effect depends on the argument */
    int8_t effect;        /* else: how much deeper the stack is after it */
    int8_t effect_jumped; /* and when it jumps */
    uint8_t inputs_kind;  /* fs_inputs_kind */
    uint8_t inputs;       /* its number; for FS_INPUTS_USED what the op leaves */
    bool grouped;         /* works only together with others: see interp_verify.c */
} fs_opcode_facts;

/* By opcode as it stands in a code unit, quickened or not. */
extern FS_HIDDEN fs_opcode_facts fs_opcodes[256];

/* Fills the table at the first call. */
void fs_opcode_init(void);

/* The unit that a jump at unit `i` leads to; INT_MAX: out of the code. */
FS_INLINE int fs_opcode_target(const fs_opcode_facts *facts, int i, uint32_t arg)
{
    if (facts->jump == FS_JUMP_FORWARD) {
        return arg > INT_MAX / 2 ? INT_MAX : i + 1 + (int)arg;
    }
    return arg > (uint32_t)i + 1 ? INT_MAX : i + 1 - (int)arg;
}

/* How much deeper the stack is after the op, or after its jump; PY_INVALID_STACK_EFFECT. */
FS_INLINE int fs_opcode_effect(const fs_opcode_facts *facts, uint32_t arg, bool jumped)
{
    if (FS_UNLIKELY(facts->effect_varies)) {
        return PyCompile_OpcodeStackEffectWithJump(facts->opcode, (int)arg, jumped);
    }
    return jumped ? facts->effect_jumped : facts->effect;
}

/* How many values must be on the stack before the op. */
FS_INLINE int64_t fs_opcode_inputs(const fs_opcode_facts *facts, uint32_t arg)
{
    if (FS_LIKELY(facts->inputs_kind == FS_INPUTS_FIXED)) {
        return facts->inputs;
    }
    if (facts->inputs_kind == FS_INPUTS_DEEP) {
        return (int64_t)facts->inputs + arg;
    }
    return (int64_t)facts->inputs - fs_opcode_effect(facts, arg, false);
}

#endif
