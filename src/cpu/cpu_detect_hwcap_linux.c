/* Detection on ARM, POWER, IBM Z and LoongArch: bits that the Linux kernel hands to each program.
 *
 * The kernel has asked the processor, and names only what it saves; the rows say which bits.
 */
#include "cpu_detect.h"

void fs_cpu_detect_hwcap(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                         struct fs_cpu_set *found)
{
    uint64_t hwcap = source->auxval(source->self, FS_CPU_AT_HWCAP);
    uint64_t hwcap2 = source->auxval(source->self, FS_CPU_AT_HWCAP2);
    for (size_t i = 0; i < arch->count; i++) {
        const struct fs_cpu_row *row = &arch->rows[i];
        bool has_all = (hwcap & row->hwcap) == row->hwcap && (hwcap2 & row->hwcap2) == row->hwcap2;
        bool has_one = row->hwcap2_any == 0 || (hwcap2 & row->hwcap2_any) != 0;
        if (!row->is_group && has_all && has_one) {
            fs_cpu_put(found, (enum fs_cpu_feature)row->feature);
        }
    }
}
