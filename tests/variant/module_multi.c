/* A module of the tests: multi-phase initialisation, with a state of its own per interpreter.
 * VARIANT_CRASH="v3 exec" has the code for v3 crash in its exec slot ("init", "load": there), and
 * VARIANT_HOW says how. */
#include <Python.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#ifndef INIT_PREFIX
#define INIT_PREFIX PyInit_
#endif

const char *variant_symbol(void);
const char *variant_symbol(void)
{
    return LEVEL;
}

static void *trap(void *nothing)
{
    __builtin_trap();
    return nothing;
}

static void crash_at(const char *where)
{
    const char *wanted = getenv("VARIANT_CRASH"), *how = getenv("VARIANT_HOW");
    char here[32];
    pthread_t thread;
    snprintf(here, sizeof here, "%s %s", LEVEL, where);
    if (wanted == NULL || strcmp(wanted, here) != 0) {
        return;
    }
    if (strcmp(how, "SIGABRT") == 0) {
        abort();
    } else if (strcmp(how, "SIGSEGV") == 0) {
        *(volatile int *)8 = 1;
    } else if (strcmp(how, "exit") == 0) {
        _exit(3);
    } else if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, trap, NULL);
        pthread_join(thread, NULL);
    } else if (strcmp(how, "wait") == 0) {
        puts("waiting");
        fflush(stdout);
        sleep(60);
    } else {
        __asm__ volatile("ud2"); /* whoever mends it goes on behind it */
    }
}

__attribute__((constructor)) static void at_start(void)
{
    crash_at("load");
}

static PyObject *level(PyObject *module, PyObject *nothing)
{
    (void)nothing;
    ++*(long *)PyModule_GetState(module);
    return PyUnicode_FromString(variant_symbol());
}

static PyObject *calls(PyObject *module, PyObject *nothing)
{
    (void)nothing;
    return PyLong_FromLong(*(long *)PyModule_GetState(module));
}

static int start(PyObject *module)
{
    *(long *)PyModule_GetState(module) = 0;
    crash_at("exec");
#ifdef FAILS
    PyErr_SetString(PyExc_ImportError, "the module's own reason");
    return -1;
#endif
    return 0;
}

static PyMethodDef methods[] = {{"level", level, METH_NOARGS, NULL},
                                {"calls", calls, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)start}, {0, NULL}};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "x", NULL, sizeof(long), methods, slots, NULL, NULL, NULL};

#ifdef __cplusplus
#include <stdexcept>
static int thrown(void)
{
    try {
        throw std::runtime_error("x");
    } catch (std::exception &) {
        return 1;
    }
}
static int at_load = thrown();
#endif

PyMODINIT_FUNC JOIN(INIT_PREFIX, NAME)(void);
PyMODINIT_FUNC JOIN(INIT_PREFIX, NAME)(void)
{
    crash_at("init");
    return PyModuleDef_Init(&definition);
}
