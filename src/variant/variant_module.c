/* fullspeed._variant: what fullspeed.loader asks before it loads a variant.
 *
 * What must stay true: the rules are the stub's, from the same files; no code of the variant runs.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "variant_elf.h"
#include "variant_place.h"

PyDoc_STRVAR(
    module_check_doc,
    "check(module, below, variant)\n--\n\n"
    "May the variant of a module be loaded? None: there is none; True: it may; else a\n"
    "str that says why not. `below` is the way from the module's folder to the variant's.");

static PyObject *module_check(PyObject *Py_UNUSED(self), PyObject *args)
{
    PyObject *module = NULL, *below = NULL, *variant = NULL, *result = NULL;
    if (PyArg_ParseTuple(args, "O&O&O&:check", PyUnicode_FSConverter, &module,
                         PyUnicode_FSConverter, &below, PyUnicode_FSConverter, &variant)) {
        const char *path = PyBytes_AS_STRING(variant), *fault = NULL;
        struct stat info;
        bool is_there;
        Py_BEGIN_ALLOW_THREADS is_there =
            lstat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
        if (is_there) {
            fault =
                fs_variant_place_fault(PyBytes_AS_STRING(module), PyBytes_AS_STRING(below), path);
            fault = fault != NULL ? fault : fs_variant_elf_fault(path);
        }
        Py_END_ALLOW_THREADS result = !is_there ? Py_NewRef(Py_None)
                                      : fault == NULL
                                          ? Py_NewRef(Py_True)
                                          : PyUnicode_DecodeLocale(fault, "surrogateescape");
    }
    Py_XDECREF(module);
    Py_XDECREF(below);
    Py_XDECREF(variant);
    return result;
}

static PyMethodDef module_methods[] = {
    {"check", module_check, METH_VARARGS, module_check_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "fullspeed._variant",
    .m_doc = "Where variants of extension modules may lie, and whether they are whole.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyObject *fs_module__variant(void);

PyObject *fs_module__variant(void)
{
    return PyModuleDef_Init(&module_definition);
}
