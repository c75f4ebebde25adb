/* Finds the variants of one executable, the best first.
 *
 * How it works: names are made of the executable's own path; each file that is there is looked at
 * before it may be run, since the kernel ends a process whose new program turns out to be damaged.
 *
 * What must stay true: only a file is taken that belongs to the executable's owner or to root and
 * that not everybody may change: in a folder like /tmp others could put one. Any bytes may stand
 * in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hwcaps.h"
#include "variant_elf.h"

void fs_hwcaps_say(const char *text, ...)
{
    char line[FS_HWCAPS_FAULTS + PATH_MAX];
    size_t used = (size_t)snprintf(line, sizeof line, "fullspeed: ");
    va_list arguments;
    va_start(arguments, text);
    for (; text != NULL && used < sizeof line; text = va_arg(arguments, const char *)) {
        used += (size_t)snprintf(line + used, sizeof line - used, "%s", text);
    }
    va_end(arguments);
    used = used < sizeof line - 1 ? used : sizeof line - 2;
    line[used] = '\n';
    if (write(STDERR_FILENO, line, used + 1) < 0) {
        return; /* there is nobody to tell */
    }
}

const char *fs_hwcaps_error(int number)
{
    static char other[32];
    switch (number) {
    case ENOENT:
        return "missing";
    case EACCES:
    case EPERM:
        return "no permission";
    case ELOOP:
        return "a link";
    case ENOEXEC:
        return "not executable here";
    case E2BIG:
        return "arguments and environment are too long";
    case ENOMEM:
        return "no memory";
    case ETXTBSY:
        return "being written";
    }
    snprintf(other, sizeof other, "error %u of the system", (unsigned)number);
    return other;
}

/* Not stat(): older C libraries have it in their headers only. */
bool fs_hwcaps_stat(const char *path, struct stat *info)
{
    return syscall(SYS_newfstatat, (long)AT_FDCWD, path, info, 0L) == 0;
}

void fs_hwcaps_fault(struct fs_hwcaps_search *search, const char *reason)
{
    size_t used = strlen(search->faults);
    const char *name = strrchr(search->path, '/');
    snprintf(search->faults + used, sizeof search->faults - used, "%s%s: %s", used != 0 ? "; " : "",
             name != NULL ? name + 1 : search->path, reason);
}

bool fs_hwcaps_begin(struct fs_hwcaps_search *search, const char *executable,
                     const struct fs_cpu_level *level, bool with_folders)
{
    struct stat info;
    if (strlen(executable) >= sizeof search->path || !fs_hwcaps_stat(executable, &info)) {
        return false;
    }
    search->executable = executable;
    search->path[0] = search->faults[0] = '\0';
    search->level = level;
    search->with_folders = with_folders;
    search->is_beside = true;
    search->owner = info.st_uid;
    return true;
}

/* Why the opened file must not be run; NULL: it may. */
static const char *search_file_fault(int file, unsigned owner)
{
    struct stat info;
    if (syscall(SYS_fstat, (long)file, &info, 0L) != 0) {
        return fs_hwcaps_error(errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return "not a file";
    }
    if (info.st_uid != owner && info.st_uid != 0) {
        return "it belongs to somebody else";
    }
    if (info.st_mode & S_IWOTH) {
        return "everybody may change it";
    }
    if (info.st_mode & (S_ISUID | S_ISGID)) {
        return "it is setuid or setgid";
    }
    return fs_variant_elf_program_fault(file, (uint64_t)info.st_size);
}

/* Why the candidate can't be run; NULL: it can. Length is what its path would have. */
static const char *search_fault(const struct fs_hwcaps_search *search, int length, int flags)
{
    if (length < 0 || (size_t)length >= sizeof search->path) {
        return "its path is too long";
    }
    int file = open(search->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    if (file < 0) {
        return fs_hwcaps_error(errno);
    }
    const char *fault = search_file_fault(file, search->owner);
    close(file);
    return fault;
}

const char *fs_hwcaps_beside(struct fs_hwcaps_search *search, const char *suffix)
{
    int length = snprintf(search->path, sizeof search->path, "%s.%s", search->executable, suffix);
    return search_fault(search, length, O_NOFOLLOW);
}

/* As glibc has it for libraries; links are a distribution's way there. */
static const char *search_folder(struct fs_hwcaps_search *search, const char *label)
{
    const char *slash = strrchr(search->executable, '/');
    const char *name = slash != NULL ? slash + 1 : search->executable;
    int folder = (int)(name - search->executable);
    memcpy(search->path, search->executable, (size_t)folder);
    size_t room = sizeof search->path - (size_t)folder;
    int length = snprintf(search->path + folder, room, FS_HWCAPS_FOLDER "/%s/%s", label, name);
    return search_fault(search, length < 0 ? length : folder + length, 0);
}

const char *fs_hwcaps_next(struct fs_hwcaps_search *search)
{
    while (search->level != NULL && search->level->number >= FS_HWCAPS_LEAST) {
        const char *label = search->level->name;
        const char *fault =
            search->is_beside ? fs_hwcaps_beside(search, label) : search_folder(search, label);
        if (search->is_beside && search->with_folders) {
            search->is_beside = false;
        } else {
            search->is_beside = true;
            search->level = fs_cpu_level_below(search->level);
        }
        if (fault == NULL) {
            return search->path;
        }
        /* Most levels have no variant, and that is all right. */
        if (fault != fs_hwcaps_error(ENOENT)) {
            fs_hwcaps_fault(search, fault);
        }
    }
    return NULL;
}
