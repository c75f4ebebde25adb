/* The environment variables of config.def: looking them up and complaining about them.
 *
 * How it works: config.def is expanded into one table of names and allowed values.
 * What must stay true: no value that is not in the table ever leaves this file.
 */
#include "base_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FS_ALLOWED(...)   \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

const struct fs_base_config fs_base_configs[FS_CONFIG_COUNT] = {
#define FS_CONFIG(name, allowed, help) [FS_CONFIG_##name] = {#name, allowed, help},
#include "config.def"
};

/* Is value one of the allowed ones? */
static bool base_config_allows(const struct fs_base_config *config, const char *value)
{
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

bool fs_base_config_complaint(enum fs_base_config_id id, char *buffer, size_t size)
{
    const struct fs_base_config *config = &fs_base_configs[id];
    const char *value = base_config_raw(id);
    if (value == NULL || base_config_allows(config, value)) {
        return false;
    }
    int used = snprintf(buffer, size, "the environment has %s=%.80s; allowed values are",
                        config->name, value);
    for (size_t i = 0; config->allowed[i] != NULL && used > 0 && (size_t)used < size; i++) {
        used += snprintf(buffer + used, size - (size_t)used, "%s %s", i != 0 ? "," : "",
                         config->allowed[i]);
    }
    return true;
}
