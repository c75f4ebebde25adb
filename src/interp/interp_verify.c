/* Is a code object one that our loop can run without looking?
 *
 * Code from a compiler always is. Code made by hand (CodeType.replace) may use more
 * stack than it asks for, or jump into the middle of things. The stack depth before
 * every op is worked out here as the compiler does it, through all jumps and
 * exception handlers; the translator has already seen to arguments and jump targets.
 * What fails is left to CPython's evaluator, which does with it what it does.
 */
#include "interp/interp_pass.h"

#include "sem/sem.h"

enum { VERIFY_UNKNOWN = -1, VERIFY_SMALL = 1024 };

typedef struct {
    const fs_code_pass *pass;
    int *depth;   /* before each unit; VERIFY_UNKNOWN where no way is known to lead */
    bool changed; /* a depth was found for a unit already passed */
} verify_state;

/* A way leads to unit `to` with this depth; false when that can not be right. */
FS_INLINE bool verify_reach(verify_state *state, int from, int to, int depth)
{
    const fs_code_pass *pass = state->pass;
    if (depth < 0 || depth > pass->code->co_stacksize || to >= pass->n) {
        return false;
    }
    if (state->depth[to] == VERIFY_UNKNOWN) {
        state->depth[to] = depth;
        state->changed |= to <= from;
    }
    return state->depth[to] == depth;
}

/* One op's ways on. The translator has made sure that an op starts where it jumps to. */
FS_INLINE bool verify_op(verify_state *state, int i, const fs_opcode_facts *facts)
{
    int depth = state->depth[i];
    uint32_t arg = state->pass->out[i].arg;
    if (facts->jump && !verify_reach(state, i, fs_opcode_target(facts, i, arg),
                                     depth + fs_opcode_effect(facts, arg, true))) {
        return false;
    }
    if (facts->last) {
        return depth > 0 || facts->jump || facts->opcode == RAISE_VARARGS;
    }
    int effect = fs_opcode_effect(facts, arg, false);
    return effect != PY_INVALID_STACK_EFFECT &&
           verify_reach(state, i, i + facts->length, depth + effect);
}

/* Handlers begin with the exception above their level, and the lasti if they want it. */
static bool verify_handlers(verify_state *state)
{
    const fs_code_pass *pass = state->pass;
    Py_ssize_t at = 0;
    int level, handler, lasti, found;
    while ((found = fs_sem_exctable_next(pass->code, &at, &level, &handler, &lasti)) > 0) {
        if (handler >= pass->n || !(pass->starts[handler] & 1) ||
            !verify_reach(state, -1, handler, level + lasti + 1)) {
            return false;
        }
    }
    return found == 0;
}

/* All ops, again and again until no way leads to a unit that was passed with nothing known. */
static bool verify_ways(verify_state *state)
{
    const fs_code_pass *pass = state->pass;
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    do {
        state->changed = false;
        const fs_opcode_facts *facts;
        for (int i = 0; i < pass->n; i += facts->length) {
            facts = &fs_opcodes[_Py_OPCODE(units[i])];
            if (state->depth[i] != VERIFY_UNKNOWN && !verify_op(state, i, facts)) {
                return false;
            }
        }
    } while (state->changed);
    return true;
}

bool fs_verify_code(const fs_code_pass *pass)
{
    int small[VERIFY_SMALL];
    size_t bytes = (size_t)pass->n * sizeof(int);
    int *depth = pass->n <= VERIFY_SMALL ? small : PyMem_Malloc(bytes);
    if (depth == NULL) {
        return false;
    }
    _Static_assert(VERIFY_UNKNOWN == -1, "bytes of ones");
    memset(depth, 0xff, bytes);
    /* A generator's first op finds the generator's place; the first value sent takes it. */
    int generator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    depth[0] = (pass->code->co_flags & generator) != 0;
    verify_state state = {.pass = pass, .depth = depth};
    bool ok = verify_handlers(&state) && verify_ways(&state);
    if (depth != small) {
        PyMem_Free(depth);
    }
    return ok;
}
