/* Garbage that nothing can bring back to life: it can go without CPython's looking at it again. */
#ifndef FS_GC_GARBAGE_H
#define FS_GC_GARBAGE_H

#include "pyrt/pyrt.h"

/* Whether no object in a list of garbage has a finalizer that runs code of the program. Marks what
 * it has looked at as being collected, as CPython would, too. */
bool fs_gc_is_plain(PyGC_Head *garbage);

/* Clears weak references to plain garbage and calls their callbacks, then clears all of it, as
 * CPython does at that point; the list is empty then. What is alive nevertheless goes to the end of
 * `old`. Any code may run. Returns how many weak references went with their callbacks, which
 * CPython counts, too. */
Py_ssize_t fs_gc_clear(PyGC_Head *garbage, PyGC_Head *old);

#endif
