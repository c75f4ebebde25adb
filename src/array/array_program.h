/* The program that an array expression becomes, and that is executed: the one thing that the front
 * end (parser, types, lowering), the execution and the kernels share. No Python and no NumPy here.
 *
 * A program works on registers. They are numbered like this, without a gap:
 *
 *   0 ...                   inputs, in the order of program->names
 *   input_count ...         constants, values in program->constants
 *   ... + constant_count    temporaries
 *   fs_array_result(p)      the result, one register behind the temporaries
 *
 * What holds of each program (array_lower.c makes them, fs_array_check_program() checks them where
 * FS_DEBUG is on):
 *   - each instruction's operands are inputs, constants, or temporaries that were written before;
 *     their types are exactly those of its op's row in array_ops.def: casts are instructions, too;
 *   - without a reduction, the last instruction writes the result register, and no other one does;
 *     there is at least one (`a` alone is a COPY, a constant is a COPY of a constant);
 *   - with a reduction, `reduce_source` is what is reduced: any register but the result; no
 *     instruction writes the result register, and there may be none at all (`sum(a)`);
 *   - temporaries are reused, for values of the same type only; an instruction may write a
 *     temporary that it also reads (dst equal to one of its src), when nobody reads it later;
 *   - no temporary is BYTES or STR: values of these types are inputs, constants, or the result of a
 *     COPY;
 *   - comparisons are EQ, NE, GT and GE only: the parser turns `a < b` into `b > a`;
 *   - a program is never written again once it is made. Threads may read it without the GIL; the
 *     caller keeps it alive.
 */
#ifndef FS_ARRAY_PROGRAM_H
#define FS_ARRAY_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of values. From BOOL to COMPLEX each can hold what the ones before it are cast to; the
 * order is also that of casts. BYTES is NumPy's 'S', STR its 'U': with strings, nothing is cast. */
enum fs_array_type {
    FS_ARRAY_BOOL,    /* one byte, 0 or 1 */
    FS_ARRAY_INT,     /* int32 */
    FS_ARRAY_LONG,    /* int64 */
    FS_ARRAY_FLOAT,   /* float32 */
    FS_ARRAY_DOUBLE,  /* float64 */
    FS_ARRAY_COMPLEX, /* complex128: two doubles */
    FS_ARRAY_BYTES,   /* bytes, padded with 0; the item's size is the operand's */
    FS_ARRAY_STR,     /* UCS4, padded with 0; the item's size in bytes is the operand's */
    FS_ARRAY_TYPE_COUNT,
    FS_ARRAY_NONE = FS_ARRAY_TYPE_COUNT, /* "no such argument" in array_ops.def */
};

/* One letter per type, in the order above: for names of ops, signatures and disassembly. */
#define FS_ARRAY_TYPE_LETTERS "bilfdcsu"

/* Operations, one enumerator FS_ARRAY_OP_<NAME> per row of array_ops.def:
 *
 *   FS_ARRAY_OP(NAME, argument count, result type, type 0, type 1, type 2, family, ulp, "numpy")
 *
 * NAME is the operation, an underscore, the letter of the result and those of the arguments:
 * ADD_DDD, GT_BLL, WHERE_DBDD, CAST_DI (to double, from int), REAL_DC. The types stand without
 * FS_ARRAY_, as NONE where there is no such argument. The front end finds the row for an operation
 * and its argument types by these names; operations that it can ask for (args of the same type
 * unless said otherwise):
 *
 *   COPY            all types                      ONES_LIKE    b i l f d c
 *   CAST            from each of b i l f d to each higher one up to c, as one op
 *   NEG             i l f d c                      INVERT       b i l
 *   ADD SUB MUL     i l f d c                      DIV          f d c
 *   POW             i l f d c                      MOD FLOORDIV i l f d
 *   LSHIFT RSHIFT   i l                            AND OR XOR   b i l
 *   EQ NE           result b; b i l f d c s u      GT GE        result b; i l f d s u
 *   WHERE           first argument b, then two of: b i l f d c
 *   SQRT SIN COS TAN ARCSIN ARCCOS ARCTAN SINH COSH TANH ARCSINH ARCCOSH ARCTANH
 *   LOG LOG1P LOG10 LOG2 EXP EXPM1 CONJUGATE       f d c
 *   ABSOLUTE SIGN ROUND                            i l f d c (of c, ABSOLUTE is complex, too)
 *   CEIL FLOOR TRUNC                               f d
 *   FMOD ARCTAN2 HYPOT NEXTAFTER COPYSIGN MAXIMUM MINIMUM   f d
 *   REAL IMAG       result d; c                    COMPLEX      result c; d d
 *   ISNAN ISFINITE ISINF   result b; f d c         SIGNBIT      result b; f d
 *   CONTAINS        result b; s u (does the first hold the second)
 *
 * Rows beyond these may stand there; the front end asks for them when it knows them. */
#define FS_ARRAY_OP(name, count, result, type0, type1, type2, family, ulp, numpy) \
    FS_ARRAY_OP_##name,
enum fs_array_op {
#include "array/array_ops.def"
    FS_ARRAY_OP_COUNT
};
#undef FS_ARRAY_OP

#define FS_ARRAY_MAX_ARGS 3

/* One instruction: dst = op(src...). Unused src are 0. */
struct fs_array_instr {
    uint16_t op;
    uint16_t dst;
    uint16_t src[FS_ARRAY_MAX_ARGS];
};

/* What comes after the last instruction. The type of the result is that of `reduce_source`:
 * INT to COMPLEX for sum and prod, INT to DOUBLE for min and max. */
enum fs_array_reduce {
    FS_ARRAY_REDUCE_NONE,
    FS_ARRAY_REDUCE_SUM,
    FS_ARRAY_REDUCE_PROD,
    FS_ARRAY_REDUCE_MIN,
    FS_ARRAY_REDUCE_MAX,
};

#define FS_ARRAY_ALL_AXES (-1)

/* The value of a constant: the member that belongs to the type of its register. */
union fs_array_value {
    uint8_t b;
    int32_t i;
    int64_t l;
    float f;
    double d;
    double c[2]; /* real, imaginary */
    struct {
        const void *data; /* BYTES: bytes; STR: UCS4; aligned; lives as long as the program */
        size_t size;      /* in bytes, at least one character (an empty literal is one zero) */
    } s;
};

struct fs_array_program {
    uint16_t input_count;
    uint16_t constant_count;
    uint16_t temporary_count;
    uint8_t result_type; /* enum fs_array_type */
    uint8_t reduce;      /* enum fs_array_reduce */
    uint16_t reduce_source;
    int32_t
        reduce_axis; /* 0 ... 254, or FS_ARRAY_ALL_AXES; too large for the operands: ValueError */
    uint32_t instr_count;
    const struct fs_array_instr *instrs;
    const uint8_t *types; /* enum fs_array_type of each register but the result */
    const union fs_array_value *constants;
    const char *const *names;             /* of the inputs, UTF-8 */
    const struct fs_array_source *source; /* the text, for errors only (array_error.c) */
};

/* The register that holds the result. */
static inline unsigned fs_array_result(const struct fs_array_program *program)
{
    return (unsigned)program->input_count + program->constant_count + program->temporary_count;
}

/* The size of one value; 0 where it is the operand's own (BYTES, STR). */
static inline size_t fs_array_type_size(enum fs_array_type type)
{
    static const uint8_t sizes[FS_ARRAY_TYPE_COUNT] = {1, 4, 8, 4, 8, 16, 0, 0};
    return sizes[type];
}

#endif
