/* Detection on x86: CPUID, and what the system saves of the registers (XCR0).
 *
 * What must stay true: a leaf beyond the highest one that CPUID itself names is never believed
 * (Intel's processors answer such a question with another leaf); features of the wide registers
 * count only where the system saves these, or the first task switch would destroy them.
 */
#include <stdio.h>
#include <string.h>

#include "cpu_detect.h"

enum { X86_EAX, X86_EBX, X86_ECX, X86_EDX };
enum { X86_OSXSAVE = 1u << 27, X86_LEAVES = 8 };

/* Leaves that were asked already: there are few, and a hypervisor is slow to answer. */
struct x86_leaves {
    const struct fs_cpu_source *source;
    uint32_t highest_basic, highest_extended, highest_of_7;
    size_t count;
    struct {
        uint32_t leaf, subleaf, out[4];
    } seen[X86_LEAVES];
};

/* One leaf, as CPUID gives it; zeros if it does not have it. */
static void x86_ask(struct x86_leaves *leaves, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    memset(out, 0, 4 * sizeof *out);
    bool is_there =
        leaf >= 0x80000000u ? leaf <= leaves->highest_extended : leaf <= leaves->highest_basic;
    if (!is_there || (leaf == 7 && subleaf > leaves->highest_of_7)) {
        return;
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (leaves->seen[i].leaf == leaf && leaves->seen[i].subleaf == subleaf) {
            memcpy(out, leaves->seen[i].out, 4 * sizeof *out);
            return;
        }
    }
    leaves->source->cpuid(leaves->source->self, leaf, subleaf, out);
    if (leaves->count < X86_LEAVES) {
        leaves->seen[leaves->count].leaf = leaf;
        leaves->seen[leaves->count].subleaf = subleaf;
        memcpy(leaves->seen[leaves->count++].out, out, 4 * sizeof *out);
    }
}

/* The highest extended leaf; 0 if there are none. */
static uint32_t x86_highest_extended(const struct fs_cpu_source *source)
{
    uint32_t out[4];
    source->cpuid(source->self, 0x80000000u, 0, out);
    return out[X86_EAX] >> 16 == 0x8000u ? out[X86_EAX] : 0;
}

static void x86_begin(struct x86_leaves *leaves, const struct fs_cpu_source *source)
{
    uint32_t out[4];
    memset(leaves, 0, sizeof *leaves);
    leaves->source = source;
    source->cpuid(source->self, 0, 0, out);
    leaves->highest_basic = out[X86_EAX];
    leaves->highest_extended = x86_highest_extended(source);
    x86_ask(leaves, 7, 0, out);
    leaves->highest_of_7 = out[X86_EAX];
}

void fs_cpu_detect_x86(const struct fs_cpu_arch *arch, const struct fs_cpu_source *source,
                       struct fs_cpu_set *found)
{
    struct x86_leaves leaves;
    uint32_t out[4];
    x86_begin(&leaves, source);
    x86_ask(&leaves, 1, 0, out);
    uint64_t saved = out[X86_ECX] & X86_OSXSAVE ? source->xgetbv(source->self) : 0;
    for (size_t i = 0; i < arch->count; i++) {
        const struct fs_cpu_row *row = &arch->rows[i];
        if (row->is_group || (saved & row->state) != row->state) {
            continue;
        }
        x86_ask(&leaves, row->leaf, row->subleaf, out);
        if (out[row->reg] >> row->bit & 1) {
            fs_cpu_put(found, (enum fs_cpu_feature)row->feature);
        }
    }
}

/* The bytes of registers as text: printable, without spaces at its ends and two in a row. */
static void x86_text(const uint32_t *words, size_t size, char *made)
{
    const char *text = (const char *)words;
    size_t length = strnlen(text, size);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_space = text[i] == ' ';
        bool is_printable = text[i] >= ' ' && text[i] <= '~';
        if (is_printable && !(is_space && (used == 0 || made[used - 1] == ' '))) {
            made[used++] = text[i];
        }
    }
    while (used > 0 && made[used - 1] == ' ') {
        used--;
    }
    made[used] = '\0';
}

void fs_cpu_brand_x86(const struct fs_cpu_source *source, char brand[FS_CPU_BRAND])
{
    uint32_t words[12] = {0};
    brand[0] = '\0';
    if (x86_highest_extended(source) < 0x80000004u) {
        return;
    }
    for (uint32_t i = 0; i < 3; i++) {
        source->cpuid(source->self, 0x80000002u + i, 0, &words[4 * i]);
    }
    x86_text(words, sizeof words, brand);
}

void fs_cpu_model_x86(const struct fs_cpu_source *source, char model[FS_CPU_MODEL])
{
    uint32_t out[4];
    char vendor[13];
    model[0] = '\0';
    source->cpuid(source->self, 0, 0, out);
    if (out[X86_EAX] < 1) {
        return;
    }
    x86_text((const uint32_t[3]){out[X86_EBX], out[X86_EDX], out[X86_ECX]}, 12, vendor);
    source->cpuid(source->self, 1, 0, out);
    uint32_t eax = out[X86_EAX];
    uint32_t family = eax >> 8 & 15, number = eax >> 4 & 15;
    if (family >= 6) {
        number |= eax >> 12 & 0xf0;
    }
    if (family == 15) {
        family += eax >> 20 & 255;
    }
    snprintf(model, FS_CPU_MODEL, "%s %u-%u-%u", vendor, (unsigned)family, (unsigned)number,
             (unsigned)(eax & 15));
}
