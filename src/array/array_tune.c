/* Times the kernels of an op's targets, and chooses one.
 *
 * How it works: each target's kernel runs on the same block of values, in turns, several rounds of
 * some microseconds; the least time of each counts, so that whatever else the machine does in
 * between does not. The rule of choice is in tune_choose(); it is applied to times that were read
 * from the file as to those just measured.
 *
 * What must stay true: the chosen target may be used here, and was not slower than the baseline;
 * measuring ends with the round in which tune_op is over, and begins no more when tune_all is; what
 * has to be reproducible does not go by it. Times only: whatever the file says, results stay within
 * the bounds of array_ops.def, as each target's kernels do.
 */
#include "array/array_tune.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array/array_registry.h"
#include "base/base_config.h"

enum {
    TUNE_ITEMS = 512,      /* of a block: as blocks of evaluations are, in the first cache */
    TUNE_ITEMS_SLOW = 64,  /* and of one of a slow kernel */
    TUNE_CALLS_MOST = 128, /* in a turn */
    TUNE_ROUNDS = 9,
    TUNE_ROUNDS_LEAST = 3, /* without which nothing is said */
    TUNE_NEAR = 20,        /* a part in so many is no difference */
    TUNE_MOST = 999999999, /* picoseconds per item; the file has nine digits */
};

/* All times are in picoseconds, of a clock that may start anew at any time. */
#define TUNE_MICRO 1000000ull
static const uint64_t tune_batch = 2 * TUNE_MICRO;   /* one turn of a target, about */
static const uint64_t tune_slow = 20 * TUNE_MICRO;   /* a block of the baseline */
static const uint64_t tune_op = 250 * TUNE_MICRO;    /* for an op */
static const uint64_t tune_all = 20000 * TUNE_MICRO; /* for all of a process */

static fs_array_times tune_times;
static bool tune_settled[FS_ARRAY_OP_COUNT];
static bool tune_has_read, tune_has_new;
static uint64_t tune_spent;

/* ---- time ---- */

static struct {
    bool on;
    uint64_t now;
    uint32_t each[FS_ARRAY_MOST_TARGETS];
} tune_fake;

void fs_array_tune_fake(const uint32_t picoseconds[FS_ARRAY_MOST_TARGETS])
{
    tune_fake.on = picoseconds != NULL;
    if (picoseconds != NULL) {
        memcpy(tune_fake.each, picoseconds, sizeof tune_fake.each);
    }
}

static uint64_t tune_machine_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) * 1000;
}

static uint64_t tune_now(void)
{
    return tune_fake.on ? tune_fake.now : tune_machine_now(CLOCK_MONOTONIC);
}

/* What this thread has computed: while others have the processor, no time for measuring goes by. */
static uint64_t tune_own_now(void)
{
    return tune_fake.on ? tune_fake.now : tune_machine_now(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- blocks of values ---- */

struct tune_block {
    enum fs_array_op op;
    size_t items;
    bool folds; /* into one value, which begins anew each time */
    union fs_array_value start;
    char *dst;
    const void *src[FS_ARRAY_MAX_ARGS];
    char *memory;
};

/* A number from 1 to 61, another one for each item and argument. */
static unsigned tune_number(size_t item, size_t argument)
{
    return 1 + (unsigned)(item * 37 + argument * 17) % 61;
}

/* Values that every function takes: small positive integers; reals below 1, or above: for arccosh,
 * and for products, which would come to numbers that are too small to be normal, and slow. */
static void tune_fill(char *at, enum fs_array_type type, size_t argument, bool above)
{
    for (size_t i = 0; i < TUNE_ITEMS; i++) {
        const unsigned number = tune_number(i, argument);
        const double real = number / 64.0 + above;
        switch (type) {
        case FS_ARRAY_BOOL:
            at[i] = (char)(number & 1);
            break;
        case FS_ARRAY_INT:
            ((int32_t *)at)[i] = (int32_t)number;
            break;
        case FS_ARRAY_LONG:
            ((int64_t *)at)[i] = (int64_t)number;
            break;
        case FS_ARRAY_FLOAT:
            ((float *)at)[i] = (float)real;
            break;
        case FS_ARRAY_DOUBLE:
            ((double *)at)[i] = real;
            break;
        default: /* complex */
            ((double *)at)[2 * i] = real;
            ((double *)at)[2 * i + 1] = 1 - real / 2;
            break;
        }
    }
}

static bool tune_is_text(enum fs_array_op op)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    bool text = info->result == FS_ARRAY_BYTES || info->result == FS_ARRAY_STR;
    for (size_t i = 0; i < info->count; i++) {
        text |= info->args[i] == FS_ARRAY_BYTES || info->args[i] == FS_ARRAY_STR;
    }
    return text;
}

/* Which reduction an op is; false: it is none. */
static bool tune_reduces(enum fs_array_op op, union fs_array_value *start)
{
    for (int reduce = FS_ARRAY_REDUCE_SUM; reduce <= FS_ARRAY_REDUCE_MAX; reduce++) {
        const enum fs_array_type type = (enum fs_array_type)fs_array_op_info[op].result;
        if (fs_array_reduce_op((enum fs_array_reduce)reduce, type) == op) {
            *start = fs_array_reduce_start((enum fs_array_reduce)reduce, type);
            return true;
        }
    }
    return false;
}

static bool tune_begin(struct tune_block *block, enum fs_array_op op)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    const size_t each = TUNE_ITEMS * 2 * sizeof(double);
    memset(block, 0, sizeof *block);
    block->op = op;
    block->items = TUNE_ITEMS;
    block->folds = tune_reduces(op, &block->start);
    const bool above = block->folds || op == FS_ARRAY_OP_ARCCOSH_FF || op == FS_ARRAY_OP_ARCCOSH_DD;
    block->memory = aligned_alloc(64, (1 + FS_ARRAY_MAX_ARGS) * each);
    if (block->memory == NULL) {
        return false;
    }
    block->dst = block->memory;
    for (size_t i = 0; i < info->count; i++) {
        char *const at = block->memory + (i + 1) * each;
        tune_fill(at, (enum fs_array_type)info->args[i], i, above);
        block->src[i] = at;
    }
    return true;
}

/* ---- measuring ---- */

/* How long so many calls of a target's kernel take. */
static uint64_t tune_time(struct tune_block *block, size_t target, unsigned calls)
{
    fs_array_kernel *const kernel = fs_array_target_compiled(target)->kernels[block->op];
    const uint64_t begin = tune_now();
    for (unsigned i = 0; i < calls; i++) {
        if (block->folds) {
            memcpy(block->dst, &block->start, sizeof block->start);
        }
        kernel(block->dst, block->src, 0, block->items);
    }
    if (tune_fake.on) {
        tune_fake.now += (uint64_t)calls * block->items * tune_fake.each[target];
    }
    return tune_now() - begin;
}

/* Whether a compiled target may be used here. */
static bool tune_is_usable(size_t compiled)
{
    for (size_t i = 0; i < fs_array_target_count(); i++) {
        if (fs_array_target_at(i) == fs_array_target_compiled(compiled)) {
            return true;
        }
    }
    return false;
}

/* Measures the usable targets of an op; false: there was not the time for it, or no memory. */
static bool tune_measure(enum fs_array_op op)
{
    struct tune_block block;
    uint64_t least[FS_ARRAY_MOST_TARGETS];
    if (!tune_begin(&block, op)) {
        return false;
    }
    const uint64_t begin = tune_own_now();
    uint64_t once = tune_time(&block, 0, 1) + 1;
    if (once > tune_slow) {
        block.items = TUNE_ITEMS_SLOW;
        once = once * TUNE_ITEMS_SLOW / TUNE_ITEMS + 1;
    }
    const uint64_t wanted = tune_batch / once + 1;
    const unsigned calls = wanted > TUNE_CALLS_MOST ? TUNE_CALLS_MOST : (unsigned)wanted;
    memset(least, 0xff, sizeof least);
    int round = 0;
    while (round < TUNE_ROUNDS && tune_own_now() - begin < tune_op) {
        for (size_t t = 0; fs_array_target_compiled(t) != NULL; t++) {
            if (tune_is_usable(t)) {
                const uint64_t time = tune_time(&block, t, calls);
                least[t] = time < least[t] ? time : least[t];
            }
        }
        round++;
    }
    free(block.memory);
    tune_spent += tune_own_now() - begin;
    if (round < TUNE_ROUNDS_LEAST) {
        return false;
    }
    for (size_t t = 0; fs_array_target_compiled(t) != NULL; t++) {
        if (tune_is_usable(t)) {
            const uint64_t each = least[t] / (calls * (uint64_t)block.items);
            tune_times[op][t] = each == 0 ? 1 : each > TUNE_MOST ? TUNE_MOST : (uint32_t)each;
        }
    }
    return true;
}

/* ---- choosing ---- */

/* Uses the best target by its features of those that took no longer than the baseline and hardly
 * longer than the fastest; false: a time is not known. */
static bool tune_choose(enum fs_array_op op)
{
    const uint32_t *times = tune_times[op];
    uint32_t fastest = UINT32_MAX;
    size_t chosen = 0;
    for (size_t t = 0; fs_array_target_compiled(t) != NULL; t++) {
        if (tune_is_usable(t)) {
            if (times[t] == 0) {
                return false;
            }
            fastest = times[t] < fastest ? times[t] : fastest;
        }
    }
    for (size_t t = 0; fs_array_target_compiled(t) != NULL; t++) {
        if (tune_is_usable(t) && times[t] <= times[0] &&
            times[t] <= fastest + fastest / TUNE_NEAR) {
            chosen = t;
        }
    }
    fs_array_registry_prefer(op, fs_array_target_compiled(chosen), "measurement");
    return true;
}

bool fs_array_tune_is_on(void)
{
    const char *wish = fs_base_config_get(FS_CONFIG_FULLSPEED_TUNE);
    return wish == NULL || *wish != '0';
}

void fs_array_tune_read(void)
{
    if (tune_has_read || fs_array_target_count() < 2 || !fs_array_tune_is_on()) {
        return;
    }
    tune_has_read = true;
    fs_array_tune_file_read(tune_times);
    for (int op = 0; op < FS_ARRAY_OP_COUNT; op++) {
        tune_settled[op] = tune_choose((enum fs_array_op)op);
    }
}

void fs_array_tune(enum fs_array_op op)
{
    if (op >= FS_ARRAY_OP_COUNT || tune_settled[op] || fs_array_kernel_quarantined(op)) {
        return;
    }
    if (fs_array_target_count() < 2 || tune_is_text(op)) { /* what strings take, they decide */
        tune_settled[op] = true;
        return;
    }
    if (!fs_array_tune_is_on()) {
        return;
    }
    fs_array_tune_read();
    if (!tune_settled[op]) {
        tune_settled[op] = true;
        if (!tune_choose(op) && tune_spent < tune_all && tune_measure(op)) {
            tune_choose(op);
            tune_has_new = true;
        }
    }
}

/* Called when the process ends. */
static void tune_keep_rest(void)
{
    if (tune_has_new) {
        tune_has_new = false;
        fs_array_tune_file_write(tune_times);
    }
}

/* Some file systems take milliseconds for a new file: a tenth of the time may go there, the rest is
 * for the end of the process. */
void fs_array_tune_keep(void)
{
    static uint64_t written, took;
    static bool promised;
    if (!tune_has_new || (promised && tune_machine_now(CLOCK_MONOTONIC) - written < 10 * took)) {
        return;
    }
    promised = promised || atexit(tune_keep_rest) == 0;
    const uint64_t begin = tune_machine_now(CLOCK_MONOTONIC);
    tune_keep_rest();
    written = tune_machine_now(CLOCK_MONOTONIC);
    took = written - begin;
}

const fs_array_times *fs_array_tune_times(void)
{
    return (const fs_array_times *)&tune_times;
}

uint64_t fs_array_tune_spent(void)
{
    return tune_spent / 1000;
}
