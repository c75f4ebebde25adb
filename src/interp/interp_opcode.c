/* One table of what the translator and the verifier must know of each opcode.
 *
 * It is made once, from CPython's own tables and the op definitions, so that a
 * translation asks nothing else per code unit: code that runs only once or twice
 * (imports, class bodies) is most of what is translated.
 */
#define NEED_OPCODE_TABLES
#include "interp/interp_opcode.h"

#include "jit/jit_hooks.h"

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

/* While the JIT is on, backward jumps count. */
static int opcode_counting(int opcode)
{
    switch (opcode) {
    case JUMP_BACKWARD:
        return FS_OP_JUMP_BACKWARD_JIT;
    case POP_JUMP_BACKWARD_IF_FALSE:
        return FS_OP_POP_JUMP_BACKWARD_IF_FALSE_JIT;
    case POP_JUMP_BACKWARD_IF_TRUE:
        return FS_OP_POP_JUMP_BACKWARD_IF_TRUE_JIT;
    case POP_JUMP_BACKWARD_IF_NONE:
        return FS_OP_POP_JUMP_BACKWARD_IF_NONE_JIT;
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
        return FS_OP_POP_JUMP_BACKWARD_IF_NOT_NONE_JIT;
    default:
        return -1;
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
    if (facts->opcode == RETURN_GENERATOR) {
        facts->effect = 1; /* the frame goes on when a first value is sent, and finds it there */
    }
}

/* The values before the "--" of an op's definition. */
static int opcode_count_inputs(const char *effect)
{
    int count = 0;
    for (const char *c = effect; *c != '\0' && strncmp(c, "--", 2) != 0; c++) {
        count += *c == ',' || (count == 0 && *c != ' ');
    }
    return count;
}

/* What an op finds on the stack: by its definition, or by its argument. */
static void opcode_fill_inputs(fs_opcode_facts *facts, const char *effect)
{
    facts->inputs_kind = FS_INPUTS_DEEP;
    switch (facts->opcode) {
    case COPY:
    case SWAP:
        facts->inputs = 0;
        return;
    case LIST_APPEND:
    case LIST_EXTEND:
    case SET_ADD:
    case SET_UPDATE:
    case DICT_UPDATE:
    case RERAISE:
        facts->inputs = 1;
        return;
    case MAP_ADD:
    case PRECALL:
        facts->inputs = 2;
        return;
    case DICT_MERGE:
        facts->inputs = 3;
        return;
    case BUILD_TUPLE:
    case BUILD_LIST:
    case BUILD_SET:
    case BUILD_MAP:
    case BUILD_CONST_KEY_MAP:
    case BUILD_STRING:
    case BUILD_SLICE:
    case FORMAT_VALUE:
    case MAKE_FUNCTION:
    case CALL_FUNCTION_EX:
        facts->inputs_kind = FS_INPUTS_USED;
        facts->inputs = 1;
        return;
    case RAISE_VARARGS:
        facts->inputs_kind = FS_INPUTS_USED;
        facts->inputs = 0;
        return;
    default:
        facts->inputs_kind = FS_INPUTS_FIXED;
        facts->inputs = (uint8_t)opcode_count_inputs(effect);
    }
}

void fs_opcode_init(void)
{
    if (FS_LIKELY(fs_opcodes[NOP].known)) {
        return;
    }
    for (int raw = 0; raw < 256; raw++) {
        fs_opcode_facts *facts = &fs_opcodes[raw];
        int opcode = _PyOpcode_Deopt[raw];
        if (fs_op_of_cpython[opcode] == 0) {
            continue;
        }
        const fs_op_meta *meta = &fs_ops[fs_op_of_cpython[opcode] - 1];
        facts->op = (uint16_t)(fs_op_of_cpython[opcode] - 1);
        facts->opcode = (uint8_t)opcode;
        facts->length = (uint8_t)meta->length;
        facts->warmup = meta->flags & FS_OPF_ADAPTIVE ? FS_WARMUP : 0;
        if (fs_jit_settings.on && opcode_counting(opcode) >= 0) {
            facts->op = (uint16_t)opcode_counting(opcode);
            facts->warmup = fs_jit_settings.loop_counter;
        }
        facts->arg = (uint8_t)opcode_arg_kind(opcode);
        if (_PyOpcode_Jump[opcode / 32] >> opcode % 32 & 1) {
            facts->jump = meta->flags & FS_OPF_BACK ? FS_JUMP_BACKWARD : FS_JUMP_FORWARD;
        }
        facts->last = opcode_is_last(opcode);
        facts->grouped = opcode == KW_NAMES || opcode == PRECALL || opcode == CALL ||
                         opcode == RETURN_GENERATOR || opcode == YIELD_VALUE;
        opcode_fill_effects(facts);
        opcode_fill_inputs(facts, meta->effect);
        facts->known = true;
    }
}
