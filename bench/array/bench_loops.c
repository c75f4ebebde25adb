/* The C loops that array expressions are measured against: what a programmer would write, one loop
 * per expression, left to the compiler (-O3 -march=native -fopenmp -ffast-math, with its vector
 * math) and to OpenMP. Compiled by run.py, called by ctypes from bench_array.py.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#else /* clang without its libomp: vector code alone, one thread */
#define omp_get_num_threads() 1
#define omp_get_thread_num() 0
#define omp_set_num_threads(n) ((void)(n))
#endif

#define LOOP(name, type, ...)                                                                      \
    void name(type *restrict r, const type *restrict a, const type *restrict b,                    \
              const type *restrict c, const type *restrict d, ptrdiff_t n)                         \
    {                                                                                              \
        (void)a, (void)b, (void)c, (void)d;                                                        \
        _Pragma("omp parallel for simd schedule(static)") for (ptrdiff_t i = 0; i < n; i++)        \
            r[i] = (__VA_ARGS__);                                                                  \
    }

LOOP(mix, double, 2 * a[i] + 3 * b[i] * sin(c[i]) - sqrt(d[i]))
LOOP(muladd, double, a[i] * b[i] + c[i])
LOOP(muladd_f, float, a[i] * b[i] + c[i])
LOOP(muladd_i, int32_t, a[i] * b[i] + c[i])
LOOP(muladd_l, int64_t, a[i] * b[i] + c[i])
LOOP(exp_d, double, exp(a[i]))
LOOP(exp_f, float, expf(a[i]))
LOOP(log_d, double, log(b[i]))
LOOP(log1p_d, double, log1p(b[i]))
LOOP(expm1_d, double, expm1(a[i]))
LOOP(pow_d, double, pow(b[i], a[i]))
LOOP(tanh_d, double, tanh(a[i]))
LOOP(sin_d, double, sin(a[i]))
LOOP(sin_f, float, sinf(a[i]))
LOOP(arctan2_d, double, atan2(a[i], b[i]))
LOOP(where_d, double, a[i] > c[i] ? a[i] : b[i])
LOOP(mix_f, float, 2 * a[i] + 3 * b[i] * sinf(c[i]) - sqrtf(d[i]))
LOOP(sqrt_d, double, sqrt(b[i]))
LOOP(poly, double, ((((a[i] + 1) * a[i] + 2) * a[i] + 3) * a[i] + 4) * a[i] + 5)

void set_threads(int n)
{
    omp_set_num_threads(n);
}

double sum_product(const double *restrict a, const double *restrict b, ptrdiff_t n)
{
    double sum = 0;
#pragma omp parallel for simd reduction(+ : sum) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

double max_difference(const double *restrict a, const double *restrict b, ptrdiff_t n)
{
    double most = 0;
#pragma omp parallel for simd reduction(max : most) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) {
        double x = fabs(a[i] - b[i]);
        most = x > most ? x : most;
    }
    return most;
}

/* Along the inner axis; `clause` says how `sum` takes up x of one item. */
#define ROWS(name, clause, value, step)                                                            \
    void name(double *restrict r, const double *restrict a, const double *restrict b,              \
              ptrdiff_t rows, ptrdiff_t columns)                                                   \
    {                                                                                              \
        _Pragma("omp parallel for schedule(static)") for (ptrdiff_t i = 0; i < rows; i++)          \
        {                                                                                          \
            const double *restrict p = a + i * columns, *restrict q = b + i * columns;             \
            double sum = 0;                                                                        \
            _Pragma(clause) for (ptrdiff_t j = 0; j < columns; j++)                                \
            {                                                                                      \
                double x = (value);                                                                \
                sum = (step);                                                                      \
            }                                                                                      \
            r[i] = sum;                                                                            \
        }                                                                                          \
    }

ROWS(sum_product_rows, "omp simd reduction(+ : sum)", p[j] * q[j], sum + x)
ROWS(max_difference_rows, "omp simd reduction(max : sum)", fabs(p[j] - q[j]), x > sum ? x : sum)

/* Along the outer axis: each thread has a range of columns. */
#define COLUMNS(name, value, step)                                                                 \
    void name(double *restrict r, const double *restrict a, const double *restrict b,              \
              ptrdiff_t rows, ptrdiff_t columns)                                                   \
    {                                                                                              \
        _Pragma("omp parallel")                                                                    \
        {                                                                                          \
            ptrdiff_t threads = omp_get_num_threads(), me = omp_get_thread_num();                  \
            ptrdiff_t from = columns * me / threads, end = columns * (me + 1) / threads;           \
            for (ptrdiff_t j = from; j < end; j++)                                                 \
                r[j] = 0;                                                                          \
            for (ptrdiff_t i = 0; i < rows; i++) {                                                 \
                const double *restrict p = a + i * columns, *restrict q = b + i * columns;         \
                _Pragma("omp simd") for (ptrdiff_t j = from; j < end; j++)                         \
                {                                                                                  \
                    double x = (value), sum = r[j];                                                \
                    r[j] = (step);                                                                 \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

COLUMNS(sum_product_columns, p[j] * q[j], sum + x)
COLUMNS(max_difference_columns, fabs(p[j] - q[j]), x > sum ? x : sum)

/* Distances of each point from each other, of n points in three dimensions. */
void distances(double *restrict r, const double *restrict x, const double *restrict y,
               const double *restrict z, ptrdiff_t n)
{
#pragma omp parallel for schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) {
#pragma omp simd
        for (ptrdiff_t j = 0; j < n; j++) {
            double u = x[i] - x[j], v = y[i] - y[j], w = z[i] - z[j];
            r[i * n + j] = sqrt(u * u + v * v + w * w);
        }
    }
}
