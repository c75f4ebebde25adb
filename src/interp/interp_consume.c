/* Builtins that take a generator's values one after the other: any, all, sum, list, tuple, set,
 * frozenset, sorted, min, max.
 *
 * A call of one with a generator (CALL_CONSUME) runs the generator's frame in the running loop.
 * What it yields is taken where it stands, and the frame goes on at once, as long as that runs no
 * Python code; then the frame need not be taken off between. Else the builtin's own way is gone
 * for the rest (fs_consume_rest). The stack holds what was gathered so far (or NULL), the builtin,
 * the generator. A trace calls in the same way (jit_call.c): the call is then over when the loop
 * is left.
 *
 * What must stay true:
 * - The generator has a reference more while the call lasts, as the builtin's iterator would be.
 * - A list grows as list() lets it grow: sys.getsizeof() tells. So does a tuple, whose size says
 * how many items it has by now: its room is known by that.
 */
#include "interp/interp.h"

#include "interp/interp_num.h"
#include "jit/jit_help.h"
#include "jit/jit_hooks.h"
#include "spec/spec_call.h"

enum {
    CONSUME_ROOM = 8,        /* items that list() makes room for at first */
    CONSUME_TUPLE_ROOM = 10, /* and tuple() */
};

int fs_consumer_of(PyObject *callable)
{
    if (PyType_Check(callable)) {
        return callable == (PyObject *)&PyList_Type        ? FS_CONSUMER_LIST
               : callable == (PyObject *)&PyTuple_Type     ? FS_CONSUMER_TUPLE
               : callable == (PyObject *)&PySet_Type       ? FS_CONSUMER_SET
               : callable == (PyObject *)&PyFrozenSet_Type ? FS_CONSUMER_SET
                                                           : FS_CONSUMER_NONE;
    }
    if (callable == fs_call_known.any) {
        return FS_CONSUMER_ANY;
    }
    if (callable == fs_call_known.all) {
        return FS_CONSUMER_ALL;
    }
    return callable == fs_call_known.sum      ? FS_CONSUMER_SUM
           : callable == fs_call_known.min    ? FS_CONSUMER_MIN
           : callable == fs_call_known.max    ? FS_CONSUMER_MAX
           : callable == fs_call_known.sorted ? FS_CONSUMER_SORTED
                                              : FS_CONSUMER_NONE;
}

static bool consume_chooses(int consumer)
{
    return consumer == FS_CONSUMER_MIN || consumer == FS_CONSUMER_MAX;
}

static bool consume_makes_list(int consumer)
{
    return consumer == FS_CONSUMER_LIST || consumer == FS_CONSUMER_SORTED;
}

/* An empty list with the room that list() gives it. */
static PyObject *consume_new_list(void)
{
    PyListObject *list = (PyListObject *)PyType_GenericAlloc(&PyList_Type, 0);
    PyObject **items = PyMem_New(PyObject *, CONSUME_ROOM);
    if (list == NULL || items == NULL) {
        Py_XDECREF(list);
        PyMem_Free(items);
        return NULL;
    }
    list->ob_item = items;
    list->allocated = CONSUME_ROOM;
    return (PyObject *)list;
}

static PyObject *consume_new_tuple(void)
{
    PyObject *tuple = PyTuple_New(CONSUME_TUPLE_ROOM);
    if (tuple != NULL) {
        Py_SET_SIZE(tuple, 0);
    }
    return tuple;
}

/* How many items an iterator has, or has `given`, when it is one of CPython's for lists, tuples and
 * ranges; else many. */
static uint8_t consume_turns(PyObject *it, bool given)
{
    Py_ssize_t n = FS_GEN_TURNS_MANY;
    if (it == NULL) {
        return FS_GEN_TURNS_MANY;
    }
    if (Py_IS_TYPE(it, &PyRangeIter_Type)) {
        const fs_pyrt_rangeiter *range = (const fs_pyrt_rangeiter *)it;
        n = given ? range->index : range->len;
    } else if (Py_IS_TYPE(it, &PyListIter_Type) || Py_IS_TYPE(it, &PyTupleIter_Type)) {
        const fs_pyrt_seqiter *items = (const fs_pyrt_seqiter *)it;
        n = given ? items->index : items->seq == NULL ? 0 : Py_SIZE(items->seq);
    }
    return (uint8_t)(n < FS_GEN_TURNS_MANY ? n : FS_GEN_TURNS_MANY);
}

static bool consume_asks_truth(int consumer)
{
    return consumer == FS_CONSUMER_ANY || consumer == FS_CONSUMER_ALL;
}

/* The loop of a generator expression has taken so many items: the most of late, how often that has
 * held, and whether all took as many. */
static void consume_count(fs_code *co, uint8_t turns)
{
    if (turns > co->gen_turns || co->gen_calls == UINT8_MAX) {
        co->gen_turns = turns;
        co->gen_calls = 0;
        co->gen_varies = false;
    } else {
        co->gen_varies |= turns != co->gen_turns;
        co->gen_calls++;
    }
}

/* A new generator is about to be consumed. */
static void consume_measure(const PyGenObject *gen, fs_code *co, int consumer)
{
    if (gen->gi_frame_state != FRAME_CREATED || co->gen_loop < 0) {
        return;
    }
    co->gen_length =
        consume_turns(((const _PyInterpreterFrame *)gen->gi_iframe)->localsplus[0], false);
    if (!consume_asks_truth(consumer)) {
        consume_count(co, co->gen_length);
    }
}

/* any() and all() are often over before the loop is; `ended`: not now. */
static void consume_measure_truth(const PyGenObject *gen, bool ended)
{
    fs_code *co = fs_pyrt_code_get(gen->gi_code);
    if (co == NULL || co->gen_loop < 0) {
        return;
    }
    PyObject *it = ended ? NULL : ((const _PyInterpreterFrame *)gen->gi_iframe)->localsplus[0];
    consume_count(co, it == NULL ? co->gen_length : consume_turns(it, true));
}

bool fs_consume_begin(PyObject **base, fs_code *co)
{
    int consumer = fs_consumer_of(base[1]);
    consume_measure((PyGenObject *)base[2], co, consumer);
    PyObject *gathered = NULL;
    if (consumer == FS_CONSUMER_SUM) {
        gathered = Py_NewRef(fs_num_small(0));
    } else if (consumer >= FS_CONSUMER_LIST) {
        struct _gc_runtime_state *gc = &_PyInterpreterState_GET()->gc;
        if (gc->enabled && gc->generations[0].count >= gc->generations[0].threshold) {
            return false;
        }
        gathered = consume_makes_list(consumer)         ? consume_new_list()
                   : consumer == FS_CONSUMER_TUPLE      ? consume_new_tuple()
                   : base[1] == (PyObject *)&PySet_Type ? PySet_New(NULL)
                                                        : PyFrozenSet_New(NULL);
        if (gathered == NULL) {
            PyErr_Clear();
            return false;
        }
    }
    base[0] = gathered;
    return true;
}

/* Adds to a list that knows its room. */
static int consume_append(PyListObject *list, PyObject *v)
{
    if (FS_LIKELY(Py_SIZE(list) < list->allocated)) {
        PyList_SET_ITEM(list, Py_SIZE(list), v);
        Py_SET_SIZE(list, Py_SIZE(list) + 1);
        return 0;
    }
    int failed = PyList_Append((PyObject *)list, v);
    Py_DECREF(v);
    return failed;
}

/* How many items fit into a tuple that has n. */
static Py_ssize_t consume_tuple_room(Py_ssize_t n)
{
    Py_ssize_t room = CONSUME_TUPLE_ROOM;
    while (room < n) {
        room += CONSUME_TUPLE_ROOM;
        room += room >> 2;
    }
    return room;
}

/* Adds to a tuple (v stolen). It is lost, and its place NULL, when there is no memory. */
static int consume_add_item(PyObject **place, PyObject *v)
{
    Py_ssize_t n = *place == NULL ? 0 : Py_SIZE(*place);
    if (FS_UNLIKELY(*place == NULL || (n >= CONSUME_TUPLE_ROOM && n == consume_tuple_room(n)))) {
        if (*place == NULL || _PyTuple_Resize(place, consume_tuple_room(n + 1)) < 0) {
            Py_DECREF(v);
            PyErr_NoMemory();
            return -1;
        }
    }
    PyTuple_SET_ITEM(*place, n, v);
    Py_SET_SIZE(*place, n + 1);
    return 0;
}

PyObject *fs_consume_gathered(PyObject **values, Py_ssize_t n)
{
    PyObject *tuple = PyTuple_New(consume_tuple_room(n));
    if (tuple == NULL) {
        PyErr_Clear();
        return NULL;
    }
    memcpy(((PyTupleObject *)tuple)->ob_item, values, (size_t)n * sizeof(*values));
    Py_SET_SIZE(tuple, n);
    return tuple;
}

static bool consume_is_leaf(PyObject *v)
{
    return PyLong_CheckExact(v) || PyFloat_CheckExact(v) || PyUnicode_CheckExact(v) ||
           PyBytes_CheckExact(v);
}

/* Whether a set of such finds it without anybody noticing. */
static bool consume_is_key(PyObject *v)
{
    if (consume_is_leaf(v) || v == Py_None || PyBool_Check(v)) {
        return true;
    }
    bool plain = PyTuple_CheckExact(v);
    for (Py_ssize_t i = 0; plain && i < Py_SIZE(v); i++) {
        plain = consume_is_leaf(PyTuple_GET_ITEM(v, i));
    }
    return plain;
}

static bool consume_is_number(PyObject *v)
{
    return PyLong_CheckExact(v) || PyFloat_CheckExact(v) || PyBool_Check(v);
}

/* Whether it is an int of one digit, and which. */
FS_INLINE bool consume_is_short(PyObject *v, int64_t *value)
{
    if (!PyLong_CheckExact(v) || (size_t)(Py_SIZE(v) + 1) > 2) {
        return false;
    }
    *value = Py_SIZE(v) * (int64_t)((PyLongObject *)v)->ob_digit[0];
    return true;
}

/* Adds a number to one that nobody but us may have (stolen); NULL: no memory, nothing done. */
static PyObject *consume_add(PyObject *sum, PyObject *v)
{
    int64_t a, b;
    if (consume_is_short(sum, &a) && consume_is_short(v, &b)) {
        return fs_jit_rebox_int(a + b, sum);
    }
    if (PyFloat_CheckExact(sum) && PyFloat_CheckExact(v)) {
        return fs_jit_rebox_float(PyFloat_AS_DOUBLE(sum) + PyFloat_AS_DOUBLE(v), sum);
    }
    PyObject *made = PyNumber_Add(sum, v);
    if (made != NULL) {
        Py_DECREF(sum);
    }
    return made;
}

static int consume_number(PyObject **base, PyObject *v)
{
    if (!consume_is_number(v) || !consume_is_number(base[0])) {
        return FS_CONSUME_ASK;
    }
    PyObject *sum = consume_add(base[0], v);
    if (FS_UNLIKELY(sum == NULL)) {
        PyErr_Clear(); /* the long way says so */
        return FS_CONSUME_ASK;
    }
    base[0] = sum;
    if (--v->ob_refcnt == 0) {
        fs_num_dealloc(v);
    }
    return FS_CONSUME_MORE;
}

/* Whether min() or max() takes v in place of what it has, both of a kind that is compared without
 * running code; -1: somebody must be asked. */
static int consume_is_better(PyObject *v, PyObject *best, int consumer)
{
    int64_t a, b;
    int way;
    if (consume_is_short(v, &a) && consume_is_short(best, &b)) {
        way = (a > b) - (a < b);
    } else if (PyFloat_CheckExact(v) && PyFloat_CheckExact(best)) {
        double x = PyFloat_AS_DOUBLE(v), y = PyFloat_AS_DOUBLE(best);
        way = (x > y) - (x < y);
    } else if (PyUnicode_CheckExact(v) && PyUnicode_CheckExact(best) && PyUnicode_IS_READY(v) &&
               PyUnicode_IS_READY(best)) {
        way = PyUnicode_Compare(v, best);
    } else {
        return -1;
    }
    return consumer == FS_CONSUMER_MIN ? way < 0 : way > 0;
}

static int consume_choose(PyObject **base, PyObject *v, int consumer)
{
    int better = base[0] == NULL ? 1 : consume_is_better(v, base[0], consumer);
    if (better < 0) {
        return FS_CONSUME_ASK;
    }
    PyObject *other = better ? base[0] : v;
    if (better) {
        base[0] = v;
    }
    if (other != NULL && --other->ob_refcnt == 0) { /* (of a kind that ends quietly) */
        fs_num_dealloc(other);
    }
    return FS_CONSUME_MORE;
}

/* To a set or tuple. */
static int consume_into(PyObject **base, PyObject *v, int consumer)
{
    if (consumer == FS_CONSUMER_TUPLE) {
        if (FS_UNLIKELY(fs_consume_item(base, v) < 0)) {
            return FS_CONSUME_ASK; /* the long way says so */
        }
        v->ob_refcnt--; /* (the tuple has it) */
        return FS_CONSUME_MORE;
    }
    if (fs_consume_key(base[0], v) < 0) {
        return FS_CONSUME_ASK;
    }
    if (--v->ob_refcnt == 0) {
        fs_num_dealloc(v);
    }
    return FS_CONSUME_MORE;
}

int32_t fs_consume_item(PyObject **place, PyObject *v)
{
    int failed = consume_add_item(place, Py_NewRef(v));
    if (FS_UNLIKELY(failed < 0)) {
        PyErr_Clear();
    }
    return failed;
}

int32_t fs_consume_key(PyObject *set, PyObject *v)
{
    if (fs_set_add_short((PySetObject *)set, v)) {
        return 0;
    }
    if (!consume_is_key(v)) {
        return -1;
    }
    int failed = PySet_Add(set, v);
    if (FS_UNLIKELY(failed < 0)) {
        PyErr_Clear();
    }
    return failed;
}

int fs_consume_quietly(PyObject **base, PyObject *v)
{
    int consumer = fs_consumer_of(base[1]);
    if (consumer > FS_CONSUMER_SORTED) {
        return consume_into(base, v, consumer);
    }
    if (consumer == FS_CONSUMER_SUM) {
        return consume_number(base, v);
    }
    if (consume_chooses(consumer)) {
        return consume_choose(base, v, consumer);
    }
    if (consume_makes_list(consumer)) {
        PyListObject *list = (PyListObject *)base[0];
        if (FS_UNLIKELY(Py_SIZE(list) == list->allocated)) {
            if (PyList_Append((PyObject *)list, v) < 0) {
                PyErr_Clear(); /* the long way says so */
                return FS_CONSUME_ASK;
            }
            v->ob_refcnt--; /* (the list has it) */
            return FS_CONSUME_MORE;
        }
        (void)consume_append(list, v);
        return FS_CONSUME_MORE;
    }
    int truth = v == Py_True ? 1 : v == Py_False || v == Py_None ? 0 : fs_truth_known(v);
    if (truth == (consumer == FS_CONSUMER_ALL) && (Py_REFCNT(v) > 1 || consume_is_leaf(v))) {
        if (--v->ob_refcnt == 0) {
            fs_num_dealloc(v);
        }
        return FS_CONSUME_MORE;
    }
    return FS_CONSUME_ASK;
}

/* What sorted() does with its list (stolen). The bound method is an object that the collector
 * counts: it is made here, too. */
static PyObject *consume_sort(PyObject *list)
{
    static PyObject *name;
    if (name == NULL && (name = PyUnicode_InternFromString("sort")) == NULL) {
        Py_DECREF(list);
        return NULL;
    }
    PyObject *method = PyObject_GetAttr(list, name);
    PyObject *none = method == NULL ? NULL : PyObject_CallNoArgs(method);
    Py_XDECREF(method);
    if (none == NULL) {
        Py_DECREF(list);
        return NULL;
    }
    Py_DECREF(none);
    return list;
}

/* The result when the values are at their end (a new reference; NULL: failed). */
static PyObject *consume_finish(PyObject **base)
{
    int consumer = fs_consumer_of(base[1]);
    PyObject *gathered = base[0];
    if (consume_asks_truth(consumer)) {
        consume_measure_truth((PyGenObject *)base[2], true);
        return PyBool_FromLong(consumer == FS_CONSUMER_ALL);
    }
    base[0] = NULL;
    if (gathered == NULL && consume_chooses(consumer)) {
        PyErr_Format(PyExc_ValueError, "%s() arg is an empty sequence",
                     consumer == FS_CONSUMER_MIN ? "min" : "max");
        return NULL;
    }
    if (consumer == FS_CONSUMER_TUPLE) {
        Py_ssize_t size = Py_SIZE(gathered);
        Py_SET_SIZE(gathered, consume_tuple_room(size));
        (void)_PyTuple_Resize(&gathered, size);
        return gathered;
    }
    PyListObject *list = (PyListObject *)gathered;
    if (consume_makes_list(consumer) && Py_SIZE(list) < list->allocated / 2) {
        /* (list() gives back what it does not need when that is more than half) */
        Py_ssize_t size = Py_SIZE(list);
        Py_ssize_t room = size == 0 ? 0 : (size + (size >> 3) + 6) & ~(Py_ssize_t)3;
        PyObject **items = PyMem_Realloc(list->ob_item, (size_t)room * sizeof(*items));
        if (items != NULL) {
            list->ob_item = items;
            list->allocated = room;
        }
    }
    return consumer == FS_CONSUMER_SORTED ? consume_sort(gathered) : gathered;
}

/* min() and max(), by the values' own comparison. */
static int consume_ask_better(PyObject **base, PyObject *v, int consumer)
{
    int op = consumer == FS_CONSUMER_MIN ? Py_LT : Py_GT;
    int better = base[0] == NULL ? 1 : PyObject_RichCompareBool(v, base[0], op);
    PyObject *other = v;
    if (better > 0) {
        other = base[0];
        base[0] = v;
    }
    Py_XDECREF(other);
    return better < 0 ? -1 : 0;
}

/* Takes one value the builtin's way, which may run anything: 1 when that was all, -1: failed. */
static int consume_value(PyObject **base, PyObject *v)
{
    int consumer = fs_consumer_of(base[1]);
    if (consume_makes_list(consumer)) {
        return consume_append((PyListObject *)base[0], v);
    }
    if (consumer == FS_CONSUMER_TUPLE) {
        return consume_add_item(&base[0], v);
    }
    if (consumer == FS_CONSUMER_SET) {
        int failed = PySet_Add(base[0], v);
        Py_DECREF(v);
        return failed;
    }
    if (consumer == FS_CONSUMER_SUM) {
        PyObject *sum = PyNumber_Add(base[0], v);
        PyObject *old = base[0];
        base[0] = sum;
        Py_DECREF(old);
        Py_DECREF(v);
        return sum == NULL ? -1 : 0;
    }
    if (consume_chooses(consumer)) {
        return consume_ask_better(base, v, consumer);
    }
    int truth = PyObject_IsTrue(v);
    Py_DECREF(v);
    return truth < 0 ? -1 : truth == (consumer == FS_CONSUMER_ANY);
}

/* The call is over: result (stolen; NULL: failed) in place of its operands. */
static fs_next consume_leave(fs_ctx *ctx, PyObject *result)
{
    PyObject **base = ctx->sp - 3;
    bool called = base == ctx->consuming;
    fs_consume_release(ctx);
    ctx->returned = result;
    if (result == NULL) {
        ctx->ip--;
        return called ? FS_LEAVE : FS_FAIL;
    }
    PyObject *gathered = base[0], *builtin = base[1], *gen = base[2];
    base[0] = result;
    ctx->sp = base + 1;
    ctx->ip += FS_CALL_LENGTH - 1;
    Py_XDECREF(gathered);
    fs_generator_drop(ctx->ts, (PyGenObject *)gen);
    Py_DECREF(builtin);
    return called ? FS_LEAVE : FS_GO_ON;
}

fs_next fs_consume_rest(fs_ctx *ctx, PyObject *v)
{
    PyObject **base = ctx->sp - 3;
    PyObject *gen = base[2];
    fs_jit_loses_frame(ctx, (_PyInterpreterFrame *)((PyGenObject *)gen)->gi_iframe);
    int state = 0;
    while (v != NULL && state == 0) {
        state = consume_value(base, v);
        v = state == 0 ? Py_TYPE(gen)->tp_iternext(gen) : NULL;
    }
    if (state == 0 && ctx->ts->curexc_type != NULL) {
        if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
            PyErr_Clear();
        } else {
            state = -1;
        }
    }
    PyObject *result = NULL;
    if (state > 0) {
        consume_measure_truth((PyGenObject *)gen, false);
        result = PyBool_FromLong(fs_consumer_of(base[1]) == FS_CONSUMER_ANY);
    } else if (state == 0) {
        result = consume_finish(base);
    }
    return consume_leave(ctx, result);
}

fs_next fs_consume_end(fs_ctx *ctx, PyObject *value)
{
    Py_DECREF(value);
    return consume_leave(ctx, consume_finish(ctx->sp - 3));
}

void fs_consume_release(fs_ctx *ctx)
{
    PyObject **base = ctx->sp - 3;
    if (base[1] == (PyObject *)&PyTuple_Type && base[0] != NULL) {
        Py_SET_SIZE(base[0], consume_tuple_room(Py_SIZE(base[0])));
    }
    ctx->ts->recursion_remaining += fs_consume_levels(base[1]);
    Py_DECREF(base[2]); /* (the stack has it, too) */
}
