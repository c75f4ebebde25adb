/* The machine that we run on: CPUID, XGETBV, the auxiliary vector, riscv_hwprobe().
 *
 * What must stay true: this is the only file of the room that touches the hardware or the system.
 */
#include <sys/auxv.h>

#include "cpu_detect.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static void source_cpuid(void *self FS_UNUSED, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
}

static uint64_t source_xgetbv(void *self FS_UNUSED)
{
    uint32_t low, high;
    /* As bytes: assemblers know the name only where the compiler may use XSAVE. */
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}
#else
#define source_cpuid NULL
#define source_xgetbv NULL
#endif

static uint64_t source_auxval(void *self FS_UNUSED, unsigned long type)
{
    return getauxval(type);
}

#if defined(__riscv)
#include <unistd.h>

enum { SOURCE_RISCV_HWPROBE = 258 }; /* the number of the system call: older headers lack it */

static bool source_hwprobe(void *self FS_UNUSED, int64_t key, uint64_t *value)
{
    struct {
        int64_t key;
        uint64_t value;
    } pair = {key, 0};
    /* One pair, all processors that are online. The kernel sets the key to -1 if it is unknown. */
    if (syscall(SOURCE_RISCV_HWPROBE, &pair, 1L, 0L, NULL, 0L) != 0 || pair.key != key) {
        return false;
    }
    *value = pair.value;
    return true;
}
#else
#define source_hwprobe NULL
#endif

const struct fs_cpu_source *fs_cpu_source_host(void)
{
    static const struct fs_cpu_source host = {
        .cpuid = source_cpuid,
        .xgetbv = source_xgetbv,
        .auxval = source_auxval,
        .hwprobe = source_hwprobe,
    };
    return &host;
}
