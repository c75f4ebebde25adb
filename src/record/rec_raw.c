/* Recording items that are numbers in memory, read and written without boxes: of bytes, bytearray,
 * array.array, memoryview and NumPy's arrays.
 *
 * What stands in an object's header (size, where the items are, of what kind) is loaded and guarded
 * at each access; what does not change in a loop is hoisted by the passes like any other load. */
#include "record/rec.h"

#include <float.h>

/* Where a container has its items, and of what kind. */
typedef struct {
    fs_ref base; /* of the items */
    int offset, mem, alias;
    PyTypeObject *scalar; /* what an item comes out as: a NumPy scalar; NULL: an int or float */
    fs_ref size;          /* of the first dimension */
    Py_ssize_t now_size;
    bool readonly;
} rec_raw;

bool rec_index_seen(rec_state *R, rec_slot *slot, Py_ssize_t *value)
{
    if (fs_ref_is_const(slot->ref) && fs_ir_type(R->ir, slot->ref) == FS_T_I64) {
        *value = (Py_ssize_t)fs_ir_constant(R->ir, slot->ref)->i;
        return true;
    }
    PyObject *o = slot->seen;
    if (o != NULL && fs_pyrt_numpy_scalar(Py_TYPE(o)) == FS_NUMPY_INT64) {
        *value = (Py_ssize_t)((fs_pyrt_scalar *)o)->value.i;
        return true;
    }
    if (o == NULL || !PyLong_Check(o) || Py_ABS(Py_SIZE(o)) > 2) {
        return false;
    }
    *value = (Py_ssize_t)PyLong_AsLongLong(o);
    return true;
}

fs_ref rec_checked_index(rec_state *R, rec_slot *key, fs_ref size, Py_ssize_t now_size)
{
    Py_ssize_t i;
    if (!rec_index_seen(R, key, &i) || i >= now_size || i < -now_size) {
        return 0;
    }
    fs_ref index = rec_int(R, key);
    if (i < 0) {
        index = rec_op2(R, FS_IR_ADD, FS_T_I64, index, size);
    }
    rec_guard(R, FS_ULT, index, size);
    return index;
}

/* How items of a type code of array.array (of the struct module, native) lie in memory; -1: another
 * way. */
static int raw_mem(char typecode)
{
    switch (typecode) {
    case 'd':
        return FS_M_F64;
    case 'f':
        return FS_M_F32;
    case 'b':
        return FS_M_I8;
    case 'B':
        return FS_M_U8;
    case 'h':
        return FS_M_I16;
    case 'H':
        return FS_M_U16;
    case 'i':
        return FS_M_I32;
    case 'I':
        return FS_M_U32;
    case 'l':
    case 'q':
        return FS_M_I64;
    default:
        return -1;
    }
}

/* ---- containers of one dimension: bytes, bytearray, array.array ---- */

static bool raw_find_plain(rec_state *R, rec_slot *container, PyTypeObject *type, rec_raw *raw)
{
    PyObject *seen = container->seen;
    int items = 0;
    raw->now_size = Py_SIZE(seen);
    if (type == &PyBytes_Type) {
        raw->offset = (int)offsetof(PyBytesObject, ob_sval);
        raw->alias = FS_A_CONST;
        raw->readonly = true;
    } else if (type == &PyByteArray_Type) {
        items = (int)offsetof(PyByteArrayObject, ob_start);
    } else if (fs_pyrt_is_array(type) && raw_mem(((fs_pyrt_array *)seen)->descr->typecode) >= 0) {
        items = (int)offsetof(fs_pyrt_array, items);
        raw->mem = raw_mem(((fs_pyrt_array *)seen)->descr->typecode);
    } else {
        return false;
    }
    raw->base = rec_guard_type(R, container, type);
    if (fs_pyrt_is_array(type)) {
        fs_ref descr =
            rec_load(R, FS_M_PTR, FS_A_CONST, raw->base, (int)offsetof(fs_pyrt_array, descr));
        rec_guard(R, FS_EQ, descr, fs_ir_ptr(R->ir, ((fs_pyrt_array *)seen)->descr));
    }
    raw->size = rec_load(R, FS_M_I64, items == 0 ? FS_A_CONST : FS_A_ARRAYHDR, raw->base,
                         (int)offsetof(PyVarObject, ob_size));
    if (items != 0) {
        raw->base = rec_load(R, FS_M_PTR, FS_A_ARRAYHDR, raw->base, items);
    }
    return true;
}

/* ---- memoryview ---- */

/* Guards that neither the view nor the buffer under it has been released. */
static void raw_guard_unreleased(rec_state *R, fs_ref view)
{
    fs_ref flags =
        rec_load(R, FS_M_I32, FS_A_ARRAYHDR, view, (int)offsetof(PyMemoryViewObject, flags));
    fs_ref released = rec_op2(R, FS_IR_AND, FS_T_I64, flags, rec_kint(R, _Py_MEMORYVIEW_RELEASED));
    rec_guard(R, FS_EQ, released, rec_kint(R, 0));
    fs_ref managed =
        rec_load(R, FS_M_PTR, FS_A_CONST, view, (int)offsetof(PyMemoryViewObject, mbuf));
    flags =
        rec_load(R, FS_M_I32, FS_A_ARRAYHDR, managed, (int)offsetof(_PyManagedBufferObject, flags));
    released = rec_op2(R, FS_IR_AND, FS_T_I64, flags, rec_kint(R, _Py_MANAGED_BUFFER_RELEASED));
    rec_guard(R, FS_EQ, released, rec_kint(R, 0));
}

/* A field of a view's Py_buffer: none changes while it is not released. */
#define RAW_VIEW(R, mem, view, field) \
    rec_load(R, mem, FS_A_CONST, view, (int)offsetof(PyMemoryViewObject, view.field))

static bool raw_find_view(rec_state *R, rec_slot *container, rec_raw *raw)
{
    const Py_buffer *now = PyMemoryView_GET_BUFFER(container->seen);
    const char *format = now->format;
    bool released =
        ((PyMemoryViewObject *)container->seen)->flags & _Py_MEMORYVIEW_RELEASED ||
        ((PyMemoryViewObject *)container->seen)->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED;
    if (released || now->ndim != 1 || now->suboffsets != NULL || format == NULL ||
        format[0] == '\0' || format[1] != '\0' || (raw->mem = raw_mem(format[0])) < 0 ||
        now->strides[0] != fs_mem_size[raw->mem]) {
        return false;
    }
    fs_ref view = rec_guard_type(R, container, &PyMemoryView_Type);
    raw_guard_unreleased(R, view);
    rec_guard(R, FS_EQ, RAW_VIEW(R, FS_M_I32, view, ndim), rec_kint(R, 1));
    rec_guard(R, FS_EQ, RAW_VIEW(R, FS_M_PTR, view, suboffsets), fs_ir_ptr(R->ir, NULL));
    fs_ref text = RAW_VIEW(R, FS_M_PTR, view, format);
    rec_guard(R, FS_EQ, rec_load(R, FS_M_U16, FS_A_CONST, text, 0), rec_kint(R, format[0]));
    fs_ref strides = RAW_VIEW(R, FS_M_PTR, view, strides);
    rec_guard(R, FS_EQ, rec_load(R, FS_M_I64, FS_A_CONST, strides, 0),
              rec_kint(R, fs_mem_size[raw->mem]));
    raw->readonly = now->readonly;
    rec_guard(R, FS_EQ, RAW_VIEW(R, FS_M_I32, view, readonly), rec_kint(R, raw->readonly));
    fs_ref shape = RAW_VIEW(R, FS_M_PTR, view, shape);
    raw->size = rec_load(R, FS_M_I64, FS_A_CONST, shape, 0);
    raw->now_size = now->shape[0];
    raw->base = RAW_VIEW(R, FS_M_PTR, view, buf);
    return true;
}

/* ---- NumPy's arrays ---- */

#define RAW_NDARRAY(R, mem, array, field) \
    rec_load(R, mem, FS_A_ARRAYHDR, array, (int)offsetof(fs_pyrt_ndarray, field))

/* How an array's items lie in memory, by its dtype (native byte order only); -1: another way. */
static int raw_dtype_mem(const fs_pyrt_dtype *dtype)
{
    static const int8_t mems[] = {
        [1] = FS_M_I8,  [2] = FS_M_U8,  [3] = FS_M_I16,  [4] = FS_M_U16, [5] = FS_M_I32,
        [6] = FS_M_U32, [7] = FS_M_I64, [11] = FS_M_F32, [12] = FS_M_F64};
    bool native = dtype->byteorder == '=' || dtype->byteorder == '|';
    int number = dtype->type_num;
    bool known = number >= 1 && number <= 12 && (number <= 7 || number >= 11);
    return native && known ? mems[number] : -1;
}

/* Guards that the array has this many dimensions and that kind of items; loads nothing else. */
static fs_ref raw_guard_ndarray(rec_state *R, rec_slot *container, int ndim)
{
    const fs_pyrt_ndarray *now = (const fs_pyrt_ndarray *)container->seen;
    fs_ref array = rec_guard_type(R, container, Py_TYPE(container->seen));
    rec_guard(R, FS_EQ, RAW_NDARRAY(R, FS_M_I32, array, nd), rec_kint(R, ndim));
    fs_ref dtype = RAW_NDARRAY(R, FS_M_PTR, array, dtype);
    const int what =
        (int)offsetof(fs_pyrt_dtype, kind); /* kind, type, byteorder, flags, type_num */
    int64_t word;
    memcpy(&word, (const char *)now->dtype + what, sizeof(word));
    rec_guard(R, FS_EQ, rec_load(R, FS_M_I64, FS_A_ARRAYHDR, dtype, what), rec_kint(R, word));
    return array;
}

/* A stride in items: it must be a multiple of their size. */
static fs_ref raw_stride(rec_state *R, fs_ref strides, int dimension, int size)
{
    fs_ref bytes = rec_load(R, FS_M_I64, FS_A_ARRAYHDR, strides, dimension * 8);
    if (size == 1) {
        return bytes;
    }
    rec_guard(R, FS_EQ, rec_op2(R, FS_IR_AND, FS_T_I64, bytes, rec_kint(R, size - 1)),
              rec_kint(R, 0));
    return rec_op2(R, FS_IR_SHR, FS_T_I64, bytes, rec_kint(R, __builtin_ctz((unsigned)size)));
}

/* The items of a NumPy array that these keys (one per dimension) pick; 0: not one, nothing done. */
static fs_ref raw_find_ndarray(rec_state *R, rec_slot *container, rec_slot *keys, int n,
                               rec_raw *raw)
{
    const fs_pyrt_ndarray *now = (const fs_pyrt_ndarray *)container->seen;
    raw->mem = raw_dtype_mem(now->dtype);
    if (n != now->nd || raw->mem < 0) {
        return 0;
    }
    int size = fs_mem_size[raw->mem];
    for (int k = 0; k < n; k++) {
        Py_ssize_t i;
        PyTypeObject *type = rec_type(R, &keys[k]);
        if ((type != &PyLong_Type && fs_pyrt_numpy_scalar(type) != FS_NUMPY_INT64) ||
            !rec_index_seen(R, &keys[k], &i) || i >= now->dimensions[k] ||
            i < -now->dimensions[k] || now->strides[k] % size != 0) {
            return 0;
        }
    }
    fs_ref array = raw_guard_ndarray(R, container, n);
    const int may_write = FS_NDARRAY_WRITEABLE | (int)FS_NDARRAY_WARN_ON_WRITE;
    fs_ref flags = RAW_NDARRAY(R, FS_M_I32, array, flags);
    flags = rec_op2(R, FS_IR_AND, FS_T_I64, flags, rec_kint(R, may_write));
    raw->readonly = (now->flags & may_write) != FS_NDARRAY_WRITEABLE;
    rec_guard(R, raw->readonly ? FS_NE : FS_EQ, flags, rec_kint(R, FS_NDARRAY_WRITEABLE));
    fs_ref dimensions = RAW_NDARRAY(R, FS_M_PTR, array, dimensions);
    fs_ref strides = RAW_NDARRAY(R, FS_M_PTR, array, strides);
    fs_ref index = 0;
    for (int k = 0; k < n; k++) {
        fs_ref length = rec_load(R, FS_M_I64, FS_A_ARRAYHDR, dimensions, 8 * k);
        fs_ref i = rec_checked_index(R, &keys[k], length, now->dimensions[k]);
        fs_ref step = raw_stride(R, strides, k, size);
        if (k == n - 1 && now->strides[k] == size) { /* rows without gaps */
            rec_guard(R, FS_EQ, step, rec_kint(R, 1));
        } else {
            i = rec_op2(R, FS_IR_MUL, FS_T_I64, i, step);
        }
        index = k == 0 ? i : rec_op2(R, FS_IR_ADD, FS_T_I64, index, i);
    }
    raw->base = RAW_NDARRAY(R, FS_M_PTR, array, data);
    raw->scalar = fs_pyrt_numpy_type(raw->mem == FS_M_F64   ? FS_NUMPY_FLOAT64
                                     : raw->mem == FS_M_I64 ? FS_NUMPY_INT64
                                                            : FS_NUMPY_NONE);
    return index;
}

/* ---- any of them ---- */

/* The keys of a subscript, one per dimension; 0: too many, or not seen yet. */
static int raw_keys(rec_state *R, rec_slot *key, rec_slot keys[FS_NDARRAY_KEYS])
{
    if (rec_type(R, key) != &PyTuple_Type) {
        keys[0] = *key;
        return 1;
    }
    if (!rec_is_virtual(R, key->ref) || key->seen == NULL) {
        return 0;
    }
    const fs_ins *tuple = fs_ir_at(R->ir, key->ref);
    for (int k = 0; k < tuple->nargs && k < FS_NDARRAY_KEYS; k++) {
        keys[k] = (rec_slot){.ref = R->ir->pool[tuple->args + (uint32_t)k],
                             .seen = PyTuple_GET_ITEM(key->seen, k)};
    }
    return tuple->nargs <= FS_NDARRAY_KEYS ? tuple->nargs : 0;
}

/* Finds the item, with guards; its index, 0: it is not such a container, nothing done. */
static fs_ref raw_find(rec_state *R, rec_slot *container, rec_slot *key, rec_raw *raw)
{
    PyTypeObject *type = rec_type(R, container);
    if (container->seen == NULL || rec_is_unboxed(R, container)) {
        return 0;
    }
    *raw = (rec_raw){.mem = FS_M_U8, .alias = FS_A_RAW};
    if (fs_pyrt_is_ndarray(type)) {
        rec_slot keys[FS_NDARRAY_KEYS];
        int n = raw_keys(R, key, keys);
        return n == 0 ? 0 : raw_find_ndarray(R, container, keys, n, raw);
    }
    Py_ssize_t i, n = type == &PyMemoryView_Type
                          ? (PyMemoryView_GET_BUFFER(container->seen)->ndim == 1
                                 ? PyMemoryView_GET_BUFFER(container->seen)->shape[0]
                                 : 0)
                          : Py_SIZE(container->seen);
    if (rec_type(R, key) != &PyLong_Type || !rec_index_seen(R, key, &i) || i >= n || i < -n ||
        !(type == &PyMemoryView_Type ? raw_find_view(R, container, raw)
                                     : raw_find_plain(R, container, type, raw))) {
        return 0;
    }
    return rec_checked_index(R, key, raw->size, raw->now_size);
}

fs_ref rec_raw_item(rec_state *R, rec_slot *container, rec_slot *key)
{
    rec_raw raw;
    PyTypeObject *type = rec_type(R, container);
    const fs_pyrt_ndarray *array = (const fs_pyrt_ndarray *)container->seen;
    if (fs_pyrt_is_ndarray(type) && array != NULL) {
        int mem = raw_dtype_mem(array->dtype);
        enum fs_numpy kind = mem == FS_M_F64   ? FS_NUMPY_FLOAT64
                             : mem == FS_M_I64 ? FS_NUMPY_INT64
                                               : FS_NUMPY_NONE;
        if (fs_pyrt_numpy_type(kind) == NULL) {
            return 0; /* an item comes out as a scalar that traces know nothing of */
        }
    }
    fs_ref index = raw_find(R, container, key, &raw);
    if (index == 0) {
        return 0;
    }
    fs_ref item = rec_loadx(R, raw.mem, raw.alias, raw.base, index, raw.offset);
    return raw.scalar == NULL ? item : rec_scalar_new(R, raw.scalar, item);
}

/* The values that an item may have; false: all that a trace has. */
static bool raw_range(int mem, int64_t *low, uint64_t *span)
{
    static const int64_t lows[] = {
        [FS_M_I8] = INT8_MIN, [FS_M_I16] = INT16_MIN, [FS_M_I32] = INT32_MIN};
    *low = mem == FS_M_I8 || mem == FS_M_I16 || mem == FS_M_I32 ? lows[mem] : 0;
    *span = (uint64_t)1 << (8 * fs_mem_size[mem] % 64);
    return mem != FS_M_I64;
}

bool rec_store_raw(rec_state *R, rec_slot *container, rec_slot *key, rec_slot *value)
{
    rec_raw raw;
    PyTypeObject *type = rec_type(R, value);
    int scalar = fs_pyrt_numpy_scalar(type);
    bool is_int = scalar == FS_NUMPY_INT64 ||
                  (type == &PyLong_Type && rec_fits_int(value, fs_ir_type(R->ir, value->ref)));
    bool ndarray = fs_pyrt_is_ndarray(rec_type(R, container));
    bool is_number = is_int || type == &PyFloat_Type || scalar == FS_NUMPY_FLOAT64;
    if (!is_number || (scalar != FS_NUMPY_NONE && !ndarray)) {
        return false;
    }
    if (ndarray && container->seen != NULL) {
        int mem = raw_dtype_mem(((const fs_pyrt_ndarray *)container->seen)->dtype);
        if (mem < 0 || (fs_mem_type[mem] != FS_T_F64 && !is_int)) {
            return false;
        }
    }
    fs_ref index = raw_find(R, container, key, &raw);
    bool floats = index != 0 && fs_mem_type[raw.mem] == FS_T_F64;
    if (index == 0 || raw.readonly || (!floats && !is_int)) {
        return false;
    }
    fs_ref v = floats ? rec_float(R, value) : rec_int(R, value);
    int64_t low;
    uint64_t span;
    if (!floats && raw_range(raw.mem, &low, &span)) {
        fs_ref from_low = low == 0 ? v : rec_op2(R, FS_IR_SUB, FS_T_I64, v, rec_kint(R, low));
        rec_guard(R, FS_ULT, from_low, rec_kint(R, (int64_t)span));
    }
    if (ndarray && raw.mem == FS_M_F32) { /* (NumPy warns of an overflow) */
        rec_guard(R, FS_LE, rec_op2(R, FS_IR_FABS, FS_T_F64, v, 0), fs_ir_float(R->ir, FLT_MAX));
    }
    rec_storex(R, raw.mem, raw.alias, raw.base, index, raw.offset, v);
    return true;
}

bool rec_raw_len(rec_state *R, rec_slot *slot, fs_ref *length)
{
    PyTypeObject *type = rec_type(R, slot);
    if (slot->seen == NULL) {
        return false;
    }
    if (type == &PyMemoryView_Type) {
        const PyMemoryViewObject *now = (const PyMemoryViewObject *)slot->seen;
        if (now->view.ndim != 1 || now->flags & _Py_MEMORYVIEW_RELEASED ||
            now->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED) {
            return false;
        }
        fs_ref view = rec_guard_type(R, slot, type);
        raw_guard_unreleased(R, view);
        rec_guard(R, FS_EQ, RAW_VIEW(R, FS_M_I32, view, ndim), rec_kint(R, 1));
        *length = rec_load(R, FS_M_I64, FS_A_CONST, RAW_VIEW(R, FS_M_PTR, view, shape), 0);
        return true;
    }
    if (fs_pyrt_is_ndarray(type) && ((const fs_pyrt_ndarray *)slot->seen)->nd > 0) {
        fs_ref array = rec_guard_type(R, slot, type);
        rec_guard(R, FS_GT, RAW_NDARRAY(R, FS_M_I32, array, nd), rec_kint(R, 0));
        *length =
            rec_load(R, FS_M_I64, FS_A_ARRAYHDR, RAW_NDARRAY(R, FS_M_PTR, array, dimensions), 0);
        return true;
    }
    if (fs_pyrt_is_array(type)) {
        *length = rec_load(R, FS_M_I64, FS_A_ARRAYHDR, rec_guard_type(R, slot, type),
                           (int)offsetof(PyVarObject, ob_size));
        return true;
    }
    return false;
}
