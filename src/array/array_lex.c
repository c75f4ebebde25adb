/* The lexer of array expressions: Python's tokens, as many of them as expressions may have.
 *
 * The whole text is cut up before anything is parsed, so that what is forbidden is found first:
 * subscripts, colons, semicolons, names with two underscores on either side, and attributes other
 * than .real and .imag are a ValueError, however little sense the rest makes.
 *
 * What must stay true: nothing here, nor behind it, evaluates Python code; a text with a null byte
 * or of more than LEX_MOST bytes is refused; each literal is bounded.
 */
#include "array/array_front.h"

#include <string.h>

#define LEX_MOST (1u << 20)
#define LEX_MOST_DIGITS 4000

struct lex {
    struct fs_array_tree *tree;
    const char *chars;
    uint32_t size, at;
    int depth; /* of brackets: new lines count outside of them only */
};

PyObject *fs_array_keep(struct fs_array_tree *tree, PyObject *object)
{
    if (object != NULL) {
        int failed = PyList_Append(tree->owned, object);
        Py_DECREF(object);
        return failed ? NULL : object;
    }
    return NULL;
}

int fs_array_room(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return 0;
    }
    size_t wanted = *room ? 2 * *room : 16;
    void *larger = PyMem_Realloc(*items, wanted * size);
    if (larger == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *items = larger;
    *room = wanted;
    return 0;
}

static char lex_peek(const struct lex *lex, uint32_t ahead)
{
    return lex->at + ahead < lex->size ? lex->chars[lex->at + ahead] : '\0';
}

static bool lex_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Also true of all bytes beyond ASCII: lex_name() looks at them as characters. */
static bool lex_is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || lex_is_digit(c) || c == '_' ||
           (unsigned char)c >= 0x80;
}

static int lex_fail(struct lex *lex, PyObject *type, uint32_t start, uint32_t end,
                    const char *message)
{
    return fs_array_fail(lex->tree, type, (struct fs_array_place){start, end}, "%s", message);
}

static int lex_add(struct lex *lex, enum fs_array_token_kind kind, uint32_t sign, uint32_t start,
                   PyObject *value)
{
    struct fs_array_tree *tree = lex->tree;
    if (fs_array_room((void **)&tree->tokens, tree->token_count, &tree->token_room,
                      sizeof *tree->tokens) < 0) {
        return -1;
    }
    tree->tokens[tree->token_count++] =
        (struct fs_array_token){kind, sign, {start, lex->at}, value};
    return 0;
}

/* ---- numbers ---- */

/* Copy digits to `buffer` (of LEX_MOST_DIGITS + 1), without underscores; -1 with an exception. */
static int lex_digits(struct lex *lex, const char *allowed, char *buffer, size_t *length)
{
    uint32_t start = lex->at;
    for (;; lex->at++) {
        char c = lex_peek(lex, 0);
        if (c == '_') {
            char next = lex_peek(lex, 1);
            if (next == '\0' || strchr(allowed, next) == NULL) {
                return lex_fail(lex, PyExc_SyntaxError, lex->at, lex->at + 1,
                                "an underscore in a number stands between two digits");
            }
            continue;
        }
        if (c == '\0' || strchr(allowed, c) == NULL) {
            return 0;
        }
        if (*length >= LEX_MOST_DIGITS) {
            return lex_fail(lex, PyExc_ValueError, start, lex->at,
                            "this number has too many digits");
        }
        buffer[(*length)++] = c;
    }
}

/* 0x1f, 0o17, 0b11. */
static PyObject *lex_based(struct lex *lex, uint32_t start, char *buffer)
{
    char letter = lex_peek(lex, 1) | 0x20;
    int base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    size_t length = 0;
    lex->at += 2;
    if (lex_digits(lex,
                   base == 16  ? "0123456789abcdefABCDEF"
                   : base == 8 ? "01234567"
                               : "01",
                   buffer, &length) < 0) {
        return NULL;
    }
    if (length == 0) {
        lex_fail(lex, PyExc_SyntaxError, start, lex->at, "this number has no digits");
        return NULL;
    }
    buffer[length] = '\0';
    return PyLong_FromString(buffer, NULL, base);
}

/* The digits of a decimal number, into buffer; *real: whether it has a point or an exponent. */
static int lex_decimal(struct lex *lex, char *buffer, size_t *length, bool *real)
{
    static const char digits[] = "0123456789";
    *length = 0;
    if (lex_peek(lex, 0) != '.' && lex_digits(lex, digits, buffer, length) < 0) {
        return -1;
    }
    *real = lex_peek(lex, 0) == '.';
    if (*real) {
        lex->at++;
        buffer[(*length)++] = '.';
        if (lex_is_digit(lex_peek(lex, 0)) && lex_digits(lex, digits, buffer, length) < 0) {
            return -1;
        }
    }
    char sign = lex_peek(lex, 1);
    bool signs = (sign == '+' || sign == '-') && lex_is_digit(lex_peek(lex, 2));
    if ((lex_peek(lex, 0) | 0x20) == 'e' && (lex_is_digit(sign) || signs)) {
        *real = true;
        buffer[(*length)++] = 'e';
        if (signs) {
            buffer[(*length)++] = sign;
        }
        lex->at += signs ? 2 : 1;
        if (lex_digits(lex, digits, buffer, length) < 0) {
            return -1;
        }
    }
    buffer[*length] = '\0';
    return 0;
}

static PyObject *lex_number_value(struct lex *lex, uint32_t start)
{
    char buffer[LEX_MOST_DIGITS + 8];
    size_t length;
    bool real;
    if (lex_peek(lex, 0) == '0' && lex_peek(lex, 1) != '\0' &&
        strchr("xXoObB", lex_peek(lex, 1)) != NULL) {
        return lex_based(lex, start, buffer);
    }
    if (lex_decimal(lex, buffer, &length, &real) < 0) {
        return NULL;
    }
    bool imaginary = (lex_peek(lex, 0) | 0x20) == 'j';
    if (!real && !imaginary) {
        if (buffer[0] == '0' && strspn(buffer, "0") != length) {
            lex_fail(lex, PyExc_SyntaxError, start, lex->at,
                     "a decimal number has no leading zeros; octal ones begin with 0o");
            return NULL;
        }
        return PyLong_FromString(buffer, NULL, 10);
    }
    double value = PyOS_string_to_double(buffer, NULL, NULL);
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    lex->at += imaginary;
    return imaginary ? PyComplex_FromDoubles(0.0, value) : PyFloat_FromDouble(value);
}

static int lex_number(struct lex *lex)
{
    uint32_t start = lex->at;
    PyObject *value = lex_number_value(lex, start);
    if (value == NULL) {
        return -1;
    }
    value = fs_array_keep(lex->tree, value);
    if (value == NULL) {
        return -1;
    }
    if (lex_is_name(lex_peek(lex, 0))) {
        return lex_fail(lex, PyExc_SyntaxError, start, lex->at + 1, "this is no number");
    }
    return lex_add(lex, FS_ARRAY_TOKEN_VALUE, 0, start, value);
}

/* ---- names ---- */

/* The name in its normal form, NULL when it is none. */
static PyObject *lex_identifier(const char *chars, uint32_t size)
{
    PyObject *name = PyUnicode_DecodeUTF8(chars, size, NULL);
    if (name != NULL && !PyUnicode_IS_ASCII(name)) {
        PyObject *module = PyImport_ImportModule("unicodedata");
        PyObject *normal =
            module != NULL ? PyObject_CallMethod(module, "normalize", "sO", "NFKC", name) : NULL;
        Py_XDECREF(module);
        Py_SETREF(name, normal);
        if (name != NULL && !PyUnicode_CheckExact(name)) {
            PyErr_SetString(PyExc_TypeError, "unicodedata.normalize() gave no str");
            Py_CLEAR(name);
        }
    }
    if (name != NULL && !PyUnicode_IsIdentifier(name)) {
        Py_CLEAR(name);
    }
    if (name != NULL) {
        PyUnicode_InternInPlace(&name);
    }
    return name;
}

/* What names may not be; -1 with an exception. */
static int lex_check_name(struct lex *lex, PyObject *name, uint32_t start)
{
    struct fs_array_tree *tree = lex->tree;
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == NULL) {
        return -1;
    }
    struct fs_array_place place = {start, lex->at};
    const struct fs_array_token *last =
        tree->token_count ? &tree->tokens[tree->token_count - 1] : NULL;
    bool attribute =
        last != NULL && last->kind == FS_ARRAY_TOKEN_SIGN && last->sign == FS_ARRAY_SIGN('.', 0, 0);
    if (attribute && strcmp(text, "real") != 0 && strcmp(text, "imag") != 0) {
        return fs_array_fail(tree, tree->sanitize ? PyExc_ValueError : PyExc_AttributeError, place,
                             "the attribute '%.72U' is not allowed here, only .real and .imag are",
                             name);
    }
    bool dunder = size > 4 && text[0] == '_' && text[1] == '_' && text[size - 1] == '_' &&
                  text[size - 2] == '_';
    if (dunder && tree->sanitize) {
        return fs_array_fail(tree, PyExc_ValueError, place, "the name '%.72U' is not allowed here",
                             name);
    }
    return 0;
}

static int lex_name(struct lex *lex)
{
    uint32_t start = lex->at;
    while (lex_is_name(lex_peek(lex, 0))) {
        lex->at++;
    }
    PyObject *name = lex_identifier(lex->chars + start, lex->at - start);
    if (name == NULL) {
        return PyErr_Occurred() ? -1
                                : lex_fail(lex, PyExc_SyntaxError, start, lex->at,
                                           "a character here is none that a name can have");
    }
    name = fs_array_keep(lex->tree, name);
    if (name == NULL || lex_check_name(lex, name, start) < 0) {
        return -1;
    }
    return lex_add(lex, FS_ARRAY_TOKEN_NAME, 0, start, name);
}

/* ---- strings ---- */

/* How many letters of a string's prefix stand here, with the quote behind them; -1: no string. Of
 * b, f and u there is one at most, and u stands alone. */
static int lex_prefix(const struct lex *lex, bool *bytes, bool *raw, bool *format)
{
    bool plain = false;
    *bytes = *raw = *format = false;
    for (int i = 0; i < 3; i++) {
        char c = lex_peek(lex, (uint32_t)i), letter = (char)(c | 0x20);
        if (c == '"' || c == '\'') {
            return i;
        }
        bool *kind = letter == 'b'   ? bytes
                     : letter == 'r' ? raw
                     : letter == 'f' ? format
                     : letter == 'u' ? &plain
                                     : NULL;
        if (kind == NULL || *kind || plain || (kind != raw && (*bytes || *format)) ||
            (kind == &plain && i > 0)) {
            return -1;
        }
        *kind = true;
    }
    return -1;
}

/* A str of what stands between the quotes: Python's own decoder of escapes wants ASCII. */
static PyObject *lex_decode(const char *chars, uint32_t size, bool raw)
{
    PyObject *plain = PyUnicode_DecodeUTF8(chars, size, NULL);
    if (plain == NULL || raw || memchr(chars, '\\', size) == NULL) {
        return plain;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(plain), n = 0;
    char *ascii = PyMem_Malloc((size_t)length * 15 + 1);
    PyObject *decoded = NULL;
    if (ascii == NULL) {
        PyErr_NoMemory();
    } else {
        bool escaped = false; /* a backslash stands before this one */
        for (Py_ssize_t i = 0; i < length; i++) {
            Py_UCS4 c = PyUnicode_READ_CHAR(plain, i);
            if (c < 0x80) {
                ascii[n++] = (char)c;
            } else {
                /* (a backslash before such a character is only a backslash) */
                n += PyOS_snprintf(ascii + n, 16, "%s\\U%08x", escaped ? "u005c" : "", (unsigned)c);
            }
            escaped = c == '\\' && !escaped;
        }
        decoded = PyUnicode_DecodeUnicodeEscape(ascii, n, NULL);
        PyMem_Free(ascii);
    }
    Py_DECREF(plain);
    return decoded;
}

static PyObject *lex_string_value(struct lex *lex, uint32_t from, uint32_t to, bool bytes, bool raw)
{
    if (!bytes) {
        return lex_decode(lex->chars + from, to - from, raw);
    }
    for (uint32_t i = from; i < to; i++) {
        if ((unsigned char)lex->chars[i] >= 0x80) {
            lex_fail(lex, PyExc_SyntaxError, i, i + 1, "bytes can only contain ASCII characters");
            return NULL;
        }
    }
    return raw ? PyBytes_FromStringAndSize(lex->chars + from, to - from)
               : PyBytes_DecodeEscape(lex->chars + from, to - from, NULL, 0, NULL);
}

static int lex_string(struct lex *lex, uint32_t prefix, bool bytes, bool raw)
{
    uint32_t start = lex->at;
    lex->at += prefix;
    char quote = lex_peek(lex, 0);
    uint32_t quotes = lex_peek(lex, 1) == quote && lex_peek(lex, 2) == quote ? 3 : 1;
    lex->at += quotes;
    uint32_t from = lex->at;
    for (;; lex->at++) {
        char c = lex_peek(lex, 0);
        if (lex->at >= lex->size || (c == '\n' && quotes == 1)) {
            return lex_fail(lex, PyExc_SyntaxError, start, start + prefix + quotes,
                            "this string has no end");
        }
        if (c == '\\') {
            lex->at++;
        } else if (c == quote &&
                   (quotes == 1 || (lex_peek(lex, 1) == quote && lex_peek(lex, 2) == quote))) {
            break;
        }
    }
    PyObject *value = lex_string_value(lex, from, lex->at, bytes, raw);
    lex->at += quotes;
    if (value == NULL) {
        if (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_Warning)) {
            PyErr_Clear();
            lex_fail(lex, PyExc_SyntaxError, start, lex->at, "an escape in this string is wrong");
        }
        return -1;
    }
    value = fs_array_keep(lex->tree, value);
    return value == NULL ? -1 : lex_add(lex, FS_ARRAY_TOKEN_VALUE, 0, start, value);
}

/* ---- signs ---- */

/* $0, $1, ...: what an expression made of E objects has for its constants. */
static int lex_given(struct lex *lex)
{
    uint32_t start = lex->at++;
    size_t index = 0;
    while (lex_is_digit(lex_peek(lex, 0)) && index < LEX_MOST) {
        index = index * 10 + (size_t)(lex_peek(lex, 0) - '0');
        lex->at++;
    }
    PyObject *given = lex->tree->given;
    if (given == NULL || lex->at == start + 1 || index >= (size_t)PyTuple_GET_SIZE(given)) {
        return lex_fail(lex, PyExc_SyntaxError, start, start + 1, "'$' has no meaning here");
    }
    return lex_add(lex, FS_ARRAY_TOKEN_VALUE, 0, start, PyTuple_GET_ITEM(given, (Py_ssize_t)index));
}

static int lex_sign(struct lex *lex)
{
    uint32_t start = lex->at;
    char a = lex_peek(lex, 0), b = lex_peek(lex, 1);
    if (strchr(";:[", a) != NULL && lex->tree->sanitize) {
        return fs_array_fail(lex->tree, PyExc_ValueError, (struct fs_array_place){start, start + 1},
                             "'%c' is not allowed in an expression", a);
    }
    if (strchr("+-*/%<>=!&|^~()[]{},.@;:`?", a) == NULL) {
        return lex_fail(lex, PyExc_SyntaxError, start, start + 1, "this character has no meaning");
    }
    uint32_t sign = (unsigned char)a;
    bool twice = a == b && strchr("*/<>=", a) != NULL;
    bool equals = b == '=' && strchr("+-*/%<>!&|^@:", a) != NULL;
    if (twice || equals || (a == '-' && b == '>') || (a == '<' && b == '>')) {
        sign |= (uint32_t)(unsigned char)b << 8;
        lex->at++;
    }
    lex->at++;
    lex->depth += strchr("([{", a) != NULL ? 1 : strchr(")]}", a) != NULL ? -1 : 0;
    return lex_add(lex, FS_ARRAY_TOKEN_SIGN, sign, start, NULL);
}

/* Blanks, comments, and new lines where they do not count; true at the end of the expression. */
static bool lex_skip(struct lex *lex)
{
    for (; lex->at < lex->size; lex->at++) {
        char c = lex->chars[lex->at];
        if (c == '#') {
            while (lex->at + 1 < lex->size && lex->chars[lex->at + 1] != '\n') {
                lex->at++;
            }
        } else if (c == '\\' && lex_peek(lex, 1) == '\n') {
            lex->at++;
        } else if (c == '\n' && lex->depth <= 0 && lex->tree->token_count > 0) {
            /* Only blanks and comments may come now. */
            lex->depth = 0;
            uint32_t here = lex->at;
            while (++lex->at < lex->size && strchr(" \t\f\r\n", lex->chars[lex->at]) != NULL) {
            }
            if (lex->at < lex->size && lex->chars[lex->at] != '#') {
                lex->at = here;
                return false;
            }
            lex->at--;
        } else if (strchr(" \t\f\r\n", c) == NULL) {
            return false;
        }
    }
    return true;
}

static int lex_one(struct lex *lex)
{
    bool bytes, raw, format;
    char c = lex_peek(lex, 0);
    int prefix = lex_prefix(lex, &bytes, &raw, &format);
    if (c == '\n') {
        return lex_fail(lex, PyExc_SyntaxError, lex->at, lex->at + 1,
                        "an expression is one line, but in parentheses");
    }
    if (prefix >= 0 && format) {
        return lex_fail(lex, PyExc_ValueError, lex->at, lex->at + (uint32_t)prefix,
                        "strings that format (f'...') are not allowed in an expression");
    }
    if (prefix >= 0) {
        return lex_string(lex, (uint32_t)prefix, bytes, raw);
    }
    if (lex_is_digit(c) || (c == '.' && lex_is_digit(lex_peek(lex, 1)))) {
        return lex_number(lex);
    }
    return c == '$' ? lex_given(lex) : lex_is_name(c) ? lex_name(lex) : lex_sign(lex);
}

int fs_array_lex(struct fs_array_tree *tree)
{
    struct lex lex = {tree, tree->chars, (uint32_t)tree->size, 0, 0};
    const char *null = memchr(tree->chars, '\0', tree->size);
    if (tree->size > LEX_MOST) {
        return lex_fail(&lex, PyExc_ValueError, 0, 0, "this expression is longer than 1 MiB");
    }
    if (null != NULL) {
        uint32_t at = (uint32_t)(null - tree->chars);
        return lex_fail(&lex, PyExc_ValueError, at, at + 1,
                        "an expression cannot contain null bytes");
    }
    while (!lex_skip(&lex)) {
        if (lex_one(&lex) < 0) {
            return -1;
        }
    }
    return lex_add(&lex, FS_ARRAY_TOKEN_END, 0, lex.at, NULL);
}
