/* Where a variant may lie: in the folder of its module, or in a folder below that has a fixed name.
 *
 * How it works: with all links resolved, the variant's folder has to be the module's. Installers
 * may make links of all files (into a cache of theirs), so the folder that the module's file is a
 * link into counts as well.
 *
 * What must stay true: a link that leads out of the package is never followed to code, whether it
 * is the file or a folder on the way; nothing is opened here.
 */
#define _GNU_SOURCE
#include "variant_place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Cuts a path off behind its last /. */
static void place_cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        slash[1] = '\0';
    }
}

/* The folder that a file is a link into, or lies in, with the / at its end; false: it cannot be
 * told. */
static bool place_real_folder(const char *path, char folder[PATH_MAX])
{
    if (realpath(path, folder) == NULL) {
        return false;
    }
    place_cut(folder);
    return true;
}

/* The folder that a path names, links in the names of folders resolved, with the / at its end. */
static bool place_named_folder(const char *path, char folder[PATH_MAX])
{
    char name[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof name) {
        return false;
    }
    memcpy(name, path, length + 1);
    place_cut(name);
    if (strchr(name, '/') == NULL) {
        strcpy(name, ".");
    }
    if (realpath(name, folder) == NULL) {
        return false;
    }
    length = strlen(folder);
    if (length + 2 > PATH_MAX) {
        return false;
    }
    if (folder[length - 1] != '/') {
        strcpy(folder + length, "/");
    }
    return true;
}

/* Is `found` the folder with `below` behind it? */
static bool place_is(const char *folder, const char *below, const char *found)
{
    size_t length = strlen(folder);
    return strncmp(found, folder, length) == 0 && strcmp(found + length, below) == 0;
}

const char *fs_variant_place_fault(const char *module, const char *below, const char *variant)
{
    struct stat info;
    char folder[PATH_MAX], found[PATH_MAX];
    if (lstat(variant, &info) != 0) {
        return strerror(errno);
    }
    if (S_ISREG(info.st_mode) && *below == '\0') {
        return NULL;
    }
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
        return "not a file";
    }
    if (!place_real_folder(variant, found)) {
        return "a link to nowhere";
    }
    if ((place_named_folder(module, folder) && place_is(folder, below, found)) ||
        (place_real_folder(module, folder) && place_is(folder, below, found))) {
        return NULL;
    }
    return "a link to another folder";
}
