/* Which variants crashed while they were loaded: a mark in the user's cache folder, per file.
 *
 * How it works: while a variant's code runs for the first time, handlers stand on the signals by
 * which such a crash ends the process. In the usual case they are put there and taken away, and no
 * file is touched. When one comes, it writes the mark
 *
 *     $XDG_CACHE_HOME/fullspeed/variant-<digest>.crash, or ~/.cache/...
 *
 * and lets the signal do what it would have done. The digest is of the file's path, size and time,
 * and of what the processor has: a mark of another build or kind of machine is none.
 *
 * What must stay true: what the handler calls is safe there (no memory, no stdio, no locks); a
 * signal in another thread, or sent by somebody, is no crash of the variant; whoever survives the
 * signal has not crashed; a program with more rights than its user leaves and reads no marks; the
 * folder has to be the user's own; many processes may do all this at once (O_EXCL, one write).
 */
#define _GNU_SOURCE
#include "variant_crash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- the place ---- */

/* Small, since each page that is touched costs a microsecond at every import; what does not fit is
 * not watched. */
enum { CRASH_BASE = 512, CRASH_PATH = 1024 };

static const char crash_folder_name[] = "/fullspeed";
static const char crash_begin[] = "/variant-", crash_end[] = ".crash";
enum { CRASH_DIGITS = 16 };
enum { CRASH_FOLDER = CRASH_BASE + sizeof crash_folder_name };
enum { CRASH_MARK = CRASH_FOLDER + sizeof crash_begin + CRASH_DIGITS + sizeof crash_end };

static const char crash_head[] = "fullspeed: a variant that crashed while it was loaded\n";

/* Found out once; whoever comes at the same time finds the same. */
static struct {
    char base[CRASH_BASE]; /* the cache folder; empty: there is none */
    uint64_t kind;         /* of machine */
} crash_place;

static uint64_t crash_digest(uint64_t hash, const void *data, size_t size)
{
    for (const unsigned char *at = data; size > 0; size--, at++) {
        hash = (hash ^ *at) * 1099511628211u; /* FNV-1a */
    }
    return hash;
}

void fs_variant_crash_start(const void *facts, size_t size)
{
    const char *cache = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    const bool has_cache = cache != NULL && *cache == '/'; /* a relative one counts as none */
    const char *base = has_cache ? cache : home;
    crash_place.kind = crash_digest(14695981039346656037u, facts, size);
    if (base == NULL || *base != '/' ||
        snprintf(crash_place.base, CRASH_BASE, "%s%s", base, has_cache ? "" : "/.cache") >=
            CRASH_BASE) {
        crash_place.base[0] = '\0';
    }
}

/* Appends to a path; returns its end. */
static char *crash_append(char *end, const char *text, size_t length)
{
    memcpy(end, text, length);
    end[length] = '\0';
    return end + length;
}

/* The folder of the marks; returns the end of its path. */
static char *crash_folder(char path[CRASH_FOLDER])
{
    char *end = crash_append(path, crash_place.base, strlen(crash_place.base));
    return crash_append(end, crash_folder_name, sizeof crash_folder_name - 1);
}

/* The mark of a file, and where in its path the folder ends; NULL: there can be none. */
static char *crash_mark(const char *path, char mark[CRASH_MARK])
{
    struct stat info;
    if (crash_place.base[0] == '\0' || stat(path, &info) != 0) {
        return NULL;
    }
    const int64_t facts[] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    uint64_t hash = crash_digest(crash_place.kind, path, strlen(path));
    hash = crash_digest(hash, facts, sizeof facts);
    char *cut = crash_folder(mark), *end = crash_append(cut, crash_begin, sizeof crash_begin - 1);
    for (int i = 0; i < CRASH_DIGITS; i++) {
        *end++ = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    }
    crash_append(end, crash_end, sizeof crash_end - 1);
    return cut;
}

/* Is the folder ours alone? The path of a mark in it is cut for that, and mended. */
static bool crash_is_safe(char *mark, char *cut)
{
    struct stat info;
    *cut = '\0';
    const bool safe = lstat(mark, &info) == 0 && S_ISDIR(info.st_mode) &&
                      info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    *cut = '/';
    return safe;
}

/* ---- marks ---- */

enum { CRASH_WORDS = 8 };

/* Writes words, at once. */
static void crash_write(int file, const char *const words[], size_t count)
{
    struct iovec parts[CRASH_WORDS];
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){(void *)(uintptr_t)words[i], strlen(words[i])};
    }
    const ssize_t written = writev(file, parts, (int)count);
    (void)written; /* nothing could be done */
}

/* Reads the third line: what stands there is a name of ours, or it is not shown. */
static void crash_read_reason(int file, char reason[FS_VARIANT_REASON])
{
    char text[sizeof crash_head + PATH_MAX + FS_VARIANT_REASON];
    const ssize_t length = pread(file, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    const char *line = text;
    for (int i = 0; i < 2 && line != NULL; i++) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    size_t used = 0;
    while (line != NULL && used < FS_VARIANT_REASON - 1 && line[used] >= ' ' && line[used] <= '~') {
        reason[used] = line[used];
        used++;
    }
    reason[used] = '\0';
}

bool fs_variant_crash_known(const char *path, char reason[FS_VARIANT_REASON])
{
    char mark[CRASH_MARK];
    char *cut = crash_mark(path, mark);
    const int file = cut != NULL ? open(mark, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if (file < 0) {
        return false;
    }
    const bool known = crash_is_safe(mark, cut);
    if (known) {
        crash_read_reason(file, reason);
    }
    close(file);
    return known;
}

bool fs_variant_crash_mark(const char *path, const char *reason)
{
    char mark[CRASH_MARK];
    char *cut = crash_mark(path, mark);
    if (cut == NULL) {
        return false;
    }
    mkdir(crash_place.base, 0700); /* fails where it is there already */
    *cut = '\0';
    mkdir(mark, 0700);
    *cut = '/';
    if (!crash_is_safe(mark, cut)) {
        return false;
    }
    const int file = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return errno == EEXIST;
    }
    const char *const words[] = {crash_head, path, "\n", reason, "\n"};
    crash_write(file, words, sizeof words / sizeof *words); /* an empty mark is one, too */
    close(file);
    return true;
}

void fs_variant_crash_forget(const char *path)
{
    char mark[CRASH_MARK];
    char *cut = crash_mark(path, mark);
    if (cut != NULL && crash_is_safe(mark, cut)) {
        unlink(mark);
    }
}

/* ---- the watch ---- */

enum { CRASH_SIGNALS = 5 };

static const struct {
    int number;
    const char *name;
} crash_signals[CRASH_SIGNALS] = {
    {SIGILL, "SIGILL"}, {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},
    {SIGFPE, "SIGFPE"}, {SIGABRT, "SIGABRT"},
};

static struct {
    _Atomic(pid_t) thread; /* that is between watch and unwatch; 0: none */
    char path[CRASH_PATH];
    struct sigaction old[CRASH_SIGNALS];
    volatile sig_atomic_t marked;
} crash_watch;

const char *fs_variant_crash_signal(int number)
{
    for (int i = 0; i < CRASH_SIGNALS; i++) {
        if (crash_signals[i].number == number) {
            return crash_signals[i].name;
        }
    }
    return NULL;
}

static pid_t crash_thread(void)
{
    return (pid_t)syscall(SYS_gettid); /* gettid() would need a newer glibc */
}

static void crash_handle(int number, siginfo_t *info, void *context)
{
    const int before = errno;
    int at = 0;
    (void)context;
    while (at < CRASH_SIGNALS - 1 && crash_signals[at].number != number) {
        at++;
    }
    const struct sigaction *old = &crash_watch.old[at];
    const bool sent = info->si_code <= 0;
    if (crash_watch.thread == crash_thread() && (!sent || info->si_pid == getpid())) {
        const bool made = fs_variant_crash_mark(crash_watch.path, crash_signals[at].name);
        crash_watch.marked = made;
        if (old->sa_handler == SIG_DFL) {
            const char *const words[] = {
                "fullspeed: ",
                crash_watch.path,
                " crashed while it was loaded (",
                crash_signals[at].name,
                made ? "). The next start passes it over.\n"
                     : "). No mark of it could be left; FULLSPEED_DISABLE_CPU_FEATURES=X86_V... "
                       "avoids it.\n",
            };
            crash_write(STDERR_FILENO, words, sizeof words / sizeof *words);
        }
    }
    sigaction(number, old, NULL);
    if (sent) { /* an instruction comes again by itself */
        raise(number);
    }
    errno = before;
}

void fs_variant_crash_watch(const char *path)
{
    pid_t nobody = 0;
    const size_t length = path != NULL ? strlen(path) : 0;
    if (length >= CRASH_PATH ||
        !atomic_compare_exchange_strong(&crash_watch.thread, &nobody, crash_thread())) {
        return;
    }
    if (path != NULL) {
        memcpy(crash_watch.path, path, length + 1);
    }
    crash_watch.marked = 0;
    struct sigaction ours = {.sa_sigaction = crash_handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    for (int i = 0; i < CRASH_SIGNALS; i++) {
        sigaction(crash_signals[i].number, &ours, &crash_watch.old[i]);
    }
}

bool fs_variant_crash_unwatch(void)
{
    if (crash_watch.thread == 0 || crash_watch.thread != crash_thread()) {
        return false;
    }
    for (int i = CRASH_SIGNALS - 1; i >= 0; i--) {
        struct sigaction now;
        sigaction(crash_signals[i].number, &crash_watch.old[i], &now);
        if (now.sa_sigaction != crash_handle) { /* the module has put its own there: it stays */
            sigaction(crash_signals[i].number, &now, NULL);
        }
    }
    if (crash_watch.marked) { /* somebody else's handler has mended it */
        fs_variant_crash_forget(crash_watch.path);
    }
    crash_watch.thread = 0;
    return true;
}
