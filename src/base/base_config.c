/* The environment variables of config.def: looking them up and complaining about them.
 *
 * How it works: config.def is expanded into one table of names and allowed values, or forms.
 * What must stay true: no value that is not in the table ever leaves this file.
 */
#define _GNU_SOURCE
#include "base_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool config_is_size(const char *value);
static bool config_is_thresholds(const char *value);
static bool config_is_passes(const char *value);
static bool config_is_dump(const char *value);
static bool config_is_any(const char *value);

#define FS_ALLOWED(...) (const char *const[]){__VA_ARGS__, NULL}, NULL
#define FS_FORM(check, form) (const char *const[]){form, NULL}, check

const struct fs_base_config fs_base_configs[FS_CONFIG_COUNT] = {
#define FS_CONFIG(name, allowed, help) [FS_CONFIG_##name] = {#name, allowed, help},
#include "config.def"
};

/* ---- forms ---- */

/* A whole number at *text, which then is behind it; false: there is none, or it is huge. */
static bool config_number(const char **text, unsigned long long *number)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Bytes, with K, M or G behind the number; 0: not that. */
static unsigned long long config_size(const char *value)
{
    unsigned long long number;
    if (!config_number(&value, &number) || number > 1ull << 31) {
        return 0;
    }
    static const char units[] = "KMG";
    const char *unit = *value != '\0' ? strchr(units, *value) : NULL;
    if (unit != NULL) {
        number <<= 10 * (unit - units + 1);
        value++;
    }
    return *value == '\0' && number >= 256ull << 10 && number <= 1ull << 31 ? number : 0;
}

static bool config_is_size(const char *value)
{
    return config_size(value) != 0;
}

/* The next word of a list; false: it was the last. */
static bool config_word(const char **list, const char **word, size_t *length)
{
    if (*list == NULL) {
        return false;
    }
    const char *comma = strchr(*list, ',');
    *word = *list;
    *length = comma != NULL ? (size_t)(comma - *list) : strlen(*list);
    *list = comma != NULL ? comma + 1 : NULL;
    return true;
}

/* The number of name=number; 0: the word is not that. */
static unsigned config_named(const char *word, size_t length, const char *name)
{
    size_t n = strlen(name);
    const char *digits = word + n + 1;
    unsigned long long number;
    if (length <= n || memcmp(word, name, n) != 0 || word[n] != '=' ||
        !config_number(&digits, &number) || digits != word + length || number > 1000000) {
        return 0;
    }
    return (unsigned)number;
}

static bool config_is_thresholds(const char *value)
{
    const char *word;
    size_t length;
    while (config_word(&value, &word, &length)) {
        if (config_named(word, length, "loop") == 0 && config_named(word, length, "entry") == 0 &&
            config_named(word, length, "exit") == 0) {
            return false;
        }
    }
    return true;
}

static bool config_is_passes(const char *value)
{
    static const char *const passes[] = {"-fold",   "-forward",  "-cse",  "-loop", "-magnitude",
                                         "-slices", "-identity", "-sink", "-refs", "-dce"};
    const char *word;
    size_t length;
    while (config_word(&value, &word, &length)) {
        bool known = false;
        for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
            known |= strlen(passes[i]) == length && memcmp(passes[i], word, length) == 0;
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

static bool config_is_dump(const char *value)
{
    size_t letters = strspn(value, "rimbx");
    return letters > 0 && (value[letters] == '\0' || value[letters] == ':');
}

static bool config_is_any(const char *value)
{
    (void)value;
    return true;
}

/* ---- the table ---- */

/* Is value one of the allowed ones? */
static bool base_config_allows(const struct fs_base_config *config, const char *value)
{
    if (config->check != NULL) {
        return config->check(value);
    }
    for (const char *const *allowed = config->allowed; *allowed != NULL; allowed++) {
        if (strcmp(*allowed, value) == 0) {
            return true;
        }
    }
    return false;
}

/* The variable as it stands in the environment, NULL when unset or empty. */
static const char *base_config_raw(enum fs_base_config_id id)
{
    const char *value = getenv(fs_base_configs[id].name);
    return value != NULL && *value != '\0' ? value : NULL;
}

const char *fs_base_config_get(enum fs_base_config_id id)
{
    const char *value = base_config_raw(id);
    return value != NULL && base_config_allows(&fs_base_configs[id], value) ? value : NULL;
}

const char *fs_base_config_secure(enum fs_base_config_id id)
{
    const char *value = secure_getenv(fs_base_configs[id].name);
    return value != NULL && *value != '\0' ? value : NULL;
}

bool fs_base_config_complaint(enum fs_base_config_id id, char *buffer, size_t size)
{
    const struct fs_base_config *config = &fs_base_configs[id];
    const char *value = base_config_raw(id);
    if (value == NULL || base_config_allows(config, value)) {
        return false;
    }
    int used = snprintf(buffer, size, "the environment has %s=%.80s; allowed %s", config->name,
                        value, config->check != NULL ? "is" : "values are");
    for (size_t i = 0; config->allowed[i] != NULL && used > 0 && (size_t)used < size; i++) {
        used += snprintf(buffer + used, size - (size_t)used, "%s %s", i != 0 ? "," : "",
                         config->allowed[i]);
    }
    return true;
}

size_t fs_base_config_size(enum fs_base_config_id id, size_t otherwise)
{
    const char *value = fs_base_config_get(id);
    return value != NULL ? (size_t)config_size(value) : otherwise;
}

unsigned fs_base_config_number(enum fs_base_config_id id, const char *name, unsigned otherwise)
{
    const char *value = fs_base_config_get(id);
    const char *word;
    size_t length;
    while (config_word(&value, &word, &length)) {
        unsigned number = config_named(word, length, name);
        if (number != 0) {
            return number;
        }
    }
    return otherwise;
}

bool fs_base_config_has(enum fs_base_config_id id, const char *word)
{
    const char *value = fs_base_config_get(id);
    const char *found;
    size_t length;
    while (config_word(&value, &found, &length)) {
        if (strlen(word) == length && memcmp(word, found, length) == 0) {
            return true;
        }
    }
    return false;
}
