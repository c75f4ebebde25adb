/* What of a generation is reachable.
 *
 * As in CPython, the references among the objects of the generation are taken off their counts;
 * whoever has some left is held from outside. CPython then walks again through all that these
 * reach, and moves what it has met too early to the end of the list. This is saved where it can
 * be: the first walk notes for each object which other of the list was the first to refer to it.
 * An object that is held from outside, or first referred to by one that stands before it, is
 * reachable and stays in its place, if that holds for all before it, too. So the second walk only
 * looks at the notes and puts the links back, up to the first object for which this does not hold.
 * From there on it is CPython's (the simulation), by what the first walk has written down of the
 * references in the list.
 *
 * In a full collection most objects have kept the order that an earlier one gave them. An object
 * is *sure* when it is taken for a root, as it was one the last times (gc_roots.c), or when a sure
 * one that stands before it refers to it. It stays in its place, if the guesses come true, and
 * references to it need not be written down. When a guess turns out to be wrong, or there is no
 * room for references, the rest is simulated by visiting the objects.
 *
 * While we are at it, _gc_prev of an object has:
 *     bit 0        FINALIZED, as ever
 *     bit 1        COLLECTING: the object is of this generation
 *     bit 2        SEEN: its own references have been counted
 *     bit 3        DOUBT: it is not sure
 *     bits 4..33   references that are not accounted for
 *     bits 34..63  1 + the place in the list of the first that refers to it, or of the first sure
 *                  one, if that still stands before it; its own place, if there is none before it;
 *                  0: not met yet. In the simulation, when it has been put aside: three
 *                  notes, where its references are, and bit 63 until something refers to it.
 *
 * What must stay true
 * - The order of the survivors, and of the rest, is that of CPython's move_unreachable; tuples
 *   lose their place in the order of that list.
 * - When memory or bits do not suffice, every _gc_prev is put back and nothing has happened.
 */
#include "gc/gc_reach.h"

#include <sys/mman.h>

#include "gc/gc_roots.h"
#include "gc/gc_traverse.h"

enum {
    REACH_SEEN = 1 << 2,
    REACH_DOUBT = 1 << 3,
    REACH_REFS = 4,
    REACH_FIRST = 34,
    REACH_ROOM = 4096,                          /* objects, without asking for memory */
    REACH_KEPT = 1 << 18,                       /* ... and when there was memory once */
    REACH_AHEAD = 24,                           /* how far ahead heads are fetched, */
    REACH_INSIDE = 12,                          /* ... what they lead to, */
    REACH_TARGETS = 4,                          /* ... and the heads of what they refer to */
    REACH_FEW = 8,                              /* items of containers of which that is done */
    REACH_PLACE = REACH_FIRST + 3,              /* of what was put aside: where its links are, */
    REACH_LINKS_MOST = 1 << (63 - REACH_PLACE), /* ... so many at the most */
};
#define REACH_ONE ((uintptr_t)1 << REACH_REFS)
#define REACH_MANY ((uintptr_t)1 << (REACH_FIRST - REACH_REFS - 1)) /* more references: no bits */
#define REACH_MOST ((size_t)1 << (64 - REACH_FIRST - 1))            /* objects */
#define REACH_ASIDE ((uintptr_t)1 << 63)
#define REACH_REFS_MASK (((uintptr_t)1 << REACH_FIRST) - REACH_ONE)

/* What is noted of an object beside its address in `objects`. */
enum {
    REACH_REFERS = 1, /* to others of the generation */
    REACH_LOOSE = 2,  /* to nothing that is tracked for good: it may be untracked */
    REACH_LINKS = 4,  /* it has some in `links` */
    REACH_EARLY = 8,  /* it has been put aside */
    REACH_NOTES = 15,
};

typedef struct {
    uintptr_t *objects; /* heads, and notes in their lowest bits */
    size_t n, room;
    uintptr_t first;  /* 1 + the place of the one that is looked at, shifted; its DOUBT */
    uintptr_t notes;  /* on it */
    bool full;        /* whatever is tracked is collected */
    bool too_many;    /* references, for the bits */
    PyGC_Head *young; /* the list */
    uintptr_t *links; /* references to what is not sure, in order; bit 0: the first of an object */
    size_t n_links, room_links;
    bool guessed; /* there are sure ones */
    size_t limit; /* objects from here on must be visited again */
    /* the second walk: */
    PyGC_Head *last;        /* that has its place */
    PyGC_Head queue, *tail; /* what is to be looked at again, behind the list */
    bool dicts;             /* are untracked, too */
    size_t kept; /* entries at the beginning of objects to come back to at the end: what was put
                  * aside, and dicts */
    Py_ssize_t alive, dead;
} reach;

/* An array that grows: in `small`, then in pages of its own, as blocks of malloc that stay would
 * keep what is freed below them. Those are kept for the next collection: programs that build up
 * much have one soon, and new memory comes page by page. */
typedef struct {
    uintptr_t small[REACH_ROOM];
    uintptr_t *pages; /* NULL: none */
    size_t room;      /* in the pages */
} reach_array;
static reach_array reach_objects, reach_links;

FS_INLINE uintptr_t *reach_items(reach_array *array)
{
    return array->pages != NULL ? array->pages : array->small;
}

FS_INLINE size_t reach_room(const reach_array *array)
{
    return array->pages != NULL ? array->room : REACH_ROOM;
}

FS_INLINE PyGC_Head *reach_head(uintptr_t entry)
{
    return (PyGC_Head *)(entry & ~(uintptr_t)REACH_NOTES);
}

/* Doubles an array's room; false: no memory. */
static bool reach_enlarge(reach_array *array)
{
    size_t size = reach_room(array) * sizeof(uintptr_t);
    void *pages = array->pages != NULL ? mremap(array->pages, size, size * 2, MREMAP_MAYMOVE)
                                       : mmap(NULL, size * 2, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return false;
    }
    if (array->pages == NULL) {
        memcpy(pages, array->small, size);
    }
    array->pages = pages;
    array->room = size * 2 / sizeof(uintptr_t);
    return true;
}

/* At a collection's end. */
static void reach_keep(reach_array *array)
{
    if (array->pages != NULL && array->room > REACH_KEPT) {
        munmap(array->pages, array->room * sizeof(uintptr_t));
        array->pages = NULL;
    }
}

/* ---- the first walk ---- */

/* What _gc_prev begins with. */
FS_INLINE uintptr_t reach_begin(reach *r, PyGC_Head *g)
{
    size_t refs = (size_t)Py_REFCNT(fs_gc_object(g));
    r->too_many |= refs >= REACH_MANY;
    return (g->_gc_prev & _PyGC_PREV_MASK_FINALIZED) | _PyGC_PREV_MASK_COLLECTING |
           refs << REACH_REFS;
}

/* Room for one more link and the end; false: none, those from here on will be visited again. */
static FS_NOINLINE bool reach_grow_links(reach *r)
{
    size_t place = (size_t)(r->first >> REACH_FIRST) - 1;
    size_t room = r->room_links * 2;
    if (r->limit > place && room <= REACH_LINKS_MOST && room <= r->room * 2 &&
        reach_enlarge(&reach_links)) {
        r->links = reach_items(&reach_links);
        r->room_links = reach_room(&reach_links);
        return true;
    }
    r->limit = r->limit > place ? place : r->limit;
    return false;
}

FS_INLINE void reach_link(reach *r, PyGC_Head *g)
{
    if (FS_LIKELY(r->n_links + 1 < r->room_links) || reach_grow_links(r)) {
        r->links[r->n_links++] = (uintptr_t)g | !(r->notes & REACH_LINKS);
        r->notes |= REACH_LINKS;
    }
}

FS_INLINE void reach_subtract(void *state, PyObject *o, Py_ssize_t times)
{
    reach *r = state;
    if (!fs_gc_has_head(o)) {
        return;
    }
    PyGC_Head *g = _Py_AS_GC(o);
    uintptr_t v = g->_gc_prev;
    if (!(v & _PyGC_PREV_MASK_COLLECTING)) {
        if (!r->full || g->_gc_next == 0) {
            /* (an untracked tuple does not hinder the untracking of what has it) */
            r->notes &=
                PyTuple_CheckExact(o) && g->_gc_next == 0 ? ~(uintptr_t)0 : ~(uintptr_t)REACH_LOOSE;
            return;
        }
        v = reach_begin(r, g);
    }
    r->notes |= REACH_REFERS;
    if (!PyTuple_CheckExact(o)) {
        r->notes &= ~(uintptr_t)REACH_LOOSE;
    }
    v -= (uintptr_t)times << REACH_REFS;
    if (v >> REACH_FIRST == 0) {
        v |= r->first;
    } else if (v & ~r->first & REACH_DOUBT && !(v & REACH_SEEN)) {
        v = (v & ~(UINTPTR_MAX << REACH_FIRST | REACH_DOUBT)) | r->first;
    }
    g->_gc_prev = v;
    if (v & REACH_DOUBT) {
        reach_link(r, g);
    }
}

static int reach_asked_subtract(PyObject *o, void *state)
{
    reach_subtract(state, o, 1);
    return 0;
}

/* Fetches what an object whose head is here leads to. */
FS_INLINE void reach_fetch_inside(PyGC_Head *g)
{
    PyObject *o = fs_gc_object(g);
    const PyTypeObject *type = Py_TYPE(o);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        __builtin_prefetch(*_PyObject_ValuesPointer(o));
    } else if (type == &PyDict_Type) {
        __builtin_prefetch(((PyDictObject *)o)->ma_keys);
        __builtin_prefetch((char *)((PyDictObject *)o)->ma_keys + 64);
        __builtin_prefetch(((PyDictObject *)o)->ma_values);
    } else if (type == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    } else {
        __builtin_prefetch((char *)o + 64);
    }
}

FS_INLINE void reach_fetch(void *state FS_UNUSED, PyObject *o, Py_ssize_t times FS_UNUSED)
{
    __builtin_prefetch(o);
}

/* Fetches the heads of what an object refers to, if that is here. */
FS_INLINE void reach_fetch_targets(PyGC_Head *g)
{
    PyObject *o = fs_gc_object(g);
    PyTypeObject *type = Py_TYPE(o);
    traverseproc traverse = type->tp_traverse;
    if (traverse == fs_gc_of_classes) {
        if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
            fs_gc_each_of_values(reach_fetch, NULL, o);
        } else {
            fs_gc_each_of_slots(reach_fetch, NULL, o, type);
        }
        return;
    }
    const fs_gc_known_t *known = fs_gc_find(traverse);
    switch (known->kind) {
    case FS_GC_ROW:
        fs_gc_each_of_places(reach_fetch, NULL, o, known);
        break;
    case FS_GC_TUPLE:
        if (Py_SIZE(o) <= REACH_FEW) {
            fs_gc_row(reach_fetch, NULL, ((PyTupleObject *)o)->ob_item, Py_SIZE(o));
        }
        break;
    case FS_GC_LIST:
        if (Py_SIZE(o) <= REACH_FEW) {
            fs_gc_row(reach_fetch, NULL, ((PyListObject *)o)->ob_item, Py_SIZE(o));
        }
        break;
    case FS_GC_DICT:
        if (((PyDictObject *)o)->ma_used <= REACH_FEW) {
            fs_gc_each_of_dict(reach_fetch, NULL, (PyDictObject *)o);
        }
        break;
    case FS_GC_GENERATOR:
        if (((PyGenObject *)o)->gi_frame_state < FRAME_CLEARED) {
            _PyInterpreterFrame *frame = (_PyInterpreterFrame *)((PyGenObject *)o)->gi_iframe;
            fs_gc_one(reach_fetch, NULL, (PyObject *)frame->f_func);
            fs_gc_row(reach_fetch, NULL, frame->localsplus, frame->stacktop);
        }
        break;
    default:
        break;
    }
}

/* Fetches what the walk over the objects will need soon after the one at i. */
FS_INLINE void reach_fetch_ahead(const reach *r, size_t i)
{
    if (i + REACH_INSIDE < r->n) {
        reach_fetch_inside(reach_head(r->objects[i + REACH_INSIDE]));
    }
    if (i + REACH_TARGETS < r->n) {
        reach_fetch_targets(reach_head(r->objects[i + REACH_TARGETS]));
    }
}

/* Room for one more; false: no memory. */
static FS_NOINLINE bool reach_grow(reach *r)
{
    if (r->room * 2 > REACH_MOST || !reach_enlarge(&reach_objects)) {
        return false;
    }
    r->objects = reach_items(&reach_objects);
    r->room = reach_room(&reach_objects);
    return true;
}

/* Takes the object behind the last that has been taken into `objects`; false: no memory. */
FS_INLINE bool reach_take(reach *r, PyGC_Head *g)
{
    if (FS_UNLIKELY(r->n == r->room) && !reach_grow(r)) {
        return false;
    }
    r->objects[r->n++] = (uintptr_t)g;
    return true;
}

FS_INLINE void reach_look(reach *r, size_t i)
{
    PyGC_Head *g = (PyGC_Head *)r->objects[i];
    PyObject *o = fs_gc_object(g);
    uintptr_t v = g->_gc_prev;
    r->first = (uintptr_t)(i + 1) << REACH_FIRST;
    if (!(v & _PyGC_PREV_MASK_COLLECTING)) {
        v = reach_begin(r, g);
    }
    if (v >> REACH_FIRST == 0) {
        bool sure = r->full && fs_gc_roots_guess(g);
        r->guessed |= sure;
        v |= r->first | (sure ? 0 : REACH_DOUBT);
    }
    g->_gc_prev = v | REACH_SEEN;
    r->first |= v & REACH_DOUBT;
    r->notes = REACH_LOOSE;
    fs_gc_each(reach_subtract, reach_asked_subtract, r, o);
    r->objects[i] = (uintptr_t)g | r->notes;
}

/* All of it in one go, as what is met is sure to be of the list: heads come in a few ahead. */
static bool reach_walk_full(reach *r)
{
    PyGC_Head *ahead = fs_gc_next(r->young);
    for (size_t i = 0;; i++) {
        while (ahead != r->young && r->n < i + REACH_AHEAD) {
            if (!reach_take(r, ahead)) {
                return false;
            }
            ahead = fs_gc_next(ahead);
            __builtin_prefetch(ahead);
        }
        if (i == r->n) {
            return true;
        }
        reach_fetch_ahead(r, i);
        reach_look(r, i);
    }
}

/* The same when others are tracked that are not of the list: all heads first. */
static bool reach_walk(reach *r)
{
    for (PyGC_Head *g = fs_gc_next(r->young); g != r->young; g = fs_gc_next(g)) {
        if (!reach_take(r, g)) {
            return false;
        }
        g->_gc_prev = reach_begin(r, g);
    }
    for (size_t i = 0; i < r->n; i++) {
        reach_look(r, i);
    }
    return true;
}

/* Puts every _gc_prev back. */
static void reach_undo(reach *r)
{
    PyGC_Head *last = r->young;
    do {
        PyGC_Head *g = fs_gc_next(last);
        g->_gc_prev =
            (uintptr_t)last | (g == r->young ? 0 : g->_gc_prev & _PyGC_PREV_MASK_FINALIZED);
        last = g;
    } while (last != r->young);
}

/* ---- the second walk ---- */

FS_INLINE bool reach_is_loose(PyObject *o)
{
    return !fs_gc_has_head(o) || (PyTuple_CheckExact(o) && !_PyObject_GC_IS_TRACKED(o));
}

static bool reach_is_loose_tuple(PyObject *o)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++) {
        PyObject *item = PyTuple_GET_ITEM(o, i);
        if (item == NULL || !reach_is_loose(item)) {
            return false;
        }
    }
    return true;
}

static void reach_visit_loose(void *state, PyObject *o, Py_ssize_t times FS_UNUSED)
{
    bool *loose = state;
    *loose = *loose && reach_is_loose(o);
}

/* Takes a reachable dict out of its list if no cycle can come through it. */
static bool reach_untrack_dict(PyGC_Head *g)
{
    bool loose = true;
    fs_gc_each_of_dict(reach_visit_loose, &loose, (PyDictObject *)fs_gc_object(g));
    if (loose) {
        _PyObject_GC_UNTRACK(fs_gc_object(g));
    }
    return loose;
}

/* A reachable object gets its place behind the last that has one, or none: then it is a tuple
 * without anything that is tracked. */
FS_INLINE void reach_place(reach *r, PyGC_Head *g, uintptr_t notes)
{
    uintptr_t finalized = g->_gc_prev & _PyGC_PREV_MASK_FINALIZED;
    PyObject *o = fs_gc_object(g);
    if (FS_UNLIKELY(notes & REACH_LOOSE)) {
        if (PyTuple_CheckExact(o)) {
            if (reach_is_loose_tuple(o)) {
                g->_gc_next = 0;
                g->_gc_prev = finalized;
                return;
            }
        } else if (r->dicts && PyDict_CheckExact(o) && !(notes & REACH_EARLY)) {
            r->objects[r->kept++] = (uintptr_t)g | notes;
        }
    }
    g->_gc_prev = (uintptr_t)r->last | finalized;
    if (fs_gc_next(r->last) != g) {
        r->last->_gc_next = (uintptr_t)g;
    }
    r->last = g;
    r->alive++;
}

/* CPython's visit_reachable. */
FS_INLINE void reach_mark(void *state, PyObject *o, Py_ssize_t times FS_UNUSED)
{
    reach *r = state;
    if (!fs_gc_has_head(o)) {
        return;
    }
    PyGC_Head *g = _Py_AS_GC(o);
    uintptr_t v = g->_gc_prev;
    if (!(v & _PyGC_PREV_MASK_COLLECTING) || (v & REACH_REFS_MASK) != 0) {
        return;
    }
    v |= REACH_ONE;
    if (v >= REACH_ASIDE) { /* it was met too early: it comes again */
        v &= ~REACH_ASIDE;
        r->tail->_gc_next = (uintptr_t)g;
        r->tail = g;
    }
    g->_gc_prev = v;
}

static int reach_asked_mark(PyObject *o, void *state)
{
    reach_mark(state, o, 1);
    return 0;
}

/* Remembers the object at i, if it has been found to be held from outside and by none before it. */
FS_INLINE void reach_place_root(const reach *r, size_t i, uintptr_t v)
{
    if (v >> REACH_FIRST == i + 1 && r->full) {
        fs_gc_roots_add(reach_head(r->objects[i]));
    }
}

/* The first link of the next object that has some. */
FS_INLINE size_t reach_skip_links(const reach *r, size_t link)
{
    do {
        link++;
    } while (!(r->links[link] & 1));
    return link;
}

/* Marks what an object has links to; gives the first link of the next. */
FS_INLINE size_t reach_mark_links(reach *r, size_t link)
{
    do {
        reach_mark(r, fs_gc_object(reach_head(r->links[link])), 1);
        link++;
    } while (!(r->links[link] & 1));
    return link;
}

/* Whether the object at i is held, marked, or referred to by one that keeps its place and was not
 * visited for that: all those before `from`, and sure ones. */
FS_INLINE bool reach_stays(reach *r, size_t i, uintptr_t v, size_t from)
{
    size_t first = (size_t)(v >> REACH_FIRST) - 1;
    if ((v & REACH_REFS_MASK) != 0 || first < from) {
        return true;
    }
    if (v & REACH_DOUBT) {
        return false;
    }
    if (first == i) { /* it was taken for a root, and is none */
        r->limit = i < r->limit ? i : r->limit;
        return false;
    }
    return first < r->limit;
}

/* The object at i is not reachable so far. */
FS_INLINE void reach_put_aside(reach *r, size_t i, size_t link)
{
    uintptr_t entry = r->objects[i];
    PyGC_Head *g = reach_head(entry);
    g->_gc_prev = (g->_gc_prev & ~(UINTPTR_MAX << REACH_FIRST)) | REACH_ASIDE |
                  (uintptr_t)link << REACH_PLACE |
                  (entry & (REACH_REFERS | REACH_LOOSE | REACH_LINKS)) << REACH_FIRST;
    r->objects[r->kept++] = entry | REACH_EARLY;
}

/* What was put aside and has been met since, in that order. */
static void reach_simulate_queue(reach *r)
{
    while (r->tail != &r->queue) {
        PyGC_Head *g = fs_gc_next(&r->queue);
        uintptr_t notes = g->_gc_prev >> REACH_FIRST;
        if (r->limit != SIZE_MAX) {
            if (notes & REACH_REFERS) {
                fs_gc_each(reach_mark, reach_asked_mark, r, fs_gc_object(g));
            }
        } else if (notes & REACH_LINKS) {
            reach_mark_links(r, (size_t)(notes >> (REACH_PLACE - REACH_FIRST)));
        }
        r->queue._gc_next = g->_gc_next; /* (a tuple may lose it now) */
        r->tail = r->tail == g ? &r->queue : r->tail;
        reach_place(r, g, (notes & REACH_LOOSE) | REACH_EARLY);
    }
}

/* The rest of the list as CPython goes through it, from the first on that may have to move or is
 * not sure: what those before it refer to first is reachable, as all of them are. `link` is its
 * first link, or the first of those behind it. */
static FS_NOINLINE void reach_simulate(reach *r, size_t from, size_t link)
{
    r->tail = &r->queue;
    for (size_t i = from; i < r->n; i++) {
        uintptr_t entry = r->objects[i];
        PyGC_Head *g = reach_head(entry);
        uintptr_t v = g->_gc_prev;
        if (i + REACH_AHEAD < r->n) {
            __builtin_prefetch(reach_head(r->objects[i + REACH_AHEAD]), 1);
        }
        if (!reach_stays(r, i, v, from)) {
            reach_put_aside(r, i, link);
            link = entry & REACH_LINKS ? reach_skip_links(r, link) : link;
            continue;
        }
        if (i < r->limit) {
            link = entry & REACH_LINKS ? reach_mark_links(r, link) : link;
        } else if (entry & REACH_REFERS) {
            fs_gc_each(reach_mark, reach_asked_mark, r, fs_gc_object(g));
        }
        reach_place_root(r, i, v);
        reach_place(r, g, entry);
    }
    reach_simulate_queue(r);
}

/* Everything that is reachable gets its place, in order; true: it took the simulation. (It begins
 * at the first that is not sure, unless none is: only those not sure may have another FIRST than
 * the first that refers to them, and only from others that are not.) */
static bool reach_second_walk(reach *r)
{
    size_t link = 0;
    for (size_t i = 0; i < r->n; i++) {
        uintptr_t entry = r->objects[i];
        PyGC_Head *g = reach_head(entry);
        uintptr_t v = g->_gc_prev;
        bool stays = (v & REACH_REFS_MASK) != 0 || v >> REACH_FIRST <= i;
        if (!stays || (r->guessed && v & REACH_DOUBT)) {
            reach_simulate(r, i, link);
            return true;
        }
        if (i + REACH_AHEAD < r->n) {
            __builtin_prefetch(reach_head(r->objects[i + REACH_AHEAD]), 1);
        }
        link = entry & REACH_LINKS ? reach_skip_links(r, link) : link;
        reach_place_root(r, i, v);
        reach_place(r, g, entry);
    }
    return false;
}

/* Makes lists of it: the survivors behind `alive`, the rest in the generation's own. */
static void reach_divide(reach *r, PyGC_Head *alive)
{
    PyGC_Head *young = r->young;
    if (r->last != young) {
        fs_gc_join(fs_gc_last(alive), fs_gc_next(young));
        fs_gc_join(r->last, alive);
    }
    fs_gc_make_empty(young);
    for (size_t i = 0; i < r->kept; i++) {
        PyGC_Head *g = reach_head(r->objects[i]);
        if (g->_gc_prev >= REACH_ASIDE) {
            g->_gc_prev &= _PyGC_PREV_MASK_FINALIZED;
            fs_gc_add(g, young);
            r->dead++;
        } else if (r->dicts && r->objects[i] & REACH_LOOSE && g->_gc_next != 0 &&
                   PyDict_CheckExact(fs_gc_object(g)) && reach_untrack_dict(g)) {
            r->alive--;
        }
    }
}

fs_gc_result fs_gc_reach(PyGC_Head *young, PyGC_Head *alive, bool full, bool dicts)
{
    reach r = {
        .objects = reach_items(&reach_objects),
        .room = reach_room(&reach_objects),
        .young = young,
        .last = young,
        .full = full,
        .dicts = dicts,
        .links = reach_items(&reach_links),
        .room_links = reach_room(&reach_links),
        .limit = SIZE_MAX,
    };
    fs_gc_result result = {.done = full ? reach_walk_full(&r) : reach_walk(&r)};
    result.done = result.done && !r.too_many;
    if (result.done) {
        r.links[r.n_links] = 1;
        result.simulated = reach_second_walk(&r);
        reach_divide(&r, alive);
        if (full) {
            fs_gc_roots_turn();
        }
    } else {
        reach_undo(&r);
    }
    reach_keep(&reach_objects);
    reach_keep(&reach_links);
    result.alive = r.alive;
    result.dead = r.dead;
    return result;
}
