/* The runner: passes over a complete trace, in their order; each can be off, timed, checked. */
#include "opt/opt_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool run_loop(fs_ir *ir, int end)
{
    return end == 0 || fs_opt_loop(ir, end);
}

static bool run_slices(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_slices(ir);
    return true;
}

static bool run_identity(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_identity(ir);
    return true;
}

static bool run_sink(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_sink(ir);
    return true;
}

static bool run_refs(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_refs(ir);
    return true;
}

static bool run_reuse(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_reuse(ir);
    return true;
}

static bool run_dce(fs_ir *ir, int end FS_UNUSED)
{
    fs_opt_dce(ir);
    return true;
}

static const struct {
    const char *name;
    uint32_t pass; /* 0: always */
    bool (*run)(fs_ir *ir, int end);
} run_passes[] = {
    {"loop", 0, run_loop}, /* without the pass, nothing moves out of the loop */
    {"slices", FS_PASS_slices, run_slices},
    {"identity", FS_PASS_identity, run_identity},
    {"sink", FS_PASS_sink, run_sink},
    {"refs", FS_PASS_refs, run_refs},
    {"reuse", FS_PASS_refs, run_reuse},
    {"dce", FS_PASS_dce, run_dce},
};

#ifdef FS_DEBUG
static void run_verify(const fs_ir *ir, const char *pass)
{
    char buffer[200];
    const char *fault = fs_ir_verify(ir, buffer, sizeof(buffer));
    if (fault != NULL) {
        fprintf(stderr, "fullspeed: after the pass %s: %s\n", pass, fault);
        abort();
    }
}
#else
static void run_verify(const fs_ir *ir FS_UNUSED, const char *pass FS_UNUSED)
{
}
#endif

fs_opt_times_t fs_opt_times;

static uint64_t run_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What came in: a turn of a loop has no end yet. */
static void run_verify_recorded(const fs_ir *ir, int end)
{
#ifdef FS_DEBUG
    char buffer[200];
    const char *fault = end == 0 ? NULL : fs_ir_verify_turn(ir, buffer, sizeof(buffer));
    if (fault != NULL) {
        fprintf(stderr, "fullspeed: as recorded: %s\n", fault);
        abort();
    }
    if (end == 0) {
        run_verify(ir, "(as recorded)");
    }
#else
    (void)ir;
    (void)end;
#endif
}

bool fs_opt_run(fs_ir *ir, int end)
{
    run_verify_recorded(ir, end);
    for (size_t i = 0; i < sizeof(run_passes) / sizeof(run_passes[0]); i++) {
        if (run_passes[i].pass != 0 && !(ir->passes & run_passes[i].pass)) {
            continue;
        }
        uint64_t began = run_now();
        bool good = run_passes[i].run(ir, end) && !ir->failed;
        fs_opt_times.ns[i] += run_now() - began;
        if (!good) {
            return false;
        }
        run_verify(ir, run_passes[i].name);
    }
    fs_opt_times.traces++;
    return true;
}
