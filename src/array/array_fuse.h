/* Several arithmetic instructions in one loop: machine code that is made for the expression.
 *
 * Kernels go through the first cache between any two operations, which costs as much as the
 * operations themselves. Where a processor has AVX2 or AVX-512, runs of simple operations on items
 * of one type become one loop whose values stay in registers. Each operation is the kernel's own
 * instruction, rounded by itself, so that results are the same, bit for bit.
 */
#ifndef FS_ARRAY_FUSE_H
#define FS_ARRAY_FUSE_H

#include "array/array_plan.h"

/* What a node computes. */
enum fs_array_fuse_op {
    FS_ARRAY_FUSE_NONE,
    FS_ARRAY_FUSE_ADD,
    FS_ARRAY_FUSE_SUB,
    FS_ARRAY_FUSE_MUL,
    FS_ARRAY_FUSE_DIV,
    FS_ARRAY_FUSE_AND,
    FS_ARRAY_FUSE_OR,
    FS_ARRAY_FUSE_XOR,
    FS_ARRAY_FUSE_MAX, /* NumPy's: a NaN wins */
    FS_ARRAY_FUSE_MIN,
    FS_ARRAY_FUSE_SQRT, /* from here: of one value */
    FS_ARRAY_FUSE_NEG,
    FS_ARRAY_FUSE_ABS,
    FS_ARRAY_FUSE_OPS,
};

enum {
    FS_ARRAY_FUSE_OPERANDS = 12, /* that are read */
    FS_ARRAY_FUSE_POINTERS = 16, /* those, and what is written */
    FS_ARRAY_FUSE_NODES = 32,
    FS_ARRAY_FUSE_CODE = 8192, /* bytes of a loop, at most */
};

/* A run of operations. Values are numbered: operands first, then what nodes compute. A fold keeps
 * FS_ARRAY_LANE_BYTES of accumulators: item i goes to lane i modulo their number. */
struct fs_array_fuse_group {
    uint8_t type;   /* enum fs_array_type: FLOAT, DOUBLE, INT or LONG */
    uint8_t stream; /* the one output goes past the caches */
    uint8_t fold;   /* NONE, or how the one output is taken up to the lanes that it points to */
    uint8_t unused[2];
    uint8_t operands;
    uint8_t nodes;
    uint8_t outputs;
    uint32_t scalars; /* bit i: operand i is one value */
    struct {
        uint8_t op, src[2];
    } node[FS_ARRAY_FUSE_NODES];
    uint8_t output[FS_ARRAY_FUSE_POINTERS]; /* values that are written */
};

/* What kind of vectors: none, 32 bytes, 64 bytes. */
enum fs_array_fuse_level { FS_ARRAY_FUSE_OFF, FS_ARRAY_FUSE_AVX2, FS_ARRAY_FUSE_AVX512 };

/* Whether an operation on items of this type can be part of a loop. */
bool fs_array_fuse_can(enum fs_array_fuse_level level, enum fs_array_fuse_op op,
                       enum fs_array_type type);

/* Writes the machine code of a group; its size, 0 if it does not come out (too many registers). */
size_t fs_array_fuse_emit(const struct fs_array_fuse_group *group, enum fs_array_fuse_level level,
                          uint8_t code[FS_ARRAY_FUSE_CODE]);

/* A loop that is kept for the next evaluation of the same operations. */
struct fs_array_fuse_loop {
    void (*code)(void *const *pointers, size_t n);
    struct fs_array_fuse_group group;
    unsigned users; /* plans that have it */
    bool kept;      /* in the table */
    bool failed;    /* there is no code for it */
};

/* Puts loops in the place of the plan's steps, where they are worth it. The GIL is held. */
void fs_array_fuse(struct fs_array_plan *plan);
/* No loops from now on: they were wrong. */
void fs_array_fuse_quarantine(void);
/* For tests: the loops that are kept do nothing from now on; how many. While none runs. */
unsigned fs_array_fuse_spoil(void);
/* The plan has no more use for its loops. The GIL is held. */
void fs_array_fuse_release(struct fs_array_plan *plan);

#endif
