/* Variants of executables: what the stub and the tool share.
 *
 * For /opt/bin/app the variants are /opt/bin/app.x86-64-v3 and so on; what was /opt/bin/app itself
 * is /opt/bin/app.baseline once the stub lies in its place. The tool also looks where
 * distributions put them: /opt/bin/glibc-hwcaps/x86-64-v3/app.
 */
#ifndef FS_HWCAPS_H
#define FS_HWCAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cpu_detect.h"

enum { FS_HWCAPS_FAULTS = 2048, FS_HWCAPS_FAILED = 126, FS_HWCAPS_LEAST = 2 };

#define FS_HWCAPS_FOLDER "glibc-hwcaps"

int main(int argc, char **argv, char **envp);

/* ---- may variants be used, and which (hwcaps_switch.c) ---- */

struct fs_hwcaps_state {
    const struct fs_cpu_level *level; /* the highest that may be used; NULL: the baseline only */
    const char *off;                  /* what turns variants off; NULL: nothing */
    const char *error;                /* a variable is wrong: a sentence; then level is NULL */
};

/* Reads variables, the kernel's command line, and, if these leave variants on, the processor.
 * The state's texts live as long as the program. */
void fs_hwcaps_read(struct fs_hwcaps_state *state);

/* ---- the variants of one executable (hwcaps_search.c) ---- */

struct fs_hwcaps_search {
    const struct fs_cpu_level *level; /* the next to look for */
    bool with_folders;                /* also in glibc-hwcaps */
    bool is_beside;                   /* of this level beside the executable is what comes next */
    unsigned owner;                   /* of the executable */
    const char *executable;           /* its path */
    char path[PATH_MAX];              /* of the candidate */
    char faults[FS_HWCAPS_FAULTS];    /* why candidates were passed over */
};

/* Begins with the best; false: there is no such executable, or its path is too long. The path is
 * not copied. */
bool fs_hwcaps_begin(struct fs_hwcaps_search *search, const char *executable,
                     const struct fs_cpu_level *level, bool with_folders);
/* The next candidate that can be run as far as its file tells; NULL: there is none. Only those of
 * levels: the last resort is the caller's. */
const char *fs_hwcaps_next(struct fs_hwcaps_search *search);
/* Why the baseline, or another file that is named after the executable, can't be run; NULL: it can;
 * search->path is then its path. */
const char *fs_hwcaps_beside(struct fs_hwcaps_search *search, const char *suffix);
/* Notes why the candidate was passed over. */
void fs_hwcaps_fault(struct fs_hwcaps_search *search, const char *reason);
/* The words for an error of the system. */
const char *fs_hwcaps_error(int number);
/* What is there under the path, links followed; false: nothing, or nothing for us. */
bool fs_hwcaps_stat(const char *path, struct stat *info);

/* ---- PATH (hwcaps_path.c) ---- */

enum fs_hwcaps_form {
    FS_HWCAPS_PLAIN,
    FS_HWCAPS_ASSIGNED, /* PATH="...", as environment generators print it */
    FS_HWCAPS_UNIT,     /* ExecSearchPath=..., as unit files have it */
};

/* Writes a list of folders with the level folders in front of each folder that has them; false:
 * it could not be written. File -1: nothing is. */
bool fs_hwcaps_write_path(int file, const char *path, const struct fs_cpu_level *level,
                          enum fs_hwcaps_form form);
/* Has any folder of the list a level folder that would be written? */
bool fs_hwcaps_has_levels(const char *path, const struct fs_cpu_level *level);

/* ---- systemd's unit generator (hwcaps_unit.c) ---- */

/* Writes the drop-ins of /etc/fullspeed/hwcaps-units below the folder; the exit code. */
int fs_hwcaps_write_units(const char *folder);

/* ---- output ---- */

/* Writes "fullspeed: " and the texts up to a NULL to stderr, as one line. */
void fs_hwcaps_say(const char *text, ...) __attribute__((sentinel));

#endif
