/* Detection on RISC-V: the system call riscv_hwprobe().
 *
 * Not AT_HWCAP: kernels for processors with version 0.7 of the vector extension set its bit, and
 * code for version 1.0 does not run there. riscv_hwprobe() came to Linux before vectors did, so a
 * kernel that does not know it saves no vector registers of version 1.0.
 */
#include "cpu_detect.h"

void fs_cpu_detect_riscv(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                         struct fs_cpu_set *found)
{
    for (size_t i = 0; i < arch->count; i++) {
        const struct fs_cpu_row *row = &arch->rows[i];
        uint64_t value = 0;
        if (!row->is_group && source->hwprobe(source->self, row->probe_key, &value) &&
            (value & row->probe_mask) == row->probe_mask) {
            fs_cpu_put(found, (enum fs_cpu_feature)row->feature);
        }
    }
}
