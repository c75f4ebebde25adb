/* The table of C functions that traces call, from ir_calls.def. */
#include "ir/ir.h"

#include "jit/jit_builtin.h"
#include "jit/jit_calls.h"
#include "jit/jit_except.h"
#include "jit/jit_help.h"
#include "jit/jit_ops.h"
#include "jit/jit_ops_build.h"

#include <math.h>

const fs_call_info fs_ir_calls[FS_CALL_COUNT] = {
#define FS_CALL(name, function, result, args, flags) \
    [FS_CALL_##name] = {#name, (const void *)function, FS_T_##result, args, flags},
#include "ir/ir_calls.def"
};
