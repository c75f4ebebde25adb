/* Where do the interpreter's flags end, and what is the program?
 *
 * `fullspeed run` takes python's own options before the program. They are walked here one by
 * one: letters may be joined (-OB), the last of them may take a value (-Werror, -W error), and
 * -c and -m end them all. Nothing is copied: the result is places in the arguments.
 *
 * Must stay true: both who start a program use this one, the `fullspeed` command
 * (run_command.c) and `python -m fullspeed run` (by fullspeed._run.split). Knows no Python.
 */
#include "run_split.h"

#include <stdbool.h>
#include <string.h>

static const char RUN_PLAIN[] = "bBdEiIOPqRsStuvx";
static const char RUN_WITH_VALUE[] = "WXcm";
static const char RUN_LONG_WITH_VALUE[] = "--check-hash-based-pycs";

/* One argument of joined letters; gives the number of arguments taken, 0 when `split` is done. */
static int run_split_letters(const char *arg, bool has_next, struct run_split *split)
{
    for (int place = 1; arg[place] != '\0'; place++) {
        char letter = arg[place];
        if (strchr(RUN_PLAIN, letter) != NULL) {
            continue;
        }
        bool attached = arg[place + 1] != '\0';
        if (strchr(RUN_WITH_VALUE, letter) == NULL || !(attached || has_next)) {
            split->kind = RUN_ASK_PYTHON;
            return 0;
        }
        if (letter == 'c' || letter == 'm') {
            split->kind = letter == 'c' ? RUN_COMMAND : RUN_MODULE;
            split->letter = place;
            return 0;
        }
        return attached ? 1 : 2;
    }
    return 1;
}

struct run_split run_split(int argc, const char *const *argv)
{
    struct run_split split = {.kind = RUN_FILE};
    while (split.at < argc) {
        const char *arg = argv[split.at];
        bool has_next = split.at + 1 < argc;
        int taken;
        if (arg[0] != '-' || arg[1] == '\0' || strcmp(arg, "--") == 0) {
            break;
        }
        if (arg[1] != '-') {
            taken = run_split_letters(arg, has_next, &split);
        } else if (strcmp(arg, RUN_LONG_WITH_VALUE) == 0 && has_next) {
            taken = 2;
        } else {
            split.kind = RUN_ASK_PYTHON;
            taken = 0;
        }
        if (taken == 0) {
            return split;
        }
        split.at += taken;
    }
    int program = split.at + (split.at < argc && strcmp(argv[split.at], "--") == 0);
    if (program >= argc || strcmp(argv[program], "-") == 0) {
        split.kind = RUN_STDIN;
    }
    return split;
}
