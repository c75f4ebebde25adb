/* The cache of compiled expressions: text and settings -> names -> an object per types of inputs.
 *
 * A table of FS_ARRAY_CACHE_TEXTS entries at most, with open addressing by the text's hash; which
 * was used last is told by a clock that goes up with each use. An entry has a few objects, the one
 * used last in front. Over all entries there are never more than CACHE_OBJECTS of them.
 *
 * What must stay true: the GIL protects everything here. Whatever may run other Python code (the
 * compiler allocates objects, which may start the collector) happens while the entry is held and
 * before anything is changed, so that a call from inside, or from another thread, finds the cache
 * whole; what is thrown out is let go last.
 */
#include "array/array_front.h"

#include <string.h>

#define CACHE_SLOTS (2 * FS_ARRAY_CACHE_TEXTS)
#define CACHE_OBJECTS 256
#define CACHE_OBJECTS_PER_TEXT 32

struct fs_array_entry {
    Py_ssize_t holders; /* the cache is one */
    PyObject *text;
    Py_hash_t hash;
    struct fs_array_settings settings;
    uint64_t used;
    bool cached;
    PyObject *names;
    struct fs_array_place *places;
    unsigned object_count;
    struct {
        uint8_t *types;
        PyObject *object;
    } objects[CACHE_OBJECTS_PER_TEXT];
};

static struct {
    struct fs_array_entry *slots[CACHE_SLOTS];
    unsigned text_count, object_count;
    uint64_t clock, hits, misses;
} cache;

PyObject *fs_array_entry_names(const struct fs_array_entry *entry)
{
    return entry->names;
}

struct fs_array_place fs_array_entry_place(const struct fs_array_entry *entry, Py_ssize_t name)
{
    return entry->places[name];
}

void fs_array_entry_release(struct fs_array_entry *entry)
{
    if (--entry->holders > 0) {
        return;
    }
    for (unsigned i = 0; i < entry->object_count; i++) {
        Py_DECREF(entry->objects[i].object);
        PyMem_Free(entry->objects[i].types);
    }
    Py_XDECREF(entry->text);
    Py_XDECREF(entry->names);
    PyMem_Free(entry->places);
    PyMem_Free(entry);
}

/* ---- the table ---- */

static bool cache_same_settings(struct fs_array_settings a, struct fs_array_settings b)
{
    return a.sanitize == b.sanitize && a.optimization == b.optimization;
}

/* The slot of a text: its entry's, or the empty one where that would be. */
static unsigned cache_slot(PyObject *text, Py_hash_t hash, struct fs_array_settings settings)
{
    unsigned at = (unsigned)((size_t)hash ^ (size_t)hash >> 17) % CACHE_SLOTS;
    for (; cache.slots[at] != NULL; at = (at + 1) % CACHE_SLOTS) {
        const struct fs_array_entry *entry = cache.slots[at];
        if (entry->hash == hash && cache_same_settings(entry->settings, settings) &&
            (entry->text == text || PyUnicode_Compare(entry->text, text) == 0)) {
            break;
        }
    }
    return at;
}

/* Take an entry out; those behind it that it kept from their places move up. */
static void cache_remove(struct fs_array_entry *entry)
{
    unsigned hole = cache_slot(entry->text, entry->hash, entry->settings);
    cache.slots[hole] = NULL;
    for (unsigned at = (hole + 1) % CACHE_SLOTS; cache.slots[at] != NULL;
         at = (at + 1) % CACHE_SLOTS) {
        struct fs_array_entry *other = cache.slots[at];
        cache.slots[at] = NULL;
        cache.slots[cache_slot(other->text, other->hash, other->settings)] = other;
    }
    cache.text_count--;
    cache.object_count -= entry->object_count;
    entry->cached = false;
    fs_array_entry_release(entry);
}

/* Throw out the entry that was used longest ago, but not this one; false if there is none. */
static bool cache_evict(const struct fs_array_entry *spared)
{
    struct fs_array_entry *oldest = NULL;
    for (unsigned i = 0; i < CACHE_SLOTS; i++) {
        struct fs_array_entry *entry = cache.slots[i];
        if (entry != NULL && entry != spared && (oldest == NULL || entry->used < oldest->used)) {
            oldest = entry;
        }
    }
    if (oldest != NULL) {
        cache_remove(oldest);
    }
    return oldest != NULL;
}

/* ---- entries ---- */

static int entry_fill(struct fs_array_entry *entry, const struct fs_array_tree *tree)
{
    entry->names = fs_array_sorted_names(tree);
    entry->places = PyMem_Calloc(tree->name_count + 1, sizeof *entry->places);
    if (entry->names == NULL || entry->places == NULL) {
        return -1;
    }
    for (size_t i = 0; i < tree->name_count; i++) {
        PyObject *name = PyTuple_GET_ITEM(entry->names, (Py_ssize_t)i);
        PyObject *number = PyDict_GetItemWithError(tree->name_index, name);
        if (number == NULL) {
            return -1;
        }
        entry->places[i] = tree->names[PyLong_AsLong(number)].place;
    }
    return 0;
}

/* A new entry, held once. */
static struct fs_array_entry *entry_new(PyObject *text, Py_hash_t hash,
                                        struct fs_array_settings settings)
{
    struct fs_array_tree *tree = fs_array_parse(text, settings.sanitize, NULL);
    struct fs_array_entry *entry = tree != NULL ? PyMem_Calloc(1, sizeof *entry) : NULL;
    if (entry == NULL) {
        fs_array_tree_free(tree);
        return PyErr_Occurred() ? NULL : (struct fs_array_entry *)PyErr_NoMemory();
    }
    entry->holders = 1;
    entry->text = Py_NewRef(tree->text);
    entry->hash = hash;
    entry->settings = settings;
    int failed = entry_fill(entry, tree);
    fs_array_tree_free(tree);
    if (failed) {
        fs_array_entry_release(entry);
        return PyErr_Occurred() ? NULL : (struct fs_array_entry *)PyErr_NoMemory();
    }
    return entry;
}

struct fs_array_entry *fs_array_cache_entry(PyObject *text, struct fs_array_settings settings,
                                            bool keep)
{
    Py_hash_t hash = PyUnicode_Type.tp_hash(text); /* (of a subclass's own one, nothing is known) */
    if (hash == -1) {
        return NULL;
    }
    if (!keep) {
        return entry_new(text, hash, settings);
    }
    struct fs_array_entry *entry = cache.slots[cache_slot(text, hash, settings)];
    if (entry == NULL) {
        struct fs_array_entry *made = entry_new(text, hash, settings);
        if (made == NULL) {
            return NULL;
        }
        unsigned at = cache_slot(text, hash, settings);
        entry = cache.slots[at];
        if (entry != NULL) {
            fs_array_entry_release(made); /* (another thread was faster) */
        } else {
            if (cache.text_count >= FS_ARRAY_CACHE_TEXTS) {
                cache_evict(NULL);
                at = cache_slot(text, hash, settings);
            }
            entry = cache.slots[at] = made;
            entry->cached = true;
            cache.text_count++;
        }
    }
    entry->used = ++cache.clock;
    entry->holders++;
    return entry;
}

/* ---- objects ---- */

static PyObject *entry_find(struct fs_array_entry *entry, const uint8_t *types)
{
    size_t count = (size_t)PyTuple_GET_SIZE(entry->names);
    for (unsigned i = 0; i < entry->object_count; i++) {
        if (memcmp(entry->objects[i].types, types, count) == 0) {
            PyObject *object = entry->objects[i].object;
            if (i > 0) {
                uint8_t *own = entry->objects[i].types;
                memmove(&entry->objects[1], &entry->objects[0], i * sizeof entry->objects[0]);
                entry->objects[0].types = own;
                entry->objects[0].object = object;
            }
            return Py_NewRef(object);
        }
    }
    return NULL;
}

/* Put an object in front; the last one goes when there are too many. Takes over `types`. */
static void entry_insert(struct fs_array_entry *entry, uint8_t *types, PyObject *object)
{
    PyObject *dropped = NULL;
    if (entry->object_count == CACHE_OBJECTS_PER_TEXT) {
        entry->object_count--;
        dropped = entry->objects[entry->object_count].object;
        PyMem_Free(entry->objects[entry->object_count].types);
        cache.object_count -= entry->cached;
    }
    memmove(&entry->objects[1], &entry->objects[0], entry->object_count * sizeof entry->objects[0]);
    entry->objects[0].types = types;
    entry->objects[0].object = Py_NewRef(object);
    entry->object_count++;
    cache.object_count += entry->cached;
    while (entry->cached && cache.object_count > CACHE_OBJECTS && cache_evict(entry)) {
    }
    Py_XDECREF(dropped);
}

PyObject *fs_array_entry_object(struct fs_array_entry *entry, const uint8_t *types)
{
    PyObject *object = entry_find(entry, types);
    if (object != NULL) {
        cache.hits++;
        return object;
    }
    cache.misses++;
    size_t count = (size_t)PyTuple_GET_SIZE(entry->names);
    struct fs_array_tree *tree = fs_array_parse(entry->text, entry->settings.sanitize, NULL);
    if (tree == NULL) {
        return NULL;
    }
    tree->optimization = entry->settings.optimization;
    object = fs_array_object_new(tree, entry->names, types);
    fs_array_tree_free(tree);
    uint8_t *own = object != NULL ? PyMem_Malloc(count + 1) : NULL;
    if (own == NULL) {
        Py_XDECREF(object);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    memcpy(own, types, count);
    PyObject *other = entry_find(entry, types);
    if (other != NULL) {
        Py_DECREF(object); /* (another thread was faster) */
        PyMem_Free(own);
        return other;
    }
    entry_insert(entry, own, object);
    return object;
}

PyObject *fs_array_cache_info(void)
{
    return Py_BuildValue("{sIsIsKsK}", "texts", cache.text_count, "objects", cache.object_count,
                         "hits", (unsigned long long)cache.hits, "misses",
                         (unsigned long long)cache.misses);
}

void fs_array_cache_clear(void)
{
    while (cache_evict(NULL)) {
    }
}
