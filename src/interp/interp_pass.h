/* One translation on its way through its passes: interp_code.c, interp_verify.c, interp_fuse.c. */
#ifndef FS_INTERP_PASS_H
#define FS_INTERP_PASS_H

#include "interp/interp_opcode.h"

/* A code object being translated, or found too odd for it. */
typedef struct {
    PyCodeObject *code;
    fs_instr *out; /* one slot per code unit: complete arguments */
    int n;         /* code units */
    /* Per unit. Bit 0: an op (or its EXTENDED_ARG) starts here; bit 1: it is jumped to. */
    uint8_t *starts;
    bool unsafe; /* nobody can run this */
} fs_code_pass;

/* interp_verify.c: whether the depth of the stack is right on every way; false also when out of
 * memory. */
bool fs_verify_code(fs_code_pass *pass);

/* interp_fuse.c: super ops for common neighbours, and for adaptive ops what stands before them. */
void fs_fuse_code(fs_code_pass *pass);

#endif
