/* Verification of code objects before translation: see interp_verify.c. */
#ifndef FS_INTERP_VERIFY_H
#define FS_INTERP_VERIFY_H

#include "interp/interp.h"

/* An op as the verifier sees it. */
typedef struct {
    int opcode;   /* CPython's */
    uint32_t arg; /* complete */
    int target;   /* unit that it may jump to, or -1 */
    int next;     /* unit of the op behind it */
} verify_op_info;

/* The code, and how to read it. */
typedef struct verify_input {
    PyCodeObject *code;
    int n;                 /* code units */
    const uint8_t *starts; /* bit 0: an op, or its EXTENDED_ARG, starts here */
    const fs_instr *instrs;
    void (*describe)(const struct verify_input *in, int i, verify_op_info *op);
} verify_input;

/* Whether the depth of the stack is right on every way; false also when out of memory. */
bool fs_verify_code(const verify_input *in);

#endif
