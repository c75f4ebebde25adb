/* The `fullspeed` command: becomes `python [flags] .../fullspeed/_start.py ...` by exec.
 *
 * Flags of the interpreter must be known when it starts. This small program finds them in the
 * arguments of `fullspeed run` and puts them before our start file, so that Python starts only
 * once. A script could not do it: its first line starts Python before anyone has read a flag,
 * and that line can not hold a path with spaces.
 *
 * Which Python, and which of its files, is known from where this program lies: an installer puts
 * bin/fullspeed beside bin/python and lib/python3.11 of the same environment. Links to it (pipx)
 * are followed. Where no Python lies beside it (pip install --user), it is the one that built
 * it, or the python3.11 of PATH.
 *
 * Must stay true: no Python library is linked here, and nothing is printed but why it failed.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_split.h"

enum { COMMAND_EXIT_FAILED = 125 };

#define COMMAND_PYTHON "python3.11"
#define COMMAND_START "fullspeed/_start.py"

/* Where installers put packages, seen from the folder above this program's. */
static const char *const COMMAND_LIBRARIES[] = {
    "lib/" COMMAND_PYTHON "/site-packages/", "lib64/" COMMAND_PYTHON "/site-packages/",
    "lib/" COMMAND_PYTHON "/dist-packages/", "", /* pip install --target */
};

/* Ends the program with one sentence. */
static _Noreturn void command_fail(const char *what, const char *which, const char *why)
{
    fprintf(stderr, "fullspeed: %s %s: %s\n", what, which, why);
    exit(COMMAND_EXIT_FAILED);
}

/* Writes folder, a slash and name; false when that is too long or no such file is there. */
static bool command_find(char path[PATH_MAX], const char *folder, const char *middle,
                         const char *name, int mode)
{
    int length = snprintf(path, PATH_MAX, "%s/%s%s", folder, middle, name);
    return length < PATH_MAX && access(path, mode) == 0;
}

/* The folder that this program lies in, links followed, and the one above. */
static void command_folders(char own[PATH_MAX], char above[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - 1);
    if (length < 0) {
        command_fail("cannot read", "/proc/self/exe", strerror(errno));
    }
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    *slash = '\0';
    strcpy(above, own);
    slash = strrchr(above, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
}

/* Finds the interpreter; a name without slash is looked for in PATH by exec. */
static void command_find_python(char path[PATH_MAX], const char *own, const char *above)
{
    char config[PATH_MAX];
    if (command_find(config, above, "", "pyvenv.cfg", F_OK) &&
        command_find(path, own, "", "python", X_OK)) {
        return;
    }
    if (!command_find(path, own, "", COMMAND_PYTHON, X_OK)) {
        strcpy(path, access(FS_PYTHON, X_OK) == 0 ? FS_PYTHON : COMMAND_PYTHON);
    }
}

/* Finds our start file. */
static void command_find_start(char path[PATH_MAX], const char *above)
{
    for (size_t i = 0; i < sizeof COMMAND_LIBRARIES / sizeof *COMMAND_LIBRARIES; i++) {
        if (command_find(path, above, COMMAND_LIBRARIES[i], COMMAND_START, R_OK)) {
            return;
        }
    }
    command_fail("cannot find", COMMAND_START,
                 "it is in no library folder beside this program; try `python -m fullspeed`");
}

/* Puts `run` and our start file between the flags and the program. */
static void command_arrange_run(char **made, char *start, int argc, char **argv)
{
    struct run_split split = run_split(argc, (const char *const *)argv);
    if (split.kind == RUN_ASK_PYTHON) {
        memcpy(made, argv, (size_t)argc * sizeof *made);
        return;
    }
    memcpy(made, argv, (size_t)split.at * sizeof *made);
    made += split.at;
    char *mixed = split.letter > 1 ? argv[split.at] : NULL; /* -Oc: a flag, then the program */
    if (mixed != NULL) {
        char *flags = strdup(mixed);
        char *target = strdup(mixed + split.letter - 1);
        if (flags == NULL || target == NULL) {
            command_fail("cannot start", "python", strerror(ENOMEM));
        }
        flags[split.letter] = '\0';
        target[0] = '-';
        *made++ = flags;
        argv[split.at] = target;
    }
    *made++ = start;
    *made++ = "run";
    memcpy(made, argv + split.at, (size_t)(argc - split.at) * sizeof *made);
}

int main(int argc, char **argv)
{
    char own[PATH_MAX], above[PATH_MAX], python[PATH_MAX], start[PATH_MAX];
    command_folders(own, above);
    command_find_python(python, own, above);
    command_find_start(start, above);
    /* Python, our start file, `run`, flags split from a target, and the end. */
    char **made = calloc((size_t)argc + 5, sizeof *made);
    if (made == NULL) {
        command_fail("cannot start", python, strerror(ENOMEM));
    }
    made[0] = python;
    bool is_run = argc > 1 && strcmp(argv[1], "run") == 0 &&
                  !(argc > 2 && (strcmp(argv[2], "-h") == 0 || strcmp(argv[2], "--help") == 0));
    if (is_run) {
        command_arrange_run(made + 1, start, argc - 2, argv + 2);
    } else {
        made[1] = start;
        if (argc > 1) {
            memcpy(made + 2, argv + 1, (size_t)(argc - 1) * sizeof *made);
        }
    }
    execvp(python, made);
    command_fail("cannot execute", python, strerror(errno));
}
