/* Feeds the stub's way to a variant with odd variables and odd names of files, in a Python:
 * stub_fuzz(folder, turns, seed) returns (turns that loaded a variant, turns that set an error).
 * What is wrong ends the process, by a sanitizer or by abort(). */
#include "variant_stub.c"

#include <stdint.h>
#include <stdlib.h>

static uint64_t fuzz_state;

static uint64_t fuzz_draw(uint64_t below)
{
    fuzz_state ^= fuzz_state << 13;
    fuzz_state ^= fuzz_state >> 7;
    fuzz_state ^= fuzz_state << 17;
    return fuzz_state % below;
}

static void fuzz_fail(const char *what, const char *name)
{
    fprintf(stderr, "fuzz: %s: %s\n", what, name);
    abort();
}

/* A value of a variable: words that mean something, and bytes that mean nothing. */
static void fuzz_value(char *value, size_t size)
{
    static const char *const words[] = {"X86_V4",
                                        "x86_v3",
                                        "X86_V2",
                                        "AVX512F",
                                        "avx2",
                                        "SSE42",
                                        "SSE2",
                                        "FMA3",
                                        "BMI",
                                        "NEON",
                                        "glibc.cpu.hwcaps=-AVX2",
                                        "glibc.cpu.hwcaps=",
                                        "-AVX512F_Usable",
                                        "-",
                                        "_Usable",
                                        "=",
                                        ":",
                                        ",",
                                        " ",
                                        "\t",
                                        ",,",
                                        "glibc.malloc.check=0",
                                        "%s%n",
                                        "\xff\xfe",
                                        "AVX512_SKX",
                                        "X86_V1"};
    size_t used = 0;
    for (uint64_t k = fuzz_draw(8); k > 0; k--) {
        const char *word = words[fuzz_draw(sizeof words / sizeof *words)];
        used += (size_t)snprintf(value + used, size - used, "%s%s", word,
                                 fuzz_draw(2)   ? ","
                                 : fuzz_draw(2) ? ":"
                                                : "");
    }
    if (fuzz_draw(6) == 0) {
        for (uint64_t k = fuzz_draw(size - used - 1); k > 0; k--) {
            value[used++] = (char)(1 + fuzz_draw(255));
        }
        value[used] = '\0';
    }
}

/* Variables that say how variants are tried: no probes, which are children. */
static void fuzz_probe(void)
{
    static const char *const values[] = {"0", "", "2", "\xff"};
    unsetenv("FULLSPEED_PROBE");
    if (fuzz_draw(10) == 0) {
        setenv("FULLSPEED_PROBE", values[fuzz_draw(4)], 1);
    }
}

static void fuzz_variable(const char *name, uint64_t one_in)
{
    char value[4096] = "";
    if (fuzz_draw(one_in) != 0) {
        unsetenv(name);
        return;
    }
    fuzz_value(value, sizeof value);
    setenv(name, value, 1);
}

/* The path of the stub, without .so. */
static void fuzz_stem(char stem[PATH_MAX], const char *folder)
{
    static const char *const names[] = {"x",    "x",        "x", "bad",       "gone",
                                        "%s%n", "\xff\xfe", "",  "../pack/x", "x/"};
    size_t used = 0;
    if (fuzz_draw(12) != 0) {
        used = (size_t)snprintf(stem, PATH_MAX, "%s/", folder);
    }
    used += (size_t)snprintf(stem + used, PATH_MAX - used, "%s", names[fuzz_draw(10)]);
    if (fuzz_draw(15) == 0) {
        size_t most = PATH_MAX - 1 - used;
        for (size_t k = fuzz_draw(3) ? most - fuzz_draw(40) : fuzz_draw(most); k > 0; k--) {
            stem[used++] = (char)(fuzz_draw(20) ? 'a' : 1 + fuzz_draw(255));
        }
        stem[used] = '\0';
    }
}

/* Is what was chosen no more than what may be used? */
static void fuzz_check(const struct stub_search *search)
{
    struct fs_cpu_state now;
    fs_cpu_read_state(&now);
    const struct fs_cpu_level *level = fs_cpu_level_of(now.arch, &now.usable);
    const char *label = strstr(search->path, ".x86-64-v");
    if (now.error[0] != '\0') {
        fuzz_fail("loaded in spite of a wrong variable", search->path);
    }
    if (label != NULL && label[9] - '0' > level->number) {
        fuzz_fail("beyond the level", search->path);
    }
    if (label == NULL && strstr(search->path, ".baseline.so") == NULL) {
        fuzz_fail("no variant", search->path);
    }
}

__attribute__((visibility("default"))) PyObject *stub_fuzz(const char *folder, long turns,
                                                           uint64_t seed);

PyObject *stub_fuzz(const char *folder, long turns, uint64_t seed)
{
    long loaded = 0, refused = 0;
    fuzz_state = seed * 2654435769u + 1;
    for (long i = 0; i < turns; i++) {
        fuzz_variable("FULLSPEED_DISABLE_CPU_FEATURES", 3);
        fuzz_variable("FULLSPEED_ENABLE_CPU_FEATURES", 6);
        fuzz_variable("GLIBC_TUNABLES", 3);
        fuzz_probe();
        struct stub_search *search = calloc(1, sizeof *search);
        search->flags = stub_flags();
        fuzz_stem(search->stem, folder);
        if (stub_search_all(search) != NULL) {
            loaded++;
            fuzz_check(search);
            if (PyErr_Occurred() != NULL) {
                fuzz_fail("loaded, and an error is set", search->path);
            }
        } else {
            refused++;
            if (!PyErr_ExceptionMatches(PyExc_ImportError)) {
                PyErr_Print();
                fuzz_fail("refused, and there is no ImportError", search->path);
            }
            PyErr_Clear();
        }
        fs_variant_crash_unwatch();
        free(search);
    }
    return Py_BuildValue("ll", loaded, refused);
}
