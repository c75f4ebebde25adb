/* Shadow verification: FULLSPEED_VERIFY=N has one in N evaluations checked (array_verify.c). */
#ifndef FS_ARRAY_VERIFY_H
#define FS_ARRAY_VERIFY_H

#include "array/array.h"
#include "array/array_kernel.h"

/* Evaluations until one is to be checked; 0: none ever is. */
extern unsigned long fs_array_verify_left;

/* Whether the evaluation that begins is to be checked. The GIL is held. */
static inline bool fs_array_verify_due(void)
{
    return fs_array_verify_left != 0 && --fs_array_verify_left == 0;
}

/* fs_array_run() of an evaluation that is checked. */
PyObject *fs_array_verify(const struct fs_array_program *program, PyObject *const *inputs,
                          const struct fs_array_options *options);

/* One in so many evaluations from now on, the next one first; 0: none. */
void fs_array_verify_every(unsigned long evaluations);
/* What the environment asks for; -1 with an exception. */
int fs_array_verify_init(void);

/* ---- reports: array_verify_report.c ---- */

enum { FS_ARRAY_VERIFY_SHOWN = 64 };

/* Bytes of a value, of a string the first ones. */
struct fs_array_verify_value {
    char bytes[FS_ARRAY_VERIFY_SHOWN] __attribute__((aligned(8)));
    size_t size;
};

/* The first wrong value that a kernel gave. */
struct fs_array_verify_fault {
    enum fs_array_op op;     /* FS_ARRAY_OP_COUNT: there is none */
    fs_array_kernel *kernel; /* that gave it */
    size_t folded;           /* of a reduction: how many values it took up */
    struct fs_array_verify_value args[FS_ARRAY_MAX_ARGS], got, wanted;
};

/* What was found out about an evaluation. */
struct fs_array_verify_finding {
    const struct fs_array_program *program;
    PyObject *const *inputs; /* as they were before it */
    struct fs_array_verify_fault fault;
    PyObject *got;    /* the first item of the result that was wrong, or NULL: none was */
    PyObject *wanted; /* what is right there */
    npy_intp item;    /* its number, in C order */
    PyArrayObject *result;
    bool loops; /* machine code of several operations took part */
};

/* Warns of it; -1 with an exception, as warnings may be errors. */
int fs_array_verify_report(const struct fs_array_verify_finding *finding);

#endif
