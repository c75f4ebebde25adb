/* The kernel: y += a * x, where x may be y. Compiled once per target; nothing here depends on
 * which. */
#include <cpu_extension.h>

void FS_CPU_NAME(axpy)(double a, const double *x, double *y, size_t n);

void FS_CPU_NAME(axpy)(double a, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}
