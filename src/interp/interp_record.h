/* Control of the test recorder, for the Python module. */
#ifndef FS_INTERP_RECORD_H
#define FS_INTERP_RECORD_H

#include "interp/interp.h"

/* Swaps every activation to the recording table, keeping the last `size` ops; -1 on error. */
int fs_record_start(size_t size);

/* Swaps back; (number of ops seen, list of the names of the last ones). */
PyObject *fs_record_stop(void);

#endif
