/* Inside the forward half of register allocation: what asm_alloc.c and asm_alloc_loop.c share. */
#ifndef FS_ASM_PLACES_H
#define FS_ASM_PLACES_H

#include "asm/asm_alloc.h"

/* The registers that a value may have. */
FS_INLINE uint32_t fs_asm_class(const fs_asm_alloc *al, fs_ref r)
{
    return fs_asm_is_float(al->ir, r) ? fs_asm_this_machine.floats : fs_asm_this_machine.general;
}

/* Where a ref is now. */
FS_INLINE int fs_asm_place(const fs_asm_alloc *al, fs_ref r)
{
    if (r <= 0) {
        return FS_AT_CONST;
    }
    if (fs_asm_is_fixed(al->ir, r)) {
        return FS_AT_FIXED;
    }
    const fs_asm_value *v = &al->values[r];
    return v->reg >= 0 ? v->reg : v->slot >= 0 ? FS_LOC_SPILL + v->slot : FS_AT_NONE;
}

/* From now on the value is in the register; from now on the register is free. */
FS_INLINE void fs_asm_hold(fs_asm_alloc *al, fs_ref r, int reg)
{
    al->values[r].reg = (int16_t)reg;
    al->holds[reg] = r;
    al->used |= 1u << reg;
}

FS_INLINE void fs_asm_release(fs_asm_alloc *al, int reg)
{
    al->values[al->holds[reg]].reg = -1;
    al->holds[reg] = 0;
    al->used &= ~(1u << reg);
}

/* Releases a value that nobody needs after this instruction. */
FS_INLINE void fs_asm_release_dead(fs_asm_alloc *al, fs_ref r)
{
    if (r > 0 && al->values[r].reg >= 0 && al->values[r].last <= al->now) {
        fs_asm_release(al, al->values[r].reg);
    }
}

/* ---- asm_alloc.c ---- */
/* Gives a value a spill slot; false: there is none. */
bool fs_asm_take_slot(fs_asm_alloc *al, fs_ref r);
/* The next instruction that wants the value in a register. */
int fs_asm_next_use(fs_asm_alloc *al, fs_ref r);
/* The register of `candidates` whose value is needed latest. */
int fs_asm_farthest(fs_asm_alloc *al, uint32_t candidates);
/* A free register for `r`, not of `avoid`; -1: all hold something that is pinned. */
int fs_asm_pick(fs_asm_alloc *al, fs_ref r, uint32_t avoid);

/* ---- asm_alloc_loop.c ---- */
bool fs_asm_at_loop(fs_asm_alloc *al);
bool fs_asm_at_jloop(fs_asm_alloc *al);
bool fs_asm_at_jtrace(fs_asm_alloc *al, const fs_ins *ins);
/* Where the PLOADs of a side trace are, where those of a bridge shall be. */
bool fs_asm_inherit(fs_asm_alloc *al);
bool fs_asm_accept(fs_asm_alloc *al);

#endif
