/* Trying a variant in a child, and watching the code of modules that are initialised in phases.
 *
 * How it works: the child is made by os.fork(), which readies Python's locks for it. It loads the
 * variant, calls the init function, and, where that gives a definition, makes and executes the
 * module, with the spec that the import system is about to use: that one stands in its frames. A
 * byte in a pipe says that it came to the end; without it the variant is bad.
 *
 * CPython executes a definition's slots after the init function has returned. So that the watch
 * sees them, they are replaced by functions of ours which call them: in the definition itself,
 * since modules compare its address.
 *
 * What must stay true: the child never returns into Python, and says nothing; an exception is no
 * crash; a program that has its own way with SIGCHLD gets the same answer; only the stable ABI of
 * CPython 3.5 is used.
 */
#define _GNU_SOURCE
#define Py_LIMITED_API 0x03050000
#include "variant_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_SECONDS = 60, PROBE_SPEC_FRAMES = 5 };

/* ---- the child ---- */

/* Signals do what they do where nobody has said otherwise; a crash leaves no core and no words. */
static void probe_settle(void)
{
    static const int numbers[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        signal(numbers[i], SIG_DFL);
        sigaddset(&set, numbers[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    alarm(PROBE_SECONDS);
}

/* The spec that the import system is at work for; NULL: it is not to be found, no error is set. */
static PyObject *probe_spec(void)
{
    PyObject *get = PySys_GetObject("_getframe"); /* borrowed */
    PyObject *frame = get != NULL ? PyObject_CallObject(get, NULL) : NULL, *spec = NULL;
    for (int i = 0; frame != NULL && spec == NULL && i < PROBE_SPEC_FRAMES; i++) {
        PyObject *locals = PyObject_GetAttrString(frame, "f_locals");
        spec = locals != NULL ? PyMapping_GetItemString(locals, "spec") : NULL;
        PyErr_Clear();
        PyObject *back = PyObject_GetAttrString(frame, "f_back");
        Py_XDECREF(locals);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    PyErr_Clear();
    return spec;
}

void fs_variant_probe_module(PyObject *result)
{
    if (result != NULL && PyObject_TypeCheck(result, &PyModuleDef_Type)) {
        PyModuleDef *definition = (PyModuleDef *)result;
        PyObject *spec = probe_spec();
        PyObject *module = spec != NULL ? PyModule_FromDefAndSpec(definition, spec) : NULL;
        if (module != NULL && PyModule_Check(module)) {
            PyModule_ExecDef(module, definition);
        }
    }
    PyErr_Clear();
}

static void probe_child(void (*attempt)(void *self), void *self, int end)
{
    probe_settle();
    attempt(self);
    const ssize_t written = write(end, "", 1);
    _exit(written == 1 ? 0 : 1);
}

/* ---- the parent ---- */

/* os.fork(); -1: it cannot be done now, no error is set. */
static long probe_fork(void)
{
    PyObject *os = PyImport_ImportModule("posix");
    PyObject *number = os != NULL ? PyObject_CallMethod(os, "fork", NULL) : NULL;
    long pid = number != NULL ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    Py_XDECREF(os);
    PyErr_Clear();
    return pid;
}

/* Waits for the child's end, and reads how it was. Where somebody else has collected the child, or
 * nobody has to, waitpid fails when it has ended; the byte is there or not all the same. */
static bool probe_wait(pid_t child, int end, char reason[FS_VARIANT_REASON])
{
    int status = 0;
    pid_t waited;
    char byte;
    Py_BEGIN_ALLOW_THREADS do
    {
        waited = waitpid(child, &status, 0);
    }
    while (waited < 0 && errno == EINTR)
        ;
    Py_END_ALLOW_THREADS fcntl(end, F_SETFL, O_NONBLOCK);
    if (read(end, &byte, 1) == 1) {
        return true;
    }
    const int number = waited == child && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const char *name = fs_variant_crash_signal(number);
    if (number == SIGALRM) {
        snprintf(reason, FS_VARIANT_REASON, "it took more than %d s", PROBE_SECONDS);
    } else if (name != NULL) {
        snprintf(reason, FS_VARIANT_REASON, "%s", name);
    } else if (number != 0) {
        snprintf(reason, FS_VARIANT_REASON, "signal %d", number);
    } else {
        snprintf(reason, FS_VARIANT_REASON, "it ended the process");
    }
    return false;
}

enum fs_variant_probed fs_variant_probe(void (*attempt)(void *self), void *self,
                                        char reason[FS_VARIANT_REASON])
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return FS_VARIANT_NOT_PROBED;
    }
    const long child = probe_fork();
    if (child == 0) {
        probe_child(attempt, self, ends[1]);
    }
    close(ends[1]);
    enum fs_variant_probed found = FS_VARIANT_NOT_PROBED;
    if (child > 0) {
        found = probe_wait((pid_t)child, ends[0], reason) ? FS_VARIANT_GOOD : FS_VARIANT_BAD;
    }
    close(ends[0]);
    return found;
}

/* ---- slots ---- */

enum { SLOTS_MOST = 32, SLOTS_EXEC = 4 };

typedef int slots_exec(PyObject *module);

static struct {
    atomic_flag taken;
    PyModuleDef_Slot slots[SLOTS_MOST];
    slots_exec *exec[SLOTS_EXEC];
} slots_watched = {.taken = ATOMIC_FLAG_INIT};

static int slots_run(int which, PyObject *module)
{
    fs_variant_crash_watch(NULL);
    int result = slots_watched.exec[which](module);
    fs_variant_crash_unwatch();
    return result;
}

static int slots_run_0(PyObject *module)
{
    return slots_run(0, module);
}
static int slots_run_1(PyObject *module)
{
    return slots_run(1, module);
}
static int slots_run_2(PyObject *module)
{
    return slots_run(2, module);
}
static int slots_run_3(PyObject *module)
{
    return slots_run(3, module);
}

void fs_variant_watch_slots(PyObject *result)
{
    static slots_exec *const ours[SLOTS_EXEC] = {slots_run_0, slots_run_1, slots_run_2,
                                                 slots_run_3};
    if (result == NULL || !PyObject_TypeCheck(result, &PyModuleDef_Type) ||
        ((PyModuleDef *)result)->m_slots == NULL ||
        atomic_flag_test_and_set(&slots_watched.taken)) {
        return;
    }
    const PyModuleDef_Slot *from = ((PyModuleDef *)result)->m_slots;
    int execs = 0;
    for (int i = 0; i < SLOTS_MOST; i++) {
        slots_watched.slots[i] = from[i];
        if (from[i].slot == 0) {
            ((PyModuleDef *)result)->m_slots = slots_watched.slots;
            return;
        }
        if (from[i].slot == Py_mod_exec && execs < SLOTS_EXEC) {
            slots_watched.exec[execs] = (slots_exec *)(uintptr_t)from[i].value;
            slots_watched.slots[i].value = (void *)(uintptr_t)ours[execs++];
        }
    }
}
