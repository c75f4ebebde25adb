/* Splits the arguments of `fullspeed run` as `python` does: see run_split.c. */
#ifndef FS_RUN_SPLIT_H
#define FS_RUN_SPLIT_H

/* What is to be run. */
enum run_kind {
    RUN_FILE,
    RUN_STDIN,
    RUN_COMMAND,
    RUN_MODULE,
    RUN_ASK_PYTHON, /* nothing: `python` itself answers (--version, an unknown option ...) */
};

/* Where the interpreter's flags end. */
struct run_split {
    enum run_kind kind;
    int at;     /* the argument that starts the target: "--", a file, "-", one with -c or -m */
    int letter; /* place of that c or m in its argument, behind flags that stand before it; else 0
                 */
};

struct run_split run_split(int argc, const char *const *argv);

#endif
