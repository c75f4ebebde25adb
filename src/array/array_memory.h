/* Memory of large results: on huge pages, and used again. */
#ifndef FS_ARRAY_MEMORY_H
#define FS_ARRAY_MEMORY_H

#include "array.h"

/* A new array whose items are undefined, laid out as `strides` say (NULL: C order). Steals the
 * reference to descr. NULL with an exception set. */
PyArrayObject *fs_array_memory_new(PyArray_Descr *descr, int ndim, const npy_intp *shape,
                                   const npy_intp *strides);

/* How many bytes are kept for the next large result. */
size_t fs_array_memory_kept(void);

#endif
