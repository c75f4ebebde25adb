/* What the Python module shows of the JIT. */
#ifndef FS_JIT_REPORT_H
#define FS_JIT_REPORT_H

#include "jit/jit.h"
#include "jit/jit_hooks.h"

PyObject *fs_jit_report(void); /* the dict of stats()["jit"] */
const char *fs_jit_mode(void); /* "on", "ir", "off" */
void fs_jit_reset_stats(void);
/* What is told of a trace, besides the usual. */
enum { FS_DESCRIBE_IR = 1, FS_DESCRIBE_CODE = 2, FS_DESCRIBE_BYTES = 4 };
PyObject *fs_jit_describe(const fs_trace *trace, int what); /* a dict */
PyObject *fs_jit_list_traces(int what);                     /* a list of them */
/* Whether the running thread's newest activation is inside a trace. */
bool fs_jit_is_active(void);
/* Takes a complete trace over: from now on it is run as it is. NULL; or why it cannot be (it is
 * gone then). */
const char *fs_jit_install(fs_trace *trace);
/* Gives back a trace that was never installed. */
void fs_jit_discard(fs_trace *trace);

#endif
