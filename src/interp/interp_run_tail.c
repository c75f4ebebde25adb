/* The interpreter by tail calls: every op is a function, every dispatch a jump.
 *
 * Arguments stay in registers (preserve_none) from op to op; see FS_PARAMS.
 * Needs clang >= 19; interp_run_goto.c is the same ops for any compiler.
 */

#include "interp/interp.h"

#include "interp/interp_macros.h"
#include "interp/interp_ops.h"

#include "ops_tail_protos_gen.inc"

static const fs_dispatch fs_table_main[FS_OP_COUNT] = {
#include "ops_tail_table_gen.inc"
};

static const fs_dispatch fs_table_record[FS_OP_COUNT] = {
    [0 ... FS_OP_COUNT - 1] = {fs_op_RECORD},
};

static const fs_dispatch fs_table_leave[FS_OP_COUNT] = {
    [0 ... FS_OP_COUNT - 1] = {fs_op_HANDOVER},
};

#include "ops_tail_gen.inc"

const fs_dispatch *fs_run_table(int which)
{
    return which == FS_TABLE_MAIN     ? fs_table_main
           : which == FS_TABLE_RECORD ? fs_table_record
                                      : fs_table_leave;
}

const char fs_run_dispatch[] = "tail-call";
