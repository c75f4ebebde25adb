/* Reads what ir_text.c writes, for tests of passes and back ends. */
#include "ir/ir_text.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARSE_MAX_ITEMS = 1000, PARSE_MAX_NAME = 100 };

typedef struct {
    fs_ir *ir;
    PyObject *names;
    const char *at; /* what is read next */
    int line;
    jmp_buf failed; /* with an exception set */
} parse_in;

__attribute__((noreturn, format(printf, 2, 3))) static void parse_fail(parse_in *in,
                                                                       const char *format, ...)
{
    char message[200];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "line %d: %s", in->line, message);
    }
    longjmp(in->failed, 1);
}

/* ---- words ---- */

static void parse_blanks(parse_in *in)
{
    while (*in->at == ' ' || *in->at == '\t') {
        in->at++;
    }
}

static bool parse_at_end(parse_in *in)
{
    parse_blanks(in);
    return *in->at == '\0' || *in->at == '\n';
}

/* Takes `text` if it comes next. */
static bool parse_take(parse_in *in, const char *text)
{
    parse_blanks(in);
    size_t n = strlen(text);
    if (strncmp(in->at, text, n) != 0) {
        return false;
    }
    in->at += n;
    return true;
}

static void parse_want(parse_in *in, const char *text)
{
    if (!parse_take(in, text)) {
        parse_fail(in, "'%s' is wanted at '%.20s'", text, in->at);
    }
}

static bool parse_is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a word if it comes next and no name goes on behind it. */
static bool parse_take_word(parse_in *in, const char *word)
{
    const char *before = in->at;
    if (parse_take(in, word) && !parse_is_name_char(*in->at)) {
        return true;
    }
    in->at = before;
    return false;
}

static void parse_name(parse_in *in, char name[PARSE_MAX_NAME])
{
    int n = 0;
    parse_blanks(in);
    while (parse_is_name_char(*in->at) && n < PARSE_MAX_NAME - 1) {
        name[n++] = *in->at++;
    }
    name[n] = '\0';
    if (n == 0) {
        parse_fail(in, "a name is wanted at '%.20s'", in->at);
    }
}

static int64_t parse_number(parse_in *in)
{
    char *end;
    parse_blanks(in);
    errno = 0;
    int64_t v = strtoll(in->at, &end, 10);
    if (end == in->at || errno != 0) {
        parse_fail(in, "a number of 64 bits is wanted at '%.20s'", in->at);
    }
    in->at = end;
    return v;
}

static int parse_int(parse_in *in, int64_t low, int64_t high)
{
    int64_t v = parse_number(in);
    if (v < low || v > high) {
        parse_fail(in, "%" PRId64 " is not in %" PRId64 " ... %" PRId64, v, low, high);
    }
    return (int)v;
}

static uint64_t parse_hex(parse_in *in)
{
    char *end;
    uint64_t v = strtoull(in->at, &end, 16);
    if (end == in->at) {
        parse_fail(in, "a hexadecimal number is wanted at '%.20s'", in->at);
    }
    in->at = end;
    return v;
}

/* The number of a name in a table. */
static int parse_choice(parse_in *in, const char *const *table, int n, const char *what)
{
    char name[PARSE_MAX_NAME];
    parse_name(in, name);
    for (int i = 0; i < n; i++) {
        if (strcmp(table[i], name) == 0) {
            return i;
        }
    }
    parse_fail(in, "no such %s: %s", what, name);
}

/* ---- operands ---- */

/* A builtin by its name (borrowed: the builtins keep it). */
static PyObject *parse_builtin(parse_in *in)
{
    char name[PARSE_MAX_NAME];
    parse_name(in, name);
    PyObject *o = PyDict_GetItemString(PyEval_GetBuiltins(), name);
    if (o == NULL) {
        parse_fail(in, "no builtin is called %s", name);
    }
    return o;
}

/* What stands between < and >. */
static PyObject *parse_object(parse_in *in)
{
    PyObject *o;
    if (parse_take_word(in, "obj")) {
        parse_blanks(in);
        o = (PyObject *)(uintptr_t)parse_hex(in);
        while (*in->at != '\0' && *in->at != '\n' && *in->at != '>') {
            in->at++;
        }
    } else if (parse_take_word(in, "int")) {
        o = PyLong_FromLong(parse_int(in, -_PY_NSMALLNEGINTS, _PY_NSMALLPOSINTS - 1));
        Py_DECREF(o); /* there for ever */
    } else if (parse_take(in, "type ") || parse_take(in, "builtin ")) {
        o = parse_builtin(in);
    } else {
        char name[PARSE_MAX_NAME];
        parse_name(in, name);
        o = in->names == NULL ? NULL : PyDict_GetItemString(in->names, name);
        if (o == NULL) {
            parse_fail(in, "the name %s is not given", name);
        }
    }
    parse_want(in, ">");
    return o;
}

/* A signed number: an int, or a float by its looks. */
static fs_ref parse_numeral(parse_in *in)
{
    size_t n = strcspn(in->at, " \t\n();");
    bool is_float = false;
    for (size_t i = 0; i < n; i++) {
        is_float = is_float || strchr(".enif", in->at[i]) != NULL;
    }
    if (!is_float) {
        return fs_ir_int(in->ir, parse_number(in));
    }
    char *end;
    double v = PyOS_string_to_double(in->at, &end, NULL);
    if (v == -1.0 && PyErr_Occurred()) {
        parse_fail(in, "a float is wanted");
    }
    in->at = end;
    return fs_ir_float(in->ir, v);
}

static fs_ref parse_word_ref(parse_in *in)
{
    static const struct {
        const char *word;
        PyObject *object;
    } objects[] = {{"None", Py_None}, {"True", Py_True}, {"False", Py_False}, {"NULL", NULL}};
    for (int i = 0; i < 4; i++) {
        if (parse_take_word(in, objects[i].word)) {
            return fs_ir_obj(in->ir, objects[i].object);
        }
    }
    if (parse_take_word(in, "true")) {
        return fs_ir_bool(in->ir, true);
    }
    if (parse_take_word(in, "false")) {
        return fs_ir_bool(in->ir, false);
    }
    if (parse_take(in, "ptr:")) {
        return fs_ir_const(in->ir, FS_T_PTR, parse_hex(in));
    }
    if (parse_take(in, "nan:")) {
        return fs_ir_const(in->ir, FS_T_F64, parse_hex(in));
    }
    if (parse_take(in, "<")) {
        return fs_ir_obj(in->ir, parse_object(in));
    }
    return parse_numeral(in);
}

/* A ref: an instruction's number, a constant, or - for none. */
static fs_ref parse_ref(parse_in *in)
{
    parse_blanks(in);
    char next = in->at[0];
    if (next == '-' && strchr(" \t\n();", in->at[1]) != NULL) {
        in->at++;
        return 0;
    }
    size_t n = strspn(in->at, "0123456789");
    if (n == 4 || n == 5) {
        if (strchr(" \t\n();", in->at[n]) != NULL) {
            return parse_int(in, 1, FS_IR_MAX_INS);
        }
    }
    return parse_word_ref(in);
}

/* ---- lines ---- */

static void parse_flag(parse_in *in, fs_ins *ins)
{
    static const char *const names[] = FS_INS_FLAG_NAMES;
    ins->flags |= 1u << parse_choice(in, names, FS_INS_FLAG_COUNT, "flag");
}

static void parse_args(parse_in *in, fs_ins *ins)
{
    fs_ref args[PARSE_MAX_ITEMS];
    int n = 0;
    while (!parse_take(in, ")")) {
        if (parse_at_end(in) || n == PARSE_MAX_ITEMS) {
            parse_fail(in, "')' is wanted");
        }
        args[n++] = parse_ref(in);
    }
    ins->args = fs_ir_args(in->ir, args, n);
    ins->nargs = (uint16_t)n;
}

/* The op with its condition, or its width and alias class, or its call. */
static void parse_op(parse_in *in, fs_ins *ins)
{
    char name[PARSE_MAX_NAME];
    parse_name(in, name);
    int op = 0;
    while (op < FS_IR_COUNT && strcmp(fs_ir_ops[op].name, name) != 0) {
        op++;
    }
    if (op == FS_IR_COUNT) {
        parse_fail(in, "no such op: %s", name);
    }
    ins->op = (uint8_t)op;
    if (fs_ir_op_has_cond(op)) {
        parse_want(in, ".");
        ins->cond = (uint8_t)parse_choice(in, fs_cond_names, FS_COND_COUNT, "condition");
    } else if (fs_ir_op_has_mem(op)) {
        parse_want(in, ".");
        ins->cond = (uint8_t)parse_choice(in, fs_mem_names, FS_M_COUNT, "width");
        parse_want(in, "[");
        ins->alias = (uint8_t)parse_choice(in, fs_alias_names, FS_A_COUNT, "alias class");
        parse_want(in, "]");
    } else if (op == FS_IR_CALL) {
        const char *calls[FS_CALL_COUNT];
        for (int i = 0; i < FS_CALL_COUNT; i++) {
            calls[i] = fs_ir_calls[i].name;
        }
        parse_want(in, "@");
        ins->aux = parse_choice(in, calls, FS_CALL_COUNT, "call");
    }
}

static void parse_ins(parse_in *in)
{
    fs_ir *ir = in->ir;
    fs_ins ins = {.op = FS_IR_NOP};
    int number = parse_int(in, 1, FS_IR_MAX_INS);
    if (number < ir->nins) {
        parse_fail(in, "instruction %d comes too late", number);
    }
    while (ir->nins < number && fs_ir_append(ir, &ins) != 0) {
    }
    ins.type = parse_take_word(in, "-")
                   ? FS_T_NONE
                   : (uint8_t)parse_choice(in, fs_type_names, FS_T_COUNT, "type");
    parse_op(in, &ins);
    fs_ref *operands[] = {&ins.a, &ins.b, &ins.c};
    for (size_t i = 0; i < strlen(fs_ir_ops[ins.op].operands); i++) {
        *operands[i] = parse_ref(in);
    }
    while (!parse_at_end(in)) {
        if (parse_take(in, "#")) {
            ins.aux = parse_int(in, INT32_MIN, INT32_MAX);
        } else if (parse_take(in, "(")) {
            parse_args(in, &ins);
        } else if (parse_take(in, "!")) {
            parse_flag(in, &ins);
        } else {
            parse_want(in, "snap=");
            ins.snap = (uint16_t)parse_int(in, 1, UINT16_MAX);
        }
    }
    fs_ref ref = fs_ir_append(ir, &ins);
    if (ins.op == FS_IR_LOOP && ir->loop == 0) {
        ir->loop = ref;
    }
}

static void parse_snap_frame(parse_in *in, fs_snap_frame *frame)
{
    frame->desc = (uint16_t)parse_int(in, 0, UINT16_MAX);
    parse_want(in, "at");
    frame->slot = parse_int(in, INT32_MIN, INT32_MAX);
    parse_want(in, "depth");
    frame->depth = parse_int(in, INT32_MIN, INT32_MAX);
    frame->real = parse_take_word(in, "real");
}

static void parse_snap_entry(parse_in *in, fs_snap_entry *entry)
{
    entry->frame = (uint16_t)parse_int(in, 0, UINT16_MAX);
    parse_want(in, ":");
    entry->slot =
        parse_take_word(in, "drop") ? FS_SLOT_DROP : (int16_t)parse_int(in, INT16_MIN, INT16_MAX);
    parse_want(in, "=");
    entry->ref = parse_ref(in);
    entry->owned = parse_take_word(in, "owned");
    entry->stale = parse_take_word(in, "stale");
}

static void parse_snap(parse_in *in)
{
    fs_snap_frame frames[PARSE_MAX_ITEMS];
    fs_snap_entry entries[PARSE_MAX_ITEMS];
    int nframes = 0, nentries = 0, flags = 0;
    if (parse_int(in, 1, UINT16_MAX) != in->ir->nsnaps + 1) {
        parse_fail(in, "snapshot %d is wanted here", in->ir->nsnaps + 1);
    }
    parse_want(in, ":");
    while (!parse_at_end(in)) {
        if (nframes == PARSE_MAX_ITEMS || nentries == PARSE_MAX_ITEMS) {
            parse_fail(in, "the snapshot is too long");
        }
        if (parse_take_word(in, "frame")) {
            parse_snap_frame(in, &frames[nframes++]);
        } else if (parse_take_word(in, "start")) {
            flags |= FS_SNAP_START;
        } else {
            entries[nentries] = (fs_snap_entry){0};
            parse_snap_entry(in, &entries[nentries++]);
        }
        (void)parse_take(in, ";");
    }
    (void)fs_ir_snap(in->ir, frames, nframes, entries, nentries, flags);
}

/* The translation of a frame's code object. */
static fs_code *parse_code(parse_in *in)
{
    if (parse_take(in, "-")) {
        return NULL;
    }
    parse_want(in, "<");
    PyObject *o = parse_object(in);
    if (o != NULL && PyFunction_Check(o)) {
        o = PyFunction_GET_CODE(o);
    }
    if (o == NULL || !PyCode_Check(o)) {
        parse_fail(in, "a function or code object is wanted");
    }
    fs_code *co = fs_code_of((PyCodeObject *)o);
    if (co == NULL || co->runs_stock) {
        parse_fail(in, "the code object cannot be translated");
    }
    return co;
}

static void parse_frame(parse_in *in)
{
    static const char *const bases[] = {"root", "dstack", "ref", "made"};
    fs_frame_desc frame = {0};
    if (parse_int(in, 0, FS_IR_MAX_FRAMES) != in->ir->nframes) {
        parse_fail(in, "frame %d is wanted here", in->ir->nframes);
    }
    parse_want(in, ":");
    parse_want(in, "code=");
    frame.co = parse_code(in);
    parse_want(in, "func=");
    frame.func = parse_ref(in);
    parse_want(in, "parent=");
    frame.parent = parse_int(in, -1, FS_IR_MAX_FRAMES);
    parse_want(in, "kind=");
    frame.kind = (uint8_t)parse_int(in, 0, FS_KIND_COUNT - 1);
    parse_want(in, "base=");
    frame.base = (uint8_t)parse_choice(in, bases, 3, "base");
    parse_want(in, "offset=");
    frame.offset = parse_int(in, INT32_MIN, INT32_MAX);
    parse_want(in, "ref=");
    frame.baseref = parse_ref(in);
    parse_want(in, "call=");
    frame.call_slot = parse_int(in, INT32_MIN, INT32_MAX);
    parse_want(in, "depth=");
    frame.call_depth = parse_int(in, INT32_MIN, INT32_MAX);
    (void)fs_ir_frame(in->ir, &frame);
}

static void parse_slots(parse_in *in)
{
    int n = parse_int(in, 1, INT16_MAX);
    if (in->ir->slots != NULL) {
        parse_fail(in, "slots are given already");
    }
    in->ir->slots = calloc((size_t)n, sizeof(*in->ir->slots));
    in->ir->nslots = in->ir->slots == NULL ? 0 : n;
}

static void parse_slot(parse_in *in)
{
    fs_slot_end *slot = &in->ir->slots[parse_int(in, 0, in->ir->nslots - 1)];
    parse_want(in, ":");
    parse_want(in, "end=");
    slot->end = parse_ref(in);
    parse_want(in, "first=");
    slot->first = parse_int(in, 0, FS_IR_MAX_INS);
    slot->stale = parse_take_word(in, "stale");
}

static void parse_line(parse_in *in)
{
    if (parse_take_word(in, "frame")) {
        parse_frame(in);
    } else if (parse_take_word(in, "slots")) {
        parse_slots(in);
    } else if (parse_take_word(in, "slot")) {
        parse_slot(in);
    } else if (parse_take_word(in, "snap")) {
        parse_snap(in);
    } else if (parse_take_word(in, "parent")) {
        parse_want(in, "snap=");
        in->ir->parent_snap = parse_int(in, 1, UINT16_MAX) - 1;
    } else {
        parse_ins(in);
    }
    if (!parse_at_end(in)) {
        parse_fail(in, "cannot read '%.20s'", in->at);
    }
}

int fs_ir_parse(fs_ir *ir, const char *text, PyObject *names)
{
    parse_in in = {.ir = ir, .names = names, .at = text};
    if (setjmp(in.failed) != 0) {
        return -1;
    }
    while (*in.at != '\0') {
        in.line++;
        if (!parse_at_end(&in) && *in.at != '#') {
            parse_line(&in);
        }
        in.at = strchr(in.at, '\n');
        if (in.at == NULL) {
            break;
        }
        in.at++;
    }
    if (ir->failed) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}
