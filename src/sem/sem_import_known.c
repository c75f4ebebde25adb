/* Imports of modules that are there already, inside functions above all: no machinery, no Python.
 *
 * How it works: the module is taken from sys.modules if its spec says that it is ready; of a
 * package each name of the `from` list must be there. A relative name is resolved once and
 * remembered, after the look at __spec__.parent that comes with every resolution.
 *
 * What must stay true: nothing here runs Python, warns or leaves an error. Whatever could do so
 * (other mappings, other specs, a module's __getattr__, something missing) answers NULL, and the
 * import machinery does it from the start.
 */
#include "pyrt/pyrt.h"
#include "sem_common.h"

enum { KNOWN_NAMES = 256 }; /* resolved relative names; a power of two */

typedef struct {
    PyObject *package; /* these three and abs_name: our own references */
    PyObject *name;
    PyObject *abs_name;
    int level;
} known_name;

static known_name known_names[KNOWN_NAMES];

/* The value of a string key in a plain dict of strings (borrowed). */
static PyObject *known_item(PyObject *dict, PyObject *key)
{
    if (dict == NULL || !PyDict_CheckExact(dict) ||
        !DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys)) {
        return NULL;
    }
    return _PyDict_GetItem_KnownHash(dict, key, PyObject_Hash(key));
}

/* The value in a plain module's namespace (borrowed). */
static PyObject *known_global(PyObject *module, PyObject *name)
{
    return PyModule_CheckExact(module) ? known_item(((PyModuleObject *)module)->md_dict, name)
                                       : NULL;
}

/* An attribute that only the instance has (new reference). */
static PyObject *known_own(PyObject *owner, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(owner);
    if (type->tp_getattro != PyObject_GenericGetAttr || _PyType_Lookup(type, name) != NULL) {
        return NULL;
    }
    return _PyObject_GenericGetAttrWithDict(owner, name, NULL, 1);
}

/* Whether a function is one of importlib's own. */
static bool known_is_frozen(PyObject *func)
{
    if (func == NULL || !PyFunction_Check(func)) {
        return false;
    }
    PyObject *file = ((PyCodeObject *)((PyFunctionObject *)func)->func_code)->co_filename;
    return PyUnicode_CompareWithASCIIString(file, "<frozen importlib._bootstrap>") == 0;
}

/* Whether a module's spec says that the module is ready. */
static bool known_is_ready(PyObject *module)
{
    PyObject *spec = known_global(module, fs_sem_str.spec);
    if (spec == NULL || spec == Py_None) {
        return spec != NULL;
    }
    PyObject *busy = known_own(spec, fs_sem_str.initializing);
    bool ready = busy == Py_False;
    Py_XDECREF(busy);
    return ready;
}

/* A ready module of sys.modules (borrowed). */
static PyObject *known_module(PyThreadState *ts, PyObject *name)
{
    PyObject *module = known_item(ts->interp->modules, name);
    return module != NULL && known_is_ready(module) ? module : NULL;
}

/* Whether the type of a spec has the `parent` of importlib's ModuleSpec. */
static bool known_spec_type(PyTypeObject *type)
{
    static uint32_t version;
    if (version != 0 && type->tp_version_tag == version) {
        return true;
    }
    PyObject *parent = _PyType_Lookup(type, fs_sem_str.parent);
    if (parent == NULL || !Py_IS_TYPE(parent, &PyProperty_Type) ||
        !known_is_frozen(((fs_pyrt_property *)parent)->fget)) {
        return false;
    }
    version = fs_pyrt_type_version(type);
    return version != 0;
}

/* Whether `name`, cut at its last dot if it is no package's, is `package`. */
static bool known_is_parent(PyObject *name, bool is_package, PyObject *package)
{
    if (is_package) {
        return PyUnicode_Compare(name, package) == 0;
    }
    Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, n, -1);
    return dot == PyUnicode_GET_LENGTH(package) && PyUnicode_Tailmatch(name, package, 0, n, -1) > 0;
}

/* Whether globals' __package__ is what its __spec__ says. */
static bool known_package_fits(PyObject *globals, PyObject *package)
{
    PyObject *spec = known_item(globals, fs_sem_str.spec);
    if (spec == NULL || spec == Py_None) {
        return true;
    }
    if (!known_spec_type(Py_TYPE(spec))) {
        return false;
    }
    PyObject *places = known_own(spec, fs_sem_str.search_locations);
    PyObject *name = known_own(spec, fs_sem_str.name);
    bool fits = places != NULL && name != NULL && PyUnicode_CheckExact(name) &&
                known_is_parent(name, places != Py_None, package);
    Py_XDECREF(places);
    Py_XDECREF(name);
    return fits;
}

/* The absolute form of a relative name (new reference); NULL: not known, no error. */
static PyObject *known_join(PyObject *package, PyObject *name, int level)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(package);
    while (--level > 0 && n > 0) {
        n = PyUnicode_FindChar(package, '.', 0, n, -1);
    }
    PyObject *base = n > 0 ? PyUnicode_Substring(package, 0, n) : NULL;
    if (base != NULL && PyUnicode_GET_LENGTH(name) > 0) {
        Py_SETREF(base, PyUnicode_FromFormat("%U.%U", base, name));
    }
    if (base == NULL) {
        PyErr_Clear();
    }
    return base;
}

/* The same, remembered (borrowed). */
static PyObject *known_resolve(PyObject *globals, PyObject *name, int level)
{
    PyObject *package = known_item(globals, fs_sem_str.package);
    if (package == NULL || !PyUnicode_CheckExact(package) ||
        !known_package_fits(globals, package)) {
        return NULL;
    }
    size_t place = ((uintptr_t)package >> 4) + ((uintptr_t)name >> 4) * 3 + (size_t)level;
    known_name *known = &known_names[place % KNOWN_NAMES];
    if (known->package == package && known->name == name && known->level == level) {
        return known->abs_name;
    }
    PyObject *abs_name = known_join(package, name, level);
    if (abs_name == NULL) {
        return NULL;
    }
    known_name old = *known;
    *known = (known_name){Py_NewRef(package), Py_NewRef(name), abs_name, level};
    Py_XDECREF(old.package);
    Py_XDECREF(old.name);
    Py_XDECREF(old.abs_name);
    return abs_name;
}

/* Whether importlib would find each of these names in the package and do no more. */
static bool known_has_all(PyThreadState *ts, PyObject *package, PyObject *fromlist)
{
    static PyObject *handler;
    PyObject *now = known_global(ts->interp->importlib, fs_sem_str.handle_fromlist);
    if (now == NULL || (now != handler && !known_is_frozen(now))) {
        return false;
    }
    Py_XSETREF(handler, Py_NewRef(now));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fromlist); i++) {
        PyObject *name = PyTuple_GET_ITEM(fromlist, i);
        if (!PyUnicode_CheckExact(name) || PyUnicode_GET_LENGTH(name) == 0 ||
            PyUnicode_READ_CHAR(name, 0) == '*' || known_global(package, name) == NULL) {
            return false;
        }
    }
    return true;
}

/* What `import name` binds, of a module that is ready (borrowed). */
static PyObject *known_top(PyThreadState *ts, PyObject *module, PyObject *name)
{
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), 1);
    if (dot < 0) {
        return module;
    }
    PyObject *front = PyUnicode_Substring(name, 0, dot);
    if (front == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *top = dot > 0 ? known_module(ts, front) : NULL;
    Py_DECREF(front);
    return top;
}

PyObject *fs_sem_import_known(PyThreadState *ts, PyObject *globals, PyObject *name,
                              PyObject *fromlist, int level)
{
    bool has_from = fromlist != Py_None;
    if (!PyUnicode_CheckExact(name) || level < 0 ||
        (has_from ? !PyTuple_CheckExact(fromlist) || PyTuple_GET_SIZE(fromlist) == 0 : level > 0)) {
        return NULL;
    }
    PyObject *abs_name = level == 0 ? name : known_resolve(globals, name, level);
    PyObject *module = abs_name == NULL ? NULL : known_module(ts, abs_name);
    if (module == NULL) {
        return NULL;
    }
    if (!has_from) {
        module = known_top(ts, module, name);
    } else if (known_global(module, fs_sem_str.path) != NULL) {
        module = known_has_all(ts, module, fromlist) ? module : NULL;
    } else if (known_global(module, fs_sem_str.getattr) != NULL) {
        module = NULL; /* it would be asked for __path__ */
    }
    return Py_XNewRef(module);
}

PyObject *fs_sem_import_known_from(PyObject *module, PyObject *name)
{
    /* What modules have of their type has underscores. */
    if (PyUnicode_GET_LENGTH(name) == 0 || PyUnicode_READ_CHAR(name, 0) == '_') {
        return NULL;
    }
    return Py_XNewRef(known_global(module, name));
}
