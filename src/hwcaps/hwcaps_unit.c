/* A unit generator of systemd's: where services find their programs on this processor.
 *
 * How it works: at each boot and reload systemd runs it with three folders. For each unit that
 * /etc/fullspeed/hwcaps-units names, one a line, it writes UNIT.d/60-fullspeed-hwcaps.conf into
 * the first: ExecSearchPath with the level folders, by which names without a slash in ExecStart
 * are found, and which the service has as PATH. So the choice is made anew on each machine that
 * starts from the same disk.
 *
 * What must stay true: nothing is written where there are no level folders or where variants are
 * turned off; a name in the file never leads out of the folder.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hwcaps.h"

/* Tests have a file of their own there. */
#ifndef HWCAPS_UNITS
#define HWCAPS_UNITS "/etc/fullspeed/hwcaps-units"
#endif

/* What systemd itself takes where nothing says otherwise. */
#define UNIT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { UNIT_FILE = 65536, UNIT_NAME = 255 };

/* Is it the name of a service? */
static bool unit_is_name(const char *name, size_t length)
{
    static const char end[] = ".service";
    const size_t n = sizeof end - 1;
    if (length <= n || length > UNIT_NAME - 2 || name[0] == '.' ||
        memcmp(name + length - n, end, n) != 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char letter = name[i] | 32;
        if (!((letter >= 'a' && letter <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
              memchr(":-_.\\@", name[i], 6) != NULL)) {
            return false;
        }
    }
    return true;
}

/* Writes the drop-in of one unit; false: it could not be. */
static bool unit_write(const char *folder, const char *unit, size_t length, const char *path,
                       const struct fs_cpu_level *level)
{
    static const char head[] = "# For this processor, by fullspeed-hwcaps.\n[Service]\n";
    char name[PATH_MAX], copy[UNIT_NAME + 1];
    memcpy(copy, unit, length);
    copy[length] = '\0';
    int used = snprintf(name, sizeof name, "%s/%s.d", folder, copy);
    if (used >= (int)sizeof name - 32 ||
        (syscall(SYS_mkdirat, (long)AT_FDCWD, name, 0755L, 0L) != 0 && errno != EEXIST)) {
        return false;
    }
    snprintf(name + used, sizeof name - (size_t)used, "/60-fullspeed-hwcaps.conf");
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) {
        return false;
    }
    bool done = write(file, head, sizeof head - 1) == (ssize_t)(sizeof head - 1) &&
                fs_hwcaps_write_path(file, path, level, FS_HWCAPS_UNIT);
    return close(file) == 0 && done;
}

/* All of the file of names; returns its length, 0 if there is none. */
static size_t unit_read(char text[UNIT_FILE])
{
    size_t used = 0;
    int file = open(HWCAPS_UNITS, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }
    while (used < UNIT_FILE) {
        ssize_t got = read(file, text + used, UNIT_FILE - used);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    close(file);
    return used;
}

int fs_hwcaps_write_units(const char *folder)
{
    static char text[UNIT_FILE];
    struct fs_hwcaps_state state;
    const char *path = secure_getenv("PATH");
    size_t length = unit_read(text);
    int code = 0;
    path = path != NULL && *path != '\0' ? path : UNIT_PATH;
    fs_hwcaps_read(&state);
    if (state.error != NULL) {
        fs_hwcaps_say(state.error, NULL);
        return 1;
    }
    if (!fs_hwcaps_has_levels(path, state.level)) {
        return 0;
    }
    for (size_t start = 0, at = 0; at <= length; at++) {
        if (at < length && text[at] != '\n') {
            continue;
        }
        if (at > start && text[start] != '#') {
            if (!unit_is_name(text + start, at - start)) {
                fs_hwcaps_say(HWCAPS_UNITS " has a line that is no name of a service", NULL);
                code = 1;
            } else if (!unit_write(folder, text + start, at - start, path, state.level)) {
                fs_hwcaps_say("a drop-in below ", folder,
                              " could not be written: ", fs_hwcaps_error(errno), NULL);
                code = 1;
            }
        }
        start = at + 1;
    }
    return code;
}
