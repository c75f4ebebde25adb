/* Recording super().name(...), by the same rules by which the interpreter specialises it
 * (spec_super.c): no super object is made. */
#include "record/rec.h"

#include "spec/spec.h"
#include "spec/spec_attr.h"

/* The class that a super() without arguments begins behind, guarded to be in its cell; NULL: odd.
 */
static PyObject *super_class(rec_state *R, rec_frame *f)
{
    PyCodeObject *code = f->co->pycode;
    int first = code->co_nlocalsplus - code->co_nfreevars;
    for (int i = first; i < code->co_nlocalsplus; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        PyObject *cell = f->slots[i].seen;
        if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0 && cell != NULL &&
            PyCell_Check(cell) && PyCell_GET(cell) != NULL) {
            fs_ref now = rec_load_null(R, FS_M_OBJ, FS_A_CELL, rec_value(R, &f->slots[i]),
                                       (int)offsetof(PyCellObject, ob_ref));
            rec_guard(R, FS_EQ, now, rec_const(R, PyCell_GET(cell)));
            return PyCell_GET(cell);
        }
    }
    return NULL;
}

/* Guards that self is of `type`, or is that class itself. */
static void super_guard_self(rec_state *R, rec_slot *self, PyTypeObject *type, bool of_class)
{
    (void)rec_guard_null(R, self);
    if (!of_class) {
        (void)rec_guard_type(R, self, type);
    } else if (self->ref != rec_const(R, (PyObject *)type)) {
        rec_guard(R, FS_EQ, self->ref, rec_const(R, (PyObject *)type));
    }
    rec_guard_version(R, type, fs_pyrt_type_version(type));
}

/* Puts what is called on the stack, and what it is called on; takes super, its arguments and NULL
 * away. */
static void super_give(rec_state *R, uint32_t nargs, rec_slot self, PyTypeObject *type, int mode,
                       PyObject *callable)
{
    int flags = 0;
    if (nargs == 2) {
        rec_slot value = rec_pop(R);
        flags = value.flags;
        rec_pop_drop(R);
    }
    rec_pop_drop(R);  /* super */
    (void)rec_pop(R); /* NULL */
    if (mode == FS_SUPER_METHOD) {
        rec_push(R, rec_const(R, callable), REC_WEAK, callable);
        rec_push(R, self.ref, flags, self.seen);
        return;
    }
    if (mode == FS_SUPER_CLASSMETHOD) {
        rec_push(R, rec_const(R, callable), REC_WEAK, callable);
        rec_push(R, rec_const(R, (PyObject *)type), REC_WEAK, (PyObject *)type);
    } else {
        rec_push(R, 0, 0, NULL);
        rec_push(R, rec_const(R, callable), REC_WEAK, callable);
    }
    rec_let_go(R, self.ref, flags & REC_OWNED);
}

rec_result rec_super(rec_state *R, uint32_t nargs)
{
    rec_frame *f = rec_top(R);
    int base = f->sp - (int)nargs - 2;
    if (f->slots[base].ref != 0 || _Py_OPCODE(f->code[R->next]) != LOAD_METHOD ||
        (nargs != 0 && nargs != 2) || R->kwnames != NULL || f->co->pycode->co_argcount == 0) {
        return REC_WAIT;
    }
    rec_slot *place = nargs == 2 ? &f->slots[base + 3] : &f->slots[0];
    PyTypeObject *type = rec_type(R, place);
    bool of_class = place->seen != NULL && PyType_Check(place->seen);
    if (type == NULL || (place->seen != NULL && PyCell_Check(place->seen)) ||
        (PyType_IsSubtype(type, &PyType_Type) && !of_class) ||
        (rec_is_unboxed(R, place) && !rec_is_virtual(R, place->ref))) {
        return REC_WAIT;
    }
    type = of_class ? (PyTypeObject *)place->seen : type;
    PyObject *start = nargs == 2 ? f->slots[base + 2].seen : super_class(R, f);
    PyObject *name = f->co->names[f->co->instrs[R->next].arg];
    PyObject *descr = NULL;
    int mode = start == NULL ? -1 : fs_spec_super_find(type, start, name, of_class, &descr);
    if (mode < 0) {
        return REC_WAIT;
    }
    if (nargs == 2) {
        rec_guard(R, FS_EQ, rec_value(R, &f->slots[base + 2]), rec_const(R, start));
    }
    bool wrapped = mode == FS_SUPER_STATIC || mode == FS_SUPER_CLASSMETHOD;
    PyObject *callable = wrapped ? rec_unwrap(R, descr) : descr;
    if (callable == NULL) {
        return REC_WAIT;
    }
    super_guard_self(R, place, type, of_class);
    rec_slot self = *place;
    super_give(R, nargs, self, type, mode, callable);
    if (R->nahead < REC_MAX_AHEAD) { /* the interpreter may do it in two */
        R->ahead[R->nahead].frame = f->frame;
        R->ahead[R->nahead++].pc = R->next;
    }
    f->pc = R->next + fs_ops[FS_OP_LOAD_METHOD].length;
    return REC_JUMP;
}
