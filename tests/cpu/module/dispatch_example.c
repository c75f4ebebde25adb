/* An extension module with functions for several targets, as other projects write one: it knows
 * fullspeed by cpu_api.h alone. test_dispatch.py compiles and imports it.
 */
#include <Python.h>

#include "cpu_api.h"

#define TARGET(name, text)        \
    static const char *name(void) \
    {                             \
        return text;              \
    }
TARGET(best, "best")
TARGET(better, "better")
TARGET(plain, "plain")

typedef const char *answer(void);
#define OF(function) ((void (*)(void))(function))

static const struct fs_cpu_target targets[] = {
    {"AVX512_KNM", "AVX512_KNM XOP", OF(best)}, /* no processor has both */
    {"FMA3__AVX2", " avx2  FMA ", OF(better)},
    {"baseline", "", OF(plain)},
};
static const struct fs_cpu_target wrong_name[] = {{"X", "AVX3", OF(best)}, {"b", "", OF(plain)}};
static const struct fs_cpu_target no_baseline[] = {{"AVX2", "AVX2", OF(best)}};

static struct fs_cpu_dispatch add_dd = {
    .function = "example_add", .signature = "ddd", .targets = targets, .count = 3};
static struct fs_cpu_dispatch add_ff = {
    .function = "example_add", .signature = "fff", .targets = targets + 1, .count = 2};
static struct fs_cpu_dispatch absolute = {
    .function = "example_absolute", .signature = "Ff", .targets = targets + 2, .count = 1};
static struct fs_cpu_dispatch other_add = {
    .function = "example_add", .signature = "ddd", .targets = targets, .count = 3};
static struct fs_cpu_dispatch bad_name = {
    .function = "bad", .signature = "d", .targets = wrong_name, .count = 2};
static struct fs_cpu_dispatch bad_base = {
    .function = "bad", .signature = "d", .targets = no_baseline, .count = 1};
static struct fs_cpu_dispatch bad_none = {
    .function = "bad", .signature = "d", .targets = targets, .count = 0};
static struct fs_cpu_dispatch bad_many = {
    .function = "bad", .signature = "d", .targets = targets, .count = 65};

static struct fs_cpu_dispatch stolen = {
    .function = "sin", .signature = "dd", .targets = targets + 2, .count = 1};

static const struct fs_cpu_api *api;

static PyObject *call(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    return PyUnicode_FromString(((answer *)fs_cpu_function(&add_dd))());
}

static PyObject *choose(PyObject *Py_UNUSED(module), PyObject *arg)
{
    return PyLong_FromLong(api->choose(&add_dd, (uint32_t)PyLong_AsLong(arg), "measured"));
}

static PyObject *has(PyObject *Py_UNUSED(module), PyObject *arg)
{
    return PyLong_FromLong(api->has(PyUnicode_AsUTF8(arg)));
}

/* What registering gives, for all that can be right or wrong with it. */
static PyObject *add(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    struct fs_cpu_dispatch *all[] = {&add_dd,   &add_ff,   &absolute, &add_dd,  &other_add,
                                     &bad_name, &bad_base, &bad_none, &bad_many};
    PyObject *codes = PyList_New(0);
    for (size_t i = 0; codes != NULL && i < sizeof all / sizeof *all; i++) {
        PyObject *code = PyLong_FromLong(api->add(all[i]));
        if (code == NULL || PyList_Append(codes, code) < 0) {
            Py_CLEAR(codes);
        }
        Py_XDECREF(code);
    }
    return codes;
}

/* Registers what is an array kernel's name. */
static PyObject *steal(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arg))
{
    return PyLong_FromLong(api->add(&stolen));
}

static PyMethodDef methods[] = {
    {"steal", steal, METH_NOARGS, NULL}, {"call", call, METH_NOARGS, NULL},
    {"choose", choose, METH_O, NULL},    {"has", has, METH_O, NULL},
    {"add", add, METH_NOARGS, NULL},     {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "dispatch_example",
                                        .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_dispatch_example(void)
{
    api = PyCapsule_Import(FS_CPU_API_CAPSULE, 0);
    return api != NULL && api->version >= FS_CPU_API_VERSION ? PyModule_Create(&definition) : NULL;
}
