/* Look-ups in dicts and sets that run no Python code, and stores at what they find: keys that are
 * exact str or int, or whose class leaves hash and equality to object (classes, functions, None).
 *
 * The tables are walked in CPython's probing order. A key in the table settles an
 * entry when it is the very object, or another exact str or small int of the same
 * hash, or of another hash. Everything else is left to CPython (FS_LOOKUP_ASK): it
 * may have to call __eq__.
 *
 * What must stay true: no error is set; but for the store, nothing is changed and no reference is
 * made.
 */
#include "interp/interp.h"

enum { LOOKUP_PERTURB_SHIFT = 5, LOOKUP_SET_NEIGHBOURS = 9, LOOKUP_FEW = 10 };

/* Whether it is an exact int of at most two digits. */
FS_INLINE bool lookup_is_int(PyObject *v)
{
    return PyLong_CheckExact(v) && (size_t)(Py_SIZE(v) + 2) < 5;
}

/* The hash of an exact str or such an int, or by identity; false: CPython must say. */
FS_INLINE bool lookup_hash(PyObject *key, Py_hash_t *hash)
{
    if (PyUnicode_CheckExact(key)) {
        *hash = ((PyASCIIObject *)key)->hash;
        return *hash != -1;
    }
    if (lookup_is_int(key)) {
        const digit *digits = ((PyLongObject *)key)->ob_digit;
        Py_ssize_t size = Py_SIZE(key);
        Py_hash_t value = size == 0 ? 0 : digits[0];
        if (size == 2 || size == -2) {
            value |= (Py_hash_t)digits[1] << PyLong_SHIFT; /* below the modulus of hashes */
        }
        value = size < 0 ? -value : value;
        *hash = value == -1 ? -2 : value;
        return true;
    }
    if (Py_TYPE(key)->tp_hash == PyBaseObject_Type.tp_hash) {
        size_t address = (size_t)key;
        *hash = (Py_hash_t)(address >> 4 | address << (8 * sizeof(address) - 4));
        return *hash != -1;
    }
    return false;
}

/* Whether two keys of the same hash are equal: 1, 0, or -1 when CPython must say. */
FS_INLINE int lookup_equal(PyObject *a, PyObject *b)
{
    if (a == b) {
        return 1;
    }
    if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) {
        return PyUnicode_GET_LENGTH(a) == PyUnicode_GET_LENGTH(b) &&
               PyUnicode_KIND(a) == PyUnicode_KIND(b) &&
               memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b),
                      (size_t)PyUnicode_GET_LENGTH(a) * PyUnicode_KIND(a)) == 0;
    }
    if (lookup_is_int(a) && lookup_is_int(b)) {
        const digit *x = ((PyLongObject *)a)->ob_digit;
        const digit *y = ((PyLongObject *)b)->ob_digit;
        Py_ssize_t size = Py_SIZE(a);
        return size == Py_SIZE(b) && (size == 0 || x[0] == y[0]) &&
               ((size != 2 && size != -2) || x[1] == y[1]);
    }
    return -1;
}

/* Entry that a slot of the hash table names; negative: empty (-1) or deleted. */
FS_INLINE Py_ssize_t lookup_index(const PyDictKeysObject *keys, size_t slot)
{
    const void *indices = keys->dk_indices;
    if (keys->dk_log2_size < 8) {
        return ((const int8_t *)indices)[slot];
    }
    if (keys->dk_log2_size < 16) {
        return ((const int16_t *)indices)[slot];
    }
    if (keys->dk_log2_size < 32) {
        return ((const int32_t *)indices)[slot];
    }
    return (Py_ssize_t)((const int64_t *)indices)[slot];
}

/* A table of few entries with keys of any kind: their hashes are compared one after the other.
 * (Addresses, as `id()` gives them, end in the same bits: they all meet in one slot, and the walk
 * from there visits most slots more than once.) */
FS_INLINE fs_lookup lookup_scan(PyDictKeysObject *keys, PyObject *key, Py_hash_t hash,
                                PyObject ***place)
{
    PyDictKeyEntry *entry = DK_ENTRIES(keys), *end = entry + keys->dk_nentries;
    for (; entry < end; entry++) {
        if (FS_UNLIKELY(entry->me_hash == hash) && entry->me_key != NULL) {
            int equal = lookup_equal(entry->me_key, key);
            if (equal != 0) {
                *place = &entry->me_value;
                return equal > 0 ? FS_LOOKUP_FOUND : FS_LOOKUP_ASK;
            }
        }
    }
    return FS_LOOKUP_MISSING;
}

/* The walk through a small table with keys of any kind: its slots are bytes. */
static fs_lookup lookup_walk_small(PyDictKeysObject *keys, PyObject *key, Py_hash_t hash,
                                   PyObject ***place)
{
    const int8_t *indices = (const int8_t *)keys->dk_indices;
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash;
    size_t slot = (size_t)hash & mask;
    for (;;) {
        int index = indices[slot];
        if (index >= 0 && FS_UNLIKELY(entries[index].me_hash == hash)) {
            int equal = lookup_equal(entries[index].me_key, key);
            if (equal != 0) {
                *place = &entries[index].me_value;
                return equal > 0 ? FS_LOOKUP_FOUND : FS_LOOKUP_ASK;
            }
        } else if (index == DKIX_EMPTY) {
            return FS_LOOKUP_MISSING;
        }
        perturb >>= LOOKUP_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

/* Where the entry of a key that is found by its address was last, by parts of that address: most
 * tables for classes and functions are looked at again and again (`copy`'s, `pickle`'s, visitors'),
 * and such keys meet in few slots. A hint only: the entry must have that very key. */
enum { LOOKUP_HINTS = 256 };
static uint8_t lookup_hints[LOOKUP_HINTS];

FS_INLINE uint8_t *lookup_hint(const PyDictKeysObject *keys, Py_hash_t hash)
{
    return &lookup_hints[((size_t)hash ^ (size_t)hash >> 8 ^ (size_t)keys >> 6) % LOOKUP_HINTS];
}

/* The walk through a table with keys of any kind. */
static __attribute__((noinline)) fs_lookup lookup_walk_any(PyDictKeysObject *keys, PyObject *key,
                                                           Py_hash_t hash, PyObject ***place)
{
    if (keys->dk_log2_size < 8) {
        return lookup_walk_small(keys, key, hash, place);
    }
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash;
    size_t slot = (size_t)hash & mask;
    for (;;) {
        Py_ssize_t index = lookup_index(keys, slot);
        if (index >= 0 && entries[index].me_hash == hash) {
            int equal = lookup_equal(entries[index].me_key, key);
            if (equal != 0) {
                *place = &entries[index].me_value;
                return equal > 0 ? FS_LOOKUP_FOUND : FS_LOOKUP_ASK;
            }
        } else if (index == DKIX_EMPTY) {
            return FS_LOOKUP_MISSING;
        }
        perturb >>= LOOKUP_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

/* The walk through a table of strings, for one. */
static __attribute__((noinline)) fs_lookup lookup_walk_str(PyDictObject *dict, PyObject *key,
                                                           Py_hash_t hash, PyObject ***place)
{
    PyDictKeysObject *keys = dict->ma_keys;
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash;
    size_t slot = (size_t)hash & mask;
    for (;;) {
        Py_ssize_t index = lookup_index(keys, slot);
        if (index >= 0) {
            PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(keys)[index];
            int equal = entry->me_key == key;
            if (!equal && ((PyASCIIObject *)entry->me_key)->hash == hash) {
                equal = lookup_equal(entry->me_key, key);
            }
            if (equal > 0) {
                *place =
                    dict->ma_values != NULL ? &dict->ma_values->values[index] : &entry->me_value;
                return **place != NULL ? FS_LOOKUP_FOUND : FS_LOOKUP_MISSING;
            }
            if (equal < 0) {
                return FS_LOOKUP_ASK;
            }
        } else if (index == DKIX_EMPTY) {
            return FS_LOOKUP_MISSING;
        }
        perturb >>= LOOKUP_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
}

/* A key that is found by its address: by the hint first. */
static __attribute__((noinline)) fs_lookup lookup_walk_address(PyDictKeysObject *keys,
                                                               PyObject *key, Py_hash_t hash,
                                                               PyObject ***place)
{
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    uint8_t *hint = lookup_hint(keys, hash);
    if (*hint < keys->dk_nentries && entries[*hint].me_key == key) {
        *place = &entries[*hint].me_value;
        return FS_LOOKUP_FOUND;
    }
    fs_lookup found = lookup_walk_any(keys, key, hash, place);
    if (found == FS_LOOKUP_FOUND) {
        *hint = (uint8_t)((PyDictKeyEntry *)((char *)*place - offsetof(PyDictKeyEntry, me_value)) -
                          entries);
    }
    return found;
}

/* The walk through a dict's table; on FOUND *place is where the value stands. */
static __attribute__((noinline)) fs_lookup lookup_walk(PyDictObject *dict, PyObject *key,
                                                       PyObject ***place)
{
    Py_hash_t hash;
    if (!lookup_hash(key, &hash)) {
        return FS_LOOKUP_ASK;
    }
    PyDictKeysObject *keys = dict->ma_keys;
    bool number = PyLong_CheckExact(key);
    if (DK_IS_UNICODE(keys)) {
        /* (all keys are exact strs) */
        return number ? FS_LOOKUP_MISSING : lookup_walk_str(dict, key, hash, place);
    }
    if (keys->dk_nentries <= LOOKUP_FEW) {
        return lookup_scan(keys, key, hash, place);
    }
    return number || PyUnicode_CheckExact(key) ? lookup_walk_any(keys, key, hash, place)
                                               : lookup_walk_address(keys, key, hash, place);
}

/* Where the value of a small int stands in the first slot that is looked at, else NULL; *empty:
 * the key is not there, as that slot is free. */
FS_INLINE PyObject **lookup_first_int(PyDictKeysObject *keys, PyObject *key, bool *empty)
{
    size_t hash = Py_SIZE(key) * (size_t)((PyLongObject *)key)->ob_digit[0];
    size_t slot = hash & (((size_t)1 << keys->dk_log2_size) - 1);
    Py_ssize_t index = keys->dk_log2_size < 8 ? ((const int8_t *)keys->dk_indices)[slot]
                                              : ((const int16_t *)keys->dk_indices)[slot];
    *empty = index == DKIX_EMPTY;
    if (index < 0 || FS_UNLIKELY(keys->dk_kind != DICT_KEYS_GENERAL)) {
        return NULL;
    }
    PyDictKeyEntry *entry = &DK_ENTRIES(keys)[index];
    PyObject *there = entry->me_key;
    bool same = there == key || ((size_t)entry->me_hash == hash && PyLong_CheckExact(there) &&
                                 Py_SIZE(there) == Py_SIZE(key));
    return same ? &entry->me_value : NULL;
}

/* Most keys are the very string or an int like the one in the first slot that is looked at: where
 * the value then stands, else NULL; *empty: it was free. */
FS_INLINE PyObject **lookup_first_or(PyDictObject *dict, PyObject *key, bool *empty)
{
    *empty = false;
    PyDictKeysObject *keys = dict->ma_keys;
    if (FS_UNLIKELY(keys->dk_log2_size >= 16 || dict->ma_values != NULL)) {
        return NULL;
    }
    if (PyLong_CheckExact(key) && (size_t)Py_SIZE(key) <= 1) {
        return lookup_first_int(keys, key, empty);
    }
    if (!PyUnicode_CheckExact(key)) {
        return NULL;
    }
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    Py_ssize_t index = lookup_index(keys, (size_t)((PyASCIIObject *)key)->hash & mask);
    if (FS_UNLIKELY(index < 0)) {
        return NULL;
    }
    if (DK_IS_UNICODE(keys)) {
        PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(keys)[index];
        return entry->me_key == key ? &entry->me_value : NULL;
    }
    PyDictKeyEntry *entry = &DK_ENTRIES(keys)[index];
    return entry->me_key == key ? &entry->me_value : NULL;
}

FS_INLINE PyObject **lookup_first(PyDictObject *dict, PyObject *key)
{
    bool empty;
    return lookup_first_or(dict, key, &empty);
}

/* ---- stores ---- */

static void lookup_set_index(PyDictKeysObject *keys, size_t slot, Py_ssize_t index)
{
    void *indices = keys->dk_indices;
    if (keys->dk_log2_size < 8) {
        ((int8_t *)indices)[slot] = (int8_t)index;
    } else if (keys->dk_log2_size < 16) {
        ((int16_t *)indices)[slot] = (int16_t)index;
    } else if (keys->dk_log2_size < 32) {
        ((int32_t *)indices)[slot] = (int32_t)index;
    } else {
        ((int64_t *)indices)[slot] = (int64_t)index;
    }
}

/* A key that is missing gets the table's next entry, with v; false: there is no room, or the table
 * is for other keys. */
static bool lookup_add(PyDictObject *dict, PyObject *key, PyObject *v)
{
    PyDictKeysObject *keys = dict->ma_keys;
    bool unicode = DK_IS_UNICODE(keys);
    Py_hash_t hash;
    if (dict->ma_values != NULL || keys->dk_usable <= 0 ||
        (unicode && !PyUnicode_CheckExact(key)) || !lookup_hash(key, &hash)) {
        return false;
    }
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    size_t perturb = (size_t)hash;
    size_t slot = (size_t)hash & mask;
    while (lookup_index(keys, slot) >= 0) {
        perturb >>= LOOKUP_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
    Py_ssize_t index = keys->dk_nentries++;
    keys->dk_usable--;
    keys->dk_version = 0;
    lookup_set_index(keys, slot, index);
    if (unicode) {
        DK_UNICODE_ENTRIES(keys)[index] = (PyDictUnicodeEntry){Py_NewRef(key), v};
    } else {
        DK_ENTRIES(keys)[index] = (PyDictKeyEntry){hash, Py_NewRef(key), v};
    }
    dict->ma_used++;
    dict->ma_version_tag = FS_PYRT_NEXT_DICT_VERSION();
    if (!_PyObject_GC_IS_TRACKED((PyObject *)dict) &&
        (_PyObject_GC_MAY_BE_TRACKED(key) || _PyObject_GC_MAY_BE_TRACKED(v))) {
        PyObject_GC_Track(dict);
    }
    return true;
}

PyObject *fs_lookup_swap(PyDictObject *dict, PyObject *key, PyObject *v)
{
    PyObject **place = lookup_first(dict, key);
    fs_lookup found = place != NULL ? FS_LOOKUP_FOUND : lookup_walk(dict, key, &place);
    if (found == FS_LOOKUP_MISSING) {
        return lookup_add(dict, key, v) ? Py_NewRef(Py_None) : NULL;
    }
    if (found == FS_LOOKUP_ASK ||
        (!_PyObject_GC_IS_TRACKED((PyObject *)dict) && _PyObject_GC_MAY_BE_TRACKED(v))) {
        return NULL;
    }
    PyObject *old = *place;
    *place = v;
    dict->ma_version_tag = FS_PYRT_NEXT_DICT_VERSION();
    return old;
}

/* The same two ways as below, by the whole walk: called last, so that nothing is saved. */
static __attribute__((noinline)) PyObject *lookup_get_walking(PyDictObject *dict, PyObject *key)
{
    PyObject **place;
    return lookup_walk(dict, key, &place) == FS_LOOKUP_FOUND ? *place : NULL;
}

static __attribute__((noinline)) fs_lookup lookup_dict_walking(PyDictObject *dict, PyObject *key)
{
    PyObject **place;
    return lookup_walk(dict, key, &place);
}

PyObject *fs_lookup_get(PyDictObject *dict, PyObject *key)
{
    PyObject **place = lookup_first(dict, key);
    if (FS_LIKELY(place != NULL)) {
        return *place;
    }
    return lookup_get_walking(dict, key);
}

PyObject *fs_lookup_or(PyDictObject *dict, PyObject *key, PyObject *missing)
{
    bool empty;
    PyObject **place = lookup_first_or(dict, key, &empty);
    if (FS_LIKELY(place != NULL)) {
        return *place;
    }
    if (empty) {
        return missing;
    }
    fs_lookup found = lookup_walk(dict, key, &place);
    return found == FS_LOOKUP_FOUND ? *place : found == FS_LOOKUP_MISSING ? missing : NULL;
}

fs_lookup fs_lookup_dict(PyDictObject *dict, PyObject *key)
{
    PyObject **place = lookup_first(dict, key);
    if (FS_LIKELY(place != NULL)) {
        return FS_LOOKUP_FOUND;
    }
    return lookup_dict_walking(dict, key);
}

FS_INLINE fs_lookup lookup_in_set(const PySetObject *set, PyObject *key, Py_hash_t hash)
{
    size_t mask = (size_t)set->mask;
    size_t perturb = (size_t)hash;
    size_t slot = (size_t)hash & mask;
    for (;;) {
        setentry *entry = &set->table[slot];
        setentry *last =
            slot + LOOKUP_SET_NEIGHBOURS <= mask ? entry + LOOKUP_SET_NEIGHBOURS : entry;
        for (; entry <= last; entry++) {
            if (entry->key == NULL && entry->hash == 0) {
                return FS_LOOKUP_MISSING;
            }
            if (entry->hash == hash) {
                int equal = lookup_equal(entry->key, key);
                if (equal != 0) {
                    return equal > 0 ? FS_LOOKUP_FOUND : FS_LOOKUP_ASK;
                }
            }
        }
        perturb >>= LOOKUP_PERTURB_SHIFT;
        slot = (slot * 5 + 1 + perturb) & mask;
    }
}

fs_lookup fs_lookup_set(PySetObject *set, PyObject *key)
{
    Py_hash_t hash;
    return lookup_hash(key, &hash) ? lookup_in_set(set, key, hash) : FS_LOOKUP_ASK;
}

/* Whether another set has all items of one. */
static fs_lookup lookup_subset(const PySetObject *set, const PySetObject *other)
{
    if (set->used > other->used) {
        return FS_LOOKUP_MISSING;
    }
    Py_ssize_t left = set->used;
    for (const setentry *entry = set->table; left > 0; entry++) {
        if (entry->key != NULL && entry->hash != -1) { /* (-1: there was one) */
            fs_lookup is = lookup_in_set(other, entry->key, entry->hash);
            if (is != FS_LOOKUP_FOUND) {
                return is;
            }
            left--;
        }
    }
    return FS_LOOKUP_FOUND;
}

int fs_compare_sets(PyObject *v, PyObject *w, int op)
{
    PySetObject *left = (PySetObject *)v, *right = (PySetObject *)w;
    bool same = left->used == right->used;
    int is;
    switch (op) {
    case Py_LE:
        return (int)lookup_subset(left, right);
    case Py_GE:
        return (int)lookup_subset(right, left);
    case Py_LT:
        return same ? 0 : (int)lookup_subset(left, right);
    case Py_GT:
        return same ? 0 : (int)lookup_subset(right, left);
    default:
        is = same ? (int)lookup_subset(left, right) : 0;
        return is < 0 || op == Py_EQ ? is : !is;
    }
}

PyObject *fs_compare_generic(PyObject *v, PyObject *w, int op)
{
    if (PyAnySet_CheckExact(v) && PyAnySet_CheckExact(w) &&
        _PyThreadState_GET()->recursion_remaining > 0) {
        int is = fs_compare_sets(v, w, op);
        if (is >= 0) {
            return Py_NewRef(is ? Py_True : Py_False);
        }
    }
    return PyObject_RichCompare(v, w, op);
}

bool fs_set_add_short(PySetObject *set, PyObject *key)
{
    if (!PyLong_CheckExact(key) || (size_t)(Py_SIZE(key) + 1) > 2) {
        return false;
    }
    Py_hash_t hash = Py_SIZE(key) * (Py_hash_t)((PyLongObject *)key)->ob_digit[0];
    size_t mask = (size_t)set->mask, slot = (size_t)hash & mask;
    setentry *entry = &set->table[slot];
    setentry *last = slot + LOOKUP_SET_NEIGHBOURS <= mask ? entry + LOOKUP_SET_NEIGHBOURS : entry;
    if (hash == -1 || (size_t)(set->fill + 1) * 5 >= mask * 3) {
        return false; /* (-1 is no hash; the table will grow) */
    }
    for (; entry <= last; entry++) {
        if (entry->key == NULL && entry->hash == 0) {
            set->fill++;
            set->used++;
            entry->key = Py_NewRef(key);
            entry->hash = hash;
            return true;
        }
        if (entry->hash == hash) {
            return entry->key == key ||
                   (PyLong_CheckExact(entry->key) && Py_SIZE(entry->key) == Py_SIZE(key) &&
                    ((PyLongObject *)entry->key)->ob_digit[0] ==
                        ((PyLongObject *)key)->ob_digit[0]);
        }
        if (entry->hash == -1) {
            return false; /* something was removed here: CPython may use the place again */
        }
    }
    return false;
}

fs_lookup fs_lookup_items(PyObject **items, Py_ssize_t n, PyObject *key)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = items[i];
        if (item == key) {
            return FS_LOOKUP_FOUND;
        }
        if (PyUnicode_CheckExact(item) && PyUnicode_CheckExact(key) &&
            (PyUnicode_KIND(item) == 0 || PyUnicode_KIND(key) == 0)) {
            return FS_LOOKUP_ASK; /* a string of the old sort, not ready yet */
        }
        int equal = lookup_equal(item, key);
        if (equal != 0) {
            return equal > 0 ? FS_LOOKUP_FOUND : FS_LOOKUP_ASK;
        }
    }
    return FS_LOOKUP_MISSING;
}
