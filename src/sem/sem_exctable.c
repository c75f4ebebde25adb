/* Exception table lookup.
 *
 * How it works: a table is a row of entries (start, size, target, depth and lasti),
 * sorted by start. Each number is a row of bytes, six bits each, the highest first:
 * bit 6 says that another byte follows, bit 7 marks the first byte of an entry. So
 * an entry can be found from any byte in it, which makes a binary search possible.
 *
 * What must stay true: no byte outside the table is read, whatever is in it; an
 * entry that is cut off, points outside of the code, or wants more stack than the
 * code has, is no handler.
 */
#include "sem_common.h"

enum {
    ENTRY_START = 0x80,
    MORE_FOLLOWS = 0x40,
    VALUE_BITS = 0x3f,
    SCAN_BYTES = 40, /* a range this short is read entry by entry */
};

/* Reads the number at *p and moves *p behind it. 0, or -1 when it is cut off or too large. */
static int read_number(const uint8_t **p, const uint8_t *end, int *number)
{
    int64_t n = 0;
    for (const uint8_t *q = *p; q < end; q++) {
        n = (n << 6) | (*q & VALUE_BITS);
        if (n > INT32_MAX) {
            return -1;
        }
        if (!(*q & MORE_FOLLOWS)) {
            *p = q + 1;
            *number = (int)n;
            return 0;
        }
    }
    return -1;
}

/* Narrows [*first, *end) to a few entries around the last one that starts at or before `at`. */
static int narrow(const uint8_t **first, const uint8_t **end, int at)
{
    const uint8_t *limit = *end;
    while (*end - *first > SCAN_BYTES) {
        const uint8_t *middle = *first + (*end - *first) / 2;
        while (middle > *first && !(*middle & ENTRY_START)) {
            middle--;
        }
        if (middle == *first) {
            break; /* one entry longer than any real one: read on from here */
        }
        const uint8_t *p = middle;
        int start;
        if (read_number(&p, limit, &start) < 0) {
            return -1;
        }
        if (start > at) {
            *end = middle;
        } else {
            *first = middle;
        }
    }
    return 0;
}

/* Reads target, depth and lasti of the entry that was found. 1, or 0 if it makes no sense. */
static int read_handler(PyCodeObject *code, const uint8_t *p, const uint8_t *end, int *level,
                        int *handler, int *lasti)
{
    int target, depth;
    if (read_number(&p, end, &target) < 0 || read_number(&p, end, &depth) < 0) {
        return 0;
    }
    *handler = target;
    *level = depth >> 1;
    *lasti = depth & 1;
    /* The handler's stack has the lasti, if any, and the exception above that level. */
    return target < Py_SIZE(code) && *level + *lasti + 1 <= code->co_stacksize;
}

int fs_sem_exctable_lookup(PyCodeObject *code, int code_unit_index, int *level, int *handler,
                           int *lasti)
{
    const uint8_t *first = (const uint8_t *)PyBytes_AS_STRING(code->co_exceptiontable);
    const uint8_t *limit = first + PyBytes_GET_SIZE(code->co_exceptiontable);
    const uint8_t *end = limit;
    if (narrow(&first, &end, code_unit_index) < 0) {
        return 0;
    }
    while (first < end) {
        int start, size;
        if (read_number(&first, limit, &start) < 0 || start > code_unit_index ||
            read_number(&first, limit, &size) < 0) {
            return 0;
        }
        if (code_unit_index - start < size) {
            return read_handler(code, first, limit, level, handler, lasti);
        }
        while (first < end && !(*first & ENTRY_START)) {
            first++;
        }
    }
    return 0;
}

int fs_sem_exctable_next(PyCodeObject *code, Py_ssize_t *at, fs_sem_range *range)
{
    const uint8_t *first = (const uint8_t *)PyBytes_AS_STRING(code->co_exceptiontable);
    const uint8_t *end = first + PyBytes_GET_SIZE(code->co_exceptiontable);
    const uint8_t *p = first + *at;
    int depth;
    if (p >= end) {
        return 0;
    }
    if (read_number(&p, end, &range->start) < 0 || read_number(&p, end, &range->size) < 0 ||
        read_number(&p, end, &range->handler) < 0 || read_number(&p, end, &depth) < 0) {
        return -1;
    }
    *at = p - first;
    range->level = depth >> 1;
    range->lasti = depth & 1;
    return 1;
}
