/* Empty arenas of small objects are kept for a while (interp_arena.c). */
#ifndef FS_INTERP_ARENA_H
#define FS_INTERP_ARENA_H

#include "base/base.h"

#include <Python.h>

/* From now on; again and again is as good as once. */
void fs_arena_keep(void);

#endif
