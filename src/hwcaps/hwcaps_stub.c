/* The exec stub: what `fullspeed hwcaps install` puts in the place of an executable.
 *
 * How it works: it asks the kernel where it lies itself (/proc/self/exe), and becomes, by execve,
 * the best variant beside it that this processor and the environment allow; else what lay in its
 * place before. Arguments (argv[0] too), environment, files, signals, folder and all else pass
 * through execve untouched; the variants lie in the same folder, so that $ORIGIN means the same.
 *
 * What must stay true: no C library, no allocation, less than 20 kB, nothing beyond x86-64-v1;
 * nothing is written but when nothing can be run. A file that was given more rights (setuid,
 * setgid) by somebody is refused: by a second name of it in another folder others could have their
 * own code run with these rights.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hwcaps.h"

#define STUB_SELF "/proc/self/exe"

static const char stub_deleted[] = " (deleted)";

/* For `fullspeed hwcaps`: by this it knows any stub, also one of another version. */
static const char stub_mark[] = "fullspeed hwcaps exec stub";

/* The stub's own path; false: it cannot be known. */
static bool stub_find(char path[PATH_MAX])
{
    ssize_t length = readlink(STUB_SELF, path, PATH_MAX - 1);
    if (length > 0) {
        path[length] = '\0';
        return true;
    }
    /* Without /proc: as whoever started it named it. */
    const char *named = (const char *)getauxval(AT_EXECFN);
    if (named == NULL || strlen(named) >= PATH_MAX) {
        return false;
    }
    memcpy(path, named, strlen(named) + 1);
    return true;
}

/* Does the stub's own file raise the rights of who starts it? Only asked of a process that has
 * more rights. */
static bool stub_is_raised(void)
{
    struct stat info;
    if (!fs_hwcaps_stat(STUB_SELF, &info)) {
        return true; /* nobody knows */
    }
    return (info.st_mode & (S_ISUID | S_ISGID)) != 0 ||
           syscall(SYS_getxattr, STUB_SELF, "security.capability", (char *)NULL, 0L) >= 0;
}

/* Runs one variant after the other; comes back if none can be. */
static void stub_run(struct fs_hwcaps_search *search, char **argv, char **envp)
{
    while (fs_hwcaps_next(search) != NULL) {
        execve(search->path, argv, envp);
        fs_hwcaps_fault(search, fs_hwcaps_error(errno));
    }
    const char *fault = fs_hwcaps_beside(search, "baseline");
    if (fault == NULL) {
        execve(search->path, argv, envp);
        fault = fs_hwcaps_error(errno);
    }
    fs_hwcaps_fault(search, fault);
}

/* The stub's file has been replaced since it was started: what is there now is run. */
static void stub_run_anew(char path[PATH_MAX], char **argv, char **envp)
{
    const size_t n = sizeof stub_deleted - 1;
    size_t length = strlen(path);
    if (length > n && memcmp(path + length - n, stub_deleted, n) == 0) {
        path[length - n] = '\0';
        execve(path, argv, envp);
    }
}

int main(int argc FS_UNUSED, char **argv, char **envp)
{
    static struct fs_hwcaps_search search;
    static struct fs_hwcaps_state state;
    static char path[PATH_MAX];
    __asm__ volatile("" : : "r"(stub_mark)); /* or the linker would leave it out */
    if (getauxval(AT_SECURE) != 0 && stub_is_raised()) {
        fs_hwcaps_say("a stub of `fullspeed hwcaps` was made setuid or setgid, or was given "
                      "capabilities: it runs nothing then. `fullspeed hwcaps remove` brings the "
                      "executable itself back.",
                      NULL);
        return FS_HWCAPS_FAILED;
    }
    fs_hwcaps_read(&state);
    if (state.error != NULL) {
        fs_hwcaps_say(state.error, "; the baseline is run", NULL);
    }
    /* Twice: the file may be replaced while we look (`fullspeed hwcaps remove`). */
    for (int i = 0; i < 2; i++) {
        if (!stub_find(path)) {
            fs_hwcaps_say("a stub of `fullspeed hwcaps` cannot find its own file", NULL);
            return FS_HWCAPS_FAILED;
        }
        if (fs_hwcaps_begin(&search, path, state.level, false)) {
            stub_run(&search, argv, envp);
        } else {
            stub_run_anew(path, argv, envp);
        }
    }
    fs_hwcaps_say(path, " is a stub of `fullspeed hwcaps`, and nothing beside it can be run: ",
                  search.faults[0] != '\0' ? search.faults : "it is not there any more",
                  ". `fullspeed hwcaps status` tells more.", NULL);
    return FS_HWCAPS_FAILED;
}
