/* Detection: rows of the table, the seam to the hardware, and sets of features.
 *
 * Detection itself is the same code for every architecture on every machine: what it asks goes
 * through struct fs_cpu_source, which tests fake. Only cpu_source_linux.c touches the hardware.
 */
#ifndef FS_CPU_DETECT_H
#define FS_CPU_DETECT_H

#include "cpu.h"

/* The processor and the system as detection sees them. A function that an architecture does not
 * need may be NULL. */
struct fs_cpu_source {
    void *self;
    /* CPUID: out is eax, ebx, ecx, edx. */
    void (*cpuid)(void *self, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
    /* XCR0; asked only when CPUID says that the system has switched XGETBV on. */
    uint64_t (*xgetbv)(void *self);
    /* An entry of the auxiliary vector, 0 if there is none. */
    uint64_t (*auxval)(void *self, unsigned long type);
    /* RISC-V's riscv_hwprobe() for one key; false: the kernel does not know it. */
    bool (*hwprobe)(void *self, int64_t key, uint64_t *value);
};

enum { FS_CPU_AT_HWCAP = 16, FS_CPU_AT_HWCAP2 = 26 };

/* How an architecture tells of its features. */
enum fs_cpu_how { FS_CPU_BY_CPUID, FS_CPU_BY_HWCAP, FS_CPU_BY_HWPROBE };

struct fs_cpu_name {
    const char *name;
    const char *aliases; /* with spaces between */
};

/* A feature on one architecture. */
struct fs_cpu_row {
    uint8_t feature; /* enum fs_cpu_feature */
    bool is_group;
    uint8_t subleaf, reg, bit, state; /* CPUID; state: bits of XCR0 */
    uint32_t leaf;
    uint64_t hwcap, hwcap2, hwcap2_any; /* AT_HWCAP, AT_HWCAP2 */
    int64_t probe_key;
    uint64_t probe_mask;
    struct fs_cpu_set needs;  /* what it cannot be without, directly: implied, and members */
    struct fs_cpu_set leaves; /* of a group: members, theirs in place of groups among them */
};

struct fs_cpu_arch {
    const char *name;
    enum fs_cpu_how how;
    const struct fs_cpu_row *rows; /* in the order of interest */
    size_t count;
};

struct fs_cpu_level {
    const char *arch;
    const char *name;
    uint8_t feature;
    uint8_t number;
};

/* ---- the table (cpu_table.c) ---- */

const struct fs_cpu_arch *fs_cpu_arch_named(const char *name);
/* The architecture of this build; NULL if the table does not have it. */
const struct fs_cpu_arch *fs_cpu_arch_host(void);
const char *fs_cpu_feature_name(enum fs_cpu_feature feature);
/* The feature of a name or alias in any case, length bytes of it; FS_CPU_NONE: there is none. */
enum fs_cpu_feature fs_cpu_feature_find(const char *name, size_t length);
/* The row of a feature; NULL: the architecture does not know it. */
const struct fs_cpu_row *fs_cpu_row_of(const struct fs_cpu_arch *arch, enum fs_cpu_feature feature);
/* The set without what lacks something that it needs, and with the groups that are whole. */
void fs_cpu_complete(const struct fs_cpu_arch *arch, struct fs_cpu_set *set);
/* The set with everything that its features need. */
void fs_cpu_close(const struct fs_cpu_arch *arch, struct fs_cpu_set *set);
/* The highest level that a complete set reaches; NULL: none. */
const struct fs_cpu_level *fs_cpu_level_of(const struct fs_cpu_arch *arch,
                                           const struct fs_cpu_set *set);
/* The next lower level of the architecture; NULL: it was the lowest. */
const struct fs_cpu_level *fs_cpu_level_below(const struct fs_cpu_level *level);
/* Writes the names of the set's features, in the order of interest, with spaces between. */
void fs_cpu_names(const struct fs_cpu_arch *arch, const struct fs_cpu_set *set, char *buffer,
                  size_t size);

/* ---- detection ---- */

/* What the machine behind the source can do. */
void fs_cpu_detect(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                   struct fs_cpu_set *found);
/* Parts of it: what each row by itself says (cpu_detect_*.c). */
void fs_cpu_detect_x86(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                       struct fs_cpu_set *found);
void fs_cpu_detect_hwcap(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                         struct fs_cpu_set *found);
void fs_cpu_detect_riscv(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                         struct fs_cpu_set *found);
/* The name that an x86 processor has for itself; empty if it has none. */
void fs_cpu_brand_x86(const struct fs_cpu_source *source, char brand[FS_CPU_BRAND]);
/* Its vendor, and its family, model and stepping as the vendors count them. */
void fs_cpu_model_x86(const struct fs_cpu_source *source, char model[FS_CPU_MODEL]);

/* The machine that we run on (cpu_source_linux.c). */
const struct fs_cpu_source *fs_cpu_source_host(void);

#endif
