/* fullspeed.NumExpr: a compiled expression as a Python object, which can be called with arrays.
 *
 * Attributes are those of NumExpr's objects: input_names, signature, constants, constsig, tempsig,
 * fullsig, program; `program` is opaque.
 *
 * What must stay true: an object never changes; all calls of it may run at the same time.
 */
#include "array/array_front.h"

#include "base/base_config.h"

#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

int fs_array_read_optimization(PyObject *value, enum fs_array_optimization *optimization)
{
    static const char *const names[] = {"none", "moderate", "aggressive"};
    *optimization = FS_ARRAY_OPTIMIZE_AGGRESSIVE;
    if (value == NULL) {
        return 0;
    }
    for (int i = 0; i < 3 && PyUnicode_Check(value); i++) {
        if (PyUnicode_CompareWithASCIIString(value, names[i]) == 0) {
            *optimization = (enum fs_array_optimization)i;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "'optimization' must be one of ('none', 'moderate', 'aggressive'), not %R", value);
    return -1;
}

int fs_array_check_truediv(PyObject *value)
{
    if (value == NULL || PyBool_Check(value) ||
        (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "auto") == 0)) {
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "'truediv' must be one of (False, True, 'auto'), not %R", value);
    return -1;
}

int fs_array_read_options(PyObject *out, PyObject *order, PyObject *casting, PyObject *reproducible,
                          struct fs_array_options *options)
{
    if (out != NULL && out != Py_None) {
        if (!PyArray_Check(out)) {
            PyErr_Format(PyExc_TypeError, "out must be a NumPy array, not %.100s",
                         Py_TYPE(out)->tp_name);
            return -1;
        }
        options->out = (PyArrayObject *)out;
    }
    if (order != NULL && !PyArray_OrderConverter(order, &options->order)) {
        return -1;
    }
    if (casting != NULL && !PyArray_CastingConverter(casting, &options->casting)) {
        return -1;
    }
    if (reproducible != NULL && reproducible != Py_None) {
        int truth = PyObject_IsTrue(reproducible);
        if (truth < 0) {
            return -1;
        }
        options->reproducible = truth;
    } else {
        const char *value = fs_base_config_get(FS_CONFIG_FULLSPEED_REPRODUCIBLE);
        options->reproducible = value != NULL && value[0] == '1';
    }
    return 0;
}

int fs_array_read_expression(PyObject *ex, PyObject **text, PyObject **given)
{
    *text = *given = NULL;
    if (PyUnicode_Check(ex)) {
        *text = Py_NewRef(ex);
        return 0;
    }
    PyObject *method = PyObject_GetAttrString(ex, "__array_expression__");
    if (method == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return -1;
    }
    if (method == NULL) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError,
                     "an expression must be a string or made of E objects, not %.100s",
                     Py_TYPE(ex)->tp_name);
        return -1;
    }
    PyObject *pair = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (pair == NULL) {
        return -1;
    }
    bool fine = PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
                PyUnicode_Check(PyTuple_GET_ITEM(pair, 0)) &&
                PyTuple_Check(PyTuple_GET_ITEM(pair, 1));
    if (fine) {
        *text = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        *given = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    } else {
        PyErr_Format(PyExc_TypeError,
                     "__array_expression__() must give a str and a tuple of its constants, not %R",
                     pair);
    }
    Py_DECREF(pair);
    return fine ? 0 : -1;
}

/* ---- making one ---- */

PyObject *fs_array_sorted_names(const struct fs_array_tree *tree)
{
    PyObject *list = PyList_New((Py_ssize_t)tree->name_count);
    for (size_t i = 0; list != NULL && i < tree->name_count; i++) {
        PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef(tree->names[i].name));
    }
    PyObject *names = list != NULL && PyList_Sort(list) == 0 ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return names;
}

/* order[i]: where names[i] of the tree stands in `names`; -1 with ValueError when they differ. */
static int object_order(const struct fs_array_tree *tree, PyObject *names, uint32_t *order)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names), found = 0;
    memset(order, 0xFF, tree->name_count * sizeof *order);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *number = PyDict_GetItemWithError(tree->name_index, PyTuple_GET_ITEM(names, i));
        if (number == NULL) {
            break;
        }
        uint32_t *place = &order[PyLong_AsLong(number)];
        found += *place == UINT32_MAX;
        *place = (uint32_t)i;
    }
    if (found == count && (size_t)count == tree->name_count) {
        return 0;
    }
    PyObject *own = PyErr_Occurred() ? NULL : fs_array_sorted_names(tree);
    if (own != NULL) {
        PyErr_Format(PyExc_ValueError,
                     "input names %R don't match those found in the expression %R", names, own);
        Py_DECREF(own);
    }
    return -1;
}

static PyObject *object_vectorcall(PyObject *self, PyObject *const *args, size_t flags,
                                   PyObject *keywords);

static PyObject *object_finish(struct fs_array_tree *tree, PyObject *names, const uint32_t *order,
                               const uint8_t *own_types)
{
    struct fs_array_terms terms;
    if (fs_array_type(tree, own_types, &terms) < 0) {
        return NULL;
    }
    struct fs_array_program *program = fs_array_lower(&terms, order);
    fs_array_terms_free(&terms);
    if (program != NULL) {
        fs_array_check_program(program);
    }
    struct fs_array_object *object =
        program != NULL ? PyObject_New(struct fs_array_object, &fs_array_object_type) : NULL;
    if (object == NULL) {
        fs_array_program_free(program);
        return NULL;
    }
    object->vectorcall = object_vectorcall;
    object->program = program;
    object->names = Py_NewRef(names);
    return (PyObject *)object;
}

PyObject *fs_array_object_new(struct fs_array_tree *tree, PyObject *names, const uint8_t *types)
{
    uint32_t *order = PyMem_Malloc((tree->name_count + 1) * (sizeof *order + 1));
    if (order == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *object = NULL;
    if (object_order(tree, names, order) == 0) {
        uint8_t *own_types = (uint8_t *)(order + tree->name_count + 1);
        for (size_t i = 0; i < tree->name_count; i++) {
            own_types[i] = types[order[i]];
        }
        object = object_finish(tree, names, order, own_types);
    }
    PyMem_Free(order);
    return object;
}

/* ---- NumExpr(ex, signature=(), sanitize=True, optimization=, truediv=) ---- */

/* The type that a signature names: Python's and NumPy's types, and whatever NumPy calls a dtype.
 * `float` is a float32, as for NumExpr, which calls float64 double. */
static enum fs_array_type object_read_type(PyObject *value)
{
    if (value == (PyObject *)&PyFloat_Type) {
        return FS_ARRAY_FLOAT;
    }
    PyArray_Descr *descr = NULL;
    if (value == Py_None || !PyArray_DescrConverter(value, &descr)) {
        PyErr_Clear();
        return FS_ARRAY_NONE;
    }
    enum fs_array_type type = fs_array_dtype_type(descr->type_num);
    Py_DECREF(descr);
    return value == (PyObject *)&PyUnicode_Type ? FS_ARRAY_BYTES : type;
}

/* Names and types of a signature, a tuple; -1 with an exception. *types is to be freed. */
static int object_read_signature(PyObject *pairs, PyObject **names, uint8_t **types)
{
    Py_ssize_t count = PyTuple_GET_SIZE(pairs);
    *names = PyTuple_New(count);
    *types = PyMem_Malloc((size_t)count + 1);
    bool fine = *names != NULL && *types != NULL;
    for (Py_ssize_t i = 0; fine && i < count; i++) {
        PyObject *pair = PyTuple_GET_ITEM(pairs, i), *name, *type;
        fine = false;
        if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "UO", &name, &type)) {
            PyErr_Format(PyExc_TypeError, "a signature is a list of (name, type) pairs, not %R",
                         pairs);
            break;
        }
        Py_INCREF(name);
        PyUnicode_InternInPlace(&name);
        PyTuple_SET_ITEM(*names, i, name);
        (*types)[i] = (uint8_t)object_read_type(type);
        if ((*types)[i] == FS_ARRAY_NONE) {
            PyErr_Format(PyExc_ValueError, "unknown type %R in the signature", type);
            break;
        }
        fine = true;
    }
    return fine ? 0 : -1;
}

static PyObject *object_compile(PyObject *ex, PyObject *signature,
                                struct fs_array_settings settings)
{
    PyObject *text, *given, *names = NULL, *object = NULL;
    PyObject *pairs = signature != NULL ? PySequence_Tuple(signature) : PyTuple_New(0);
    uint8_t *types = NULL;
    if (pairs == NULL || fs_array_read_expression(ex, &text, &given) < 0) {
        Py_XDECREF(pairs);
        return NULL;
    }
    struct fs_array_tree *tree = fs_array_parse(text, settings.sanitize, given);
    if (tree != NULL) {
        tree->optimization = settings.optimization;
        bool fine = true;
        if (PyTuple_GET_SIZE(pairs) == 0) {
            names = fs_array_sorted_names(tree);
            types = PyMem_Malloc(tree->name_count + 1);
            fine = names != NULL && types != NULL;
            if (fine) {
                memset(types, FS_ARRAY_DOUBLE, tree->name_count + 1);
            }
        } else {
            fine = object_read_signature(pairs, &names, &types) == 0;
        }
        object = fine ? fs_array_object_new(tree, names, types) : NULL;
    }
    if (object == NULL && !PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    fs_array_tree_free(tree);
    PyMem_Free(types);
    Py_XDECREF(names);
    Py_XDECREF(given);
    Py_DECREF(text);
    Py_DECREF(pairs);
    return object;
}

static PyObject *object_make(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"ex", "signature", "sanitize", "optimization", "truediv", NULL};
    PyObject *ex, *signature = NULL, *sanitize = Py_True, *optimization = NULL, *truediv = NULL;
    struct fs_array_settings settings;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO$OO:NumExpr", names, &ex, &signature,
                                     &sanitize, &optimization, &truediv) ||
        fs_array_read_optimization(optimization, &settings.optimization) < 0 ||
        fs_array_check_truediv(truediv) < 0) {
        return NULL;
    }
    int truth = sanitize == Py_None ? 1 : PyObject_IsTrue(sanitize);
    if (truth < 0) {
        return NULL;
    }
    settings.sanitize = truth;
    return object_compile(ex, signature, settings);
}

static void object_dealloc(PyObject *self)
{
    struct fs_array_object *object = (struct fs_array_object *)self;
    fs_array_program_free(object->program);
    Py_XDECREF(object->names);
    Py_TYPE(self)->tp_free(self);
}

/* ---- calls ---- */

/* The keywords of a call; -1 with an exception. */
static int object_keywords(PyObject *const *values, PyObject *keywords,
                           struct fs_array_options *options)
{
    PyObject *out = NULL, *order = NULL, *casting = NULL, *reproducible = NULL;
    for (Py_ssize_t i = 0; keywords != NULL && i < PyTuple_GET_SIZE(keywords); i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);
        PyObject **to = PyUnicode_CompareWithASCIIString(name, "out") == 0       ? &out
                        : PyUnicode_CompareWithASCIIString(name, "order") == 0   ? &order
                        : PyUnicode_CompareWithASCIIString(name, "casting") == 0 ? &casting
                        : PyUnicode_CompareWithASCIIString(name, "reproducible") == 0
                            ? &reproducible
                            : NULL;
        if (to != NULL) {
            *to = values[i];
        } else if (PyUnicode_CompareWithASCIIString(name, "ex_uses_vml") != 0) {
            PyErr_Format(PyExc_TypeError, "a NumExpr object takes no keyword argument %R", name);
            return -1;
        }
    }
    return fs_array_read_options(out, order, casting, reproducible, options);
}

/* An argument as an array: what is none becomes one of the input's own type. */
static PyObject *object_input(PyObject *value, enum fs_array_type type)
{
    static const int numbers[] = {NPY_BOOL,   NPY_INT32,      NPY_INT64,  NPY_FLOAT32,
                                  NPY_DOUBLE, NPY_COMPLEX128, NPY_STRING, NPY_UNICODE};
    return PyArray_Check(value) ? Py_NewRef(value)
                                : PyArray_FROM_OTF(value, numbers[type], NPY_ARRAY_NOTSWAPPED);
}

static PyObject *object_run(const struct fs_array_object *self, PyObject *const *args,
                            const struct fs_array_options *options)
{
    const struct fs_array_program *program = self->program;
    PyObject *few[16], **inputs = few, *result = NULL;
    unsigned count = 0;
    if (program->input_count > 16) {
        inputs = PyMem_Malloc(program->input_count * sizeof *inputs);
        if (inputs == NULL) {
            return PyErr_NoMemory();
        }
    }
    for (; count < program->input_count; count++) {
        inputs[count] = object_input(args[count], program->types[count]);
        if (inputs[count] == NULL) {
            break;
        }
    }
    if (count == program->input_count) {
        result = fs_array_run(program, inputs, options);
        if (result == NULL) {
            fs_array_explain(program, inputs);
        }
    }
    while (count-- > 0) {
        Py_DECREF(inputs[count]);
    }
    if (inputs != few) {
        PyMem_Free(inputs);
    }
    return result;
}

static PyObject *object_vectorcall(PyObject *self, PyObject *const *args, size_t flags,
                                   PyObject *keywords)
{
    const struct fs_array_object *object = (const struct fs_array_object *)self;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    struct fs_array_options options = {NULL, NPY_KEEPORDER, NPY_SAFE_CASTING, false};
    if (count != object->program->input_count) {
        PyErr_Format(PyExc_ValueError,
                     "number of inputs doesn't match program: %d are wanted (%R), %zd were given",
                     object->program->input_count, object->names, count);
        return NULL;
    }
    if (object_keywords(args + count, keywords, &options) < 0) {
        return NULL;
    }
    Py_INCREF(self); /* (the caller may lose it while the GIL is given up) */
    PyObject *result = object_run(object, args, &options);
    Py_DECREF(self);
    return result;
}

static PyObject *object_run_method(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *keywords)
{
    return object_vectorcall(self, args, (size_t)count, keywords);
}

/* ---- attributes ---- */

/* Letters of the types of registers from one on. */
static PyObject *object_letters(const struct fs_array_program *program, unsigned from,
                                unsigned count)
{
    PyObject *letters = PyBytes_FromStringAndSize(NULL, count);
    for (unsigned i = 0; letters != NULL && i < count; i++) {
        uint8_t type = program->types[from + i];
        PyBytes_AS_STRING(letters)[i] = FS_ARRAY_TYPE_LETTERS[type];
    }
    return letters;
}

static PyObject *object_get_letters(PyObject *self, void *which)
{
    const struct fs_array_program *program = ((struct fs_array_object *)self)->program;
    unsigned inputs = program->input_count, constants = program->constant_count;
    unsigned temporaries = program->temporary_count;
    switch ((intptr_t)which) {
    case 0:
        return object_letters(program, 0, inputs);
    case 1:
        return object_letters(program, inputs, constants);
    case 2:
        return object_letters(program, inputs + constants, temporaries);
    default: {
        PyObject *rest = object_letters(program, 0, inputs + constants + temporaries);
        PyObject *result = PyBytes_FromFormat("%c", FS_ARRAY_TYPE_LETTERS[program->result_type]);
        if (rest != NULL && result != NULL) {
            PyBytes_Concat(&result, rest);
        } else {
            Py_CLEAR(result);
        }
        Py_XDECREF(rest);
        return result;
    }
    }
}

static PyObject *object_get_constants(PyObject *self, void *unused)
{
    const struct fs_array_program *program = ((struct fs_array_object *)self)->program;
    PyObject *values = PyTuple_New(program->constant_count);
    for (unsigned i = 0; values != NULL && i < program->constant_count; i++) {
        PyObject *value =
            fs_array_value_object(&program->constants[i], program->types[program->input_count + i]);
        if (value == NULL) {
            Py_CLEAR(values);
        } else {
            PyTuple_SET_ITEM(values, i, value);
        }
    }
    return values;
}

static PyObject *object_get_program(PyObject *self, void *unused)
{
    const struct fs_array_program *program = ((struct fs_array_object *)self)->program;
    return PyBytes_FromStringAndSize((const char *)program->instrs,
                                     (Py_ssize_t)(program->instr_count * sizeof *program->instrs));
}

static PyObject *object_get_names(PyObject *self, void *unused)
{
    return Py_NewRef(((struct fs_array_object *)self)->names);
}

static PyObject *object_repr(PyObject *self)
{
    const struct fs_array_object *object = (const struct fs_array_object *)self;
    return PyUnicode_FromFormat("<fullspeed.NumExpr %R of %R>", object->program->source->text,
                                object->names);
}

static PyGetSetDef object_getset[] = {
    {"input_names", object_get_names, NULL, "The names of the inputs, in their order.", NULL},
    {"signature", object_get_letters, NULL, "A letter for each input's type.", (void *)0},
    {"constsig", object_get_letters, NULL, "A letter for each constant's type.", (void *)1},
    {"tempsig", object_get_letters, NULL, "A letter for each temporary's type.", (void *)2},
    {"fullsig", object_get_letters, NULL, "Letters of the result and of all registers.", (void *)3},
    {"constants", object_get_constants, NULL, "The values of the constants.", NULL},
    {"program", object_get_program, NULL, "The instructions, as bytes without a meaning.", NULL},
    {NULL},
};

static PyMethodDef object_methods[] = {
    {"run", (PyCFunction)(void (*)(void))object_run_method, METH_FASTCALL | METH_KEYWORDS,
     "The same as calling the object."},
    {NULL},
};

PyTypeObject fs_array_object_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "fullspeed.NumExpr",
    .tp_doc = PyDoc_STR(
        "NumExpr(ex, signature=(), sanitize=True, *, optimization='aggressive', truediv='auto')\n"
        "--\n\n"
        "Compile an array expression, to be called with arrays.\n\n"
        "`signature` is a list of (name, type) pairs: the inputs in their order. Without it they\n"
        "are in alphabetical order, and float64. Call the object with one array for each, and\n"
        "with out=, order=, casting= (default 'safe') and reproducible= as for evaluate()."),
    .tp_basicsize = sizeof(struct fs_array_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
    .tp_new = object_make,
    .tp_dealloc = object_dealloc,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(struct fs_array_object, vectorcall),
    .tp_repr = object_repr,
    .tp_getset = object_getset,
    .tp_methods = object_methods,
};
