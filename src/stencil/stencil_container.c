/* Stencils for lists, dicts and strings: the short ways of what src/jit/jit_ops.c does. */
#define Py_BUILD_CORE 1
#include "stencil/stencil.h"

#include <internal/pycore_dict.h>

LAYOUT(PyVarObject, ob_size);
LAYOUT(PyListObject, ob_item);
LAYOUT(PyListObject, allocated);
LAYOUT(PyDictObject, ma_keys);
LAYOUT(PyDictObject, ma_values);
LAYOUT(PyDictKeysObject, dk_log2_size);
LAYOUT(PyDictKeysObject, dk_log2_index_bytes);
LAYOUT(PyDictKeysObject, dk_kind);
LAYOUT(PyDictKeysObject, dk_indices);
LAYOUT(PyDictUnicodeEntry, me_key);
LAYOUT(PyDictUnicodeEntry, me_value);
LAYOUT(PyASCIIObject, length);
LAYOUT(PyASCIIObject, state);
LAYOUT(PyASCIIObject, hash);

/* rdi.append(rsi), with a reference of its own. */
STENCIL(list_append, RAX, NONE)
{
    PyListObject *list = (PyListObject *)rdi;
    Py_ssize_t n = ((PyVarObject *)list)->ob_size;
    if (UNLIKELY(n >= list->allocated)) {
        ASIDE(list_append);
    }
    ((PyObject *)rsi)->ob_refcnt++;
    list->ob_item[n] = (PyObject *)rsi;
    ((PyVarObject *)list)->ob_size = n + 1;
    rax = 0;
    GO_ON(list_append);
}

/* rax := rdi.pop(). Where the list would give memory back, C looks. */
STENCIL(list_pop, RAX, NONE)
{
    PyListObject *list = (PyListObject *)rdi;
    Py_ssize_t n = ((PyVarObject *)list)->ob_size - 1;
    if (UNLIKELY(n < 0) || UNLIKELY(n < list->allocated >> 1)) {
        ASIDE(list_pop);
    }
    ((PyVarObject *)list)->ob_size = n;
    rax = (word)list->ob_item[n];
    GO_ON(list_pop);
}

/* rax := rdi[rsi], borrowed, for the str rsi that value 0 is the hash of. Only the very key object,
 * in a table of less than 256 places with nothing but strs, is found here. */
STENCIL(dict_find_str, RAX, RCX | RDX)
{
    PyDictObject *dict = (PyDictObject *)rdi;
    PyDictKeysObject *keys = dict->ma_keys;
    if (UNLIKELY(keys->dk_kind != DICT_KEYS_UNICODE) || UNLIKELY(keys->dk_log2_size >= 8) ||
        UNLIKELY(dict->ma_values != NULL)) {
        ASIDE(dict_find_str);
    }
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    int8_t index = keys->dk_indices[VALUE(0) & mask];
    if (UNLIKELY(index < 0)) {
        ASIDE(dict_find_str);
    }
    PyDictUnicodeEntry *entry =
        (PyDictUnicodeEntry *)(keys->dk_indices + ((size_t)1 << keys->dk_log2_index_bytes)) + index;
    if (UNLIKELY((word)entry->me_key != rsi)) {
        ASIDE(dict_find_str);
    }
    rax = (word)entry->me_value;
    GO_ON(dict_find_str);
}

/* rax := rdi == rsi of two strs, if that is said by what they are, how long, or their hashes. */
STENCIL(str_equal, RAX, NONE)
{
    rax = 1;
    if (rdi != rsi) {
        PyASCIIObject *a = (PyASCIIObject *)rdi, *b = (PyASCIIObject *)rsi;
        if (UNLIKELY(!a->state.ready) || UNLIKELY(!b->state.ready)) {
            ASIDE(str_equal);
        }
        if (a->length == b->length) {
            if (a->hash == b->hash || a->hash == -1 || b->hash == -1) {
                ASIDE(str_equal);
            }
        }
        rax = 0;
    }
    GO_ON(str_equal);
}

/* CPython's strings of one character. */
typedef struct {
    PyASCIIObject text;
    uint8_t data[2];
} ascii_character;
typedef struct {
    PyCompactUnicodeObject text;
    uint8_t data[2];
} latin1_character;

/* rax := character rsi of the str rdi, a new reference, if its characters are bytes. Values: the
 * strings of one character up to U+007F, and those up to U+00FF, both counted from U+0000. */
STENCIL(str_item, RAX, RCX)
{
    PyASCIIObject *text = (PyASCIIObject *)rdi;
    if (UNLIKELY(rsi >= (word)text->length) || UNLIKELY(text->state.kind != PyUnicode_1BYTE_KIND) ||
        UNLIKELY(!text->state.compact)) {
        ASIDE(str_item);
    }
    const uint8_t *chars = text->state.ascii
                               ? (const uint8_t *)(text + 1)
                               : (const uint8_t *)((PyCompactUnicodeObject *)text + 1);
    word c = chars[rsi];
    PyObject *one = c < 128 ? (PyObject *)((ascii_character *)VALUE(0) + c)
                            : (PyObject *)((latin1_character *)VALUE(1) + c);
    one->ob_refcnt++;
    rax = (word)one;
    GO_ON(str_item);
}
