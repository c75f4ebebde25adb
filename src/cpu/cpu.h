/* What the processor can do: the face of the room.
 *
 * How it works: the table src/cpu/cpu_features.toml becomes an enum and rows (tools/cpugen).
 * Detection (cpu_detect.h) makes a set of features from what CPUID or the kernel say; the
 * variables take some away (cpu_mask.h); the result is made once and never changes, but by
 * fs_cpu_adopt() before anybody has used it. A module that
 * is not fullspeed._cpu asks that one through cpu_api.h, so that one process has one answer.
 *
 * What must stay true: nothing here knows Python; asking costs a load and a shift; all of it is
 * safe in any thread and after a fork, since nothing waits for anything.
 */
#ifndef FS_CPU_H
#define FS_CPU_H

#include "base.h"
#include "cpu_features_gen.h"

/* A set of features, by enum fs_cpu_feature. */
struct fs_cpu_set {
    uint64_t word[FS_CPU_SET_WORDS];
};

FS_INLINE bool fs_cpu_in(const struct fs_cpu_set *set, enum fs_cpu_feature feature)
{
    return set->word[feature / 64] >> (feature % 64) & 1;
}

FS_INLINE void fs_cpu_put(struct fs_cpu_set *set, enum fs_cpu_feature feature)
{
    set->word[feature / 64] |= 1ull << (feature % 64);
}

/* Which variable took a feature away. */
enum fs_cpu_hidden { FS_CPU_SHOWN, FS_CPU_BY_DISABLE, FS_CPU_BY_ENABLE, FS_CPU_BY_GLIBC };

enum { FS_CPU_TEXT = 1024, FS_CPU_BRAND = 49, FS_CPU_MODEL = 48 };

/* Everything that is known of this machine. */
struct fs_cpu_state {
    const struct fs_cpu_arch *arch;       /* NULL: one that the table does not have */
    struct fs_cpu_set found;              /* what the processor has, and the system lets us use */
    struct fs_cpu_set usable;             /* of these, what the variables leave */
    struct fs_cpu_set baseline;           /* what this build is compiled for */
    uint8_t hidden[FS_CPU_FEATURE_COUNT]; /* enum fs_cpu_hidden */
    char brand[FS_CPU_BRAND];             /* the processor's name; empty where nothing tells */
    char model[FS_CPU_MODEL];  /* "GenuineIntel 6-85-7": vendor, family, model, stepping */
    char error[FS_CPU_TEXT];   /* a sentence, if a variable is wrong; then it has no effect */
    char warning[FS_CPU_TEXT]; /* sentences, one per line */
};

/* The state; made by the first call. */
const struct fs_cpu_state *fs_cpu_state(void);
/* All of it but brand and model, anew: for whoever asks once and in a hurry (a virtual machine
 * takes its time over each CPUID). */
void fs_cpu_read_state(struct fs_cpu_state *state);

/* The state without some features, as if FULLSPEED_ENABLE_CPU_FEATURES had these names on top of
 * what the environment says; NULL: no memory. It is the caller's: to free, which an error in it
 * asks for, or to give to fs_cpu_adopt(), from when on fs_cpu_state() is that one. */
struct fs_cpu_state *fs_cpu_limited(const char *names);
void fs_cpu_adopt(struct fs_cpu_state *state);

/* May the feature be used? */
FS_INLINE bool fs_cpu_has(enum fs_cpu_feature feature)
{
    return fs_cpu_in(&fs_cpu_state()->usable, feature);
}

/* What the build's compiler was allowed to use (cpu_baseline.c). */
extern const uint8_t fs_cpu_compiled[FS_CPU_FEATURE_COUNT];

/* Writes one line that is the same on processors of the same kind only, whatever the variables say:
 * architecture, model, name, features. Cut off at size; returns its length as snprintf() does. */
size_t fs_cpu_identity(char *buffer, size_t size);

/* Features of the baseline that the processor lacks; false: it has all of them. The names go to
 * buffer, with spaces between. */
bool fs_cpu_below_baseline(const struct fs_cpu_state *state, char *buffer, size_t size);
/* Is the build compiled for no more than what every processor of the architecture has? */
bool fs_cpu_baseline_is_least(void);

#endif
