/* What this build is compiled for: every feature that its compiler was allowed to use.
 *
 * What must stay true: this file is compiled with the flags that all other code has (the rest of
 * the room is not, see src/cpu/meson.build), and holds no code: it is read on any processor.
 */
#include "cpu.h"

const uint8_t fs_cpu_compiled[FS_CPU_FEATURE_COUNT] = {
#include "cpu_baseline_gen.inc"
};
