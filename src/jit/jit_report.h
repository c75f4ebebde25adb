/* What the Python module shows of the JIT. */
#ifndef FS_JIT_REPORT_H
#define FS_JIT_REPORT_H

#include "jit/jit.h"
#include "jit/jit_hooks.h"

PyObject *fs_jit_report(void); /* the dict of stats()["jit"] */
void fs_jit_reset_stats(void);
PyObject *fs_jit_list_traces(bool with_ir); /* a list of dicts */
/* Whether the running thread's newest activation is inside a trace. */
bool fs_jit_is_active(void);

#endif
