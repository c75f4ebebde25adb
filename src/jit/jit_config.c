/* The JIT's settings, from the environment (base/config.def), once. */
#include "jit/jit_help.h"
#include "jit/jit_room.h"
#include "jit/jit_watch.h"

#include "asm/asm.h"
#include "base/base_config.h"
#include "opt/opt.h"

enum { CONFIG_MEMORY = 64 << 20, CONFIG_LOOP = 128, CONFIG_ENTRY = 2000, CONFIG_EXIT = 16 };

fs_jit_settings_t fs_jit_settings;
size_t fs_jit_memory_limit;

/* The passes that FULLSPEED_PASSES leaves on. */
static uint32_t config_passes(void)
{
    static const char *const off[] = {
#define X(name, help) "-" #name,
        FS_PASSES(X)
#undef X
    };
    uint32_t passes = FS_PASS_ALL;
    for (int i = 0; i < FS_PASS_N; i++) {
        if (fs_base_config_has(FS_CONFIG_FULLSPEED_PASSES, off[i])) {
            passes &= ~(1u << i);
        }
    }
    return passes;
}

static uint8_t config_counter(uint32_t threshold)
{
    return (uint8_t)(threshold > UINT8_MAX ? UINT8_MAX : threshold);
}

static uint32_t config_threshold(const char *name, uint32_t otherwise)
{
    return fs_base_config_number(FS_CONFIG_FULLSPEED_JIT_THRESHOLDS, name, otherwise);
}

int fs_jit_init(void)
{
    static bool done;
    if (done) {
        return 0;
    }
    fs_jit_settings_t *settings = &fs_jit_settings;
    const char *mode = fs_base_config_get(FS_CONFIG_FULLSPEED_JIT);
    settings->interpret = mode != NULL && strcmp(mode, "ir") == 0;
    settings->on =
        settings->interpret || ((mode == NULL || strcmp(mode, "1") == 0) && fs_asm_available());
    settings->loop = config_threshold("loop", CONFIG_LOOP);
    settings->entry = config_threshold("entry", CONFIG_ENTRY);
    settings->exit = config_threshold("exit", CONFIG_EXIT);
    settings->loop_counter = config_counter(settings->loop);
    settings->entry_counter = config_counter(settings->entry);
    /* Whoever asks for other thresholds, or for the IR interpreter, wants traces as soon as these
     * say. */
    settings->thrifty =
        !settings->interpret && fs_base_config_get(FS_CONFIG_FULLSPEED_JIT_THRESHOLDS) == NULL;
    settings->passes = config_passes();
    fs_jit_memory_limit = fs_base_config_size(FS_CONFIG_FULLSPEED_JIT_MEMORY, CONFIG_MEMORY);
    fs_jit_log_init();
    fs_jit_select_init();
    fs_jit_main_table = fs_run_table(FS_TABLE_MAIN);
    if (fs_jit_dealloc_init() < 0) {
        return -1;
    }
    if (settings->on) {
        if (fs_jit_registry_init() < 0) {
            return -1;
        }
        fs_asm_set_limit(fs_jit_memory_limit);
    }
    done = true;
    return 0;
}
