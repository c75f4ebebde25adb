/* Prints what the CPU room makes of the machine that it runs on; no Python. For test_cross.py. */
#include <stdio.h>

#include "cpu_detect.h"

int main(void)
{
    const struct fs_cpu_state *state = fs_cpu_state();
    char names[1024];
    if (state->arch == NULL) {
        return 1;
    }
    const struct fs_cpu_level *level = fs_cpu_level_of(state->arch, &state->usable);
    printf("arch %s\n", state->arch->name);
    fs_cpu_names(state->arch, &state->found, names, sizeof names);
    printf("found %s\n", names);
    fs_cpu_names(state->arch, &state->usable, names, sizeof names);
    printf("usable %s\n", names);
    fs_cpu_names(state->arch, &state->baseline, names, sizeof names);
    printf("baseline %s\n", names);
    printf("level %s\n", level != NULL ? level->name : "");
    printf("below %s\n", fs_cpu_below_baseline(state, names, sizeof names) ? names : "");
    printf("least %d\n", fs_cpu_baseline_is_least());
    printf("error %s\n", state->error);
    return 0;
}
