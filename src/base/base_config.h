/* Reads the environment variables of config.def.
 *
 * Knows neither Python nor any room. Values are read from the environment each time, so a
 * program that changes its own environment sees the change. A value that is not allowed is
 * never used: fs_base_config_get() returns NULL for it and fs_base_config_complaint() has the
 * sentence to show.
 */
#ifndef FS_BASE_CONFIG_H
#define FS_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum fs_base_config_id {
#define FS_CONFIG(name, allowed, help) FS_CONFIG_##name,
#include "config.def"
    FS_CONFIG_COUNT
};

struct fs_base_config {
    const char *name;
    const char *const *allowed;       /* its values; or their form, in words; ends with NULL */
    bool (*check)(const char *value); /* not NULL: what it accepts is allowed */
    const char *help;
};

/* The table itself, for those who list it. */
extern const struct fs_base_config fs_base_configs[FS_CONFIG_COUNT];

/* The value of a variable, or NULL when it is unset, empty or not allowed. */
const char *fs_base_config_get(enum fs_base_config_id id);

/* The value of a variable as it stands, or NULL when it is unset or empty, or when the program has
 * more rights than who started it (setuid). */
const char *fs_base_config_secure(enum fs_base_config_id id);

/* Writes one sentence to buffer and returns true if the value is not an allowed one. */
bool fs_base_config_complaint(enum fs_base_config_id id, char *buffer, size_t size);

/* Readers of values that have a form; `otherwise` when the variable has no (allowed) value, or
 * does not mention the name. */
size_t fs_base_config_size(enum fs_base_config_id id, size_t otherwise);
unsigned fs_base_config_number(enum fs_base_config_id id, const char *name, unsigned otherwise);
/* Whether the list has the word. */
bool fs_base_config_has(enum fs_base_config_id id, const char *word);

#endif
