/* The kernel: y += a * x. Compiled once per target; nothing here depends on which. */
#include <cpu_extension.h>

void FS_CPU_NAME(axpy)(double a, const double *x, double *y, size_t n);

void FS_CPU_NAME(axpy)(double a, const double *restrict x, double *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}
