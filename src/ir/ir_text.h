/* What the writer and the reader of textual IR share. */
#ifndef FS_IR_TEXT_H
#define FS_IR_TEXT_H

#include "ir/ir.h"

/* Names of the bits of fs_ins.flags, from bit 0 on. */
#define FS_INS_FLAG_NAMES {"error", "sunk", "nohot", "nullable", "mark", "wide"}
enum { FS_INS_FLAG_COUNT = 6 };

/* Which parts of an instruction belong to an op. */
FS_INLINE bool fs_ir_op_has_cond(int op)
{
    return op == FS_IR_CMP || op == FS_IR_GUARD;
}

FS_INLINE bool fs_ir_op_has_mem(int op)
{
    return op == FS_IR_LOAD || op == FS_IR_LOADX || op == FS_IR_STORE || op == FS_IR_STOREX;
}

FS_INLINE bool fs_ir_op_has_args(int op)
{
    return op == FS_IR_CALL || op == FS_IR_JTRACE || op == FS_IR_NEWTUPLE || op == FS_IR_NEWLIST ||
           op == FS_IR_NEWINST || op == FS_IR_NEWFUNC || op == FS_IR_NEWGEN ||
           op == FS_IR_NEWGATHERED || fs_ir_has_plain_parts(op);
}

FS_INLINE bool fs_ir_op_has_aux(int op)
{
    return fs_ir_op_has_mem(op) || op == FS_IR_LEA || op == FS_IR_SLOAD || op == FS_IR_PLOAD ||
           op == FS_IR_JTRACE || op == FS_IR_JENTRY || op == FS_IR_PUSHFRAME ||
           op == FS_IR_POPFRAME;
}

#endif
