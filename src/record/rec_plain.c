/* Classes that leave to list and object what those do: as exact lists, and by identity.
 *
 * The versions of classes in Python hold that they leave it: who sets a special method later gets
 * another version.
 */
#include "record/rec.h"

/* Whether a class below list has what a field of its method tables points to from list. */
#define PLAIN_SAME(type, table, field) ((type)->table->field == PyList_Type.table->field)

bool rec_is_list(const PyTypeObject *type)
{
    if (type == &PyList_Type) {
        return true;
    }
    return type != NULL && PyType_FastSubclass((PyTypeObject *)type, Py_TPFLAGS_LIST_SUBCLASS) &&
           PLAIN_SAME(type, tp_as_sequence, sq_length) &&
           PLAIN_SAME(type, tp_as_mapping, mp_length) &&
           PLAIN_SAME(type, tp_as_mapping, mp_subscript) &&
           PLAIN_SAME(type, tp_as_mapping, mp_ass_subscript) &&
           type->tp_iter == PyList_Type.tp_iter &&
           (type->tp_as_number == NULL || type->tp_as_number->nb_bool == NULL) &&
           fs_pyrt_type_version((PyTypeObject *)type) != 0;
}

fs_ref rec_guard_list(rec_state *R, rec_slot *list, PyTypeObject *type)
{
    fs_ref self = rec_guard_type(R, list, type);
    if (type != &PyList_Type) {
        rec_guard_version(R, type, fs_pyrt_type_version(type));
    }
    return self;
}

/* Whether a type leaves comparing to object. */
static bool plain_compares_as_object(PyTypeObject *type)
{
    return type->tp_richcompare == PyBaseObject_Type.tp_richcompare &&
           (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE || fs_pyrt_type_version(type) != 0);
}

static void plain_guard(rec_state *R, rec_slot *slot, PyTypeObject *type)
{
    (void)rec_guard_type(R, slot, type);
    if (!(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        rec_guard_version(R, type, fs_pyrt_type_version(type));
    }
}

fs_ref rec_compare_identity(rec_state *R, int op, PyTypeObject *v, PyTypeObject *w)
{
    rec_slot *left = rec_peek(R, 2);
    rec_slot *right = rec_peek(R, 1);
    if ((op != Py_EQ && op != Py_NE) || !plain_compares_as_object(v) ||
        !plain_compares_as_object(w)) {
        return 0;
    }
    plain_guard(R, left, v);
    plain_guard(R, right, w);
    return rec_cmp(R, op == Py_EQ ? FS_EQ : FS_NE, rec_object(R, left), rec_object(R, right));
}
