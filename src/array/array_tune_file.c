/* Where measured times are kept: a file of text in the user's cache folder.
 *
 * $XDG_CACHE_HOME/fullspeed/tune-<digest>.txt, or ~/.cache/... : first a head that says for which
 * kind of processor and which build (the linker's build id of this module), then a line per op:
 *
 *     ADD_DDD baseline=412 X86_V3=205 X86_V4=199        (picoseconds per item)
 *
 * What must stay true: no file is as good as a wrong one: whatever cannot be read is not there, and
 * what cannot be written is not kept; nothing of it is ever an error. A file is believed when it is
 * a plain one of our own user's, in a folder that nobody else may write to, and begins with our
 * head. A new one takes the old one's place at once (rename), so that readers see a whole one; when
 * two processes write at once, what one of them measured may be lost and is measured again.
 * Programs with more rights than their caller (setuid) have no file.
 */
#define _GNU_SOURCE
#include "array/array_tune.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array/array_registry.h"

enum {
    FILE_BYTES = 96 << 10, /* a larger one is not ours */
    FILE_HEAD = 2048,
    FILE_PATH = 1024,
};

/* Where the file is, and what it begins with. */
static struct {
    bool made;
    const char *problem; /* why there is none, or NULL */
    char base[FILE_PATH];
    char folder[FILE_PATH + 16];
    char name[32];
    char path[FILE_PATH + 64];
    char head[FILE_HEAD];
} file_place;

/* ---- which build this is ---- */

struct file_build {
    char *text;
    size_t size;
};

/* The build id in the notes of a segment, in hexadecimal. */
static bool file_read_notes(const char *at, size_t size, struct file_build *build)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        const size_t name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
        const size_t data = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        const size_t whole = sizeof note + name + data;
        if (whole > size) {
            return false;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(at + sizeof note, "GNU", 4) == 0 && note.n_descsz * 2 < build->size) {
            for (size_t i = 0; i < note.n_descsz; i++) {
                const unsigned char byte = (unsigned char)at[sizeof note + name + i];
                snprintf(build->text + 2 * i, 3, "%02x", byte);
            }
            return note.n_descsz != 0;
        }
        at += whole;
        size -= whole;
    }
    return false;
}

/* Called for each loaded object: looks at the one that this function is in. */
static int file_look(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    const uintptr_t here = (uintptr_t)&file_place;
    bool ours = false;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        ours |= segment->p_type == PT_LOAD &&
                here - object->dlpi_addr - segment->p_vaddr < segment->p_memsz;
    }
    for (int i = 0; ours && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE &&
            file_read_notes((const char *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz,
                            data)) {
            return 1;
        }
    }
    return 0;
}

/* ---- the place ---- */

static uint64_t file_digest(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

/* The cache folder of the user, an absolute path; false: there is none. */
static bool file_base(char *base)
{
    const char *cache = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    int used = -1;
    if (cache != NULL && *cache == '/') { /* a relative one counts as none */
        used = snprintf(base, FILE_PATH, "%s", cache);
    } else if (home != NULL && *home == '/') {
        used = snprintf(base, FILE_PATH, "%s/.cache", home);
    }
    return used > 0 && used < FILE_PATH;
}

/* Finds the place out, once. */
static void file_find(void)
{
    char build[129] = "", identity[FILE_HEAD - 256];
    if (file_place.made) {
        return;
    }
    file_place.made = true;
    if (!file_base(file_place.base)) {
        file_place.problem = "neither XDG_CACHE_HOME nor HOME names a folder for this program";
        return;
    }
    if (dl_iterate_phdr(file_look, &(struct file_build){build, sizeof build}) == 0) {
        file_place.problem = "fullspeed was linked without a build id";
        return;
    }
    if (fs_array_registry_identity(identity, sizeof identity) >= sizeof identity) {
        file_place.problem = "this processor says too much of itself";
        return;
    }
    snprintf(file_place.head, FILE_HEAD,
             "fullspeed, times of kernels, 1\nprocessor: %s\nbuild: %s\n", identity, build);
    snprintf(file_place.folder, sizeof file_place.folder, "%s/fullspeed", file_place.base);
    snprintf(file_place.name, sizeof file_place.name, "tune-%016llx.txt",
             (unsigned long long)file_digest(file_place.head));
    snprintf(file_place.path, sizeof file_place.path, "%s/%s", file_place.folder, file_place.name);
}

const char *fs_array_tune_file_path(const char **why)
{
    file_find();
    *why = file_place.problem;
    return file_place.path;
}

/* The folder, opened; -1: there is none that we may trust. */
static int file_open_folder(bool create)
{
    struct stat state;
    file_find();
    if (file_place.problem != NULL) {
        return -1;
    }
    if (create) { /* fails where they are there already */
        mkdir(file_place.base, 0700);
        mkdir(file_place.folder, 0700);
    }
    const int folder = open(file_place.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && (fstat(folder, &state) != 0 || state.st_uid != geteuid() ||
                        (state.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        close(folder);
        return -1;
    }
    return folder;
}

/* ---- reading ---- */

/* A number of 1 to 9 digits at *at, which is behind it then; 0: there is none. */
static uint32_t file_number(const char **at)
{
    uint32_t number = 0;
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 9) {
        return 0;
    }
    for (; digits > 0; digits--) {
        number = number * 10 + (uint32_t)(*(*at)++ - '0');
    }
    return number;
}

/* The place of a target among the compiled ones; -1: there is none of this name. */
static int file_target(const char *name, size_t size)
{
    const struct fs_array_target *target;
    for (int t = 0; (target = fs_array_target_compiled((size_t)t)) != NULL; t++) {
        if (strlen(target->name) == size && memcmp(target->name, name, size) == 0) {
            return t;
        }
    }
    return -1;
}

/* Takes a line: " baseline=412 X86_V3=205". One that is not like this counts for nothing. */
static void file_read_times(const char *at, uint32_t times[FS_ARRAY_MOST_TARGETS])
{
    uint32_t found[FS_ARRAY_MOST_TARGETS] = {0};
    while (*at == ' ') {
        const char *const name = ++at;
        const size_t size = strcspn(at, "= ");
        at += size;
        if (*at++ != '=') {
            return;
        }
        const uint32_t number = file_number(&at);
        const int target = file_target(name, size);
        if (number == 0) {
            return;
        }
        if (target >= 0) {
            found[target] = number;
        }
    }
    for (size_t t = 0; *at == '\0' && t < FS_ARRAY_MOST_TARGETS; t++) {
        times[t] = times[t] != 0 ? times[t] : found[t];
    }
}

/* Takes the lines behind the head, which are in the order of ops: a line out of order is none. */
static void file_read_lines(char *at, fs_array_times times)
{
    int op = 0;
    for (char *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        const size_t size = strcspn(at, " ");
        for (int next = op; next < FS_ARRAY_OP_COUNT; next++) {
            const char *const name = fs_array_op_info[next].name;
            if (strlen(name) == size && memcmp(name, at, size) == 0) {
                file_read_times(at + size, times[next]);
                op = next + 1;
                break;
            }
        }
    }
}

/* All of the file, with a zero behind it; NULL: there is none that counts. To be freed. */
static char *file_load(int folder)
{
    struct stat state;
    const int file =
        openat(folder, file_place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return NULL;
    }
    char *text = NULL;
    if (fstat(file, &state) == 0 && S_ISREG(state.st_mode) && state.st_uid == geteuid() &&
        state.st_size > 0 && state.st_size < FILE_BYTES) {
        text = malloc((size_t)state.st_size + 1);
    }
    const ssize_t got = text != NULL ? read(file, text, (size_t)state.st_size) : -1;
    close(file);
    if (got < 0 || (size_t)got < strlen(file_place.head) ||
        memcmp(text, file_place.head, strlen(file_place.head)) != 0) {
        free(text);
        return NULL;
    }
    text[got] = '\0';
    return text;
}

static void file_read_from(int folder, fs_array_times times)
{
    char *const text = file_load(folder);
    if (text != NULL) {
        file_read_lines(text + strlen(file_place.head), times);
        free(text);
    }
}

void fs_array_tune_file_read(fs_array_times times)
{
    const int folder = file_open_folder(false);
    if (folder >= 0) {
        file_read_from(folder, times);
        close(folder);
    }
}

/* ---- writing ---- */

/* The file's text; NULL: no memory. To be freed. */
static char *file_text(fs_array_times times)
{
    char *const text = malloc(FILE_BYTES);
    if (text == NULL) {
        return NULL;
    }
    size_t used = (size_t)snprintf(text, FILE_BYTES, "%s", file_place.head);
    for (int op = 0; op < FS_ARRAY_OP_COUNT; op++) {
        const struct fs_array_target *target;
        bool any = false;
        for (size_t t = 0; (target = fs_array_target_compiled(t)) != NULL; t++) {
            if (times[op][t] != 0 && used < FILE_BYTES - 256) {
                used += (size_t)snprintf(text + used, FILE_BYTES - used, "%s %s=%u",
                                         any ? "" : fs_array_op_info[op].name, target->name,
                                         (unsigned)times[op][t]);
                any = true;
            }
        }
        if (any) {
            text[used++] = '\n';
        }
    }
    text[used] = '\0';
    return text;
}

static bool file_write_all(int file, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const ssize_t done = write(file, text, left);
        if (done <= 0) {
            return false;
        }
        text += done;
        left -= (size_t)done;
    }
    return true;
}

void fs_array_tune_file_write(fs_array_times times)
{
    struct timespec now;
    char temporary[64];
    const int folder = file_open_folder(true);
    if (folder < 0) {
        return;
    }
    file_read_from(folder, times); /* what others measured meanwhile */
    char *const text = file_text(times);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(temporary, sizeof temporary, ".tune-%ld-%ld.tmp", (long)getpid(), now.tv_nsec);
    const int file =
        text != NULL
            ? openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
            : -1;
    if (file >= 0) {
        const bool whole = file_write_all(file, text);
        const bool closed = close(file) == 0;
        if (!whole || !closed || renameat(folder, temporary, folder, file_place.name) != 0) {
            unlinkat(folder, temporary, 0);
        }
    }
    free(text);
    close(folder);
}
