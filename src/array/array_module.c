/* fullspeed._array: the module that Python imports. It puts the room's parts together.
 *
 * What must stay true: nothing of fullspeed imports it unless array expressions are asked for, as
 * it imports NumPy. Without NumPy the import fails with an ImportError that says so.
 */
#define FS_ARRAY_IMPORTS_NUMPY
#include "array/array.h"
#include "array/array_probe.h"
#include "array/array_registry.h"
#include "array/array_run_probe.h"
#include "base/base.h"

static struct PyModuleDef array_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fullspeed._array",
    .m_doc = "Array expressions: parser, compiler and execution.",
    .m_size = -1,
};

/* Called by PyInit__array (src/cpu/cpu_guard.c). */
FS_HIDDEN PyObject *fs_module__array(void);
PyObject *fs_module__array(void)
{
    import_array();
    if (fs_array_registry_init() < 0)
        return NULL;
    PyObject *module = PyModule_Create(&array_module);
    if (module && (fs_array_probe_add(module) < 0 || fs_array_run_probe_add(module) < 0))
        Py_CLEAR(module);
    return module;
}
