/* Frames for calls: arguments to parameters.
 *
 * Only calls that succeed are bound here. When anything does not fit (missing,
 * unexpected, doubled arguments), the same call goes to CPython's function
 * vectorcall, which raises exactly the error that stock Python raises.
 */
#include "interp/interp.h"

/* A new frame of `func` with all slots empty. It owns its code (a collection may run while the
 * arguments are bound, and give the function another one), and nothing else yet. */
static _PyInterpreterFrame *bind_frame(PyThreadState *ts, PyFunctionObject *func, fs_code *co)
{
    _PyInterpreterFrame *frame = fs_pyrt_frame_alloc(ts, (size_t)co->framesize);
    if (frame == NULL) {
        return NULL;
    }
    frame->f_func = func;
    frame->f_globals = func->func_globals;
    frame->f_builtins = func->func_builtins;
    frame->f_locals = NULL;
    frame->f_code = (PyCodeObject *)Py_NewRef(co->pycode);
    frame->frame_obj = NULL;
    frame->prev_instr = co->before;
    frame->stacktop = -1;
    frame->is_entry = false;
    frame->owner = FRAME_OWNED_BY_THREAD;
    for (int i = 0; i < co->nlocalsplus; i++) {
        frame->localsplus[i] = NULL;
    }
    return frame;
}

/* Takes back a frame of bind_frame that could not be filled. */
static void bind_give_up(PyThreadState *ts, _PyInterpreterFrame *frame)
{
    Py_DECREF(frame->f_code);
    fs_pyrt_frame_free(ts, frame);
}

/* Index of the parameter called `name`, -1 when there is none, -2 when that is an error. */
static Py_ssize_t bind_find_parameter(PyCodeObject *code, PyObject *name)
{
    PyObject **names = ((PyTupleObject *)code->co_localsplusnames)->ob_item;
    Py_ssize_t total = code->co_argcount + code->co_kwonlyargcount;
    for (Py_ssize_t j = code->co_posonlyargcount; j < total; j++) {
        if (names[j] == name) {
            return j;
        }
    }
    if (!PyUnicode_Check(name)) {
        return -2;
    }
    if (PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name)) {
        return -1; /* as the parameters' names are, so that equal ones are the same object */
    }
    for (Py_ssize_t j = code->co_posonlyargcount; j < total; j++) {
        int equal = PyObject_RichCompareBool(name, names[j], Py_EQ);
        if (equal != 0) {
            return equal > 0 ? j : -2;
        }
    }
    return -1;
}

/* Puts keyword arguments in place; those for **kwargs into `extra`. */
static bool bind_keywords(PyCodeObject *code, PyObject **locals, PyObject *const *values,
                          PyObject *kwnames, PyObject *extra)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        Py_ssize_t j = bind_find_parameter(code, name);
        if (j >= 0) {
            if (locals[j] != NULL) {
                return false;
            }
            locals[j] = values[i];
        } else if (j == -2 || extra == NULL || PyDict_SetItem(extra, name, values[i]) < 0) {
            return false;
        }
    }
    return true;
}

/* Fills empty parameters from the defaults, with new references. */
static bool bind_defaults(PyFunctionObject *func, PyCodeObject *code, PyObject **locals,
                          Py_ssize_t npos)
{
    Py_ssize_t nparams = code->co_argcount;
    PyObject *defaults = func->func_defaults;
    Py_ssize_t ndefaults = defaults == NULL ? 0 : PyTuple_GET_SIZE(defaults);
    for (Py_ssize_t i = npos; i < nparams; i++) {
        if (locals[i] == NULL && i < nparams - ndefaults) {
            return false;
        }
    }
    PyObject *kwdefaults = func->func_kwdefaults;
    for (Py_ssize_t i = nparams; i < nparams + code->co_kwonlyargcount; i++) {
        if (locals[i] != NULL) {
            continue;
        }
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        PyObject *value = kwdefaults == NULL ? NULL : PyDict_GetItemWithError(kwdefaults, name);
        if (value == NULL) {
            return false;
        }
    }
    /* Nothing can fail any more: only now references are made. */
    for (Py_ssize_t i = npos; i < nparams; i++) {
        if (locals[i] == NULL) {
            locals[i] = Py_NewRef(PyTuple_GET_ITEM(defaults, i - (nparams - ndefaults)));
        }
    }
    for (Py_ssize_t i = nparams; i < nparams + code->co_kwonlyargcount; i++) {
        if (locals[i] == NULL) {
            PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
            locals[i] = Py_NewRef(PyDict_GetItemWithError(kwdefaults, name));
        }
    }
    return true;
}

/* Binds all arguments, whose references move; false (and none moved): CPython shall raise. */
static bool bind_arguments(PyFunctionObject *func, PyObject **locals, PyObject **args,
                           Py_ssize_t npos, PyObject *kwnames)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    Py_ssize_t nparams = code->co_argcount;
    Py_ssize_t nfit = npos < nparams ? npos : nparams;
    Py_ssize_t slot = nparams + code->co_kwonlyargcount;
    PyObject *rest = NULL;
    PyObject *extra = NULL;
    if (npos > nparams && !(code->co_flags & CO_VARARGS)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < nfit; i++) {
        locals[i] = args[i];
    }
    if (code->co_flags & CO_VARKEYWORDS && (extra = PyDict_New()) == NULL) {
        return false;
    }
    if (kwnames != NULL && !bind_keywords(code, locals, args + npos, kwnames, extra)) {
        goto fail;
    }
    if (code->co_flags & CO_VARARGS) {
        rest = PyTuple_New(npos - nfit);
        if (rest == NULL) {
            goto fail;
        }
    }
    if (!bind_defaults(func, code, locals, nfit)) {
        goto fail;
    }
    if (rest != NULL) {
        for (Py_ssize_t i = nfit; i < npos; i++) {
            PyTuple_SET_ITEM(rest, i - nfit, args[i]);
        }
        locals[slot++] = rest;
    }
    if (extra != NULL) {
        locals[slot] = extra;
        if (kwnames != NULL && PyDict_GET_SIZE(extra) != 0) {
            /* The dict has references of its own: drop those that came with the call. */
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
                if (bind_find_parameter(code, PyTuple_GET_ITEM(kwnames, i)) == -1) {
                    Py_DECREF(args[npos + i]);
                }
            }
        }
    }
    return true;
fail:
    PyErr_Clear();
    Py_XDECREF(rest);
    Py_XDECREF(extra);
    return false;
}

_PyInterpreterFrame *fs_bind_plain(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                   PyObject *const *args, Py_ssize_t npos)
{
    PyCodeObject *code = co->pycode;
    Py_ssize_t nparams = code->co_argcount;
    PyObject *rest = NULL;
    PyObject *extra = NULL;
    if (co->argcount != npos) {
        int star = co->flags & (CO_VARARGS | CO_VARKEYWORDS);
        int simple = CO_OPTIMIZED | CO_NEWLOCALS;
        if (star == 0 || (co->flags & simple) != simple || code->co_kwonlyargcount != 0 ||
            npos < nparams || (npos > nparams && !(star & CO_VARARGS)) ||
            ts->datastack_top + co->framesize >= ts->datastack_limit) {
            return NULL;
        }
        /* A collection may run here, and give the function other code. */
        Py_INCREF(code);
        if ((star & CO_VARARGS && (rest = PyTuple_New(npos - nparams)) == NULL) ||
            (star & CO_VARKEYWORDS && (extra = PyDict_New()) == NULL)) {
            Py_XDECREF(rest);
            Py_DECREF(code);
            PyErr_Clear();
            return NULL;
        }
    }
    _PyInterpreterFrame *made = fs_frame_push(ts, func, co, FS_KIND_CALL);
    if (rest != NULL || extra != NULL) {
        Py_DECREF(code); /* the frame has it */
    }
    if (FS_UNLIKELY(made == NULL)) {
        Py_XDECREF(rest);
        Py_XDECREF(extra);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < nparams; i++) {
        made->localsplus[i] = args[i];
        __asm__("" : "+r"(i)); /* no memcpy: it is a handful */
    }
    Py_ssize_t slot = nparams;
    if (rest != NULL) {
        for (Py_ssize_t i = nparams; i < npos; i++) {
            PyTuple_SET_ITEM(rest, i - nparams, args[i]);
        }
        made->localsplus[slot++] = rest;
    }
    if (extra != NULL) {
        made->localsplus[slot++] = extra;
    }
    fs_frame_empty_slots(made, co, slot);
    return made;
}

_PyInterpreterFrame *fs_bind_call(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                  PyObject **args, Py_ssize_t npos, PyObject *kwnames)
{
    _PyInterpreterFrame *frame = kwnames == NULL ? fs_bind_plain(ts, func, co, args, npos) : NULL;
    if (frame != NULL) {
        return frame;
    }
    frame = bind_frame(ts, func, co);
    if (frame != NULL) {
        if (bind_arguments(func, frame->localsplus, args, npos, kwnames)) {
            if (!(co->flags & CO_OPTIMIZED)) {
                frame->f_locals = Py_NewRef(func->func_globals);
            }
            return frame;
        }
        bind_give_up(ts, frame);
        PyObject *r = _PyFunction_Vectorcall((PyObject *)func, args, (size_t)npos, kwnames);
        if (r != NULL) {
            Py_DECREF(r);
            PyErr_Format(PyExc_SystemError, "fullspeed: call of %R could not be bound", func);
        }
    }
    Py_ssize_t nargs = npos + (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    for (Py_ssize_t i = 0; i < nargs; i++) {
        Py_DECREF(args[i]);
    }
    Py_DECREF(func);
    return NULL;
}

/* A star call by way of an ordinary one: for odd keys, and for the errors. */
static _PyInterpreterFrame *bind_star_slow(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                           PyObject *args, PyObject *kwargs)
{
    Py_ssize_t npos = PyTuple_GET_SIZE(args);
    Py_ssize_t nkw = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    PyObject *few[16];
    PyObject **all = few;
    PyObject *kwnames = NULL;
    if (npos + nkw > 16 && (all = PyMem_Malloc((size_t)(npos + nkw) * sizeof(*all))) == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (nkw != 0 && (kwnames = PyTuple_New(nkw)) == NULL) {
        goto fail;
    }
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    bool strings = true;
    for (Py_ssize_t i = 0; nkw != 0 && PyDict_Next(kwargs, &pos, &key, &value); i++) {
        strings &= PyUnicode_Check(key) != 0;
        PyTuple_SET_ITEM(kwnames, i, Py_NewRef(key));
        all[npos + i] = value;
    }
    if (!strings) {
        /* CPython names the culprit. */
        PyObject *r = PyObject_Call((PyObject *)func, args, kwargs);
        Py_XDECREF(r);
        goto fail;
    }
    for (Py_ssize_t i = 0; i < npos; i++) {
        all[i] = Py_NewRef(PyTuple_GET_ITEM(args, i));
    }
    for (Py_ssize_t i = npos; i < npos + nkw; i++) {
        Py_INCREF(all[i]);
    }
    Py_INCREF(func);
    _PyInterpreterFrame *frame = fs_bind_call(ts, func, co, all, npos, kwnames);
    Py_XDECREF(kwnames);
    if (all != few) {
        PyMem_Free(all);
    }
    return frame;
fail:
    Py_XDECREF(kwnames);
    if (all != few) {
        PyMem_Free(all);
    }
    return NULL;
}

/* The keyword arguments of a star call, with new references; false: not that simple. */
static bool bind_star_keywords(PyCodeObject *code, PyObject **locals, PyObject *kwargs,
                               PyObject *extra)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(kwargs, &pos, &key, &value)) {
        /* Other keys may run code when they are compared, and change the dict. */
        Py_ssize_t j = PyUnicode_CheckExact(key) ? bind_find_parameter(code, key) : -2;
        if (j >= 0) {
            if (locals[j] != NULL) {
                return false;
            }
            locals[j] = Py_NewRef(value);
        } else if (j == -2 || extra == NULL || PyDict_SetItem(extra, key, value) < 0) {
            return false;
        }
    }
    return true;
}

/* A star call's arguments straight from tuple and dict; false (locals may be filled): not
 * that simple, or CPython shall raise. */
static bool bind_star_arguments(PyFunctionObject *func, PyObject **locals, PyObject *args,
                                PyObject *kwargs)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    Py_ssize_t npos = PyTuple_GET_SIZE(args);
    Py_ssize_t nparams = code->co_argcount;
    Py_ssize_t nfit = npos < nparams ? npos : nparams;
    Py_ssize_t slot = nparams + code->co_kwonlyargcount;
    PyObject *extra = NULL;
    if (npos > nparams && !(code->co_flags & CO_VARARGS)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < nfit; i++) {
        locals[i] = Py_NewRef(PyTuple_GET_ITEM(args, i));
    }
    if (code->co_flags & CO_VARARGS) {
        PyObject *rest = locals[slot++] = PyTuple_New(npos - nfit);
        if (rest == NULL) {
            return false;
        }
        for (Py_ssize_t i = nfit; i < npos; i++) {
            PyTuple_SET_ITEM(rest, i - nfit, Py_NewRef(PyTuple_GET_ITEM(args, i)));
        }
    }
    if (code->co_flags & CO_VARKEYWORDS && (extra = locals[slot] = PyDict_New()) == NULL) {
        return false;
    }
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0 &&
        !bind_star_keywords(code, locals, kwargs, extra)) {
        return false;
    }
    return bind_defaults(func, code, locals, nfit);
}

_PyInterpreterFrame *fs_bind_star(PyThreadState *ts, PyFunctionObject *func, fs_code *co,
                                  PyObject *args, PyObject *kwargs)
{
    _PyInterpreterFrame *frame;
    PyObject **items = ((PyTupleObject *)args)->ob_item;
    if (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) {
        frame = fs_bind_plain(ts, func, co, items, PyTuple_GET_SIZE(args));
        if (frame != NULL) {
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
                Py_INCREF(items[i]);
            }
            Py_INCREF(func);
            return frame;
        }
    }
    frame = bind_frame(ts, func, co);
    if (frame == NULL) {
        return NULL;
    }
    if (!bind_star_arguments(func, frame->localsplus, args, kwargs)) {
        PyErr_Clear();
        for (int i = 0; i < co->nlocalsplus; i++) {
            Py_XDECREF(frame->localsplus[i]);
        }
        bind_give_up(ts, frame);
        return bind_star_slow(ts, func, co, args, kwargs);
    }
    Py_INCREF(func);
    if (!(co->flags & CO_OPTIMIZED)) {
        frame->f_locals = Py_NewRef(func->func_globals);
    }
    return frame;
}
