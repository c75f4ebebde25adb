/* How many processors the control groups of this process leave it.
 *
 * How it works: /proc/self/cgroup says in which group of each hierarchy we are, and
 * /proc/self/mountinfo where that hierarchy is mounted, and which part of it; version 2 keeps the
 * limit in cpu.max, version 1 in cpu.cfs_quota_us and cpu.cfs_period_us. Each group above ours
 * limits us, too.
 *
 * What must stay true: whatever cannot be read or understood limits nothing; paths that do not fit
 * are not cut short but left alone.
 */
#include "array/array_thread.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROC_LINE = 4 * PATH_MAX };

/* One hierarchy that can limit processors. */
struct proc_group {
    bool version2;
    char path[PATH_MAX];  /* of our group in the hierarchy */
    char mount[PATH_MAX]; /* where it is mounted */
    char top[PATH_MAX];   /* which group of it that is */
};

/* Whether the list of words has this one. */
static bool proc_has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static FILE *proc_open(const char *root, const char *path)
{
    char name[2 * PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof name ? fopen(name, "re") : NULL;
}

/* Reads up to two words of a file; the number of them. */
static int proc_words(const char *root, const char *folder, const char *file, char words[2][32])
{
    char path[2 * PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = n > 0 && (size_t)n < sizeof path ? proc_open(root, path) : NULL;
    if (stream == NULL) {
        return 0;
    }
    int found = fscanf(stream, "%31s %31s", words[0], words[1]);
    fclose(stream);
    return found < 0 ? 0 : found;
}

/* The processors that quota per period come to, INT_MAX when that is no limit. */
static int proc_rounded(const char *quota, const char *period)
{
    double time = strtod(quota, NULL), per = strtod(period, NULL);
    if (!(time > 0) || !(per > 0) || time / per > 1e6) {
        return INT_MAX; /* "max", -1, or nothing that we understand */
    }
    int whole = (int)(time / per);
    return whole + (whole < time / per);
}

/* The limit of one group alone. */
static int proc_limit_of(const char *root, const char *folder, bool version2)
{
    char words[2][32], period[2][32];
    if (version2) {
        return proc_words(root, folder, "cpu.max", words) == 2 ? proc_rounded(words[0], words[1])
                                                               : INT_MAX;
    }
    return proc_words(root, folder, "cpu.cfs_quota_us", words) >= 1 &&
                   proc_words(root, folder, "cpu.cfs_period_us", period) >= 1
               ? proc_rounded(words[0], period[0])
               : INT_MAX;
}

/* The least of our group and all above it that can be seen. */
static int proc_limit(const char *root, struct proc_group *group)
{
    size_t top = strcmp(group->top, "/") == 0 ? 0 : strlen(group->top);
    char *below = group->path;
    if (strncmp(below, group->top, top) == 0 && (below[top] == '/' || below[top] == '\0')) {
        below += top;
    } else {
        below = ""; /* mounted is another part of the hierarchy: its root is what we can see */
    }
    char folder[2 * PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s%s", group->mount, below);
    if (n < 0 || (size_t)n >= sizeof folder) {
        return INT_MAX;
    }
    int least = INT_MAX;
    for (size_t mount = strlen(group->mount);;) {
        int limit = proc_limit_of(root, folder, group->version2);
        least = limit < least ? limit : least;
        char *slash = strrchr(folder, '/');
        if (slash == NULL || slash < folder + mount) {
            return least;
        }
        *slash = '\0';
    }
}

/* Finds where the group's hierarchy is mounted. */
static bool proc_find_mount(const char *root, struct proc_group *group)
{
    FILE *stream = proc_open(root, "/proc/self/mountinfo");
    char *line = stream != NULL ? malloc(PROC_LINE) : NULL;
    bool found = false;
    while (line != NULL && !found && fgets(line, PROC_LINE, stream) != NULL) {
        char top[PATH_MAX], mount[PATH_MAX], kind[64], options[PATH_MAX];
        const char *rest = strstr(line, " - ");
        if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", top, mount) != 2 ||
            sscanf(rest, " - %63s %*s %4095s", kind, options) != 2) {
            continue;
        }
        found = group->version2 ? strcmp(kind, "cgroup2") == 0
                                : strcmp(kind, "cgroup") == 0 && proc_has_word(options, "cpu");
        if (found) {
            memcpy(group->mount, mount, sizeof mount);
            memcpy(group->top, top, sizeof top);
        }
    }
    free(line);
    if (stream != NULL) {
        fclose(stream);
    }
    return found;
}

int fs_array_processors_below(const char *root, int affinity)
{
    int least = affinity;
    FILE *stream = proc_open(root, "/proc/self/cgroup");
    struct proc_group *group = stream != NULL ? malloc(sizeof *group) : NULL;
    char *line = group != NULL ? malloc(PROC_LINE) : NULL;
    while (line != NULL && fgets(line, PROC_LINE, stream) != NULL) {
        /* number:controllers:path, without controllers in version 2 */
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL) {
            continue;
        }
        controllers++;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        group->version2 = *controllers == '\0';
        size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);
        if (length >= sizeof group->path ||
            !(group->version2 || proc_has_word(controllers, "cpu"))) {
            continue;
        }
        memcpy(group->path, path, length);
        group->path[length] = '\0';
        if (proc_find_mount(root, group)) {
            int limit = proc_limit(root, group);
            least = limit < least ? limit : least;
        }
    }
    free(line);
    free(group);
    if (stream != NULL) {
        fclose(stream);
    }
    return least < 1 ? 1 : least;
}
