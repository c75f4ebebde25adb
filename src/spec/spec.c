/* Success, failure and misses of specialisation: one policy for all ops. */
#include "spec/spec.h"

enum {
    SPEC_MISSES = 52,      /* guard failures before a specialised op is given back */
    SPEC_MAX_FAILS = 12,   /* failed tries before an op stays generic */
};

/* Executions until the next try after `fails` failures. */
static uint8_t spec_backoff(int fails)
{
    return fails >= 7 ? 255 : (uint8_t)(2 << fails);
}

void fs_spec_to(fs_instr *ip, int op)
{
    fs_stats.specialized++;
    ip->counter = SPEC_MISSES;
    ip->op = (uint16_t)op;
}

void fs_spec_fail(fs_instr *ip, int generic)
{
    int fails = (ip->flags & FS_IF_FAILS) + 1;
    if (fails > SPEC_MAX_FAILS) {
        fs_stats.given_up++;
        ip->op = (uint16_t)generic;
        return;
    }
    ip->flags = (uint8_t)((ip->flags & ~FS_IF_FAILS) | fails);
    ip->counter = spec_backoff(fails);
    /* This execution takes the generic way: count on from here. */
    ip->counter += ip->counter < 255;
}

void fs_spec_miss(fs_instr *ip)
{
    fs_stats.misses++;
    if (--ip->counter != 0) {
        return;
    }
    fs_stats.despecialized++;
    int fails = (ip->flags & FS_IF_FAILS) + 1;
    if (fails > FS_IF_FAILS) {
        fails = FS_IF_FAILS;
    }
    ip->flags = (uint8_t)((ip->flags & ~FS_IF_FAILS) | fails);
    ip->op = fs_ops[ip->op].family;
    ip->counter = spec_backoff(fails);
}
