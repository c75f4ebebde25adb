/* Is a code object one that our loop can run without looking?
 *
 * Code from a compiler always is. Code made by hand (CodeType.replace) may use more
 * stack than it asks for, or jump into the middle of things. The stack depth before
 * every op is worked out here as the compiler does it, through all jumps and
 * exception handlers, and every op must find its inputs; ops that only work together
 * (a call; the start of a generator and its yields) must stand together. The translator
 * has already seen to arguments and jump targets.
 * What fails is left to CPython's evaluator, which does with it what it does; but a
 * stack that is left at its top or bottom could only be luck there: nobody runs that.
 */
#include "interp/interp_pass.h"

#include "sem/sem.h"

enum { VERIFY_UNKNOWN = -1, VERIFY_SMALL = 1024 };

typedef struct {
    fs_code_pass *pass;
    int *depth;   /* before each unit; VERIFY_UNKNOWN where no way is known to lead */
    bool changed; /* a depth was found for a unit already passed */
} verify_state;

/* A way leads to unit `to` with this depth; false when that can not be right. */
FS_INLINE bool verify_reach(verify_state *state, int from, int to, int depth)
{
    const fs_code_pass *pass = state->pass;
    if (depth < 0 || depth > pass->code->co_stacksize) {
        state->pass->unsafe = true;
        return false;
    }
    if (to >= pass->n) {
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
    if (depth < fs_opcode_inputs(facts, arg)) {
        /* The deepest of its inputs an op may look at only when it fails. */
        state->pass->unsafe = facts->inputs_kind != FS_INPUTS_DEEP;
        return false;
    }
    if (facts->inputs_kind == FS_INPUTS_DEEP && arg == 0 && facts->opcode != PRECALL &&
        facts->opcode != RERAISE) {
        state->pass->unsafe = true; /* COPY 0: what lies above the stack */
        return false;
    }
    if (facts->jump && !verify_reach(state, i, fs_opcode_target(facts, i, arg),
                                     depth + fs_opcode_effect(facts, arg, true))) {
        return false;
    }
    if (facts->last) {
        return true;
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
    fs_sem_range range;
    int found;
    while ((found = fs_sem_exctable_next(pass->code, &at, &range)) > 0) {
        int handler = range.handler;
        if (handler >= pass->n || !(pass->starts[handler] & 1) ||
            !verify_reach(state, -1, handler, range.level + range.lasti + 1)) {
            return false;
        }
        pass->starts[handler] |= 2;
    }
    return found == 0;
}

/* What raises has the level of its handler under it: unwinding only takes away. */
static bool verify_levels(const verify_state *state)
{
    const fs_code_pass *pass = state->pass;
    Py_ssize_t at = 0;
    fs_sem_range range;
    while (fs_sem_exctable_next(pass->code, &at, &range) > 0) {
        int start = Py_MIN(range.start, pass->n);
        int end = start + Py_MIN(range.size, pass->n - start);
        for (int i = start; i < end; i++) {
            if (state->depth[i] != VERIFY_UNKNOWN && state->depth[i] < range.level) {
                return false;
            }
        }
    }
    return true;
}

/* What stands behind unit i: the op itself, and not its EXTENDED_ARGs. */
static const fs_opcode_facts *verify_next_op(const fs_code_pass *pass, int *i)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    while (*i < pass->n && _Py_OPCODE(units[*i]) == EXTENDED_ARG) {
        ++*i;
    }
    return *i < pass->n ? &fs_opcodes[_Py_OPCODE(units[*i])] : NULL;
}

/* KW_NAMES, PRECALL and CALL come in this order; nobody jumps to the CALL. */
static bool verify_call(const fs_code_pass *pass, int i, const fs_opcode_facts *facts)
{
    int next = i + facts->length;
    bool jumped_to = next < pass->n && pass->starts[next] & 2;
    const fs_opcode_facts *then = verify_next_op(pass, &next);
    if (then == NULL) {
        return false;
    }
    uint32_t arg = pass->out[i].arg;
    if (facts->opcode == PRECALL) {
        return then->opcode == CALL && pass->out[next].arg == arg && !jumped_to;
    }
    PyObject *names = PyTuple_GET_ITEM(pass->code->co_consts, arg);
    return then->opcode == PRECALL && PyTuple_Check(names) &&
           (size_t)PyTuple_GET_SIZE(names) <= pass->out[next].arg;
}

/* Where RETURN_GENERATOR may be: only cells are made before it, once. -1 for no generator. */
static int verify_generator_start(const fs_code_pass *pass)
{
    if (!(pass->code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR))) {
        return -1;
    }
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    for (int i = 0; i < pass->n && !(pass->starts[i] & 2); i++) {
        int opcode = _Py_OPCODE(units[i]);
        if (opcode != MAKE_CELL && opcode != COPY_FREE_VARS && opcode != EXTENDED_ARG) {
            return opcode == RETURN_GENERATOR ? i : pass->n;
        }
    }
    return pass->n;
}

/* The ops that only work together. */
static bool verify_groups(const fs_code_pass *pass)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(pass->code);
    int start = verify_generator_start(pass);
    int calls = 0;
    if (start == pass->n) {
        return false;
    }
    const fs_opcode_facts *facts;
    for (int i = 0; i < pass->n; i += facts->length) {
        facts = &fs_opcodes[_Py_OPCODE(units[i])];
        if (FS_LIKELY(!facts->grouped)) {
            continue;
        }
        if (facts->opcode == RETURN_GENERATOR || facts->opcode == YIELD_VALUE) {
            if (facts->opcode == RETURN_GENERATOR ? i != start : start < 0) {
                return false;
            }
            continue;
        }
        calls += (facts->opcode == PRECALL) - (facts->opcode == CALL);
        if (facts->opcode != CALL && !verify_call(pass, i, facts)) {
            return false;
        }
    }
    return calls == 0;
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

bool fs_verify_code(fs_code_pass *pass)
{
    int small[VERIFY_SMALL];
    size_t bytes = (size_t)pass->n * sizeof(int);
    int *depth = pass->n <= VERIFY_SMALL ? small : PyMem_Malloc(bytes);
    if (depth == NULL) {
        return false;
    }
    _Static_assert(VERIFY_UNKNOWN == -1, "bytes of ones");
    memset(depth, 0xff, bytes);
    depth[0] = 0;
    verify_state state = {.pass = pass, .depth = depth};
    bool ok = verify_handlers(&state) && verify_groups(pass) && verify_ways(&state) &&
              verify_levels(&state);
    if (depth != small) {
        PyMem_Free(depth);
    }
    return ok;
}
