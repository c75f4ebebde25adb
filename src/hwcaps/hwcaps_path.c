/* PATH with level folders: in front of each folder those that it has for this processor.
 *
 * How it works: /usr/bin becomes /usr/bin/glibc-hwcaps/x86-64-v3:/usr/bin/glibc-hwcaps/x86-64-v2:
 * /usr/bin, as far as these are there. Level folders that stand in PATH already, before or behind
 * theirs, are taken out first, so that doing it twice is doing it once, and turning variants off
 * gives the plain PATH.
 *
 * What must stay true: a level folder counts only where nobody else can put something into it than
 * into the folder itself; relative folders stay as they are. Any bytes may stand in PATH.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hwcaps.h"

struct path_output {
    int file; /* -1: nothing is written */
    enum fs_hwcaps_form form;
    bool is_quoted, has_folder, has_failed;
    size_t levels; /* folders of levels so far */
    size_t used;
    char buffer[4096];
};

static void path_flush(struct path_output *output)
{
    size_t done = 0;
    while (output->file >= 0 && done < output->used && !output->has_failed) {
        ssize_t wrote = write(output->file, output->buffer + done, output->used - done);
        output->has_failed = wrote <= 0;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    output->used = 0;
}

static void path_put_byte(struct path_output *output, char byte)
{
    if (output->used == sizeof output->buffer) {
        path_flush(output);
    }
    output->buffer[output->used++] = byte;
}

static void path_put(struct path_output *output, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (output->is_quoted && memchr("\"\\$`", text[i], 4) != NULL) {
            path_put_byte(output, '\\');
        }
        path_put_byte(output, text[i]);
    }
}

/* Unit files have words, quotes, and % of their own: folders with such bytes are left out there. */
static bool path_is_for_units(const char *folder, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char byte = folder[i] | 32;
        if (!((byte >= 'a' && byte <= 'z') || (folder[i] >= '0' && folder[i] <= '9') ||
              memchr("/._+-@~,", folder[i], 8) != NULL)) {
            return false;
        }
    }
    return length != 0 && folder[0] == '/';
}

/* One folder of the result. */
static void path_put_folder(struct path_output *output, const char *folder, size_t length)
{
    if (output->form == FS_HWCAPS_UNIT && !path_is_for_units(folder, length)) {
        return;
    }
    if (output->has_folder) {
        path_put(output, ":", 1);
    }
    output->has_folder = true;
    path_put(output, folder, length);
}

/* What is there under the name, if it is a folder; links are followed as in PATH itself. */
static bool path_is_folder(const char *name, struct stat *info)
{
    return fs_hwcaps_stat(name, info) && S_ISDIR(info->st_mode);
}

/* May others write there, or is the owner another than root and that of the folder above? */
static bool path_is_weaker(const struct stat *info, const struct stat *above)
{
    const mode_t others = S_IWGRP | S_IWOTH;
    mode_t more = info->st_mode & others & ~above->st_mode;
    if (info->st_mode & S_IWGRP && info->st_gid != above->st_gid) {
        return true;
    }
    return more != 0 || (info->st_uid != above->st_uid && info->st_uid != 0) ||
           (above->st_mode & S_ISVTX && info->st_mode & others);
}

/* The folders of levels that a folder has. */
static void path_put_levels(struct path_output *output, const char *folder, size_t length,
                            const struct fs_cpu_level *level)
{
    char name[PATH_MAX];
    struct stat above, middle, info;
    if (length == 0 || folder[0] != '/' || length >= sizeof name) {
        return;
    }
    memcpy(name, folder, length);
    name[length] = '\0';
    size_t used = length;
    while (used > 1 && name[used - 1] == '/') {
        used--;
    }
    if (used == 1) {
        used = 0; /* the root */
    }
    if (!path_is_folder(name, &above) ||
        snprintf(name + used, sizeof name - used, "/" FS_HWCAPS_FOLDER) >=
            (int)(sizeof name - used) ||
        !path_is_folder(name, &middle) || path_is_weaker(&middle, &above)) {
        return;
    }
    used = strlen(name);
    for (; level != NULL && level->number >= FS_HWCAPS_LEAST; level = fs_cpu_level_below(level)) {
        if (snprintf(name + used, sizeof name - used, "/%s", level->name) <
                (int)(sizeof name - used) &&
            path_is_folder(name, &info) && !path_is_weaker(&info, &above)) {
            path_put_folder(output, name, strlen(name));
            output->levels++;
        }
    }
}

/* The length of the folder that a level folder belongs to; 0: it is none. */
static size_t path_owner(const char *folder, size_t length)
{
    static const char middle[] = "/" FS_HWCAPS_FOLDER "/x86-64-v";
    const size_t n = sizeof middle - 1;
    if (length < n + 2 || memcmp(folder + length - n - 1, middle, n) != 0 ||
        folder[length - 1] < '1' || folder[length - 1] > '9') {
        return 0;
    }
    return length - n - 1;
}

/* Does PATH have the folder, of that length, itself? */
static bool path_has(const char *path, const char *folder, size_t length)
{
    for (;;) {
        size_t n = strcspn(path, ":");
        size_t used = n;
        while (used > length && path[used - 1] == '/') {
            used--;
        }
        if (used == length && memcmp(path, folder, length) == 0) {
            return true;
        }
        if (path[n] == '\0') {
            return false;
        }
        path += n + 1;
    }
}

/* All folders. */
static void path_put_all(struct path_output *output, const char *path,
                         const struct fs_cpu_level *level)
{
    const char *folder = path;
    for (;;) {
        size_t length = strcspn(folder, ":");
        size_t owner = path_owner(folder, length);
        if (owner == 0 || !path_has(path, folder, owner)) {
            path_put_levels(output, folder, length, level);
            path_put_folder(output, folder, length);
        }
        if (folder[length] == '\0') {
            return;
        }
        folder += length + 1;
    }
}

bool fs_hwcaps_write_path(int file, const char *path, const struct fs_cpu_level *level,
                          enum fs_hwcaps_form form)
{
    static const char *const before[] = {"", "PATH=\"", "ExecSearchPath="};
    static const char *const behind[] = {"", "\"\n", "\n"};
    struct path_output output = {.file = file, .form = form};
    path_put(&output, before[form], strlen(before[form]));
    output.is_quoted = form == FS_HWCAPS_ASSIGNED;
    path_put_all(&output, path, level);
    output.is_quoted = false;
    path_put(&output, behind[form], strlen(behind[form]));
    path_flush(&output);
    return !output.has_failed;
}

bool fs_hwcaps_has_levels(const char *path, const struct fs_cpu_level *level)
{
    struct path_output output = {.file = -1, .form = FS_HWCAPS_UNIT};
    path_put_all(&output, path, level);
    return output.levels != 0;
}
