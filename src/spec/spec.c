/* Success, failure and misses of specialisation: one policy for all ops. */
#include "spec/spec.h"

enum {
    SPEC_MAX_FAILS = 12, /* failed tries before an op stays generic */
};

/* Executions until the next try after `fails` failures. */
static uint8_t spec_backoff(int fails)
{
    return fails >= 7 ? 255 : (uint8_t)(2 << fails);
}

void fs_spec_to(fs_instr *ip, int op)
{
    fs_stats.specialized++;
    ip->counter = FS_SPEC_MISSES;
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

/* An op that is to have another form is done by none that stands before it any more: those read its
 * cache as that of its old form. (They see to it themselves when they miss; but who comes from a
 * trace may begin at the op itself.) */
static void spec_unfuse(fs_instr *ip)
{
    int prev = ip->flags & FS_IF_PREV_GLOBAL;
    int family = fs_ops[ip->op].family;
    bool attr =
        family == FS_OP_LOAD_ATTR || family == FS_OP_LOAD_METHOD || family == FS_OP_STORE_ATTR;
    if (prev == FS_IF_PREV_GLOBAL || (attr && prev == FS_IF_PREV_CONST)) {
        return;
    }
    if (prev != 0 && fs_ops[ip[-1].op].length > 1) {
        ip[-1].op = prev == FS_IF_PREV_FAST ? FS_OP_LOAD_FAST : FS_OP_LOAD_CONST;
    }
    int both = FS_IF_PREV2_FAST | FS_IF_PREV2_ONE;
    if (prev != 0 && (ip->flags & both) == both && fs_ops[ip[-2].op].length > 2) {
        ip[-2].op =
            prev == FS_IF_PREV_FAST ? FS_OP_LOAD_FAST__LOAD_FAST : FS_OP_LOAD_FAST__LOAD_CONST;
    }
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
    spec_unfuse(ip);
}

bool fs_spec_fuse_one(fs_instr *ip, int first, int super)
{
    int wanted = first == FS_OP_LOAD_FAST ? FS_IF_PREV_FAST : FS_IF_PREV_CONST;
    if (!(ip->flags & wanted) || ip[-1].op != first) {
        return false;
    }
    if (ip->flags & FS_IF_PREV2_ONE) {
        switch (ip[-2].op) {
        case FS_OP_LOAD_FAST__LOAD_FAST:
        case FS_OP_LOAD_FAST__LOAD_CONST:
            ip[-2].op = FS_OP_LOAD_FAST;
            break;
        case FS_OP_LOAD_CONST__LOAD_FAST:
            ip[-2].op = FS_OP_LOAD_CONST;
            break;
        case FS_OP_STORE_FAST__LOAD_FAST:
            ip[-2].op = FS_OP_STORE_FAST;
            break;
        default:
            break;
        }
    }
    ip[-1].op = (uint16_t)super;
    return true;
}

bool fs_spec_fuse_two(fs_instr *ip, int pair, int super)
{
    int wanted = FS_IF_PREV2_FAST | FS_IF_PREV2_ONE;
    if ((ip->flags & wanted) != wanted || ip[-2].op != pair) {
        return false;
    }
    ip[-2].op = (uint16_t)super;
    return true;
}
