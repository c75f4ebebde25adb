/* The interpreter by computed goto: one function, every op a label. For any GCC or clang.
 *
 * The same op bodies as interp_run_tail.c, from the same source.
 */

#include "interp/interp.h"

#include "interp/interp_macros.h"
#include "interp/interp_ops.h"

static const fs_dispatch *goto_tables[3];

/* Runs an activation; with NULL it only publishes the label tables. */
static PyObject *goto_run(fs_ctx *ctx)
{
    static const fs_dispatch main_table[FS_OP_COUNT] = {
#include "ops_goto_table_gen.inc"
    };
    static const fs_dispatch record_table[FS_OP_COUNT] = {
        [0 ... FS_OP_COUNT - 1] = {&&L_RECORD},
    };
    static const fs_dispatch leave_table[FS_OP_COUNT] = {
        [0 ... FS_OP_COUNT - 1] = {&&L_HANDOVER},
    };
    if (FS_UNLIKELY(ctx == NULL)) {
        goto_tables[FS_TABLE_MAIN] = main_table;
        goto_tables[FS_TABLE_RECORD] = record_table;
        goto_tables[FS_TABLE_LEAVE] = leave_table;
        return NULL;
    }
    _PyInterpreterFrame *frame = ctx->frame;
    PyObject **sp = ctx->sp;
    fs_instr *ip = ctx->ip;
    fs_code *co = ctx->co;
    const fs_dispatch *table = ctx->table;
    DISPATCH();
#include "ops_goto_gen.inc"
}

const fs_dispatch *fs_run_table(int which)
{
    if (FS_UNLIKELY(goto_tables[0] == NULL)) {
        (void)goto_run(NULL);
    }
    return goto_tables[which];
}

PyObject *fs_run(fs_ctx *ctx)
{
    return goto_run(ctx);
}

const char fs_run_dispatch[] = "computed-goto";
