/* May variants be used, and up to which level: variables, the kernel's command line, the processor.
 *
 * How it works: FULLSPEED_HWCAPS=0, or fullspeed.hwcaps=0 on the kernel's command line, turn all
 * variants off; else the rules are those of the CPU room (cpu.h), with the variables that it reads.
 *
 * What must stay true: a program with more rights than who started it sees no variable; a wrong
 * variable means the baseline: who takes a feature away because code crashes gets that at least.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_config.h"
#include "hwcaps.h"

/* Tests have a file of their own there. */
#ifndef HWCAPS_COMMAND_LINE
#define HWCAPS_COMMAND_LINE "/proc/cmdline"
#endif

#define SWITCH_SETTING "fullspeed.hwcaps"

/* Of the kernel's command line: more than any kernel takes. */
enum { SWITCH_LINE = 8192 };

/* The table of variables without their values: so nothing of their checks is linked. */
#define FS_ALLOWED(...) NULL
#define FS_FORM(check, form) NULL
const struct fs_base_config fs_base_configs[FS_CONFIG_COUNT] = {
#define FS_CONFIG(variable, values, text) [FS_CONFIG_##variable] = {.name = #variable},
#include "config.def"
};

const char *fs_base_config_secure(enum fs_base_config_id id)
{
    const char *value = secure_getenv(fs_base_configs[id].name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Does the last such word of a command line turn variants off? */
static bool switch_line_is_off(const char *line, size_t length)
{
    static const char setting[] = SWITCH_SETTING "=";
    const size_t n = sizeof setting - 1;
    bool off = false, quoted = false;
    size_t start = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && line[i] == '"') {
            quoted = !quoted;
        }
        if (i == length || (!quoted && (line[i] == ' ' || line[i] == '\n' || line[i] == '\t'))) {
            if (i - start > n && memcmp(line + start, setting, n) == 0) {
                off = i - start == n + 1 && line[start + n] == '0';
            }
            start = i + 1;
        }
    }
    return off;
}

static bool switch_kernel_is_off(void)
{
    static char line[SWITCH_LINE];
    size_t used = 0;
    int file = open(HWCAPS_COMMAND_LINE, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    while (used < sizeof line) {
        ssize_t got = read(file, line + used, sizeof line - used);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    close(file);
    return switch_line_is_off(line, used);
}

void fs_hwcaps_read(struct fs_hwcaps_state *state)
{
    static struct fs_cpu_state cpu;
    const char *value = fs_base_config_secure(FS_CONFIG_FULLSPEED_HWCAPS);
    memset(state, 0, sizeof *state);
    if (value != NULL && strcmp(value, "0") == 0) {
        state->off = "FULLSPEED_HWCAPS=0 in the environment";
    } else if (value != NULL && strcmp(value, "1") != 0) {
        state->error = "the environment's FULLSPEED_HWCAPS is neither 0 nor 1";
    } else if (switch_kernel_is_off()) {
        state->off = SWITCH_SETTING "=0 on the kernel's command line";
    } else {
        fs_cpu_read_state(&cpu);
        if (cpu.error[0] != '\0') {
            state->error = cpu.error;
        } else if (cpu.arch != NULL) {
            state->level = fs_cpu_level_of(cpu.arch, &cpu.usable);
        }
    }
}
