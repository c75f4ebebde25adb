/* The one state of the room: made by whoever asks first.
 *
 * What must stay true: nothing waits. Two threads that ask first at once both make a state, and
 * one of the two is thrown away; so a fork at any moment leaves the child with none or a whole one.
 */
#define _GNU_SOURCE
#include "cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_config.h"
#include "cpu_mask.h"

static _Atomic(const struct fs_cpu_state *) cpu_state;

/* The baseline as a complete set. */
static void cpu_read_baseline(struct fs_cpu_state *state)
{
    for (int i = FS_CPU_NONE + 1; i < FS_CPU_FEATURE_COUNT; i++) {
        if (fs_cpu_compiled[i]) {
            fs_cpu_put(&state->baseline, (enum fs_cpu_feature)i);
        }
    }
    /* Compilers may be allowed a feature without what the table says that it stands on. */
    fs_cpu_close(state->arch, &state->baseline);
    fs_cpu_complete(state->arch, &state->baseline);
}

void fs_cpu_read_state(struct fs_cpu_state *state)
{
    memset(state, 0, sizeof *state);
    state->arch = fs_cpu_arch_host();
    if (state->arch == NULL) {
        return;
    }
    cpu_read_baseline(state);
    fs_cpu_detect(state->arch, fs_cpu_source_host(), &state->found);
    struct fs_cpu_variables variables = {
        .disable = fs_base_config_secure(FS_CONFIG_FULLSPEED_DISABLE_CPU_FEATURES),
        .enable = fs_base_config_secure(FS_CONFIG_FULLSPEED_ENABLE_CPU_FEATURES),
        .tunables = secure_getenv("GLIBC_TUNABLES"),
    };
    fs_cpu_mask(state, &variables);
}

static void cpu_make_state(struct fs_cpu_state *state)
{
    fs_cpu_read_state(state);
    if (state->arch != NULL && state->arch->how == FS_CPU_BY_CPUID) {
        fs_cpu_brand_x86(fs_cpu_source_host(), state->brand);
        fs_cpu_model_x86(fs_cpu_source_host(), state->model);
    }
}

const struct fs_cpu_state *fs_cpu_state(void)
{
    const struct fs_cpu_state *made = cpu_state;
    if (FS_LIKELY(made != NULL)) {
        return made;
    }
    struct fs_cpu_state *own = malloc(sizeof *own);
    if (own == NULL) {
        static const struct fs_cpu_state
            nothing; /* for want of some kilobytes: all as if it had none */
        return &nothing;
    }
    cpu_make_state(own);
    if (!atomic_compare_exchange_strong(&cpu_state, &made, own)) {
        free(own);
        return made;
    }
    return own;
}

struct fs_cpu_state *fs_cpu_limited(const char *names)
{
    const struct fs_cpu_state *old = fs_cpu_state();
    struct fs_cpu_state *own = malloc(sizeof *own);
    if (own == NULL) {
        return NULL;
    }
    *own = *old;
    if (own->arch == NULL) {
        return own; /* nothing is known, so there is nothing to take away */
    }
    own->found = old->usable;
    fs_cpu_mask(own, &(struct fs_cpu_variables){.enable = names});
    own->found = old->found;
    for (int i = 0; i < FS_CPU_FEATURE_COUNT; i++) {
        own->hidden[i] = old->hidden[i] != FS_CPU_SHOWN ? old->hidden[i] : own->hidden[i];
    }
    memcpy(own->warning, old->warning, sizeof own->warning);
    return own;
}

void fs_cpu_adopt(struct fs_cpu_state *state)
{
    cpu_state = state; /* the old one stays: somebody may be reading it */
}

size_t fs_cpu_identity(char *buffer, size_t size)
{
    const struct fs_cpu_state *state = fs_cpu_state();
    char names[FS_CPU_TEXT];
    if (state->arch == NULL) {
        return (size_t)snprintf(buffer, size, "unknown");
    }
    fs_cpu_names(state->arch, &state->found, names, sizeof names);
    return (size_t)snprintf(buffer, size, "%s, %s, %s, %s", state->arch->name, state->model,
                            state->brand, names);
}

bool fs_cpu_baseline_is_least(void)
{
    const struct fs_cpu_arch *arch = fs_cpu_arch_host();
    const struct fs_cpu_row *least = arch != NULL ? fs_cpu_row_of(arch, FS_CPU_X86_V1) : NULL;
    for (int i = FS_CPU_NONE + 1; i < FS_CPU_FEATURE_COUNT; i++) {
        enum fs_cpu_feature feature = (enum fs_cpu_feature)i;
        if (fs_cpu_compiled[i] && (least == NULL || !fs_cpu_in(&least->leaves, feature))) {
            return false;
        }
    }
    return true;
}

bool fs_cpu_below_baseline(const struct fs_cpu_state *state, char *buffer, size_t size)
{
    struct fs_cpu_set missing;
    uint64_t any = 0;
    for (int k = 0; k < FS_CPU_SET_WORDS; k++) {
        missing.word[k] = state->baseline.word[k] & ~state->found.word[k];
        any |= missing.word[k];
    }
    if (any != 0) {
        fs_cpu_names(state->arch, &missing, buffer, size);
    }
    return any != 0;
}
