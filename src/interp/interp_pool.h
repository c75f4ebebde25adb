/* A stack of dead objects whose memory is used again: what interp_num.h, instances made in traces
 * (jit/jit_instance.c), machine code and its stencils share. */
#ifndef FS_INTERP_POOL_H
#define FS_INTERP_POOL_H

#include <Python.h>

enum { FS_POOL_SIZE = 128, FS_POOL_SLACK = 2 };

typedef struct {
    PyObject **top;
    PyObject *blocks[FS_POOL_SIZE + FS_POOL_SLACK];
} fs_pool;

#endif
