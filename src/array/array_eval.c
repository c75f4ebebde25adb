/* evaluate(), validate() and re_evaluate(): find the compiled expression and its inputs, execute
 * it.
 *
 * The way of a second call: the text's entry in the cache, by its hash; the inputs, out of the
 * caller's frame or the dicts that were given; the object for the inputs' types, mostly the entry's
 * first; fs_array_run(). Nothing is allocated on that way but arrays.
 *
 * re_evaluate() repeats what was evaluated last in this context (a context variable, so that
 * neither threads nor tasks get in each other's way). The variable holds the compiled object alone
 * where all options were the ordinary ones, else a tuple: object, order, casting, reproducible, a
 * weak reference to `out` or None.
 *
 * What must stay true: _frame_depth counts as in NumExpr, whose functions call each other:
 * evaluate's caller is at 3, that of validate and re_evaluate at 2.
 */
#include "array/array_front.h"

#include "base/base_config.h"
#include "pyrt/pyrt_frame.h"

#include <stdlib.h>

enum eval_parameter {
    EVAL_EX,
    EVAL_LOCAL_DICT,
    EVAL_GLOBAL_DICT,
    EVAL_OUT,
    EVAL_ORDER,
    EVAL_CASTING,
    EVAL_SANITIZE,
    EVAL_FRAME_DEPTH,
    EVAL_DISABLE_CACHE,
    EVAL_OPTIMIZATION,
    EVAL_TRUEDIV,
    EVAL_REPRODUCIBLE,
    EVAL_COUNT
};

static const char *const eval_texts[EVAL_COUNT] = {
    "ex",       "local_dict",   "global_dict",   "out",          "order",   "casting",
    "sanitize", "_frame_depth", "disable_cache", "optimization", "truediv", "reproducible"};
static PyObject *eval_names[EVAL_COUNT]; /* interned */
static PyObject *eval_last;              /* a ContextVar */

/* A function's parameters that may be given by position, in order. */
struct eval_function {
    const char *name;
    int positions, depth; /* depth: the _frame_depth of the caller */
    NPY_CASTING casting;
    uint8_t order[9];
};

static const struct eval_function eval_evaluate_function = {
    "evaluate",
    9,
    3,
    NPY_SAME_KIND_CASTING,
    {EVAL_EX, EVAL_LOCAL_DICT, EVAL_GLOBAL_DICT, EVAL_OUT, EVAL_ORDER, EVAL_CASTING, EVAL_SANITIZE,
     EVAL_FRAME_DEPTH, EVAL_DISABLE_CACHE}};
static const struct eval_function eval_validate_function = {
    "validate",
    8,
    2,
    NPY_SAFE_CASTING,
    {EVAL_EX, EVAL_LOCAL_DICT, EVAL_GLOBAL_DICT, EVAL_OUT, EVAL_ORDER, EVAL_CASTING,
     EVAL_FRAME_DEPTH, EVAL_SANITIZE}};
static const struct eval_function eval_again_function = {
    "re_evaluate", 3, 2, NPY_SAFE_CASTING, {EVAL_LOCAL_DICT, EVAL_GLOBAL_DICT, EVAL_FRAME_DEPTH}};

/* What a call comes to. */
struct eval {
    PyObject *given[EVAL_COUNT]; /* borrowed, NULL where not given */
    struct fs_array_settings settings;
    struct fs_array_options options;
    struct _PyInterpreterFrame *frame;
    PyObject *few[16], **inputs; /* arrays */
    Py_ssize_t input_count;
    uint8_t few_types[16], *types;
};

/* ---- parameters ---- */

static int eval_find_name(PyObject *name)
{
    for (int i = 0; i < EVAL_COUNT; i++) {
        if (eval_names[i] == name) {
            return i;
        }
    }
    for (int i = 0; i < EVAL_COUNT; i++) {
        if (PyUnicode_Compare(eval_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool eval_has_position(const struct eval_function *function, int parameter)
{
    for (int i = 0; i < function->positions; i++) {
        if (function->order[i] == parameter) {
            return true;
        }
    }
    return false;
}

/* Sort the arguments of a call; -1 with an exception. */
static int eval_arguments(const struct eval_function *function, PyObject *const *args,
                          Py_ssize_t count, PyObject *keywords, PyObject **given)
{
    if (count > function->positions) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments, not %zd",
                     function->name, function->positions, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        given[function->order[i]] = args[i];
    }
    bool strict = function == &eval_again_function;
    for (Py_ssize_t i = 0; keywords != NULL && i < PyTuple_GET_SIZE(keywords); i++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, i);
        int parameter = eval_find_name(name);
        bool own = parameter >= 0 && eval_has_position(function, parameter);
        if (parameter < 0 || (!own && (strict || parameter < EVAL_OPTIMIZATION))) {
            PyErr_Format(strict ? PyExc_TypeError : PyExc_ValueError,
                         "Unknown keyword argument '%U' of %s()", name, function->name);
            return -1;
        }
        if (given[parameter] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'",
                         function->name, name);
            return -1;
        }
        given[parameter] = args[count + i];
    }
    return 0;
}

/* Whether hostile pieces are looked for: sanitize=, else NUMEXPR_SANITIZE, else yes. */
static int eval_read_sanitize(PyObject *value)
{
    if (value != NULL && value != Py_None) {
        return PyObject_IsTrue(value);
    }
    const char *variable = fs_base_config_get(FS_CONFIG_NUMEXPR_SANITIZE);
    return variable == NULL || variable[0] != '0';
}

/* The frame whose variables are meant; -1 with ValueError. */
static int eval_find_frame(struct eval *eval, const struct eval_function *function)
{
    long depth = function->depth;
    PyObject *given = eval->given[EVAL_FRAME_DEPTH];
    if (given != NULL) {
        depth = PyLong_AsLong(given);
        if (depth == -1 && PyErr_Occurred()) {
            return -1;
        }
    }
    depth = depth < function->depth ? 0 : depth - function->depth;
    eval->frame = depth > INT_MAX ? NULL : fs_pyrt_frame_above((int)depth);
    if (eval->frame == NULL && given != NULL) {
        PyErr_SetString(PyExc_ValueError, "_frame_depth: the call stack is not deep enough");
        return -1;
    }
    return 0;
}

/* All but the inputs; -1 with an exception. */
static int eval_prepare(struct eval *eval, const struct eval_function *function,
                        PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    memset(eval->given, 0, sizeof eval->given);
    eval->inputs = eval->few;
    eval->types = eval->few_types;
    eval->input_count = 0;
    eval->options = (struct fs_array_options){NULL, NPY_KEEPORDER, function->casting, false};
    PyObject **given = eval->given;
    if (eval_arguments(function, args, count, keywords, given) < 0 ||
        eval_find_frame(eval, function) < 0) {
        return -1;
    }
    if (function == &eval_again_function) {
        return 0;
    }
    if (given[EVAL_EX] == NULL || !PyUnicode_Check(given[EVAL_EX])) {
        PyErr_Format(PyExc_ValueError, "must specify expression as a string, not %.100s",
                     given[EVAL_EX] == NULL ? "nothing" : Py_TYPE(given[EVAL_EX])->tp_name);
        return -1;
    }
    int sanitize = eval_read_sanitize(given[EVAL_SANITIZE]);
    eval->settings.sanitize = sanitize > 0;
    return sanitize < 0 ||
                   fs_array_read_optimization(given[EVAL_OPTIMIZATION],
                                              &eval->settings.optimization) < 0 ||
                   fs_array_check_truediv(given[EVAL_TRUEDIV]) < 0 ||
                   fs_array_read_options(given[EVAL_OUT], given[EVAL_ORDER], given[EVAL_CASTING],
                                         given[EVAL_REPRODUCIBLE], &eval->options) < 0
               ? -1
               : 0;
}

/* ---- inputs ---- */

/* mapping[name]: 1 with a new reference, 0 when it has none, -1 with an exception. */
static int eval_look_in(PyObject *mapping, PyObject *name, PyObject **value)
{
    if (PyDict_CheckExact(mapping)) {
        *value = Py_XNewRef(PyDict_GetItemWithError(mapping, name));
        return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    *value = PyObject_GetItem(mapping, name);
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        return 0;
    }
    return *value != NULL ? 1 : -1;
}

/* The value of a name, a new reference: local_dict, or the caller's locals; then globals. NULL
 * without an exception when there is none. */
static PyObject *eval_look_up(const struct eval *eval, PyObject *name)
{
    PyObject *locals = eval->given[EVAL_LOCAL_DICT], *globals = eval->given[EVAL_GLOBAL_DICT];
    PyObject *value = NULL;
    int found = 0;
    if (locals != NULL && locals != Py_None) {
        found = eval_look_in(locals, name, &value);
    } else if (eval->frame != NULL) { /* (no Python code calls us: at exit, from C) */
        found = fs_pyrt_frame_local(eval->frame, name, &value);
    }
    if (found == 0 && globals != NULL && globals != Py_None) {
        eval_look_in(globals, name, &value);
    } else if (found == 0 && eval->frame != NULL) {
        eval_look_in(fs_pyrt_frame_globals(eval->frame), name, &value);
    }
    return value;
}

static int eval_make_room(struct eval *eval, Py_ssize_t count)
{
    if (count > 16) {
        PyObject **inputs = PyMem_Malloc((size_t)count * (sizeof *inputs + 1));
        if (inputs == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        eval->inputs = inputs;
        eval->types = (uint8_t *)(inputs + count);
    }
    return 0;
}

static void eval_drop_inputs(struct eval *eval)
{
    while (eval->input_count > 0) {
        Py_DECREF(eval->inputs[--eval->input_count]);
    }
    if (eval->inputs != eval->few) {
        PyMem_Free(eval->inputs);
        eval->inputs = eval->few;
    }
}

static void eval_fail_type(const struct fs_array_entry *entry, PyObject *text, PyObject *array,
                           Py_ssize_t name)
{
    struct fs_array_tree tree = {.text = text};
    Py_ssize_t size;
    tree.chars = PyUnicode_AsUTF8AndSize(text, &size);
    if (tree.chars != NULL) {
        tree.size = (size_t)size;
        fs_array_fail(&tree, PyExc_ValueError, fs_array_entry_place(entry, name),
                      "unknown type %S: array expressions have bool, integers, floats, complex "
                      "numbers, bytes and str",
                      PyArray_DESCR((PyArrayObject *)array));
    }
}

/* The values of names, as arrays; -1 with an exception. `entry` is for errors, or NULL. */
static int eval_find_inputs(struct eval *eval, PyObject *names, PyObject *text,
                            const struct fs_array_entry *entry)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    if (eval_make_room(eval, count) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = eval_look_up(eval, PyTuple_GET_ITEM(names, i));
        if (value == NULL) {
            if (!PyErr_Occurred() && entry != NULL) {
                fs_array_fail_name(text, PyTuple_GET_ITEM(names, i),
                                   fs_array_entry_place(entry, i));
            } else if (!PyErr_Occurred()) {
                PyErr_SetObject(PyExc_KeyError, PyTuple_GET_ITEM(names, i));
            }
            return -1;
        }
        if (!PyArray_Check(value)) {
            Py_SETREF(value, PyArray_FROM_O(value));
            if (value == NULL) {
                return -1;
            }
        }
        eval->inputs[eval->input_count++] = value;
        eval->types[i] = (uint8_t)fs_array_dtype_type(PyArray_TYPE((PyArrayObject *)value));
        if (eval->types[i] == FS_ARRAY_NONE && entry != NULL) {
            eval_fail_type(entry, text, value, i);
            return -1;
        }
    }
    return 0;
}

/* ---- the last one ---- */

static bool eval_is_ordinary(const struct eval *eval)
{
    return eval->options.out == NULL && eval->options.order == NPY_KEEPORDER &&
           eval->options.casting == NPY_SAME_KIND_CASTING && !eval->options.reproducible;
}

/* Remember what is evaluated; -1 with an exception. */
static int eval_remember(const struct eval *eval, PyObject *object)
{
    PyObject *now = NULL, *record;
    if (eval_is_ordinary(eval)) {
        record = Py_NewRef(object);
        if (PyContextVar_Get(eval_last, NULL, &now) < 0) {
            Py_DECREF(record);
            return -1;
        }
    } else {
        const struct fs_array_options *options = &eval->options;
        PyObject *out = options->out != NULL ? PyWeakref_NewRef((PyObject *)options->out, NULL)
                                             : Py_NewRef(Py_None);
        record = out != NULL ? Py_BuildValue("(OiiiN)", object, (int)options->order,
                                             (int)options->casting, (int)options->reproducible, out)
                             : NULL;
    }
    int failed = record == NULL;
    if (!failed && now != record) {
        PyObject *token = PyContextVar_Set(eval_last, record);
        failed = token == NULL;
        Py_XDECREF(token);
    }
    Py_XDECREF(now);
    Py_XDECREF(record);
    return failed ? -1 : 0;
}

/* What is remembered: a new reference to the object, with the options; NULL with RuntimeError. */
static PyObject *eval_recall(struct fs_array_options *options, PyObject **out)
{
    PyObject *record = NULL;
    *out = NULL;
    if (PyContextVar_Get(eval_last, NULL, &record) < 0) {
        return NULL;
    }
    if (record == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "A previous evaluate() execution was not found, please call `validate` or "
                        "`evaluate` once before `re_evaluate`");
        return NULL;
    }
    *options = (struct fs_array_options){NULL, NPY_KEEPORDER, NPY_SAME_KIND_CASTING, false};
    if (Py_IS_TYPE(record, &fs_array_object_type)) {
        return record;
    }
    PyObject *object, *weak;
    int order, casting, reproducible;
    /* (a context shows its variables to anybody, who may have set this one) */
    if (!PyTuple_Check(record) ||
        !PyArg_ParseTuple(record, "O!iiiO", &fs_array_object_type, &object, &order, &casting,
                          &reproducible, &weak)) {
        PyErr_SetString(PyExc_RuntimeError, "the context variable fullspeed.last_expression has a "
                                            "value that is not fullspeed's");
        Py_DECREF(record);
        return NULL;
    }
    options->order = (NPY_ORDER)order;
    options->casting = (NPY_CASTING)casting;
    options->reproducible = reproducible != 0;
    if (PyWeakref_Check(weak) && PyArray_Check(PyWeakref_GetObject(weak))) {
        *out = Py_NewRef(PyWeakref_GetObject(weak));
        options->out = (PyArrayObject *)*out;
    }
    Py_INCREF(object);
    Py_DECREF(record);
    return object;
}

/* ---- the functions ---- */

static PyObject *eval_run(const struct fs_array_program *program, const struct eval *eval)
{
    PyObject *result = fs_array_run(program, eval->inputs, &eval->options);
    if (result == NULL) {
        fs_array_explain(program, eval->inputs);
    }
    return result;
}

/* The compiled expression for a call, with the inputs found; a new reference. */
static PyObject *eval_compile(struct eval *eval)
{
    PyObject *text = eval->given[EVAL_EX], *object = NULL;
    PyObject *disable = eval->given[EVAL_DISABLE_CACHE];
    int keep = disable == NULL ? 1 : PyObject_Not(disable);
    if (keep < 0) {
        return NULL;
    }
    struct fs_array_entry *entry = fs_array_cache_entry(text, eval->settings, keep);
    if (entry == NULL) {
        return NULL;
    }
    if (eval_find_inputs(eval, fs_array_entry_names(entry), text, entry) == 0) {
        object = fs_array_entry_object(entry, eval->types);
    }
    fs_array_entry_release(entry);
    if (object != NULL && keep && eval_remember(eval, object) < 0) {
        Py_CLEAR(object);
    }
    return object;
}

static PyObject *eval_evaluate(PyObject *module, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    struct eval eval;
    PyObject *result = NULL;
    if (eval_prepare(&eval, &eval_evaluate_function, args, count, keywords) < 0) {
        return NULL;
    }
    PyObject *object = eval_compile(&eval);
    if (object != NULL) {
        const struct fs_array_program *program = ((struct fs_array_object *)object)->program;
        result = eval_run(program, &eval);
        Py_DECREF(object);
    }
    eval_drop_inputs(&eval);
    return result;
}

static PyObject *eval_validate(PyObject *module, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    struct eval eval;
    PyObject *object = NULL;
    if (eval_prepare(&eval, &eval_validate_function, args, count, keywords) == 0) {
        object = eval_compile(&eval);
        eval_drop_inputs(&eval);
    }
    if (object != NULL) {
        Py_DECREF(object);
        Py_RETURN_NONE;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

static PyObject *eval_again(PyObject *module, PyObject *const *args, Py_ssize_t count,
                            PyObject *keywords)
{
    struct eval eval;
    PyObject *out, *result = NULL;
    if (eval_prepare(&eval, &eval_again_function, args, count, keywords) < 0) {
        return NULL;
    }
    struct fs_array_object *object = (struct fs_array_object *)eval_recall(&eval.options, &out);
    if (object == NULL) {
        return NULL;
    }
    if (eval_find_inputs(&eval, object->names, NULL, NULL) == 0) {
        result = eval_run(object->program, &eval);
    }
    eval_drop_inputs(&eval);
    Py_XDECREF(out);
    Py_DECREF(object);
    return result;
}

static PyObject *eval_disassemble(PyObject *module, PyObject *nex)
{
    if (!Py_IS_TYPE(nex, &fs_array_object_type)) {
        return PyErr_Format(PyExc_TypeError, "disassemble() takes a NumExpr object, not %.100s",
                            Py_TYPE(nex)->tp_name);
    }
    return fs_array_disassemble(((struct fs_array_object *)nex)->program);
}

/* The names in an expression, in alphabetical order. */
static PyObject *eval_expression_names(PyObject *module, PyObject *args)
{
    PyObject *ex, *text, *given, *names = NULL;
    int sanitize = 1;
    if (!PyArg_ParseTuple(args, "O|p:expression_names", &ex, &sanitize) ||
        fs_array_read_expression(ex, &text, &given) < 0) {
        return NULL;
    }
    struct fs_array_tree *tree = fs_array_parse(text, sanitize, given);
    if (tree != NULL) {
        PyObject *sorted = fs_array_sorted_names(tree);
        names = sorted != NULL ? PySequence_List(sorted) : NULL;
        Py_XDECREF(sorted);
        fs_array_tree_free(tree);
    }
    Py_XDECREF(given);
    Py_DECREF(text);
    return names;
}

static PyObject *eval_functions(PyObject *module, PyObject *unused)
{
    return fs_array_functions();
}

static PyObject *eval_cache_info(PyObject *module, PyObject *unused)
{
    return fs_array_cache_info();
}

static PyObject *eval_cache_clear(PyObject *module, PyObject *unused)
{
    fs_array_cache_clear();
    Py_RETURN_NONE;
}

#define EVAL_FAST(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL | METH_KEYWORDS

PyMethodDef fs_array_eval_methods[] = {
    {"evaluate", EVAL_FAST(eval_evaluate),
     "evaluate(ex, local_dict=None, global_dict=None, out=None, order='K', casting='same_kind',\n"
     "         sanitize=None, _frame_depth=3, disable_cache=False, *, optimization='aggressive',\n"
     "         truediv='auto', reproducible=None)\n"
     "--\n\n"
     "Compute an array expression, such as '2*a + 3*b*sin(c)', item by item.\n\n"
     "Its variables are those of local_dict and global_dict, else of the caller. The result goes\n"
     "to `out`, else to a new array."},
    {"validate", EVAL_FAST(eval_validate),
     "validate(ex, local_dict=None, global_dict=None, out=None, order='K', casting='safe',\n"
     "         _frame_depth=2, sanitize=None, *, optimization='aggressive', truediv='auto',\n"
     "         reproducible=None)\n"
     "--\n\n"
     "Compile an expression for re_evaluate(); returns None, or the exception that evaluate()\n"
     "would raise before it computes."},
    {"re_evaluate", EVAL_FAST(eval_again),
     "re_evaluate(local_dict=None, global_dict=None, _frame_depth=2)\n--\n\n"
     "Compute the last expression of this thread or task again, with the values that its\n"
     "variables have now."},
    {"disassemble", eval_disassemble, METH_O,
     "disassemble(nex, /)\n--\n\nThe instructions of a NumExpr object: a list with a row for "
     "each."},
    {"expression_names", eval_expression_names, METH_VARARGS,
     "expression_names(ex, sanitize=True, /)\n--\n\nThe variables of an expression, sorted."},
    {"functions", eval_functions, METH_NOARGS,
     "functions()\n--\n\nWhat expressions can call: a list of (name, operation, number of "
     "arguments)."},
    {"cache_info", eval_cache_info, METH_NOARGS,
     "cache_info()\n--\n\nHow full the cache of compiled expressions is, and how often it helped."},
    {"cache_clear", eval_cache_clear, METH_NOARGS,
     "cache_clear()\n--\n\nForget all compiled expressions."},
    {NULL},
};

int fs_array_eval_init(void)
{
    for (int i = 0; i < EVAL_COUNT; i++) {
        eval_names[i] = PyUnicode_InternFromString(eval_texts[i]);
        if (eval_names[i] == NULL) {
            return -1;
        }
    }
    eval_last = PyContextVar_New("fullspeed.last_expression", NULL);
    return eval_last != NULL ? 0 : -1;
}
