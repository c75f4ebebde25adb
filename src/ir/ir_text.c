/* Writes IR as text: docs/internals/ir.md says how it looks. */
#include "ir/ir_text.h"

#include "interp/interp_num.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const fs_ir *ir;
    PyObject *names;
    char *text;
    size_t length, room;
    bool failed;
} text_out;

__attribute__((format(printf, 2, 3))) static void text_add(text_out *out, const char *format, ...)
{
    for (;;) {
        va_list args;
        va_start(args, format);
        size_t left = out->room - out->length;
        int n = vsnprintf(out->text == NULL ? NULL : out->text + out->length, left, format, args);
        va_end(args);
        if (out->failed || n < 0) {
            return;
        }
        if ((size_t)n < left) {
            out->length += (size_t)n;
            return;
        }
        size_t room = out->room * 2 + (size_t)n + 4096;
        char *grown = realloc(out->text, room);
        if (grown == NULL) {
            out->failed = true;
            return;
        }
        out->text = grown;
        out->room = room;
    }
}

/* The name that the caller has given an object, NULL: none. */
static const char *text_name_of(const text_out *out, PyObject *o)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (out->names != NULL && PyDict_Next(out->names, &pos, &name, &value)) {
        if (value == o && PyUnicode_Check(name)) {
            return PyUnicode_AsUTF8(name);
        }
    }
    return NULL;
}

/* A builtin's name: of what the builtins module has. */
static const char *text_builtin_name(PyObject *o)
{
    PyObject *name, *value, *builtins = PyEval_GetBuiltins();
    Py_ssize_t pos = 0;
    while (builtins != NULL && PyDict_Next(builtins, &pos, &name, &value)) {
        if (value == o && (PyType_Check(value) || PyCFunction_CheckExact(value))) {
            return PyUnicode_AsUTF8(name);
        }
    }
    return NULL;
}

/* The value of one of the ints that are there for ever. */
static bool text_small_int(PyObject *o, int *value)
{
    ptrdiff_t distance = (char *)o - (char *)fs_num_small_ints;
    *value = (int)(distance / (ptrdiff_t)sizeof(PyLongObject));
    return distance % (ptrdiff_t)sizeof(PyLongObject) == 0 &&
           distance >= -_PY_NSMALLNEGINTS * (ptrdiff_t)sizeof(PyLongObject) &&
           distance < _PY_NSMALLPOSINTS * (ptrdiff_t)sizeof(PyLongObject);
}

/* An object, which may be gone by now: all that is known of it is the constant. */
static void text_object(text_out *out, const fs_const *c)
{
    PyObject *o = c->o;
    const char *name;
    int value;
    if (o == NULL) {
        text_add(out, "NULL");
    } else if ((name = text_name_of(out, o)) != NULL) {
        text_add(out, "<%s>", name);
    } else if (o == Py_None || o == Py_True || o == Py_False) {
        text_add(out, o == Py_None ? "None" : o == Py_True ? "True" : "False");
    } else if ((name = text_builtin_name(o)) != NULL) {
        text_add(out, c->known == &PyType_Type ? "<type %s>" : "<builtin %s>", name);
    } else if (text_small_int(o, &value)) {
        text_add(out, "<int %d>", value);
    } else {
        const char *type = c->known == NULL ? "object" : c->known->tp_name;
        text_add(out, "<obj 0x%" PRIxPTR " %s %s>", (uintptr_t)o, type, c->hint);
    }
    PyErr_Clear();
}

static void text_float(text_out *out, const fs_const *c)
{
    if (c->f != c->f) {
        text_add(out, "nan:0x%" PRIx64, c->bits);
        return;
    }
    char *digits = PyOS_double_to_string(c->f, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    text_add(out, "%s", digits == NULL ? "?" : digits);
    PyMem_Free(digits);
}

static void text_ref(text_out *out, fs_ref ref)
{
    if (ref >= 0) {
        text_add(out, ref == 0 ? "-" : "%04d", ref);
        return;
    }
    const fs_const *c = fs_ir_constant(out->ir, ref);
    switch (c->type) {
    case FS_T_I64:
        text_add(out, "%+" PRId64, c->i);
        break;
    case FS_T_F64:
        text_float(out, c);
        break;
    case FS_T_B:
        text_add(out, c->i ? "true" : "false");
        break;
    case FS_T_PTR:
        text_add(out, "ptr:0x%" PRIx64, c->bits);
        break;
    default:
        if (out->ir->old && !c->fixed && c->o != NULL && c->o != Py_None) {
            /* (it may be gone) */
            text_add(out, "<obj 0x%" PRIxPTR "%s%s>", (uintptr_t)c->o, *c->hint != '\0' ? " " : "",
                     c->hint);
        } else {
            text_object(out, c);
        }
        break;
    }
}

static void text_args(text_out *out, const fs_ins *ins)
{
    text_add(out, " (");
    for (int i = 0; i < ins->nargs; i++) {
        if (i > 0) {
            text_add(out, " ");
        }
        text_ref(out, out->ir->pool[ins->args + (uint32_t)i]);
    }
    text_add(out, ")");
}

static void text_ins(text_out *out, int i)
{
    static const char *const flag_names[] = FS_INS_FLAG_NAMES;
    const fs_ins *ins = &out->ir->ins[i];
    const fs_ir_op_info *info = &fs_ir_ops[ins->op];
    text_add(out, "%04d %-3s %s", i, ins->type == FS_T_NONE ? "-" : fs_type_names[ins->type],
             info->name);
    if (fs_ir_op_has_cond(ins->op)) {
        text_add(out, ".%s", fs_cond_names[ins->cond]);
    } else if (fs_ir_op_has_mem(ins->op)) {
        text_add(out, ".%s[%s]", fs_mem_names[ins->cond], fs_alias_names[ins->alias]);
    } else if (ins->op == FS_IR_CALL) {
        text_add(out, " @%s", fs_ir_calls[ins->aux].name);
    }
    const fs_ref operands[] = {ins->a, ins->b, ins->c};
    for (size_t k = 0; k < strlen(info->operands); k++) {
        text_add(out, " ");
        text_ref(out, operands[k]);
    }
    if (fs_ir_op_has_aux(ins->op)) {
        text_add(out, " #%d", ins->aux);
    }
    if (fs_ir_op_has_args(ins->op)) {
        text_args(out, ins);
    }
    for (int bit = 0; bit < FS_INS_FLAG_COUNT; bit++) {
        if (ins->flags & 1u << bit) {
            text_add(out, " !%s", flag_names[bit]);
        }
    }
    if (ins->snap != 0) {
        text_add(out, " snap=%d", ins->snap);
    }
    text_add(out, "\n");
}

static void text_snap(text_out *out, int number)
{
    const fs_ir *ir = out->ir;
    const fs_snap *snap = &ir->snaps[number - 1];
    const char *between = " ";
    text_add(out, "snap %d:", number);
    for (int i = 0; i < snap->nframes; i++, between = "; ") {
        const fs_snap_frame *frame = &ir->snap_frames[snap->frames + (uint32_t)i];
        text_add(out, "%sframe %d at %d depth %d%s", between, frame->desc, frame->slot,
                 frame->depth, frame->real ? " real" : "");
    }
    for (int i = 0; i < snap->nentries; i++, between = "; ") {
        const fs_snap_entry *entry = &ir->entries[snap->entries + (uint32_t)i];
        text_add(out, "%s%d:", between, entry->frame);
        text_add(out, entry->slot == FS_SLOT_DROP ? "drop" : "%d", entry->slot);
        text_add(out, " = ");
        text_ref(out, entry->ref);
        text_add(out, "%s%s", entry->owned ? " owned" : "", entry->stale ? " stale" : "");
    }
    text_add(out, "%s\n", snap->flags & FS_SNAP_START ? " start" : "");
}

/* A frame's code object: by its function's or its own name when that is known. */
static void text_code(text_out *out, const fs_code *co)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    if (co == NULL) {
        text_add(out, "-");
        return;
    }
    while (out->names != NULL && PyDict_Next(out->names, &pos, &name, &value)) {
        if (PyFunction_Check(value) && PyFunction_GET_CODE(value) == (PyObject *)co->pycode) {
            text_add(out, "<%s>", PyUnicode_AsUTF8(name));
            return;
        }
    }
    text_add(out, "<obj 0x%" PRIxPTR " code %s>", (uintptr_t)co->pycode,
             PyUnicode_AsUTF8(co->pycode->co_name));
}

static void text_frame(text_out *out, int number)
{
    static const char *const bases[] = {"root", "dstack", "ref", "made"};
    const fs_frame_desc *frame = &out->ir->frames[number];
    text_add(out, "frame %d: code=", number);
    text_code(out, frame->co);
    text_add(out, " func=");
    text_ref(out, frame->func);
    text_add(out, " parent=%d kind=%d base=%s offset=%d ref=", frame->parent, frame->kind,
             bases[frame->base], frame->offset);
    text_ref(out, frame->baseref);
    text_add(out, " call=%d depth=%d\n", frame->call_slot, frame->call_depth);
}

static void text_slots(text_out *out)
{
    const fs_ir *ir = out->ir;
    if (ir->slots == NULL) {
        return;
    }
    text_add(out, "slots %d\n", ir->nslots);
    for (int i = 0; i < ir->nslots; i++) {
        const fs_slot_end *slot = &ir->slots[i];
        if (slot->end != 0 || slot->first != 0 || slot->stale) {
            text_add(out, "slot %d: end=", i);
            text_ref(out, slot->end);
            text_add(out, " first=%d%s\n", slot->first, slot->stale ? " stale" : "");
        }
    }
}

PyObject *fs_ir_format(const fs_ir *ir, PyObject *names)
{
    text_out out = {.ir = ir, .names = names};
    for (int i = 0; i < ir->nframes; i++) {
        text_frame(&out, i);
    }
    text_slots(&out);
    if (ir->parent != NULL || ir->parent_snap != 0) {
        text_add(&out, "parent snap=%d\n", ir->parent_snap + 1);
    }
    for (int i = 1; i < ir->nins; i++) {
        if (ir->ins[i].op != FS_IR_NOP) {
            text_ins(&out, i);
        }
    }
    for (int i = 1; i <= ir->nsnaps; i++) {
        text_snap(&out, i);
    }
    PyObject *text = out.failed ? PyErr_NoMemory()
                                : PyUnicode_FromStringAndSize(out.text, (Py_ssize_t)out.length);
    free(out.text);
    return text;
}
