/* Call-outs that put strings and bytes together (jit_ops.h).
 *
 * a + b + c makes an object for a + b that nobody ever sees. Where only the trace has the left
 * operand, and the block that pymalloc has given it has room for the right one too, it grows where
 * it is. What is copied is mostly a few bytes: a call of memcpy costs more.
 */
#include "interp/interp_num.h"
#include "jit/jit_ops.h"

enum { TEXT_BLOCK = 16, TEXT_BLOCK_MAX = 512 }; /* the blocks of pymalloc: steps, the largest */

/* Copies n > 0 bytes. */
static inline void text_copy(char *to, const char *from, Py_ssize_t n)
{
    if (n > TEXT_BLOCK) {
        memcpy(to, from, (size_t)n);
    } else if (n >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + n - 8, &last, 8);
    } else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + n - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + n - 4, &last, 4);
    } else {
        char first = from[0], middle = from[n / 2], last = from[n - 1];
        to[0] = first;
        to[n / 2] = middle;
        to[n - 1] = last;
    }
}

/* The hash that bytes keep is asked for anew. */
static inline void text_forget_hash(PyBytesObject *s)
{
    _Py_COMP_DIAG_PUSH
        _Py_COMP_DIAG_IGNORE_DEPR_DECLS /* (3.11 means to keep it elsewhere one day) */
            s->ob_shash = -1;
    _Py_COMP_DIAG_POP
}

/* Whether an object that takes `size` bytes has a block that holds `more`. */
static inline bool text_fits(Py_ssize_t size, Py_ssize_t more)
{
    return fs_num_known_blocks && more <= TEXT_BLOCK && size + more <= TEXT_BLOCK_MAX &&
           (size + TEXT_BLOCK - 1) / TEXT_BLOCK == (size + more + TEXT_BLOCK - 1) / TEXT_BLOCK;
}

PyObject *fs_jit_str_add(PyObject *v, PyObject *w, int64_t take)
{
    bool ascii = PyUnicode_IS_COMPACT_ASCII(v) && PyUnicode_IS_COMPACT_ASCII(w);
    Py_ssize_t n = PyUnicode_GET_LENGTH(v), m = PyUnicode_GET_LENGTH(w);
    if (!ascii || n == 0 || m == 0 || n > PY_SSIZE_T_MAX - m) {
        return fs_jit_declined(PyUnicode_Concat(v, w));
    }
    PyASCIIObject *s = (PyASCIIObject *)v;
    if (take && Py_REFCNT(v) == 1 && s->state.interned == SSTATE_NOT_INTERNED && s->wstr == NULL &&
        text_fits((Py_ssize_t)sizeof *s + n + 1, m)) {
        text_copy((char *)(s + 1) + n, (char *)PyUnicode_1BYTE_DATA(w), m + 1);
        s->length = n + m;
        s->hash = -1;
        return Py_NewRef(v);
    }
    PyObject *r = fs_jit_declined(PyUnicode_New(n + m, 127));
    if (r != NULL) {
        char *to = (char *)PyUnicode_1BYTE_DATA(r);
        text_copy(to, (char *)PyUnicode_1BYTE_DATA(v), n);
        text_copy(to + n, (char *)PyUnicode_1BYTE_DATA(w), m);
    }
    return r;
}

PyObject *fs_jit_bytes_add(PyObject *v, PyObject *w, int64_t take)
{
    Py_ssize_t n = PyBytes_GET_SIZE(v), m = PyBytes_GET_SIZE(w);
    if (n == 0 || m == 0) {
        return Py_NewRef(n == 0 ? w : v);
    }
    if (n > PY_SSIZE_T_MAX - m) {
        return NULL;
    }
    PyBytesObject *s = (PyBytesObject *)v;
    if (take && Py_REFCNT(v) == 1 &&
        text_fits((Py_ssize_t)offsetof(PyBytesObject, ob_sval) + n + 1, m)) {
        text_copy(s->ob_sval + n, PyBytes_AS_STRING(w), m + 1);
        Py_SET_SIZE(s, n + m);
        text_forget_hash(s);
        return Py_NewRef(v);
    }
    PyObject *r = fs_jit_declined(PyBytes_FromStringAndSize(NULL, n + m));
    if (r != NULL) {
        text_copy(PyBytes_AS_STRING(r), s->ob_sval, n);
        text_copy(PyBytes_AS_STRING(r) + n, PyBytes_AS_STRING(w), m);
    }
    return r;
}
