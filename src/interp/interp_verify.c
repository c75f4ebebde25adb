/* Is a code object one that our loop can run without looking?
 *
 * Code from a compiler always is. Code made by hand (CodeType.replace) may use more
 * stack than it asks for, or jump into the middle of things. The stack depth before
 * every op is worked out here as the compiler does it, through all jumps and
 * exception handlers; the translator has already seen to arguments and jump targets.
 * What fails is left to CPython's evaluator, which does with it what it does.
 */
#include "interp/interp_verify.h"

#include "sem/sem.h"

enum { VERIFY_UNKNOWN = -1 };

typedef struct {
    const verify_input *in;
    int *depth;   /* before each unit; VERIFY_UNKNOWN where no way is known to lead */
    bool changed; /* a depth was found for a unit already passed */
} verify_state;

/* A way leads to unit `to` with this depth; false when that can not be right. */
static bool verify_reach(verify_state *state, int from, int to, int depth)
{
    const verify_input *in = state->in;
    if (depth < 0 || depth > in->code->co_stacksize || to >= in->n) {
        return false;
    }
    if (state->depth[to] == VERIFY_UNKNOWN) {
        state->depth[to] = depth;
        state->changed |= to <= from;
    }
    return state->depth[to] == depth;
}

/* Ops that never go on to the next one. */
static bool verify_is_last(int opcode)
{
    return opcode == RETURN_VALUE || opcode == RAISE_VARARGS || opcode == RERAISE ||
           opcode == JUMP_FORWARD || opcode == JUMP_BACKWARD ||
           opcode == JUMP_BACKWARD_NO_INTERRUPT;
}

/* One op's ways on. */
static bool verify_op(verify_state *state, int i, const verify_op_info *op)
{
    int depth = state->depth[i];
    if (op->target >= 0) {
        int effect = PyCompile_OpcodeStackEffectWithJump(op->opcode, (int)op->arg, 1);
        if (!verify_reach(state, i, op->target, depth + effect)) {
            return false; /* the translator has made sure that an op starts there */
        }
    }
    if (verify_is_last(op->opcode)) {
        return depth > 0 || op->target >= 0 || op->opcode == RAISE_VARARGS;
    }
    int effect = PyCompile_OpcodeStackEffectWithJump(op->opcode, (int)op->arg, 0);
    return effect != PY_INVALID_STACK_EFFECT && verify_reach(state, i, op->next, depth + effect);
}

/* Handlers begin with the exception above their level, and the lasti if they want it. */
static bool verify_handlers(verify_state *state)
{
    Py_ssize_t at = 0;
    int level, handler, lasti, found;
    while ((found = fs_sem_exctable_next(state->in->code, &at, &level, &handler, &lasti)) > 0) {
        if (handler >= state->in->n || !(state->in->starts[handler] & 1) ||
            !verify_reach(state, -1, handler, level + lasti + 1)) {
            return false;
        }
    }
    return found == 0;
}

bool fs_verify_code(const verify_input *in)
{
    bool ok = false;
    int *depth = PyMem_Malloc(((size_t)in->n + 1) * sizeof(int));
    if (depth == NULL) {
        return false;
    }
    for (int i = 0; i <= in->n; i++) {
        depth[i] = VERIFY_UNKNOWN;
    }
    verify_state state = {.in = in, .depth = depth};
    /* A generator's first op finds the generator's place; the first value sent takes it. */
    int generator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    depth[0] = (in->code->co_flags & generator) != 0;
    if (!verify_handlers(&state)) {
        goto done;
    }
    do {
        state.changed = false;
        verify_op_info op;
        for (int i = 0; i < in->n; i = op.next) {
            in->describe(in, i, &op);
            if (depth[i] != VERIFY_UNKNOWN && !verify_op(&state, i, &op)) {
                goto done;
            }
        }
    } while (state.changed);
    ok = true;
done:
    PyMem_Free(depth);
    return ok;
}
