/* The handful of C library functions that the stub and its tool call, without a C library.
 *
 * How it works: a static program with glibc has some 700 KB and initialises what is never used.
 * These are the standard's own functions, by their own names, as far as they are needed: so the
 * rooms that use them (cpu, variant) are compiled unchanged, and tests build the same program with
 * the real library and sanitizers. The kernel starts _start; x86-64 on Linux only.
 *
 * What must stay true: nothing here allocates; formats are %s and %u alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hwcaps.h"

#ifndef __x86_64__
#error "the stub starts by itself on x86-64 only"
#endif

static int libc_errno;
static char **libc_environ;
static const unsigned long *libc_auxv;

int *__errno_location(void)
{
    return &libc_errno;
}

/* ---- the kernel ---- */

/* clang-format off */
__asm__(".text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "    xorl %ebp, %ebp\n"
        "    movq %rsp, %rdi\n"
        "    andq $-16, %rsp\n"
        "    call hwcaps_libc_start\n"
        "    hlt\n");
/* clang-format on */

static long libc_call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    if (result < 0 && result > -4096) {
        libc_errno = (int)-result;
        return -1;
    }
    return result;
}

/* Of four arguments at most. */
long syscall(long number, ...)
{
    va_list arguments;
    va_start(arguments, number);
    long a = va_arg(arguments, long), b = va_arg(arguments, long);
    long c = va_arg(arguments, long), d = va_arg(arguments, long);
    va_end(arguments);
    return libc_call(number, a, b, c, d);
}

/* What stands for the mode where there is none is never looked at. */
int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    unsigned mode = va_arg(arguments, unsigned);
    va_end(arguments);
    return (int)libc_call(SYS_openat, AT_FDCWD, (long)path, flags, mode);
}

int close(int file)
{
    return (int)libc_call(SYS_close, file, 0, 0, 0);
}

ssize_t read(int file, void *buffer, size_t size)
{
    return libc_call(SYS_read, file, (long)buffer, (long)size, 0);
}

ssize_t write(int file, const void *buffer, size_t size)
{
    return libc_call(SYS_write, file, (long)buffer, (long)size, 0);
}

ssize_t pread(int file, void *buffer, size_t size, off_t offset)
{
    return libc_call(SYS_pread64, file, (long)buffer, (long)size, offset);
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
    return libc_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)buffer, (long)size);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)libc_call(SYS_execve, (long)path, (long)argv, (long)envp, 0);
}

void _exit(int code)
{
    for (;;) {
        libc_call(SYS_exit_group, code, 0, 0, 0);
    }
}

unsigned long getauxval(unsigned long type)
{
    for (const unsigned long *entry = libc_auxv; entry[0] != AT_NULL; entry += 2) {
        if (entry[0] == type) {
            return entry[1];
        }
    }
    return 0;
}

char *secure_getenv(const char *name)
{
    size_t length = strlen(name);
    if (getauxval(AT_SECURE) != 0) {
        return NULL;
    }
    for (char **entry = libc_environ; *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
            return *entry + length + 1;
        }
    }
    return NULL;
}

/* Called by _start with the stack as the kernel made it. */
__attribute__((used, noreturn)) void hwcaps_libc_start(long *stack);

void hwcaps_libc_start(long *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1);
    libc_environ = argv + argc + 1;
    char **end = libc_environ;
    while (*end != NULL) {
        end++;
    }
    libc_auxv = (const unsigned long *)(end + 1);
    _exit(main(argc, argv, libc_environ));
}

/* ---- memory and strings ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

void *memset(void *to, int value, size_t size)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}

int memcmp(const void *first, const void *second, size_t size)
{
    const unsigned char *a = first, *b = second;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}

void *memchr(const void *text, int value, size_t size)
{
    const unsigned char *bytes = text;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == (unsigned char)value) {
            return (void *)(bytes + i);
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strncmp(const char *first, const char *second, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int difference = (unsigned char)first[i] - (unsigned char)second[i];
        if (difference != 0 || first[i] == '\0') {
            return difference;
        }
    }
    return 0;
}

int strcmp(const char *first, const char *second)
{
    return strncmp(first, second, SIZE_MAX);
}

static int libc_lower(unsigned char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

int strncasecmp(const char *first, const char *second, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int difference = libc_lower((unsigned char)first[i]) - libc_lower((unsigned char)second[i]);
        if (difference != 0 || first[i] == '\0') {
            return difference;
        }
    }
    return 0;
}

char *strrchr(const char *text, int value)
{
    for (size_t i = strlen(text) + 1; i > 0; i--) {
        if (text[i - 1] == (char)value) {
            return (char *)text + i - 1;
        }
    }
    return NULL;
}

static size_t libc_span(const char *text, const char *set, int wanted)
{
    size_t length = 0, count = strlen(set);
    while (text[length] != '\0' && (memchr(set, text[length], count) != NULL) == wanted) {
        length++;
    }
    return length;
}

size_t strspn(const char *text, const char *set)
{
    return libc_span(text, set, 1);
}

size_t strcspn(const char *text, const char *set)
{
    return libc_span(text, set, 0);
}

/* ---- formats ---- */

struct libc_text {
    char *buffer;
    size_t size, used;
};

static void libc_put(struct libc_text *text, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++, text->used++) {
        if (text->used + 1 < text->size) {
            text->buffer[text->used] = from[i];
        }
    }
}

static void libc_put_number(struct libc_text *text, unsigned number)
{
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    libc_put(text, digits + at, sizeof digits - at);
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct libc_text text = {buffer, size, 0};
    for (; *format != '\0'; format++) {
        if (format[0] == '%' && format[1] == 's') {
            const char *word = va_arg(arguments, const char *);
            libc_put(&text, word, strlen(word));
            format++;
        } else if (format[0] == '%' && format[1] == 'u') {
            libc_put_number(&text, va_arg(arguments, unsigned));
            format++;
        } else {
            libc_put(&text, format, 1);
        }
    }
    if (size > 0) {
        buffer[text.used < size ? text.used : size - 1] = '\0';
    }
    return (int)text.used;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
