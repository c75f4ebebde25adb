/* The vocabulary of the op bodies in src/ops: one meaning for both builds.
 *
 * A body sees `frame`, `sp` (first free stack slot), `ip` (its own instruction),
 * `ctx`, `table` (the dispatch table in force) and `co` (the code's translation).
 * It ends in exactly one of NEXT, DISPATCH, GOTO_OP, ERROR or a return.
 *
 * The first four live in registers that C calls keep; `table` and `co` do not, so
 * a body that has called C says RELOAD (or NEXT_ESC) before it goes on: that is
 * what keeps spills off the fast paths, and what lets the dispatch table be
 * swapped under a running activation.
 */
#ifndef FS_INTERP_MACROS_H
#define FS_INTERP_MACROS_H

#if FS_TAIL_CALL
#define FS_MUSTTAIL __attribute__((musttail))
#define DISPATCH() FS_MUSTTAIL return table[ip->op].handler(FS_ARGS)
#define DISPATCH_MAIN() DISPATCH_AS(ip->op)
#define DISPATCH_AS(op_) FS_MUSTTAIL return fs_table_main[op_].handler(FS_ARGS)
#define GOTO_OP(name) FS_MUSTTAIL return fs_op_##name(FS_ARGS)
#define RELOAD() ((void)(table = ctx->table, co = ctx->co))
#else
#define DISPATCH() goto *table[ip->op].handler
#define DISPATCH_MAIN() DISPATCH_AS(ip->op)
#define DISPATCH_AS(op_) goto *main_table[op_].handler
#define GOTO_OP(name) goto L_##name
#define RELOAD() ((void)(table = ctx->table))
#endif

#define NEXT()       \
    do {             \
        ip += OPLEN; \
        DISPATCH();  \
    } while (0)

/* Goes on after arbitrary Python may have run: tracing may have come on. */
#define NEXT_ESC()             \
    do {                       \
        RELOAD();              \
        ip += OPLEN;           \
        if (TRACING()) {       \
            GOTO_OP(HANDOVER); \
        }                      \
        DISPATCH();            \
    } while (0)

/* Goes on after a call: as NEXT_ESC, and pending work is done. */
#define NEXT_CALL()                         \
    do {                                    \
        RELOAD();                           \
        ip += OPLEN;                        \
        if (MUST_POLL() || !HOLDS_SLOT()) { \
            GOTO_OP(PENDING);               \
        }                                   \
        DISPATCH();                         \
    } while (0)

#define ERROR()         \
    do {                \
        RELOAD();       \
        GOTO_OP(ERROR); \
    } while (0)

#define TRACING() FS_UNLIKELY(ctx->cframe.use_tracing != 0)
#define MUST_POLL() \
    FS_UNLIKELY((_Py_atomic_load_relaxed(ctx->eval_breaker) | ctx->cframe.use_tracing) != 0)

/* Only C code that is called can give the evaluator slot to somebody else. */
#define HOLDS_SLOT() FS_LIKELY(*ctx->slot == fs_eval)

#define TS (ctx->ts)
#define ARG (ip->arg)
#define TOP() (sp[-1])
#define SECOND() (sp[-2])
#define PEEK(n) (sp[-(n)])
#define POP() (*--sp)
#define PUSH(v) (*sp++ = (v))
#define LOCAL(i) (frame->localsplus[i])
#define CONST(i) (co->consts[i])
#define NAME(i) (co->names[i])
#define CACHE_AS(type) ((type *)(ip + 1))

/* frame->prev_instr := the code unit of `ip`. */
#define SAVE_IP() ((void)(frame->prev_instr = FS_UNIT_OF(co, ip)))

/* Hands the loop's registers to a C helper, and takes them back. */
#define SAVE_STATE() ((void)(ctx->frame = frame, ctx->sp = sp, ctx->ip = ip))
#define LOAD_STATE() \
    ((void)(frame = ctx->frame, sp = ctx->sp, ip = ctx->ip, co = ctx->co, table = ctx->table))

/* Out-of-line work whose call costs the fast path nothing: the callee keeps every register. */
#if FS_TAIL_CALL
#define FS_KEEPS_REGISTERS __attribute__((preserve_most, noinline, cold))
#else
#define FS_KEEPS_REGISTERS FS_COLD
#endif

FS_KEEPS_REGISTERS FS_UNUSED static void fs_dealloc(PyObject *v)
{
    fs_num_dealloc(v);
}

/* Drops a reference; a finalizer that looks at the frame sees where we are. */
#define DECREF(v)                                      \
    do {                                               \
        PyObject *dropped_ = (PyObject *)(v);          \
        if (FS_UNLIKELY(--dropped_->ob_refcnt == 0)) { \
            SAVE_IP();                                 \
            fs_dealloc(dropped_);                      \
        }                                              \
    } while (0)

#define XDECREF(v)                          \
    do {                                    \
        PyObject *maybe_ = (PyObject *)(v); \
        if (maybe_ != NULL) {               \
            DECREF(maybe_);                 \
        }                                   \
    } while (0)

/* Whether dropping both operands lets one die (they may be one object). */
#define IS_OP_LAST(v, w) \
    (Py_REFCNT(v) == 1 || Py_REFCNT(w) == 1 || ((v) == (w) && Py_REFCNT(v) == 2))

/* Stores into a local: the old value goes after the new one stands. */
#define SET_LOCAL(i, v)            \
    do {                           \
        PyObject *old_ = LOCAL(i); \
        LOCAL(i) = (v);            \
        XDECREF(old_);             \
    } while (0)

/* Stands in one arm of an `if` that decides where to go on: keeps it a branch, which the
 * processor foresees. Were the way worked out with selects instead, all ops behind would have to
 * wait for what decides. */
#define BRANCH_HERE() __asm__ volatile("" : "+r"(ip))

/* Takes the POP_JUMP_* at `ip`, or not. */
#define GOTO_JUMP_BY_TRUTH(truth)                          \
    do {                                                   \
        uint16_t flags_ = fs_ops[ip->op].flags;            \
        if ((truth) == ((flags_ & FS_OPF_IF_TRUE) != 0)) { \
            if (flags_ & FS_OPF_BACK) {                    \
                if (ip->counter != 0) {                    \
                    GOTO_OP(JUMP_BACKWARD_JIT);            \
                }                                          \
                GOTO_OP(JUMP_BACKWARD);                    \
            }                                              \
            ip += 1 + ARG;                                 \
            DISPATCH();                                    \
        }                                                  \
        ip += 1;                                           \
        DISPATCH();                                        \
    } while (0)

/* Goes on after an op that gives a truth value: to where a jump forward that follows would go,
 * or with the value on the stack. */
#define NEXT_TRUTH(truth)                                \
    do {                                                 \
        bool truth_ = (truth);                           \
        ip += OPLEN;                                     \
        if (ip->op == FS_OP_POP_JUMP_FORWARD_IF_FALSE) { \
            ip += truth_ ? 1 : 1 + ARG;                  \
            DISPATCH();                                  \
        }                                                \
        if (ip->op == FS_OP_POP_JUMP_FORWARD_IF_TRUE) {  \
            ip += truth_ ? 1 + ARG : 1;                  \
            DISPATCH();                                  \
        }                                                \
        PUSH(Py_NewRef(truth_ ? Py_True : Py_False));    \
        DISPATCH();                                      \
    } while (0)

/* Links a new frame above the running one, which goes on after the CALL slot at `ip`. */
#define ENTER_FRAME(made, callee) ENTER_FRAME_AT(made, callee, ip + FS_CALL_LENGTH - 1)

/* The same with the slot that tracebacks of the caller show; how the caller goes on is the
 * frame's kind's affair. */
#define ENTER_FRAME_AT(made, callee, slot)                \
    do {                                                  \
        frame->prev_instr = FS_UNIT_OF(co, slot);         \
        frame->stacktop = (int)(sp - frame->localsplus);  \
        (made)->previous = frame;                         \
        frame = (made);                                   \
        ctx->cframe.current_frame = frame;                \
        *fs_frame_caller_code(frame, (callee)) = co;      \
        co = (callee);                                    \
        ctx->co = co;                                     \
        sp = frame->localsplus + co->nlocalsplus;         \
        ip = co->entry;                                   \
        if (FS_UNLIKELY(--TS->recursion_remaining < 0)) { \
            GOTO_OP(START_FRAME_CHECK);                   \
        }                                                 \
        if (MUST_POLL()) {                                \
            GOTO_OP(START_FRAME_POLL);                    \
        }                                                 \
        DISPATCH();                                       \
    } while (0)

/* Takes the running frame, called inline and without a frame object, off: `frame`, `co` and
 * `sp` are then its caller's, `ip` goes on there. The value to return is off the stack. */
#define LEAVE_FRAME()                                                      \
    do {                                                                   \
        _PyInterpreterFrame *dying_ = frame;                               \
        ctx->co = *fs_frame_caller_code(dying_, co);                       \
        frame = dying_->previous;                                          \
        ctx->cframe.current_frame = frame;                                 \
        for (PyObject **slot_ = dying_->localsplus; slot_ < sp; slot_++) { \
            PyObject *local_ = *slot_;                                     \
            if (local_ != NULL && FS_UNLIKELY(--local_->ob_refcnt == 0)) { \
                fs_call_drop_rest(slot_, sp);                              \
                break;                                                     \
            }                                                              \
        }                                                                  \
        fs_pyrt_function_drop(dying_->f_func);                             \
        Py_DECREF(dying_->f_code);                                         \
        TS->recursion_remaining++;                                         \
        fs_pyrt_frame_free(TS, dying_);                                    \
        co = ctx->co;                                                      \
        RELOAD();                                                          \
        sp = frame->localsplus + frame->stacktop;                          \
        frame->stacktop = -1;                                              \
        ip = FS_SLOT_OF(co, frame->prev_instr + 1);                        \
    } while (0)

/* Makes a suspended generator's frame the running one. */
#define LINK_GENERATOR(gen, resumed, callee, kind)        \
    do {                                                  \
        SAVE_IP();                                        \
        frame->stacktop = (int)(sp - frame->localsplus);  \
        (gen)->gi_exc_state.previous_item = TS->exc_info; \
        TS->exc_info = &(gen)->gi_exc_state;              \
        (gen)->gi_frame_state = FRAME_EXECUTING;          \
        (resumed)->previous = frame;                      \
        fs_frame_set_resumed(resumed, kind);              \
        ctx->resumer = frame;                             \
        ctx->resumer_co = co;                             \
        frame = (resumed);                                \
        ctx->cframe.current_frame = frame;                \
        co = (callee);                                    \
        ctx->co = co;                                     \
        sp = frame->localsplus + frame->stacktop;         \
        ip = FS_SLOT_OF(co, frame->prev_instr + 1);       \
    } while (0)

/* ... and goes on there with a value (stolen). */
#define START_GENERATOR(value)                             \
    do {                                                   \
        PUSH(value);                                       \
        if (FS_UNLIKELY(TS->recursion_remaining-- <= 0)) { \
            frame->stacktop++;                             \
            GOTO_OP(RESUME_FRAME_CHECK);                   \
        }                                                  \
        frame->stacktop = -1;                              \
        DISPATCH();                                        \
    } while (0)

/* Whether a generator's frame goes on at `ip` by dropping what it is sent. */
#define IS_RESUMED_BY_NONE(ip)                                    \
    (((ip)->op == FS_OP_RESUME && (ip)[1].op == FS_OP_POP_TOP) || \
     ((ip)->op == FS_OP_POP_TOP && (ip)[1].op == FS_OP_RESUME))

/* Resumes a generator with None. One that would only be dropped again, or sent on by a `yield
 * from`, is not pushed, and RESUME and what follows it passed over. */
#define RESUME_GENERATOR(gen, resumed, callee, kind)                  \
    do {                                                              \
        LINK_GENERATOR(gen, resumed, callee, kind);                   \
        if (FS_LIKELY(TS->recursion_remaining > 0 && !MUST_POLL())) { \
            if (IS_RESUMED_BY_NONE(ip)) {                             \
                ip += 2;                                              \
                TS->recursion_remaining--;                            \
                frame->stacktop = -1;                                 \
                DISPATCH();                                           \
            }                                                         \
            if (fs_generator_delegates(frame->prev_instr)) {          \
                GOTO_OP(SEND_CHAIN);                                  \
            }                                                         \
        }                                                             \
        START_GENERATOR(Py_NewRef(Py_None));                          \
    } while (0)

/* The way back from a suspended generator's frame to the one that has resumed it. */
#define UNLINK_GENERATOR(gen)                                                                      \
    do {                                                                                           \
        TS->exc_info = (gen)->gi_exc_state.previous_item;                                          \
        (gen)->gi_exc_state.previous_item = NULL;                                                  \
        _PyInterpreterFrame *suspended_ = frame;                                                   \
        frame = suspended_->previous;                                                              \
        suspended_->previous = NULL;                                                               \
        ctx->cframe.current_frame = frame;                                                         \
        co = FS_LIKELY(frame == ctx->resumer) ? ctx->resumer_co : fs_pyrt_code_get(frame->f_code); \
        ctx->co = co;                                                                              \
        sp = frame->localsplus + frame->stacktop;                                                  \
        frame->stacktop = -1;                                                                      \
        ip = FS_SLOT_OF(co, frame->prev_instr + 1);                                                \
    } while (0)

#endif
