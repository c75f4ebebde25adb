/* One table of what the translator and the verifier must know of each opcode.
 *
 * It is made once, from CPython's own tables and the op definitions, so that a
 * translation asks nothing else per code unit: code that runs only once or twice
 * (imports, class bodies) is most of what is translated.
 */
#define NEED_OPCODE_TABLES
#include "interp/interp_opcode.h"

#include <internal/pycore_opcode.h>

/* Arguments whose effects are compared: flags of all ops lie below. */
enum { OPCODE_ARGS_TRIED = 17 };

fs_opcode_facts fs_opcodes[256];

static int opcode_arg_kind(int opcode)
{
    switch (opcode) {
    case COPY_FREE_VARS:
        return FS_ARG_FREE;
    case LOAD_FAST:
    case STORE_FAST:
    case DELETE_FAST:
    case LOAD_CLOSURE:
    case MAKE_CELL:
    case LOAD_DEREF:
    case STORE_DEREF:
    case DELETE_DEREF:
    case LOAD_CLASSDEREF:
        return FS_ARG_LOCAL;
    case LOAD_CONST:
    case KW_NAMES:
        return FS_ARG_CONST;
    case LOAD_GLOBAL:
        return FS_ARG_GLOBAL;
    case LOAD_NAME:
    case STORE_NAME:
    case DELETE_NAME:
    case STORE_GLOBAL:
    case DELETE_GLOBAL:
    case LOAD_ATTR:
    case STORE_ATTR:
    case DELETE_ATTR:
    case LOAD_METHOD:
    case IMPORT_NAME:
    case IMPORT_FROM:
        return FS_ARG_NAME;
    case BINARY_OP:
        return FS_ARG_BINARY;
    case COMPARE_OP:
        return FS_ARG_COMPARE;
    default:
        return FS_ARG_ANY;
    }
}

static bool opcode_is_last(int opcode)
{
    return opcode == RETURN_VALUE || opcode == RAISE_VARARGS || opcode == RERAISE ||
           opcode == JUMP_FORWARD || opcode == JUMP_BACKWARD ||
           opcode == JUMP_BACKWARD_NO_INTERRUPT;
}

/* The stack effects, as the compiler sees them. */
static void opcode_fill_effects(fs_opcode_facts *facts)
{
    int effect = PyCompile_OpcodeStackEffectWithJump(facts->opcode, 0, 0);
    int jumped = PyCompile_OpcodeStackEffectWithJump(facts->opcode, 0, 1);
    facts->effect_varies =
        effect < INT8_MIN || effect > INT8_MAX || jumped < INT8_MIN || jumped > INT8_MAX;
    for (int arg = 1; arg < OPCODE_ARGS_TRIED; arg++) {
        facts->effect_varies |=
            PyCompile_OpcodeStackEffectWithJump(facts->opcode, arg, 0) != effect ||
            PyCompile_OpcodeStackEffectWithJump(facts->opcode, arg, 1) != jumped;
    }
    facts->effect = (int8_t)effect;
    facts->effect_jumped = (int8_t)jumped;
}

void fs_opcode_init(void)
{
    if (FS_LIKELY(fs_opcodes[NOP].known)) {
        return;
    }
    for (int raw = 0; raw < 256; raw++) {
        fs_opcode_facts *facts = &fs_opcodes[raw];
        int opcode = _PyOpcode_Deopt[raw];
        if (fs_op_of_cpython[opcode] == 0 || opcode == CACHE) {
            continue;
        }
        const fs_op_meta *meta = &fs_ops[fs_op_of_cpython[opcode] - 1];
        facts->op = (uint16_t)(fs_op_of_cpython[opcode] - 1);
        facts->opcode = (uint8_t)opcode;
        facts->length = (uint8_t)meta->length;
        facts->warmup = meta->flags & FS_OPF_ADAPTIVE ? FS_WARMUP : 0;
        facts->arg = (uint8_t)opcode_arg_kind(opcode);
        if (_PyOpcode_Jump[opcode / 32] >> opcode % 32 & 1) {
            facts->jump = meta->flags & FS_OPF_BACK ? FS_JUMP_BACKWARD : FS_JUMP_FORWARD;
        }
        facts->last = opcode_is_last(opcode);
        opcode_fill_effects(facts);
        facts->known = true;
    }
}
