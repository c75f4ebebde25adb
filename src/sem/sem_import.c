/* The import statement: IMPORT_NAME, IMPORT_FROM and IMPORT_STAR.
 *
 * How it works: an `__import__` that nobody replaced goes straight to the import
 * machinery. `from m import x` falls back on sys.modules for half-initialised
 * packages, and otherwise raises an ImportError with name and path. `import *`
 * walks `__all__`, or the keys of `__dict__` that have no leading underscore.
 *
 * What must stay true: `__all__` is read by index until IndexError, so that any
 * sequence works and may grow meanwhile; fast locals of an odd code object are
 * merged into f_locals before `import *` and back afterwards, also on failure.
 */
#include "sem_common.h"

#include <frameobject.h>

#include "internal/pycore_moduleobject.h"

/* What fs_sem_after_import was told: a tuple of names and a module; NULL: nothing to look for. */
static PyObject *import_awaited;
static PyObject *import_follower;

void fs_sem_after_import(PyObject *names, PyObject *module)
{
    Py_XSETREF(import_awaited, Py_NewRef(names));
    Py_XSETREF(import_follower, Py_NewRef(module));
}

/* Something was imported: if it is what is awaited, calls the follower's install(), once. */
static void import_follow(PyThreadState *ts, PyObject *name)
{
    if (ts->interp != _PyInterpreterState_Main() ||
        PySequence_Contains(import_awaited, name) <= 0) {
        _PyErr_Clear(ts);
        return;
    }
    PyObject *follower = import_follower;
    import_follower = NULL;
    Py_CLEAR(import_awaited);
    PyObject *module = PyImport_Import(follower);
    PyObject *done = module ? PyObject_CallMethod(module, "install", NULL) : NULL;
    if (done == NULL) {
        PyErr_WriteUnraisable(follower);
    }
    Py_XDECREF(done);
    Py_XDECREF(module);
    Py_DECREF(follower);
}

PyObject *fs_sem_import_name(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *name,
                             PyObject *fromlist, PyObject *level)
{
    PyObject *importer = _PyDict_GetItemWithError(frame->f_builtins, fs_sem_str.import_);
    if (importer == NULL) {
        if (!_PyErr_Occurred(ts)) {
            _PyErr_SetString(ts, PyExc_ImportError, "__import__ not found");
        }
        return NULL;
    }
    PyObject *locals = frame->f_locals != NULL ? frame->f_locals : Py_None;
    if (importer == ts->interp->import_func) {
        int depth = _PyLong_AsInt(level);
        if (depth == -1 && _PyErr_Occurred(ts)) {
            return NULL;
        }
        PyObject *module = fs_sem_import_known(ts, frame->f_globals, name, fromlist, depth);
        if (module == NULL) {
            module =
                PyImport_ImportModuleLevelObject(name, frame->f_globals, locals, fromlist, depth);
        }
        if (import_awaited != NULL && module != NULL) {
            import_follow(ts, name);
        }
        return module;
    }
    PyObject *args[] = {NULL, name, frame->f_globals, locals, fromlist, level};
    Py_INCREF(importer);
    PyObject *module =
        PyObject_Vectorcall(importer, args + 1, 5 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(importer);
    return module;
}

/* The submodule `package.name` from sys.modules; NULL without an error: not there. */
static PyObject *find_submodule(PyObject *package, PyObject *name)
{
    PyObject *full = PyUnicode_FromFormat("%U.%U", package, name);
    if (full == NULL) {
        return NULL;
    }
    PyObject *module = PyImport_GetModule(full);
    Py_DECREF(full);
    return module;
}

/* Is the import of `module` still under way? Never fails. */
static int is_half_imported(PyObject *module)
{
    PyObject *spec = PyObject_GetAttr(module, fs_sem_str.spec);
    int yes = _PyModuleSpec_IsInitializing(spec);
    Py_XDECREF(spec);
    return yes;
}

/* Raises the ImportError of `from module import name`; package: its name, or NULL. */
static void raise_cannot_import(PyThreadState *ts, PyObject *module, PyObject *name,
                                PyObject *package)
{
    PyObject *path = PyModule_GetFilenameObject(module);
    PyObject *shown =
        package != NULL ? Py_NewRef(package) : PyUnicode_FromString("<unknown module name>");
    if (shown == NULL) {
        Py_XDECREF(path);
        return;
    }
    PyObject *message;
    if (path == NULL || !PyUnicode_Check(path)) {
        _PyErr_Clear(ts);
        message =
            PyUnicode_FromFormat("cannot import name %R from %R (unknown location)", name, shown);
        PyErr_SetImportError(message, package, NULL);
    } else {
        const char *format = is_half_imported(module)
                                 ? "cannot import name %R from partially initialized module %R "
                                   "(most likely due to a circular import) (%S)"
                                 : "cannot import name %R from %R (%S)";
        message = PyUnicode_FromFormat(format, name, shown, path);
        PyErr_SetImportError(message, package, path);
    }
    Py_XDECREF(message);
    Py_DECREF(shown);
    Py_XDECREF(path);
}

PyObject *fs_sem_import_from(PyThreadState *ts, PyObject *module, PyObject *name)
{
    PyObject *value = fs_sem_import_known_from(module, name);
    if (value != NULL || _PyObject_LookupAttr(module, name, &value) != 0) {
        return value;
    }
    /* A circular import of a package finds the submodule before it is an attribute. */
    PyObject *package = PyObject_GetAttr(module, fs_sem_str.dunder_name);
    if (package != NULL && !PyUnicode_Check(package)) {
        Py_CLEAR(package);
    }
    if (package != NULL) {
        value = find_submodule(package, name);
        if (value != NULL || _PyErr_Occurred(ts)) {
            Py_DECREF(package);
            return value;
        }
    }
    raise_cannot_import(ts, module, name, package);
    Py_XDECREF(package);
    return NULL;
}

/* The names that `import *` binds. *is_dict: keys of __dict__, underscored ones left out. */
static PyObject *names_of(PyThreadState *ts, PyObject *module, int *is_dict)
{
    PyObject *names, *dict;
    *is_dict = 0;
    if (_PyObject_LookupAttr(module, fs_sem_str.all, &names) != 0) {
        return names;
    }
    *is_dict = 1;
    if (_PyObject_LookupAttr(module, fs_sem_str.dict, &dict) < 0) {
        return NULL;
    }
    if (dict == NULL) {
        _PyErr_SetString(ts, PyExc_ImportError,
                         "from-import-* object has no __dict__ and no __all__");
        return NULL;
    }
    names = PyMapping_Keys(dict);
    Py_DECREF(dict);
    return names;
}

/* Raises the TypeError about an entry that is no string. */
static void raise_bad_entry(PyThreadState *ts, PyObject *module, PyObject *entry, int is_dict)
{
    PyObject *modname = PyObject_GetAttr(module, fs_sem_str.dunder_name);
    if (modname == NULL) {
        return;
    }
    if (!PyUnicode_Check(modname)) {
        _PyErr_Format(ts, PyExc_TypeError, "module __name__ must be a string, not %.100s",
                      Py_TYPE(modname)->tp_name);
    } else {
        _PyErr_Format(ts, PyExc_TypeError, "%s in %U.%s must be str, not %.100s",
                      is_dict ? "Key" : "Item", modname, is_dict ? "__dict__" : "__all__",
                      Py_TYPE(entry)->tp_name);
    }
    Py_DECREF(modname);
}

/* Binds one entry of the list of names in `locals`, or passes over it. */
static int bind_entry(PyThreadState *ts, PyObject *locals, PyObject *module, PyObject *entry,
                      int is_dict)
{
    if (!PyUnicode_Check(entry)) {
        raise_bad_entry(ts, module, entry, is_dict);
        return -1;
    }
    if (is_dict) {
        if (PyUnicode_READY(entry) < 0) {
            return -1;
        }
        if (PyUnicode_READ_CHAR(entry, 0) == '_') {
            return 0;
        }
    }
    PyObject *value = PyObject_GetAttr(module, entry);
    if (value == NULL) {
        return -1;
    }
    int err = PyDict_CheckExact(locals) ? PyDict_SetItem(locals, entry, value)
                                        : PyObject_SetItem(locals, entry, value);
    Py_DECREF(value);
    return err;
}

/* Binds every public name of `module` in `locals`. */
static int import_all(PyThreadState *ts, PyObject *locals, PyObject *module)
{
    int is_dict;
    PyObject *names = names_of(ts, module, &is_dict);
    if (names == NULL) {
        return -1;
    }
    int err = 0;
    for (Py_ssize_t i = 0; err == 0; i++) {
        PyObject *entry = PySequence_GetItem(names, i);
        if (entry == NULL) {
            if (_PyErr_ExceptionMatches(ts, PyExc_IndexError)) {
                _PyErr_Clear(ts);
            } else {
                err = -1;
            }
            break;
        }
        err = bind_entry(ts, locals, module, entry, is_dict);
        Py_DECREF(entry);
    }
    Py_DECREF(names);
    return err == 0 ? 0 : -1;
}

/* The frame object of the running frame, made complete for the moment if RESUME has not run. */
static PyFrameObject *frame_object(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    _Py_CODEUNIT *saved = frame->prev_instr;
    if (_PyFrame_IsIncomplete(frame)) {
        frame->prev_instr = _PyCode_CODE(frame->f_code) + frame->f_code->_co_firsttraceable;
    }
    PyFrameObject *object = PyThreadState_GetFrame(ts);
    frame->prev_instr = saved;
    if (object == NULL) {
        PyErr_NoMemory();
    }
    return object;
}

int fs_sem_import_star(PyThreadState *ts, _PyInterpreterFrame *frame, PyObject *module)
{
    /* The compiler allows `import *` in modules only, which have no fast locals: what
     * follows for a frame object is for hand-made code. */
    PyFrameObject *object = NULL;
    char was_merged = 0;
    if (frame->f_code->co_nlocalsplus > 0) {
        object = frame_object(ts, frame);
        if (object == NULL) {
            return -1;
        }
        was_merged = object->f_fast_as_locals;
        if (PyFrame_FastToLocalsWithError(object) < 0) {
            Py_DECREF(object);
            return -1;
        }
        object->f_fast_as_locals = was_merged;
    } else if (frame->f_locals == NULL) {
        frame->f_locals = PyDict_New();
        if (frame->f_locals == NULL) {
            return -1;
        }
    }
    int err = import_all(ts, frame->f_locals, module);
    if (object != NULL) {
        was_merged = object->f_fast_as_locals;
        object->f_fast_as_locals = 1;
        PyFrame_LocalsToFast(object, 0);
        object->f_fast_as_locals = was_merged;
        Py_DECREF(object);
    }
    return err;
}
