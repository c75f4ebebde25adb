/* fullspeed-hwcaps: what `fullspeed hwcaps` asks, and an environment generator of systemd's.
 *
 *     fullspeed-hwcaps                     PATH="...", as environment generators print it
 *     fullspeed-hwcaps state               level, and what turns variants off
 *     fullspeed-hwcaps path PATH           PATH for this processor
 *     fullspeed-hwcaps which EXE           the file that `exec` would run; why others are not
 *     fullspeed-hwcaps exec EXE ARGV...    becomes the best variant of EXE; ARGV from argv[0] on
 *     fullspeed-hwcaps NORMAL EARLY LATE   a unit generator of systemd's (hwcaps_unit.c)
 *
 * Exit codes: 0, 1 not done (stderr says why), 2 wrong usage, 126 not run.
 *
 * What must stay true: as for the stub; it can be copied anywhere, and needs nothing beside it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hwcaps.h"

/* For `fullspeed hwcaps systemd`: by this it knows its own files, also of another version. */
static const char tool_mark[] = "fullspeed hwcaps tool";

static bool tool_print(const char *text)
{
    return write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text);
}

/* The state; false: a variable is wrong, and stderr says which. */
static bool tool_read(struct fs_hwcaps_state *state)
{
    fs_hwcaps_read(state);
    if (state->error != NULL) {
        fs_hwcaps_say(state->error, NULL);
    }
    return state->error == NULL;
}

static int tool_state(void)
{
    char line[512];
    struct fs_hwcaps_state state;
    if (!tool_read(&state)) {
        return 1;
    }
    snprintf(line, sizeof line, "level %s\noff %s\n", state.level != NULL ? state.level->name : "",
             state.off != NULL ? state.off : "");
    return tool_print(line) ? 0 : 1;
}

static int tool_path(const char *path, enum fs_hwcaps_form form)
{
    struct fs_hwcaps_state state;
    if (!tool_read(&state)) {
        return 1;
    }
    return fs_hwcaps_write_path(STDOUT_FILENO, path, state.level, form) ? 0 : 1;
}

static int tool_which(const char *executable)
{
    static struct fs_hwcaps_search search;
    struct fs_hwcaps_state state;
    if (!tool_read(&state)) {
        return 1;
    }
    if (!fs_hwcaps_begin(&search, executable, state.level, true)) {
        fs_hwcaps_say("there is no ", executable, NULL);
        return 1;
    }
    const char *found = fs_hwcaps_next(&search);
    if (found == NULL && fs_hwcaps_beside(&search, "baseline") == NULL) {
        found = search.path;
    }
    bool done = tool_print(found != NULL ? found : executable);
    if (search.faults[0] != '\0') {
        fs_hwcaps_say(search.faults, NULL);
    }
    return done ? 0 : 1;
}

/* The stub itself, where EXE is one, runs the baseline. */
static int tool_exec(const char *executable, char **argv, char **envp)
{
    static struct fs_hwcaps_search search;
    struct fs_hwcaps_state state;
    if (!tool_read(&state)) {
        return FS_HWCAPS_FAILED;
    }
    if (fs_hwcaps_begin(&search, executable, state.level, true)) {
        while (fs_hwcaps_next(&search) != NULL) {
            execve(search.path, argv, envp);
            fs_hwcaps_fault(&search, fs_hwcaps_error(errno));
        }
    }
    execve(executable, argv, envp);
    fs_hwcaps_say(executable, " cannot be run: ", fs_hwcaps_error(errno), NULL);
    return FS_HWCAPS_FAILED;
}

int main(int argc, char **argv, char **envp)
{
    __asm__ volatile("" : : "r"(tool_mark)); /* or the linker would leave it out */
    if (argc <= 1) {
        const char *path = secure_getenv("PATH");
        return path != NULL ? tool_path(path, FS_HWCAPS_ASSIGNED) : 0;
    }
    if (argc == 2 && strcmp(argv[1], "state") == 0) {
        return tool_state();
    }
    if (argc == 3 && strcmp(argv[1], "path") == 0) {
        return tool_path(argv[2], FS_HWCAPS_PLAIN);
    }
    if (argc == 3 && strcmp(argv[1], "which") == 0) {
        return tool_which(argv[2]);
    }
    if (argc >= 4 && strcmp(argv[1], "exec") == 0) {
        return tool_exec(argv[2], argv + 3, envp);
    }
    if (argc == 4 && argv[1][0] == '/') {
        return fs_hwcaps_write_units(argv[1]);
    }
    fs_hwcaps_say("usage: fullspeed-hwcaps [state | path PATH | which EXE | exec EXE ARGV...]",
                  NULL);
    return 2;
}
