/* Which kernels this process uses: the targets that were compiled (array_targets_gen.h, by the
 * build options) and whose features may be used here; and what there is to know about each op.
 *
 * What must stay true: the baseline is always there; a target is only used when every feature that
 * its flags let the compiler use is there.
 */
#include <math.h>
#include <string.h>

#include "array/array_kernel.h"
#include "array/array_targets_gen.h"

/* What array_ops.def says. */
#define FS_ARRAY_OP(name, count, result, type0, type1, type2, family, ulp, numpy) \
    {                                                                             \
        #name,                                                                    \
        numpy,                                                                    \
        count,                                                                    \
        FS_ARRAY_##result,                                                        \
        {FS_ARRAY_##type0, FS_ARRAY_##type1, FS_ARRAY_##type2},                   \
        ulp},
const struct fs_array_op_info fs_array_op_info[FS_ARRAY_OP_COUNT] = {
#include "array/array_ops.def"
};
#undef FS_ARRAY_OP

#define TABLES(target, needs, unused)                                           \
    extern fs_array_kernel *const fs_array_##target##_table[FS_ARRAY_OP_COUNT]; \
    extern fs_array_kernel *const fs_array_##target##_table_reproducible[FS_ARRAY_OP_COUNT];
#define TARGET(target, needs, unused) \
    {#target, needs, fs_array_##target##_table, fs_array_##target##_table_reproducible},

TABLES(baseline, "", )
FS_CPU_TARGETS_UP(TABLES, )

/* Least first. */
static const struct fs_array_target target_compiled[] = {TARGET(baseline, "", )
                                                             FS_CPU_TARGETS_UP(TARGET, )};

enum { TARGETS = sizeof target_compiled / sizeof target_compiled[0] };
_Static_assert((int)TARGETS <= (int)FS_ARRAY_MOST_TARGETS,
               "the registry's entries are of this size");

static const struct fs_array_target *target_usable[TARGETS];
static size_t target_usable_count;
static fs_array_kernel *target_kernels[FS_ARRAY_OP_COUNT];
static fs_array_kernel *target_kernels_reproducible[FS_ARRAY_OP_COUNT];
static bool target_quarantined[FS_ARRAY_OP_COUNT];

/* May all features be used whose names these are, with spaces between? */
static bool target_has(const char *names, int (*has)(const char *feature))
{
    char name[64];
    while (*(names += strspn(names, " ")) != '\0') {
        const size_t size = strcspn(names, " ");
        if (size >= sizeof name)
            return false;
        memcpy(name, names, size);
        name[size] = '\0';
        if (has(name) <= 0)
            return false;
        names += size;
    }
    return true;
}

void fs_array_target_init(int (*has)(const char *feature))
{
    target_usable_count = 0;
    for (size_t i = 0; i < TARGETS; i++)
        if (target_has(target_compiled[i].needs, has))
            target_usable[target_usable_count++] = &target_compiled[i];
    const struct fs_array_target *const best = target_usable[target_usable_count - 1];
    memcpy(target_kernels, best->kernels, sizeof target_kernels);
    memcpy(target_kernels_reproducible, best->kernels_reproducible,
           sizeof target_kernels_reproducible);
}

/* Is a word in a list with spaces between? */
static bool target_lists(const char *list, const char *word)
{
    const size_t size = strlen(word);
    while (*(list += strspn(list, " ")) != '\0') {
        const size_t next = strcspn(list, " ");
        if (next == size && memcmp(list, word, size) == 0)
            return true;
        list += next;
    }
    return false;
}

bool fs_array_target_uses(const char *feature)
{
    return target_lists(FS_CPU_BASELINE, feature) ||
           target_lists(target_usable[target_usable_count - 1]->needs, feature);
}

size_t fs_array_target_count(void)
{
    return target_usable_count;
}

const struct fs_array_target *fs_array_target_at(size_t index)
{
    return index < target_usable_count ? target_usable[index] : NULL;
}

const struct fs_array_target *fs_array_target_compiled(size_t index)
{
    return index < TARGETS ? &target_compiled[index] : NULL;
}

fs_array_kernel *const *fs_array_kernels(bool reproducible)
{
    return reproducible ? target_kernels_reproducible : target_kernels;
}

void fs_array_kernel_quarantine(enum fs_array_op op)
{
    fs_array_kernel_use(op, &target_compiled[0]);
    target_quarantined[op] = true;
}

bool fs_array_kernel_quarantined(enum fs_array_op op)
{
    return target_quarantined[op];
}

void fs_array_kernel_use(enum fs_array_op op, const struct fs_array_target *target)
{
    if (target_quarantined[op])
        return;
    target_kernels[op] = target->kernels[op];
    target_kernels_reproducible[op] = target->kernels_reproducible[op];
}

void fs_array_kernel_prefer(enum fs_array_op op, const struct fs_array_target *target)
{
    if (!target_quarantined[op])
        target_kernels[op] = target->kernels[op];
}

#define BY_TYPE(i, l, f, d, c)            \
    {[FS_ARRAY_INT] = FS_ARRAY_OP_##i,    \
     [FS_ARRAY_LONG] = FS_ARRAY_OP_##l,   \
     [FS_ARRAY_FLOAT] = FS_ARRAY_OP_##f,  \
     [FS_ARRAY_DOUBLE] = FS_ARRAY_OP_##d, \
     [FS_ARRAY_COMPLEX] = FS_ARRAY_OP_##c}

/* The op of a table by reduction and type; there is none for other types. */
static enum fs_array_op target_op(const uint16_t ops[][FS_ARRAY_TYPE_COUNT],
                                  enum fs_array_reduce reduce, enum fs_array_type type)
{
    if (reduce == FS_ARRAY_REDUCE_NONE || type < FS_ARRAY_INT || type > FS_ARRAY_COMPLEX)
        return FS_ARRAY_OP_COUNT;
    return (enum fs_array_op)ops[reduce][type];
}

enum fs_array_op fs_array_reduce_op(enum fs_array_reduce reduce, enum fs_array_type type)
{
    static const uint16_t ops[][FS_ARRAY_TYPE_COUNT] = {
        [FS_ARRAY_REDUCE_SUM] = BY_TYPE(SUM_II, SUM_LL, SUM_FF, SUM_DD, SUM_CC),
        [FS_ARRAY_REDUCE_PROD] = BY_TYPE(PROD_II, PROD_LL, PROD_FF, PROD_DD, PROD_CC),
        [FS_ARRAY_REDUCE_MIN] = BY_TYPE(MIN_II, MIN_LL, MIN_FF, MIN_DD, COUNT),
        [FS_ARRAY_REDUCE_MAX] = BY_TYPE(MAX_II, MAX_LL, MAX_FF, MAX_DD, COUNT),
    };
    return target_op(ops, reduce, type);
}

enum fs_array_op fs_array_fold_op(enum fs_array_reduce reduce, enum fs_array_type type)
{
    static const uint16_t ops[][FS_ARRAY_TYPE_COUNT] = {
        [FS_ARRAY_REDUCE_SUM] = BY_TYPE(ADD_III, ADD_LLL, ADD_FFF, ADD_DDD, ADD_CCC),
        [FS_ARRAY_REDUCE_PROD] = BY_TYPE(MUL_III, MUL_LLL, MUL_FFF, MUL_DDD, MUL_CCC),
        [FS_ARRAY_REDUCE_MIN] = BY_TYPE(MINIMUM_III, MINIMUM_LLL, MINIMUM_FFF, MINIMUM_DDD, COUNT),
        [FS_ARRAY_REDUCE_MAX] = BY_TYPE(MAXIMUM_III, MAXIMUM_LLL, MAXIMUM_FFF, MAXIMUM_DDD, COUNT),
    };
    return target_op(ops, reduce, type);
}

/* The least (sign -1) or greatest (1) value of a type. */
static union fs_array_value target_extreme(enum fs_array_type type, int sign)
{
    union fs_array_value value = {.c = {0, 0}};
    if (type == FS_ARRAY_INT)
        value.i = sign < 0 ? INT32_MIN : INT32_MAX;
    else if (type == FS_ARRAY_LONG)
        value.l = sign < 0 ? INT64_MIN : INT64_MAX;
    else if (type == FS_ARRAY_FLOAT)
        value.f = sign < 0 ? -HUGE_VALF : HUGE_VALF;
    else
        value.d = sign < 0 ? -HUGE_VAL : HUGE_VAL;
    return value;
}

union fs_array_value fs_array_reduce_start(enum fs_array_reduce reduce, enum fs_array_type type)
{
    const bool sum = reduce == FS_ARRAY_REDUCE_SUM;
    union fs_array_value value = {.c = {0, 0}};
    if (reduce == FS_ARRAY_REDUCE_MIN || reduce == FS_ARRAY_REDUCE_MAX)
        return target_extreme(type, reduce == FS_ARRAY_REDUCE_MIN ? 1 : -1);
    if (type == FS_ARRAY_INT)
        value.i = !sum;
    else if (type == FS_ARRAY_LONG)
        value.l = !sum;
    else if (type == FS_ARRAY_FLOAT)
        value.f = sum ? -0.0F : 1.0F;
    else
        value.d = sum ? -0.0 : 1.0;
    if (type == FS_ARRAY_COMPLEX)
        value.c[1] = sum ? -0.0 : 0.0;
    return value;
}
