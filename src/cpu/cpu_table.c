/* The rows that tools/cpugen makes from cpu_features.toml, and sets of features.
 *
 * How it works: a set is complete when nothing in it lacks what it needs and every group whose
 * parts are all there is in it. Both are reached by going over the rows until nothing changes;
 * rows stand behind what they need, so that is two rounds, but for those which need each other.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cpu_detect.h"
#include "cpu_rows_gen.inc"

#if defined(__x86_64__)
#define TABLE_HOST "x86_64"
#elif defined(__i386__)
#define TABLE_HOST "x86"
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define TABLE_HOST "aarch64"
#elif defined(__arm__) && !defined(__ARMEB__)
#define TABLE_HOST "arm"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define TABLE_HOST "ppc64le"
#elif defined(__powerpc64__)
#define TABLE_HOST "ppc64"
#elif defined(__s390x__)
#define TABLE_HOST "s390x"
#elif defined(__riscv) && __riscv_xlen == 64
#define TABLE_HOST "riscv64"
#elif defined(__loongarch64)
#define TABLE_HOST "loongarch64"
#else
#define TABLE_HOST ""
#endif

const struct fs_cpu_arch *fs_cpu_arch_named(const char *name)
{
    for (size_t i = 0; i < sizeof cpu_arches / sizeof *cpu_arches; i++) {
        if (strcmp(cpu_arches[i].name, name) == 0) {
            return &cpu_arches[i];
        }
    }
    return NULL;
}

const struct fs_cpu_arch *fs_cpu_arch_host(void)
{
    return fs_cpu_arch_named(TABLE_HOST);
}

const char *fs_cpu_feature_name(enum fs_cpu_feature feature)
{
    return feature < FS_CPU_FEATURE_COUNT ? cpu_names[feature].name : NULL;
}

/* Is the word, length bytes of it, one of the list's, in any case? */
static bool table_names_has(const char *list, const char *word, size_t length)
{
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        if (n == length && strncasecmp(list, word, n) == 0) {
            return true;
        }
        list += n + (list[n] == ' ');
    }
    return false;
}

enum fs_cpu_feature fs_cpu_feature_find(const char *name, size_t length)
{
    for (int i = FS_CPU_NONE + 1; i < FS_CPU_FEATURE_COUNT; i++) {
        if (table_names_has(cpu_names[i].name, name, length) ||
            table_names_has(cpu_names[i].aliases, name, length)) {
            return (enum fs_cpu_feature)i;
        }
    }
    return FS_CPU_NONE;
}

const struct fs_cpu_row *fs_cpu_row_of(const struct fs_cpu_arch *arch, enum fs_cpu_feature feature)
{
    for (size_t i = 0; i < arch->count; i++) {
        if (arch->rows[i].feature == feature) {
            return &arch->rows[i];
        }
    }
    return NULL;
}

/* Is all of `part` in the set? */
static bool table_contains(const struct fs_cpu_set *set, const struct fs_cpu_set *part)
{
    uint64_t missing = 0;
    for (int i = 0; i < FS_CPU_SET_WORDS; i++) {
        missing |= part->word[i] & ~set->word[i];
    }
    return missing == 0;
}

void fs_cpu_complete(const struct fs_cpu_arch *arch, struct fs_cpu_set *set)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < arch->count; i++) {
            const struct fs_cpu_row *row = &arch->rows[i];
            bool is_whole = table_contains(set, &row->needs);
            bool is_in = fs_cpu_in(set, (enum fs_cpu_feature)row->feature);
            if (is_in ? !is_whole : row->is_group && is_whole) {
                set->word[row->feature / 64] ^= 1ull << (row->feature % 64);
                changed = true;
            }
        }
    }
}

void fs_cpu_close(const struct fs_cpu_arch *arch, struct fs_cpu_set *set)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < arch->count; i++) {
            const struct fs_cpu_row *row = &arch->rows[i];
            if (fs_cpu_in(set, (enum fs_cpu_feature)row->feature) &&
                !table_contains(set, &row->needs)) {
                for (int k = 0; k < FS_CPU_SET_WORDS; k++) {
                    set->word[k] |= row->needs.word[k];
                }
                changed = true;
            }
        }
    }
}

const struct fs_cpu_level *fs_cpu_level_of(const struct fs_cpu_arch *arch,
                                           const struct fs_cpu_set *set)
{
    const struct fs_cpu_level *reached = NULL;
    for (size_t i = 0; i < sizeof cpu_levels / sizeof *cpu_levels; i++) {
        if (strcmp(cpu_levels[i].arch, arch->name) == 0 &&
            fs_cpu_in(set, (enum fs_cpu_feature)cpu_levels[i].feature)) {
            reached = &cpu_levels[i];
        }
    }
    return reached;
}

const struct fs_cpu_level *fs_cpu_level_below(const struct fs_cpu_level *level)
{
    const struct fs_cpu_level *below = NULL;
    for (size_t i = 0; i < sizeof cpu_levels / sizeof *cpu_levels; i++) {
        if (strcmp(cpu_levels[i].arch, level->arch) == 0 && &cpu_levels[i] < level) {
            below = &cpu_levels[i];
        }
    }
    return below;
}

void fs_cpu_names(const struct fs_cpu_arch *arch, const struct fs_cpu_set *set, char *buffer,
                  size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < arch->count; i++) {
        enum fs_cpu_feature feature = (enum fs_cpu_feature)arch->rows[i].feature;
        if (fs_cpu_in(set, feature) && used < size) {
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used != 0 ? " " : "",
                                     cpu_names[feature].name);
        }
    }
}

void fs_cpu_detect(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                   struct fs_cpu_set *found)
{
    memset(found, 0, sizeof *found);
    switch (arch->how) {
    case FS_CPU_BY_CPUID:
        fs_cpu_detect_x86(arch, source, found);
        break;
    case FS_CPU_BY_HWCAP:
        fs_cpu_detect_hwcap(arch, source, found);
        break;
    case FS_CPU_BY_HWPROBE:
        fs_cpu_detect_riscv(arch, source, found);
        break;
    }
    fs_cpu_complete(arch, found);
}
