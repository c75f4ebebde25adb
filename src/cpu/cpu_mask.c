/* FULLSPEED_DISABLE_CPU_FEATURES, FULLSPEED_ENABLE_CPU_FEATURES, and glibc's own tunable.
 *
 * How it works: a list is cut at commas, spaces and tabs; each word is a feature's name or alias.
 * Taking a group away takes its members; what needs something that has gone goes with it
 * (fs_cpu_complete). Enabling is taking all the rest away.
 *
 * What must stay true: the baseline is never taken away, since the code of this build uses it;
 * our own variables say so, glibc's is not ours to complain about. Any bytes may stand in them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_config.h"
#include "cpu_mask.h"

#define MASK_SEPARATORS ", \t"

static const char mask_tunable[] = "glibc.cpu.hwcaps=";

/* Appends to a text of FS_CPU_TEXT bytes; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void mask_say(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, FS_CPU_TEXT - used, format, arguments);
    va_end(arguments);
}

/* The next word of a list; false: there is none. */
static bool mask_word(const char **list, const char *separators, const char **word, size_t *length)
{
    *word = *list + strspn(*list, separators);
    *length = strcspn(*word, separators);
    *list = *word + *length;
    return *length != 0;
}

static const char *mask_name(enum fs_base_config_id id)
{
    return fs_base_configs[id].name;
}

/* Copies a word of the user's into an error: printable ASCII, not too long. */
static void mask_quote(char *text, const char *word, size_t length)
{
    char quoted[41];
    size_t used = 0;
    while (used < length && used < sizeof quoted - 1) {
        quoted[used] = word[used] > ' ' && word[used] <= '~' ? word[used] : '?';
        used++;
    }
    quoted[used] = '\0';
    mask_say(text, "'%s%s'", quoted, used < length ? "..." : "");
}

/* Reads one of our two lists into a set of what this machine has of it, and one of what it lacks;
 * false: it is wrong, and state->error says why. */
static bool mask_read(struct fs_cpu_state *state, enum fs_base_config_id id, const char *list,
                      bool is_disable, struct fs_cpu_set *named)
{
    struct fs_cpu_set lacking = {{0}};
    const char *word;
    size_t length;
    size_t count = 0;
    for (; mask_word(&list, MASK_SEPARATORS, &word, &length); count++) {
        enum fs_cpu_feature feature = fs_cpu_feature_find(word, length);
        if (feature == FS_CPU_NONE) {
            mask_say(state->error, "the environment's %s names ", mask_name(id));
            mask_quote(state->error, word, length);
            struct fs_cpu_set all;
            memset(&all, 0xff, sizeof all);
            char names[FS_CPU_TEXT];
            fs_cpu_names(state->arch, &all, names, sizeof names);
            mask_say(state->error, ", which is no CPU feature; those of %s are: %s",
                     state->arch->name, names);
            return false;
        }
        if (is_disable && fs_cpu_in(&state->baseline, feature)) {
            char names[512];
            fs_cpu_names(state->arch, &state->baseline, names, sizeof names);
            mask_say(state->error,
                     "the environment's %s names %s, which cannot be disabled: this build is "
                     "compiled for it (baseline: %s)",
                     mask_name(id), fs_cpu_feature_name(feature), names);
            return false;
        }
        if (fs_cpu_in(&state->found, feature)) {
            fs_cpu_put(named, feature);
        } else if (!fs_cpu_in(&lacking, feature)) {
            fs_cpu_put(&lacking, feature);
            mask_say(state->warning,
                     "the environment's %s names %s, which this CPU does not have\n", mask_name(id),
                     fs_cpu_feature_name(feature));
        }
    }
    if (count == 0) {
        mask_say(state->error, "the environment's %s names no feature", mask_name(id));
    }
    return count != 0;
}

/* Notes who took away what is no longer in `after`. */
static void mask_note(struct fs_cpu_state *state, const struct fs_cpu_set *after,
                      enum fs_cpu_hidden who)
{
    for (int i = FS_CPU_NONE + 1; i < FS_CPU_FEATURE_COUNT; i++) {
        enum fs_cpu_feature feature = (enum fs_cpu_feature)i;
        if (fs_cpu_in(&state->usable, feature) && !fs_cpu_in(after, feature)) {
            state->hidden[i] = (uint8_t)who;
        }
    }
    state->usable = *after;
}

/* Takes the features, with a group its members, and what needs one of them away. */
static void mask_disable(struct fs_cpu_state *state, const struct fs_cpu_set *named,
                         enum fs_cpu_hidden who)
{
    struct fs_cpu_set after = state->usable;
    for (size_t i = 0; i < state->arch->count; i++) {
        const struct fs_cpu_row *row = &state->arch->rows[i];
        if (!fs_cpu_in(named, (enum fs_cpu_feature)row->feature)) {
            continue;
        }
        struct fs_cpu_set gone = row->leaves;
        if (!row->is_group) {
            fs_cpu_put(&gone, (enum fs_cpu_feature)row->feature);
        }
        for (int k = 0; k < FS_CPU_SET_WORDS; k++) {
            after.word[k] &= ~gone.word[k] | state->baseline.word[k];
        }
    }
    fs_cpu_complete(state->arch, &after);
    mask_note(state, &after, who);
}

/* Leaves the features, what they need, and the baseline. */
static void mask_enable(struct fs_cpu_state *state, const struct fs_cpu_set *named)
{
    struct fs_cpu_set after = *named;
    for (int k = 0; k < FS_CPU_SET_WORDS; k++) {
        after.word[k] |= state->baseline.word[k];
    }
    fs_cpu_close(state->arch, &after);
    for (int k = 0; k < FS_CPU_SET_WORDS; k++) {
        after.word[k] &= state->usable.word[k];
    }
    fs_cpu_complete(state->arch, &after);
    mask_note(state, &after, FS_CPU_BY_ENABLE);
}

/* Puts what one value of glibc's tunable takes away into the set: words with a minus. The rest,
 * and names that are only glibc's, is not for us. */
static void mask_read_hwcaps(const struct fs_cpu_state *state, const char *value, size_t size,
                             struct fs_cpu_set *named)
{
    static const char usable[] = "_Usable"; /* as glibc up to 2.32 wrote them */
    const size_t n = sizeof usable - 1;
    const char *end = value + size;
    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *stop = comma != NULL ? comma : end;
        if (*value == '-') {
            const char *word = value + 1;
            size_t length = (size_t)(stop - word);
            if (length > n && memcmp(stop - n, usable, n) == 0) {
                length -= n;
            }
            enum fs_cpu_feature feature = fs_cpu_feature_find(word, length);
            if (feature != FS_CPU_NONE && !fs_cpu_in(&state->baseline, feature)) {
                fs_cpu_put(named, feature);
            }
        }
        value = stop + 1;
    }
}

/* GLIBC_TUNABLES=name=value:name=value ... */
static void mask_tunables(struct fs_cpu_state *state, const char *tunables)
{
    struct fs_cpu_set named = {{0}};
    const size_t n = sizeof mask_tunable - 1;
    while (*tunables != '\0') {
        size_t length = strcspn(tunables, ":");
        if (length > n && memcmp(tunables, mask_tunable, n) == 0) {
            mask_read_hwcaps(state, tunables + n, length - n, &named);
        }
        tunables += length + (tunables[length] == ':');
    }
    mask_disable(state, &named, FS_CPU_BY_GLIBC);
}

void fs_cpu_mask(struct fs_cpu_state *state, const struct fs_cpu_variables *variables)
{
    const enum fs_base_config_id disable = FS_CONFIG_FULLSPEED_DISABLE_CPU_FEATURES;
    const enum fs_base_config_id enable = FS_CONFIG_FULLSPEED_ENABLE_CPU_FEATURES;
    struct fs_cpu_set named = {{0}};
    state->usable = state->found;
    memset(state->hidden, 0, sizeof state->hidden);
    state->error[0] = state->warning[0] = '\0';
    if (variables->disable != NULL && variables->enable != NULL) {
        mask_say(state->error, "the environment has both %s and %s; set only one of them",
                 mask_name(disable), mask_name(enable));
        return;
    }
    if (variables->disable != NULL &&
        !mask_read(state, disable, variables->disable, true, &named)) {
        return;
    }
    if (variables->enable != NULL && !mask_read(state, enable, variables->enable, false, &named)) {
        return;
    }
    if (variables->tunables != NULL) {
        mask_tunables(state, variables->tunables);
    }
    if (variables->disable != NULL) {
        mask_disable(state, &named, FS_CPU_BY_DISABLE);
    }
    if (variables->enable != NULL) {
        mask_enable(state, &named);
    }
}
