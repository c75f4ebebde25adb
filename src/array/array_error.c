/* Errors of array expressions: a message, the line of the expression, and a caret under the place.
 *
 * SyntaxError gets the place in its own fields, so that Python prints it as it prints its own;
 * KeyError keeps the name as its only argument, as NumExpr's users expect, and has the place in a
 * note; all others have it in the message.
 *
 * What must stay true: a message never holds more of the expression than one line of ERROR_WIDTH
 * characters, whatever stands in it.
 */
#include "array/array_front.h"

#include <stdarg.h>
#include <string.h>

#define ERROR_WIDTH 72

/* Where a place is, in characters of its line. */
struct error_line {
    PyObject *text; /* the line */
    Py_ssize_t number, column, end;
};

/* The line of a UTF-8 text that a place begins in; text is NULL on failure. */
static struct error_line error_find_line(const char *chars, size_t size,
                                         struct fs_array_place place)
{
    struct error_line line = {NULL, 1, 0, 0};
    size_t from = place.start < size ? place.start : size, to, end = place.end;
    while (from > 0 && chars[from - 1] != '\n') {
        from--;
    }
    for (size_t i = 0; i < from; i++) {
        line.number += chars[i] == '\n';
    }
    for (to = from; to < size && chars[to] != '\n'; to++) {
    }
    end = end < place.start ? place.start : end > to ? to : end;
    for (size_t i = from; i < end; i++) {
        bool begins = ((unsigned char)chars[i] & 0xC0) != 0x80;
        line.column += begins && i < place.start;
        line.end += begins;
    }
    line.text = PyUnicode_DecodeUTF8(chars + from, (Py_ssize_t)(to - from), "replace");
    return line;
}

/* "\n    line\n    ^^^": what comes behind a message. NULL with an exception. */
static PyObject *error_caret(const char *chars, size_t size, struct fs_array_place place)
{
    struct error_line line = error_find_line(chars, size, place);
    if (line.text == NULL) {
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(line.text), from = 0, to = length;
    if (length > ERROR_WIDTH) {
        from = line.column > ERROR_WIDTH / 2 ? line.column - ERROR_WIDTH / 2 : 0;
        from = from > length - ERROR_WIDTH ? length - ERROR_WIDTH : from;
        to = from + ERROR_WIDTH;
    }
    Py_UCS4 shown[2 * (ERROR_WIDTH + 16)];
    Py_ssize_t n = 0, lead = from > 0 ? 3 : 0;
    memcpy(shown, (Py_UCS4[]){'\n', ' ', ' ', ' ', ' '}, 5 * sizeof *shown);
    n = 5;
    for (Py_ssize_t i = 0; i < lead; i++) {
        shown[n++] = '.';
    }
    for (Py_ssize_t i = from; i < to; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(line.text, i);
        shown[n++] = c == '\t' ? ' ' : Py_UNICODE_ISPRINTABLE(c) ? c : '?';
    }
    for (int i = 0; i < 3 && to < length; i++) {
        shown[n++] = '.';
    }
    shown[n++] = '\n';
    for (Py_ssize_t i = 0; i < 4 + lead + line.column - from; i++) {
        shown[n++] = ' ';
    }
    Py_ssize_t carets = (line.end < to ? line.end : to) - line.column;
    for (Py_ssize_t i = 0; i < (carets < 1 ? 1 : carets); i++) {
        shown[n++] = '^';
    }
    Py_DECREF(line.text);
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, shown, n);
}

static void error_syntax(const char *chars, size_t size, struct fs_array_place place,
                         PyObject *message)
{
    struct error_line line = error_find_line(chars, size, place);
    if (line.text == NULL) {
        return;
    }
    Py_ssize_t end = line.end > line.column ? line.end : line.column + 1;
    PyObject *args = Py_BuildValue("O(snnOnn)", message, "<expr>", line.number, line.column + 1,
                                   line.text, line.number, end + 1);
    Py_DECREF(line.text);
    if (args != NULL) {
        PyErr_SetObject(PyExc_SyntaxError, args);
        Py_DECREF(args);
    }
}

/* Raise `type` with a message and the place. */
static void error_raise(const char *chars, size_t size, PyObject *type, struct fs_array_place place,
                        PyObject *message)
{
    if (type == PyExc_SyntaxError) {
        error_syntax(chars, size, place, message);
        return;
    }
    PyObject *caret = error_caret(chars, size, place);
    PyObject *whole = caret != NULL ? PyUnicode_Concat(message, caret) : NULL;
    Py_XDECREF(caret);
    if (whole != NULL) {
        PyErr_SetObject(type, whole);
        Py_DECREF(whole);
    }
}

int fs_array_fail(const struct fs_array_tree *tree, PyObject *type, struct fs_array_place place,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (message != NULL) {
        error_raise(tree->chars, tree->size, type, place, message);
        Py_DECREF(message);
    }
    return -1;
}

void fs_array_point(const struct fs_array_tree *tree, struct fs_array_place place)
{
    PyObject *type, *value, *traceback;
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return; /* the text has nothing to do with it */
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *message = value != NULL ? PyObject_Str(value) : NULL;
    Py_XDECREF(traceback);
    if (message != NULL) {
        /* (UnicodeError and its like want other arguments) */
        PyObject *plain =
            PyErr_GivenExceptionMatches(type, PyExc_UnicodeError) ? PyExc_ValueError : type;
        error_raise(tree->chars, tree->size, plain, place, message);
        Py_DECREF(message);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
}

void fs_array_fail_name(PyObject *text, PyObject *name, struct fs_array_place place)
{
    Py_ssize_t size;
    const char *chars = PyUnicode_AsUTF8AndSize(text, &size);
    PyObject *caret = chars != NULL ? error_caret(chars, (size_t)size, place) : NULL;
    PyObject *error = caret != NULL ? PyObject_CallOneArg(PyExc_KeyError, name) : NULL;
    PyObject *note = error != NULL
                         ? PyUnicode_FromFormat("no variable of this name is in reach of the "
                                                "expression:%U",
                                                caret)
                         : NULL;
    PyObject *done = note != NULL ? PyObject_CallMethod(error, "add_note", "O", note) : NULL;
    if (done != NULL) {
        PyErr_SetObject(PyExc_KeyError, error);
    }
    Py_XDECREF(done);
    Py_XDECREF(note);
    Py_XDECREF(error);
    Py_XDECREF(caret);
}

PyObject *fs_array_fail_input(const struct fs_array_program *program, int input, PyObject *type,
                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    Py_ssize_t size;
    const char *chars = PyUnicode_AsUTF8AndSize(program->source->text, &size);
    if (message == NULL || chars == NULL) {
        Py_XDECREF(message);
        return NULL;
    }
    if (input >= 0) {
        error_raise(chars, (size_t)size, type, program->source->places[input], message);
    } else {
        PyErr_SetObject(type, message);
    }
    Py_DECREF(message);
    return NULL;
}

/* ---- shapes ---- */

/* Whether two inputs can be broadcast together. */
static bool error_shapes_fit(PyArrayObject *a, PyArrayObject *b)
{
    int dims_a = PyArray_NDIM(a), dims_b = PyArray_NDIM(b);
    for (int i = 1; i <= dims_a && i <= dims_b; i++) {
        npy_intp size_a = PyArray_DIM(a, dims_a - i), size_b = PyArray_DIM(b, dims_b - i);
        if (size_a != size_b && size_a != 1 && size_b != 1) {
            return false;
        }
    }
    return true;
}

/* The first input that does not go with one before it, -1: all do. */
static int error_find_misfit(const struct fs_array_program *program, PyObject *const *inputs,
                             int *other)
{
    for (int i = 1; i < program->input_count && program->input_count < 100; i++) {
        for (int j = 0; j < i; j++) {
            if (!error_shapes_fit((PyArrayObject *)inputs[i], (PyArrayObject *)inputs[j])) {
                *other = j;
                return i;
            }
        }
    }
    return -1;
}

void fs_array_explain(const struct fs_array_program *program, PyObject *const *inputs)
{
    int other = 0, misfit, dims = 0;
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) {
        return;
    }
    misfit = error_find_misfit(program, inputs, &other);
    for (int i = 0; i < program->input_count; i++) {
        int own = PyArray_NDIM((PyArrayObject *)inputs[i]);
        dims = own > dims ? own : dims;
    }
    bool axis = program->reduce != FS_ARRAY_REDUCE_NONE && program->reduce_axis >= dims;
    if (misfit < 0 && !axis) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = PyObject_Str(value), *message = NULL;
    Py_ssize_t size;
    const char *chars = PyUnicode_AsUTF8AndSize(program->source->text, &size);
    if (text != NULL && misfit >= 0) {
        message = PyUnicode_FromFormat("%U: '%.72s' does not go with '%.72s'", text,
                                       program->names[misfit], program->names[other]);
    } else {
        message = Py_XNewRef(text);
    }
    if (message != NULL && chars != NULL) {
        error_raise(chars, (size_t)size, type,
                    misfit >= 0 ? program->source->places[misfit] : program->source->reduce,
                    message);
    }
    Py_XDECREF(message);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}
