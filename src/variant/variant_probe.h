/* Trying a variant in a child process; running a module's code under the watch (variant_crash.h).
 */
#ifndef FS_VARIANT_PROBE_H
#define FS_VARIANT_PROBE_H

#include <Python.h>

#include <stdbool.h>

#include "variant_crash.h"

enum fs_variant_probed { FS_VARIANT_GOOD, FS_VARIANT_BAD, FS_VARIANT_NOT_PROBED };

/* Runs attempt(self) in a child. BAD: that did not come to its end, and reason says how. */
enum fs_variant_probed fs_variant_probe(void (*attempt)(void *self), void *self,
                                        char reason[FS_VARIANT_REASON]);
/* In the child: goes on with an init function's result as CPython would. */
void fs_variant_probe_module(PyObject *result);

/* The exec slots of a definition (of multi-phase initialisation) run under the watch from now on,
 * as the code of the last variant that was; any other result of an init function is left alone. */
void fs_variant_watch_slots(PyObject *result);

#endif
