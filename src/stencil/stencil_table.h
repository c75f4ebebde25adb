/* What the generated headers are made of: the code of a stencil, and its holes. */
#ifndef FS_STENCIL_TABLE_H
#define FS_STENCIL_TABLE_H

#include "base/base.h"

/* How a hole is filled. */
enum { FS_HOLE_ABS64 /* 8 bytes */, FS_HOLE_REL32 /* the distance of a jump */ };
/* With what. From FS_HOLE_ADDRESS on: where an object of C stands, by its number. */
enum {
    FS_HOLE_NEXT,  /* behind the stencil */
    FS_HOLE_ASIDE, /* cold code that calls C */
    FS_HOLE_LEAVE, /* the instruction's exit */
    FS_HOLE_VALUE0,
    FS_HOLE_VALUE1,
    FS_HOLE_VALUE2,
    FS_HOLE_VALUE3,
    FS_HOLE_VALUE4,
    FS_HOLE_VALUE5,
    FS_HOLE_ADDRESS,
};
enum { FS_STENCIL_VALUES = FS_HOLE_ADDRESS - FS_HOLE_VALUE0 };

typedef struct {
    uint16_t at;
    uint8_t kind, what;
    int32_t addend;
} fs_stencil_hole;

typedef struct {
    const uint8_t *code;
    const fs_stencil_hole *holes;
    uint16_t size, nholes;
    uint32_t clobbers; /* registers by number: what comes out of them is the result, or nothing */
} fs_stencil;

#endif
