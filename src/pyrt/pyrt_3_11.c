/* CPython 3.11's internals behind pyrt.h.
 *
 * What 3.11 hides from extension modules is done here from the structures
 * themselves: data stack chunks, frame hand-over to frame objects, trace
 * events, version numbers. The slot that holds our translation of a code object
 * is a co_extra index without a free function; the translation is freed from
 * PyCode_Type's deallocator instead, because CPython calls every registered
 * free function for every code object, other people's included.
 */
#include "pyrt/pyrt.h"

#if PY_VERSION_HEX < 0x030B0000 || PY_VERSION_HEX >= 0x030C0000
#error "pyrt_3_11.c is for CPython 3.11"
#endif

Py_ssize_t fs_pyrt_extra_index = -1;

static destructor pyrt_code_dealloc_stock;
static void (*pyrt_free_code)(fs_code *);

/* PyCode_Type.tp_dealloc: our translation goes before its code object. */
static void pyrt_code_dealloc(PyObject *op)
{
    PyCodeObject *code = (PyCodeObject *)op;
    fs_code *translation = fs_pyrt_code_get(code);
    if (translation != NULL) {
        ((fs_pyrt_extra *)code->co_extra)->slots[fs_pyrt_extra_index] = NULL;
        pyrt_free_code(translation);
    }
    pyrt_code_dealloc_stock(op);
}

int fs_pyrt_init(void (*free_code)(fs_code *))
{
    Py_ssize_t index = _PyEval_RequestCodeExtraIndex(NULL);
    if (index < 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "fullspeed: all co_extra slots of this interpreter are taken");
        return -1;
    }
    if (fs_pyrt_extra_index >= 0 && index != fs_pyrt_extra_index) {
        PyErr_Format(PyExc_RuntimeError,
                     "fullspeed: co_extra slot %zd is taken in this interpreter",
                     fs_pyrt_extra_index);
        return -1;
    }
    fs_pyrt_extra_index = index;
    pyrt_free_code = free_code;
    if (PyCode_Type.tp_dealloc != pyrt_code_dealloc) {
        pyrt_code_dealloc_stock = PyCode_Type.tp_dealloc;
        PyCode_Type.tp_dealloc = pyrt_code_dealloc;
    }
    return 0;
}

int fs_pyrt_code_set(PyCodeObject *code, fs_code *translation)
{
    fs_pyrt_extra *extra = (fs_pyrt_extra *)code->co_extra;
    if (extra == NULL || extra->size <= fs_pyrt_extra_index) {
        Py_ssize_t old = extra == NULL ? 0 : extra->size;
        Py_ssize_t size = fs_pyrt_extra_index + 1;
        extra = PyMem_Realloc(extra, sizeof(*extra) + (size_t)(size - 1) * sizeof(void *));
        if (extra == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        for (Py_ssize_t i = old; i < size; i++) {
            extra->slots[i] = NULL;
        }
        extra->size = size;
        code->co_extra = extra;
    }
    extra->slots[fs_pyrt_extra_index] = translation;
    return 0;
}

/* ---- data stack ---- */

/* Twice CPython's chunk, so that deep recursion opens fewer of them. */
enum { PYRT_CHUNK_BYTES = 32 * 1024, PYRT_CHUNK_SPARE_WORDS = 1000 };

PyObject **fs_pyrt_datastack_grow(PyThreadState *ts, size_t size)
{
    size_t bytes = PYRT_CHUNK_BYTES;
    while (bytes < sizeof(PyObject *) * (size + PYRT_CHUNK_SPARE_WORDS)) {
        if (bytes > INT_MAX / 4) {
            PyErr_NoMemory();
            return NULL;
        }
        bytes *= 2;
    }
    PyObjectArenaAllocator arena;
    PyObject_GetArenaAllocator(&arena);
    _PyStackChunk *chunk = arena.alloc(arena.ctx, bytes);
    if (chunk == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    _PyStackChunk *previous = ts->datastack_chunk;
    chunk->previous = previous;
    chunk->size = bytes;
    chunk->top = 0;
    if (previous != NULL) {
        previous->top = (size_t)(ts->datastack_top - &previous->data[0]);
    }
    ts->datastack_chunk = chunk;
    ts->datastack_limit = (PyObject **)((char *)chunk + bytes);
    /* The root chunk is never closed: its first word stays unused. */
    PyObject **base = &chunk->data[previous == NULL];
    ts->datastack_top = base + size;
    return base;
}

void fs_pyrt_datastack_shrink(PyThreadState *ts)
{
    _PyStackChunk *chunk = ts->datastack_chunk;
    _PyStackChunk *previous = chunk->previous;
    ts->datastack_chunk = previous;
    ts->datastack_top = &previous->data[previous->top];
    ts->datastack_limit = (PyObject **)((char *)previous + previous->size);
    PyObjectArenaAllocator arena;
    PyObject_GetArenaAllocator(&arena);
    arena.free(arena.ctx, chunk, chunk->size);
}

/* ---- frames ---- */

PyFrameObject *fs_pyrt_frame_object(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    if (frame->frame_obj != NULL) {
        return frame->frame_obj;
    }
    /* The exported way makes the object of the first complete frame from the current one on. */
    _PyCFrame cframe = *ts->cframe;
    _PyCFrame *saved = ts->cframe;
    cframe.current_frame = frame;
    ts->cframe = &cframe;
    PyObject *exc, *val, *tb;
    PyErr_Fetch(&exc, &val, &tb);
    PyFrameObject *made = PyThreadState_GetFrame(ts);
    ts->cframe = saved;
    if (made == NULL) {
        Py_XDECREF(exc);
        Py_XDECREF(val);
        Py_XDECREF(tb);
        PyErr_NoMemory(); /* PyThreadState_GetFrame has cleared it */
        return NULL;
    }
    PyErr_Restore(exc, val, tb);
    Py_DECREF(made); /* the frame owns it */
    return made;
}

/* The frame object outlives its frame: it takes the frame's contents into itself. */
static void pyrt_frame_adopt(PyThreadState *ts, PyFrameObject *f, _PyInterpreterFrame *frame)
{
    size_t bytes = (size_t)((char *)&frame->localsplus[frame->stacktop] - (char *)frame);
    _PyInterpreterFrame *own = (_PyInterpreterFrame *)f->_f_frame_data;
    memcpy(own, frame, bytes);
    own->owner = FRAME_OWNED_BY_FRAME_OBJECT;
    f->f_frame = own;
    if (_PyFrame_IsIncomplete(own)) {
        /* It died before its first RESUME; readers want a complete frame. */
        own->prev_instr = _PyCode_CODE(own->f_code) + own->f_code->_co_firsttraceable;
    }
    _PyInterpreterFrame *back = own->previous;
    while (back != NULL && _PyFrame_IsIncomplete(back)) {
        back = back->previous;
    }
    if (back != NULL) {
        PyFrameObject *back_object = fs_pyrt_frame_object(ts, back);
        if (back_object == NULL) {
            PyErr_Clear(); /* out of memory: the chain just ends here, as in CPython */
        } else {
            f->f_back = (PyFrameObject *)Py_NewRef(back_object);
        }
        own->previous = NULL;
    }
    if (!_PyObject_GC_IS_TRACKED((PyObject *)f)) {
        PyObject_GC_Track(f);
    }
}

void fs_pyrt_frame_clear_slow(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    PyFrameObject *f = frame->frame_obj;
    if (f != NULL) {
        frame->frame_obj = NULL;
        if (Py_REFCNT(f) > 1) {
            pyrt_frame_adopt(ts, f, frame);
            Py_DECREF(f);
            return;
        }
        Py_DECREF(f);
    }
    fs_pyrt_frame_clear(ts, frame);
}

/* ---- tracing ---- */

/* Calls one trace function for one event. */
static int pyrt_trace_call(PyThreadState *ts, _PyInterpreterFrame *frame, Py_tracefunc func,
                           PyObject *self, int what, PyObject *arg)
{
    if (ts->tracing) {
        return 0;
    }
    PyFrameObject *f = fs_pyrt_frame_object(ts, frame);
    if (f == NULL) {
        return -1;
    }
    int old_what = ts->tracing_what;
    ts->tracing_what = what;
    PyThreadState_EnterTracing(ts);
    f->f_lineno = PyCode_Addr2Line(frame->f_code,
                                   _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT));
    int err = func(self, f, what, arg);
    f->f_lineno = 0;
    PyThreadState_LeaveTracing(ts);
    ts->tracing_what = old_what;
    return err;
}

/* The same with a pending exception kept aside, replaced if the trace function raises. */
static int pyrt_trace_call_protected(PyThreadState *ts, _PyInterpreterFrame *frame,
                                     Py_tracefunc func, PyObject *self, int what, PyObject *arg)
{
    PyObject *exc, *val, *tb;
    PyErr_Fetch(&exc, &val, &tb);
    if (pyrt_trace_call(ts, frame, func, self, what, arg) == 0) {
        PyErr_Restore(exc, val, tb);
        return 0;
    }
    Py_XDECREF(exc);
    Py_XDECREF(val);
    Py_XDECREF(tb);
    return -1;
}

int fs_pyrt_trace_event(PyThreadState *ts, _PyInterpreterFrame *frame, int what, PyObject *arg)
{
    if (ts->c_tracefunc != NULL &&
        pyrt_trace_call_protected(ts, frame, ts->c_tracefunc, ts->c_traceobj, what, arg) < 0) {
        return -1;
    }
    if (ts->c_profilefunc != NULL &&
        pyrt_trace_call_protected(ts, frame, ts->c_profilefunc, ts->c_profileobj, what, arg) < 0) {
        return -1;
    }
    return 0;
}

void fs_pyrt_trace_exception(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    PyObject *exc, *val, *tb;
    PyErr_Fetch(&exc, &val, &tb);
    if (val == NULL) {
        val = Py_NewRef(Py_None);
    }
    PyErr_NormalizeException(&exc, &val, &tb);
    PyObject *arg = PyTuple_Pack(3, exc, val, tb == NULL ? Py_None : tb);
    if (arg == NULL) {
        PyErr_Restore(exc, val, tb);
        return;
    }
    int err = pyrt_trace_call(ts, frame, ts->c_tracefunc, ts->c_traceobj, PyTrace_EXCEPTION, arg);
    Py_DECREF(arg);
    if (err == 0) {
        PyErr_Restore(exc, val, tb);
        return;
    }
    Py_XDECREF(exc);
    Py_XDECREF(val);
    Py_XDECREF(tb);
}

/* ---- versions ---- */

/* CPython counts up from 1; we hand out downwards and stop half way. */
static uint32_t pyrt_next_keys_version = UINT32_MAX;

uint32_t fs_pyrt_keys_version(PyDictKeysObject *keys)
{
    if (keys->dk_version == 0 && pyrt_next_keys_version > UINT32_MAX / 2) {
        keys->dk_version = pyrt_next_keys_version--;
    }
    return keys->dk_version;
}

static uint32_t pyrt_next_func_version = UINT32_MAX;

uint32_t fs_pyrt_func_version(PyFunctionObject *func)
{
    if (func->func_version == 0 && pyrt_next_func_version > UINT32_MAX / 2) {
        func->func_version = pyrt_next_func_version--;
    }
    return func->func_version;
}

uint32_t fs_pyrt_type_version(PyTypeObject *type)
{
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) {
        /* A look-up of any cacheable name assigns the tag. */
        static PyObject *name;
        if (name == NULL && (name = PyUnicode_InternFromString("__fullspeed__")) == NULL) {
            PyErr_Clear();
            return 0;
        }
        (void)_PyType_Lookup(type, name);
        if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) {
            return 0;
        }
    }
    return type->tp_version_tag;
}

Py_ssize_t fs_pyrt_keys_index(PyDictKeysObject *keys, PyObject *name)
{
    if (!DK_IS_UNICODE(keys) || !PyUnicode_CheckExact(name)) {
        return -1;
    }
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        if (entries[i].me_key == name) {
            return i;
        }
    }
    return -1;
}

Py_ssize_t fs_pyrt_keys_find(PyDictKeysObject *keys, PyObject *name)
{
    Py_ssize_t index = fs_pyrt_keys_index(keys, name);
    if (index >= 0) {
        return index;
    }
    Py_hash_t hash = PyObject_Hash(name);
    PyDictUnicodeEntry *entries = DK_UNICODE_ENTRIES(keys);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        PyObject *key = entries[i].me_key;
        if (key != NULL && ((PyASCIIObject *)key)->hash == hash &&
            PyUnicode_Compare(key, name) == 0) {
            return i;
        }
    }
    return -1;
}

uint64_t fs_pyrt_last_dict_version = UINT64_MAX;

/* ---- attributes ---- */

/* The tp_getattro that CPython gives a class with __getattr__: read off such a class, which is
 * kept. NULL when it cannot be made. */
static getattrofunc pyrt_getattr_hook(void)
{
    static PyObject *probe;
    if (probe == NULL) {
        probe = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sOss}", "attribute_probe",
                                      "__getattr__", Py_None, "__module__", "fullspeed._engine");
        if (probe == NULL) {
            PyErr_Clear();
            return NULL;
        }
    }
    return ((PyTypeObject *)probe)->tp_getattro;
}

bool fs_pyrt_standard_loads(PyTypeObject *type, getattrofunc standard)
{
    if (type->tp_getattro == standard) {
        return true;
    }
    static PyObject *last;
    static PyObject *first;
    if ((last == NULL && (last = PyUnicode_InternFromString("__getattr__")) == NULL) ||
        (first == NULL && (first = PyUnicode_InternFromString("__getattribute__")) == NULL)) {
        PyErr_Clear();
        return false;
    }
    PyObject *found = _PyType_Lookup(type, first);
    return found != NULL && Py_IS_TYPE(found, &PyWrapperDescr_Type) &&
           ((PyWrapperDescrObject *)found)->d_wrapped == (void *)standard &&
           _PyType_Lookup(type, last) != NULL && type->tp_getattro == pyrt_getattr_hook();
}

Py_ssize_t fs_pyrt_tuple_field(PyObject *descr)
{
    typedef struct {
        PyObject_HEAD Py_ssize_t index;
        PyObject *doc;
    } tuplegetter;
    PyTypeObject *type = Py_TYPE(descr);
    bool is = !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
              type->tp_basicsize == sizeof(tuplegetter) && type->tp_descr_get != NULL &&
              strcmp(type->tp_name, "_collections._tuplegetter") == 0;
    Py_ssize_t index = is ? ((tuplegetter *)descr)->index : -1;
    return index <= INT32_MAX / (Py_ssize_t)sizeof(PyObject *) - 8 ? index : -1;
}

/* ---- iterators ---- */

bool fs_pyrt_knows_iterator(PyTypeObject *type)
{
    const struct {
        const PyTypeObject *type;
        Py_ssize_t size;
    } known[] = {
        {&PyRangeIter_Type, sizeof(fs_pyrt_rangeiter)},
        {&PyListIter_Type, sizeof(fs_pyrt_seqiter)},
        {&PyTupleIter_Type, sizeof(fs_pyrt_seqiter)},
        {&PyDictIterKey_Type, sizeof(fs_pyrt_dictiter)},
        {&PyDictIterValue_Type, sizeof(fs_pyrt_dictiter)},
        {&PyDictIterItem_Type, sizeof(fs_pyrt_dictiter)},
        {&PyEnum_Type, sizeof(fs_pyrt_enumerate)},
        {&PyZip_Type, sizeof(fs_pyrt_zip)},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (type == known[i].type) {
            return type->tp_basicsize == known[i].size && type->tp_itemsize == 0;
        }
    }
    return false;
}

bool fs_pyrt_is_array(PyTypeObject *type)
{
    static const unsigned long flags = Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_IMMUTABLETYPE;
    if ((type->tp_flags & flags) != flags || strcmp(type->tp_name, "array.array") != 0 ||
        type->tp_basicsize != sizeof(fs_pyrt_array)) {
        return false;
    }
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    return module != NULL && PyModule_Check(module) &&
           strcmp(((PyModuleObject *)module)->md_def->m_name, "array") == 0;
}

/* ---- NumPy ---- */

PyTypeObject *fs_pyrt_numpy_types[FS_NUMPY_KINDS];

/* What the module numpy has under this name (borrowed); NULL: nothing, or it is not imported. */
static PyObject *numpy_attribute(const char *name)
{
    PyObject *module = PyDict_GetItemString(PyThreadState_Get()->interp->modules, "numpy");
    PyObject *dict = module != NULL && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    return dict == NULL ? NULL : PyDict_GetItemString(dict, name);
}

static enum fs_numpy numpy_kind(PyTypeObject *type)
{
    static const struct {
        const char *name;
        enum fs_numpy kind;
        size_t least, most; /* size of an instance */
    } known[] = {
        {"float64", FS_NUMPY_FLOAT64, sizeof(fs_pyrt_scalar), sizeof(fs_pyrt_scalar)},
        {"int64", FS_NUMPY_INT64, sizeof(fs_pyrt_scalar), sizeof(fs_pyrt_scalar)},
        {"bool", FS_NUMPY_BOOL, sizeof(PyObject) + 1, sizeof(fs_pyrt_scalar)},
        {"bool_", FS_NUMPY_BOOL, sizeof(PyObject) + 1, sizeof(fs_pyrt_scalar)},
        {"ndarray", FS_NUMPY_ARRAY, sizeof(fs_pyrt_ndarray), SIZE_MAX},
    };
    if (type == NULL) {
        return FS_NUMPY_NONE;
    }
    for (int kind = 0; kind < FS_NUMPY_KINDS; kind++) {
        if (type == fs_pyrt_numpy_types[kind]) {
            return kind;
        }
    }
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE || strncmp(type->tp_name, "numpy.", 6) != 0) {
        return FS_NUMPY_NONE;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(type->tp_name + 6, known[i].name) == 0 &&
            (size_t)type->tp_basicsize >= known[i].least &&
            (size_t)type->tp_basicsize <= known[i].most &&
            numpy_attribute(known[i].name) == (PyObject *)type) {
            fs_pyrt_numpy_types[known[i].kind] = type;
            return known[i].kind;
        }
    }
    return FS_NUMPY_NONE;
}

enum fs_numpy fs_pyrt_numpy_scalar(PyTypeObject *type)
{
    enum fs_numpy kind = numpy_kind(type);
    return kind == FS_NUMPY_FLOAT64 || kind == FS_NUMPY_INT64 ? kind : FS_NUMPY_NONE;
}

bool fs_pyrt_is_numpy_bool(PyTypeObject *type)
{
    return numpy_kind(type) == FS_NUMPY_BOOL;
}

bool fs_pyrt_is_ndarray(PyTypeObject *type)
{
    return numpy_kind(type) == FS_NUMPY_ARRAY;
}

PyTypeObject *fs_pyrt_numpy_type(enum fs_numpy kind)
{
    static const char *const names[] = {[FS_NUMPY_FLOAT64] = "float64", [FS_NUMPY_INT64] = "int64"};
    bool scalar = kind == FS_NUMPY_FLOAT64 || kind == FS_NUMPY_INT64;
    if (scalar && fs_pyrt_numpy_types[kind] == NULL) {
        PyObject *type = numpy_attribute(names[kind]);
        if (type != NULL && PyType_Check(type)) {
            (void)numpy_kind((PyTypeObject *)type);
        }
    }
    return fs_pyrt_numpy_types[kind];
}
