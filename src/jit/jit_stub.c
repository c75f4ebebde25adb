/* Stand-ins, weak, for rooms that have not landed yet: nothing is recorded or compiled. Each one
 * goes when its room comes; the file goes with the last. */
#include "asm/asm.h"

#define FS_WEAK __attribute__((weak))

FS_WEAK int fs_asm_compile(fs_trace *trace FS_UNUSED, const char **reason)
{
    *reason = "there is no back end";
    return -1;
}

FS_WEAK void fs_asm_free(fs_trace *trace FS_UNUSED)
{
}

FS_WEAK void fs_asm_enter(const fs_trace *trace FS_UNUSED, fs_exit_state *state FS_UNUSED)
{
}

FS_WEAK void fs_asm_link_exit(fs_exit *exit FS_UNUSED, const fs_trace *side FS_UNUSED)
{
}

FS_WEAK size_t fs_asm_memory_used(void)
{
    return 0;
}

FS_WEAK void fs_asm_set_limit(size_t bytes FS_UNUSED)
{
}

FS_WEAK bool fs_asm_available(void)
{
    return false;
}

FS_WEAK PyObject *fs_asm_bytes(const fs_trace *trace FS_UNUSED)
{
    return PyBytes_FromStringAndSize(NULL, 0);
}
