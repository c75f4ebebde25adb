/* FULLSPEED_SYMBOLS=jitdump: machine code with its names and lines, as perf reads it.
 *
 *     FULLSPEED_SYMBOLS=jitdump perf record -k mono --call-graph dwarf fullspeed run app.py
 *     perf inject --jit -i perf.data -o jit.data; perf report -i jit.data; perf annotate -i
 * jit.data
 *
 * A record of each trace is added to jit-PID.dump, in the folder that JITDUMPDIR names or the
 * working directory. Unlike a map it can tell traces that stood in one place one after the other,
 * and has their code. A forked child begins a file of its own.
 */
#include "asm/asm_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The layout of the file. */
enum { DUMP_MAGIC = 0x4A695444, DUMP_VERSION = 1, DUMP_LOAD = 0, DUMP_LINES = 2, DUMP_UNWIND = 4 };
typedef struct {
    uint32_t magic, version, size, machine, unused, pid;
    uint64_t time, flags;
} dump_header;
typedef struct {
    uint32_t kind, size;
    uint64_t time;
} dump_record;
typedef struct {
    dump_record record;
    uint32_t pid, tid;
    uint64_t vma, address, size, index;
} dump_load;
typedef struct {
    dump_record record;
    uint64_t size, header, mapped;
} dump_unwind;
typedef struct {
    dump_record record;
    uint64_t address, count, first;
    int32_t line, column;
} dump_lines;

static FILE *dump_file;
static pid_t dump_of; /* the process that has opened it */

static uint64_t dump_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Begins the file of this process. perf finds it by a page of it that is mapped to be run. */
static void dump_open(void)
{
    char path[400];
    const char *folder = getenv("JITDUMPDIR");
    dump_of = getpid();
    snprintf(path, sizeof(path), "%s/jit-%d.dump", folder != NULL ? folder : ".", (int)dump_of);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* (A parent's stays open: what it has not written yet is not ours to write.) */
    dump_file = fd < 0 ? NULL : fdopen(fd, "w+");
    if (dump_file == NULL) {
        fprintf(stderr, "fullspeed: cannot write %s: %s\n", path, strerror(errno));
        return;
    }
    dump_header header = {.magic = DUMP_MAGIC,
                          .version = DUMP_VERSION,
                          .size = sizeof(header),
                          .machine = FS_ASM_ELF_MACHINE,
                          .pid = (uint32_t)dump_of,
                          .time = dump_clock()};
    fwrite(&header, sizeof(header), 1, dump_file);
    fflush(dump_file);
    (void)mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
}

/* Where the source is: one line for the whole trace. */
static void dump_source(const fs_trace *trace)
{
    const char *file = PyUnicode_AsUTF8(trace->co->pycode->co_filename);
    if (file == NULL) {
        PyErr_Clear(); /* no text for UTF-8 */
        return;
    }
    uint64_t address = (uintptr_t)trace->code;
    int line = PyCode_Addr2Line(trace->co->pycode, trace->slot * (int)sizeof(_Py_CODEUNIT));
    size_t length = strlen(file) + 1;
    dump_lines lines = {.record = {DUMP_LINES, (uint32_t)(sizeof(lines) + length), dump_clock()},
                        .address = address,
                        .count = 1,
                        .first = address,
                        .line = line};
    fwrite(&lines, sizeof(lines), 1, dump_file);
    fwrite(file, length, 1, dump_file);
}

/* How to unwind through it: perf puts that behind the code, where the cache leaves a gap for it. */
static void dump_frame(const fs_trace *trace)
{
    uint8_t info[FS_ASM_FRAME_INFO] = {0};
    size_t header, size = fs_asm_frame_behind(info, trace->code_size, &header);
    size_t padded = (size + 7) / 8 * 8;
    dump_unwind unwind = {
        .record = {DUMP_UNWIND, (uint32_t)(sizeof(unwind) + padded), dump_clock()},
        .size = size,
        .header = header,
        .mapped = size,
    };
    fwrite(&unwind, sizeof(unwind), 1, dump_file);
    fwrite(info, padded, 1, dump_file);
}

void fs_asm_jitdump(const fs_trace *trace, const char *name)
{
    static uint64_t index;
    if (dump_of != getpid()) {
        dump_open();
    }
    if (dump_file == NULL) {
        return;
    }
    dump_source(trace);
    dump_frame(trace);
    size_t length = strlen(name) + 1;
    dump_load load = {
        .record = {DUMP_LOAD, (uint32_t)(sizeof(load) + length + trace->code_size), dump_clock()},
        .pid = (uint32_t)dump_of,
        .tid = (uint32_t)syscall(SYS_gettid),
        .vma = (uintptr_t)trace->code,
        .address = (uintptr_t)trace->code,
        .size = trace->code_size,
        .index = ++index,
    };
    fwrite(&load, sizeof(load), 1, dump_file);
    fwrite(name, length, 1, dump_file);
    fwrite(trace->code, trace->code_size, 1, dump_file);
    fflush(dump_file);
}
