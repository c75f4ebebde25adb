/* Moves between places: one, or many that happen at once as a sequence.
 *
 * A move may be written when nobody still waits to read its target. When only circles are left,
 * one target is put by in a scratch register, which breaks the circle.
 */
#include "asm/asm_alloc.h"

bool fs_asm_add_move(fs_asm_alloc *al, fs_ref ref, int from, int to)
{
    if (!fs_asm_more(al, &al->moves, &al->moves_room, al->nmoves, sizeof(fs_asm_move))) {
        return false;
    }
    al->moves[al->nmoves++] = (fs_asm_move){ref, (int16_t)from, (int16_t)to};
    return true;
}

bool fs_asm_parallel_add(fs_asm_alloc *al, fs_ref ref, int from, int to)
{
    if (from == to) {
        return true;
    }
    if (!fs_asm_more(al, &al->parallel, &al->parallel_room, al->nparallel, sizeof(fs_asm_move))) {
        return false;
    }
    al->parallel[al->nparallel++] = (fs_asm_move){ref, (int16_t)from, (int16_t)to};
    return true;
}

/* Whether a pending move other than number `but` still reads `where`. */
static bool moves_is_read(const fs_asm_alloc *al, int where, int but)
{
    for (int i = 0; i < al->nparallel; i++) {
        if (i != but && al->parallel[i].from == where) {
            return true;
        }
    }
    return false;
}

/* Saves what stands at the first move's target, which is part of a circle. */
static bool moves_break_circle(fs_asm_alloc *al)
{
    int target = al->parallel[0].to;
    bool is_float = target >= FS_LOC_XMM && target < FS_LOC_SPILL;
    int scratch = is_float ? fs_asm_this_machine.float_scratch : fs_asm_this_machine.scratch;
    if (!fs_asm_add_move(al, 0, target, scratch)) {
        return false;
    }
    for (int i = 0; i < al->nparallel; i++) {
        if (al->parallel[i].from == target) {
            al->parallel[i].from = (int16_t)scratch;
        }
    }
    return true;
}

bool fs_asm_parallel_done(fs_asm_alloc *al)
{
    while (al->nparallel > 0) {
        bool progress = false;
        for (int i = 0; i < al->nparallel;) {
            fs_asm_move m = al->parallel[i];
            if (moves_is_read(al, m.to, i)) {
                i++;
                continue;
            }
            if (!fs_asm_add_move(al, m.ref, m.from, m.to)) {
                return false;
            }
            al->parallel[i] = al->parallel[--al->nparallel];
            progress = true;
        }
        if (!progress && !moves_break_circle(al)) {
            return false;
        }
    }
    return true;
}
