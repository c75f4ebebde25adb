/* FULLSPEED_LOG: a line for each trace that is made or comes to nothing; FULLSPEED_DUMP: the whole.
 *
 *     [trace 3 loop nbody.py:34 advance 412us 230 ins 1812 bytes]
 *     [trace 4 side nbody.py:41 advance 90us 64 ins 540 bytes, from 3/17]
 *     [abort loop nbody.py:60 report: an op that cannot be recorded (IMPORT_NAME, line 61)]
 *
 * Lines are written at once, so that a crash does not lose the last one.
 */
#include "jit/jit_room.h"

#include "asm/asm.h"
#include "base/base_config.h"
#include "jit/jit_watch.h"

#include <opcode.h>
#include <time.h>

const char *const fs_jit_kind_names[FS_TRACE_KINDS] = {
    [FS_TRACE_LOOP] = "loop",
    [FS_TRACE_ENTRY] = "entry",
    [FS_TRACE_SIDE] = "side",
    [FS_TRACE_BRIDGE] = "bridge",
};

const char *const fs_jit_abort_texts[FS_ABORT_COUNT] = {
#define X(name, text) text,
    FS_ABORTS(X)
#undef X
};

static FILE *log_file; /* NULL: nobody wants it */
static const char *log_stages = "";
static const char *log_filter;

void fs_jit_log_init(void)
{
    const char *path = fs_base_config_get(FS_CONFIG_FULLSPEED_LOG);
    const char *dump = fs_base_config_get(FS_CONFIG_FULLSPEED_DUMP);
    if (path != NULL && strcmp(path, "-") != 0 && strcmp(path, "stderr") != 0) {
        log_file = fopen(path, "ae");
    } else if (path != NULL || dump != NULL) {
        log_file = stderr;
    }
    if (dump != NULL) {
        log_stages = dump;
        log_filter = strchr(dump, ':');
    }
}

static uint64_t log_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t fs_jit_clock_ns(void)
{
    return log_clock(CLOCK_MONOTONIC);
}

uint64_t fs_jit_cpu_clock(clockid_t clock)
{
    return log_clock(clock) / 1000;
}

uint64_t fs_jit_clock(void)
{
    return fs_jit_clock_ns() / 1000;
}

int fs_jit_line_of(const fs_code *co, int slot)
{
    int line = -1;
    for (; line < 0 && slot >= 0; slot--) { /* (what the compiler has added has no line) */
        line = PyCode_Addr2Line(co->pycode, slot * (int)sizeof(_Py_CODEUNIT));
    }
    return line;
}

/* Text of a str for C; "?" when it cannot be had. */
static const char *log_text(PyObject *str)
{
    const char *text = PyUnicode_AsUTF8(str);
    if (text == NULL) {
        PyErr_Clear();
        return "?";
    }
    return text;
}

const char *fs_jit_op_name(int opcode)
{
    bool known = opcode >= 0 && opcode < 256 && fs_op_of_cpython[opcode] != 0;
    return known ? fs_ops[fs_op_of_cpython[opcode] - 1].name : NULL;
}

/* The recording's number, when that may be selected by. */
static void log_number(void)
{
    if (fs_jit_recording_number() != 0) {
        fprintf(log_file, ", recording %u of =%s", fs_jit_recording_number(),
                fs_jit_recording_place());
    }
}

/* file:line function */
static void log_where(const fs_code *co, int slot)
{
    const char *file = log_text(co->pycode->co_filename);
    const char *slash = strrchr(file, '/');
    fprintf(log_file, "%s:%d %s", slash != NULL ? slash + 1 : file, fs_jit_line_of(co, slot),
            log_text(co->pycode->co_qualname));
}

void fs_jit_log_trace(const fs_trace *trace, uint64_t us)
{
    if (log_file == NULL) {
        return;
    }
    fprintf(log_file, "[trace %u %s ", trace->id, fs_jit_kind_names[trace->kind]);
    log_where(trace->co, trace->slot);
    fprintf(log_file, " %lluus %d ins %zu bytes", (unsigned long long)us, trace->ir.nins - 1,
            trace->code_size);
    if (trace->from != NULL) {
        fprintf(log_file, ", from %u/%d", trace->from->trace->id,
                (int)(trace->from - trace->from->trace->exits));
    }
    if (trace->target != NULL) {
        fprintf(log_file, ", goes on in %u", trace->target->id);
    }
    log_number();
    fputs("]\n", log_file);
    fflush(log_file);
}

void fs_jit_log_abort(const fs_code *co, int slot, int kind, const fs_exit *from, enum fs_abort why,
                      int op)
{
    if (log_file == NULL) {
        return;
    }
    fprintf(log_file, "[abort %s ", fs_jit_kind_names[kind]);
    log_where(co, slot);
    if (from != NULL) {
        fprintf(log_file, ", from %u/%d", from->trace->id, (int)(from - from->trace->exits));
    }
    fprintf(log_file, ": %s", fs_jit_abort_texts[why]);
    if (fs_jit_op_name(op) != NULL) {
        fprintf(log_file, " (%s)", fs_jit_op_name(op));
    }
    log_number();
    fputs("]\n", log_file);
    fflush(log_file);
}

void fs_jit_log_event(const char *what, const fs_trace *trace)
{
    if (log_file == NULL) {
        return;
    }
    fprintf(log_file, "[trace %u %s: %s", trace->id, fs_jit_kind_names[trace->kind], what);
    fprintf(log_file, ", %llu entries, %llu turns]\n", (unsigned long long)trace->entries,
            (unsigned long long)trace->turns);
    fflush(log_file);
}

/* Machine code that waits to be written: a disassembler is Python, which must not run while a trace
 * is being made. A pending call writes them all. */
typedef struct log_waiting {
    struct log_waiting *next;
    PyObject *bytes;
    const void *address;
    unsigned id;
} log_waiting;

static log_waiting *log_first;
static bool log_writes; /* the pending call runs: its own traces are not shown */

static void log_bytes(PyObject *bytes)
{
    const unsigned char *code = (const unsigned char *)PyBytes_AS_STRING(bytes);
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(bytes); i++) {
        fprintf(log_file, "%02x%s", code[i], i % 32 == 31 ? "\n" : "");
    }
    fputs("\n", log_file);
}

/* One of them, in reverse order of their making: as assembly if there is a library for it. */
static void log_write_waiting(log_waiting *it)
{
    PyObject *module = PyImport_ImportModule("fullspeed._explain_asm");
    PyObject *text = module == NULL
                         ? NULL
                         : PyObject_CallMethod(module, "of_code", "OK", it->bytes,
                                               (unsigned long long)(uintptr_t)it->address);
    fprintf(log_file, "---- machine code of trace %u\n", it->id);
    if (text != NULL && PyUnicode_Check(text)) {
        fputs(log_text(text), log_file);
    } else {
        PyErr_Clear();
        log_bytes(it->bytes);
    }
    fflush(log_file);
    Py_XDECREF(text);
    Py_XDECREF(module);
}

static int log_drain(void *arg FS_UNUSED)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    log_writes = true;
    while (log_first != NULL) {
        log_waiting *it = log_first;
        log_first = it->next;
        log_write_waiting(it);
        Py_DECREF(it->bytes);
        free(it);
    }
    log_writes = false;
    PyErr_Restore(type, value, tb);
    return 0;
}

/* The machine code: its bytes at once, or soon what they mean. */
static void log_code(const fs_trace *trace, bool soon)
{
    PyObject *bytes = trace->code != NULL ? fs_asm_bytes(trace) : NULL;
    if (bytes == NULL) {
        PyErr_Clear();
        return;
    }
    log_waiting *it = soon ? malloc(sizeof(*it)) : NULL;
    if (it == NULL || (log_first == NULL && Py_AddPendingCall(log_drain, NULL) != 0)) {
        free(it);
        log_bytes(bytes);
        Py_DECREF(bytes);
        return;
    }
    *it = (log_waiting){.next = log_first, .bytes = bytes, .address = trace->code, .id = trace->id};
    log_first = it;
}

/* The trace as text, or its machine code. */
static void log_trace(const fs_trace *trace, char stage)
{
    if (stage == 'm' || stage == 'b') {
        log_code(trace, stage == 'm');
        return;
    }
    PyObject *text = fs_ir_format(&trace->ir, NULL);
    if (text != NULL) {
        fprintf(log_file, "%s\n", log_text(text));
        Py_DECREF(text);
    }
}

void fs_jit_dump(const fs_trace *trace, char stage)
{
    const char *end = log_filter != NULL ? log_filter : log_stages + strlen(log_stages);
    if (log_file == NULL || log_writes ||
        memchr(log_stages, stage, (size_t)(end - log_stages)) == NULL ||
        (log_filter != NULL &&
         strstr(log_text(trace->co->pycode->co_qualname), log_filter + 1) == NULL)) {
        return;
    }
    PyObject *type, *value, *tb; /* (a recording may end because something is raised) */
    PyErr_Fetch(&type, &value, &tb);
    fprintf(log_file, "---- %s ",
            stage == 'r'   ? "recorded"
            : stage == 'i' ? "optimized"
            : stage == 'm' ? "machine code, soon,"
            : stage == 'b' ? "machine code"
                           : "come to nothing");
    log_where(trace->co, trace->slot);
    fputs("\n", log_file);
    log_trace(trace, stage);
    fflush(log_file);
    PyErr_Restore(type, value, tb);
}
