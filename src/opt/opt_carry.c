/* Memory in a loop: a load at its start that a store of the turn before answers.
 *
 * While the copy of the turn is made, such a load becomes a PHI whose first value is the one of the
 * first turn. When the copy is complete, the same load is asked for at its end: what answers is
 * the PHI's next value. If nothing does, the load is banned, and the copy is made again with it
 * as a load. In the same way loads that nothing seemed to change are checked at the end.
 *
 * A box is carried together with its value: PHI.c of the box is then the PHI of the value (until
 * the copy is complete), which is what folding knows of it.
 */
#include "opt/opt_carry.h"

static bool carry_same_place(const fs_ir *ir, const fs_ins *x, const fs_ins *y)
{
    opt_place p, q;
    return fs_opt_touches(ir, x, &p) && fs_opt_touches(ir, y, &q) &&
           fs_opt_relation(ir, &p, &q) == OPT_SAME;
}

static bool carry_is_banned(const opt_carry *carry, const fs_ins *load)
{
    for (int i = 0; i < carry->nbanned; i++) {
        const fs_ins *other = &carry->banned[i];
        if (other->alias == load->alias && other->aux == load->aux && other->cond == load->cond) {
            return true;
        }
    }
    return false;
}

/* Whether an earlier try has found out that the place always has one value. Its operands stand
 * before the loop, as in that try, or it is another place. */
static bool carry_is_settled(const opt_carry *carry, const fs_ins *load)
{
    for (int i = 0; i < carry->nsettled; i++) {
        const fs_ins *other = &carry->settled[i];
        if (other->alias == load->alias && other->aux == load->aux && other->cond == load->cond &&
            other->a == load->a && other->b == load->b) {
            return true;
        }
    }
    return false;
}

static fs_ref carry_new_phi(fs_ir *ir, opt_carry *carry, fs_ref first)
{
    fs_ref phi = carry->next++;
    fs_ref root = fs_opt_root(ir, first);
    ir->ins[phi] = (fs_ins){.op = FS_IR_PHI, .type = (uint8_t)fs_ir_type(ir, first), .a = first};
    if (root > 0) {
        ir->opt_index->notes[root].escaped = true;
    }
    return phi;
}

/* The value in a box that this trace has made, or that a PHI stands for. */
static fs_ref carry_content(const fs_ir *ir, fs_ref box)
{
    if (box <= 0) {
        return 0;
    }
    const fs_ins *ins = &ir->ins[box];
    return ins->op == FS_IR_BOXI || ins->op == FS_IR_BOXF  ? ins->a
           : ins->op == FS_IR_PHI && ins->type == FS_T_OBJ ? ins->c
                                                           : 0;
}

fs_ref opt_carry_phi(fs_ir *ir, opt_carry *carry, fs_ref first)
{
    fs_ref content = carry->unboxes ? carry_content(ir, first) : 0;
    if (carry->end - carry->next < (content != 0 ? 2 : 1)) {
        return 0;
    }
    fs_ref phi = carry_new_phi(ir, carry, first);
    if (content != 0) {
        fs_ref inner = carry_new_phi(ir, carry, content);
        ir->ins[phi].c = inner;
    }
    return phi;
}

bool opt_carry_set(fs_ir *ir, fs_ref phi, fs_ref after)
{
    fs_ins *ins = &ir->ins[phi];
    if (fs_ir_type(ir, after) != ins->type) {
        return false;
    }
    ins->b = after;
    if (ins->c == 0) {
        return true;
    }
    fs_ref content = carry_content(ir, after);
    return content != 0 && opt_carry_set(ir, ins->c, content);
}

fs_ref opt_carry_load(fs_ir *ir, opt_carry *carry, const fs_ins *load, const opt_found *found)
{
    if (carry_is_banned(carry, load)) {
        return 0;
    }
    if (found->steady) {
        if (carry->nsteady == OPT_MAX_STEADY) {
            return 0;
        }
        carry->steady[carry->nsteady++] = *load;
        return found->value;
    }
    for (int i = 0; i < carry->ncarried; i++) {
        opt_carried *known = &carry->carried[i];
        if (known->first == found->value && carry_same_place(ir, &known->load, load)) {
            return known->phi != 0 ? known->phi : known->first;
        }
    }
    if (carry->ncarried == OPT_MAX_CARRIED) {
        return 0;
    }
    bool settled = carry_is_settled(carry, load);
    fs_ref phi = settled ? 0 : opt_carry_phi(ir, carry, found->value);
    if (!settled && phi == 0) {
        return 0;
    }
    carry->carried[carry->ncarried++] = (opt_carried){*load, phi, found->value};
    return settled ? found->value : phi;
}

static void carry_ban(opt_carry *carry, const fs_ins *load)
{
    if (carry->nbanned < OPT_MAX_BANNED) {
        carry->banned[carry->nbanned++] = *load;
    }
}

/* Ends one carried place; false: it was taken for something else than it is. */
static bool carry_close_one(fs_ir *ir, opt_carry *carry, const opt_carried *known)
{
    opt_found found;
    bool told = fs_opt_find(ir, &known->load, &found) &&
                (found.from > ir->loop || found.value == known->first);
    bool idle = told && (found.value == known->first || found.value == known->phi);
    if (known->phi == 0 ? !idle : !told || !opt_carry_set(ir, known->phi, found.value)) {
        carry_ban(carry, &known->load);
        return false;
    }
    if (idle && known->phi != 0 && carry->nsettled < OPT_MAX_CARRIED) {
        carry->settled[carry->nsettled++] = known->load;
        return false;
    }
    return true;
}

bool opt_carry_close(fs_ir *ir, opt_carry *carry)
{
    bool good = true;
    for (int i = 0; i < carry->ncarried; i++) {
        good &= carry_close_one(ir, carry, &carry->carried[i]);
    }
    for (int i = 0; i < carry->nsteady; i++) {
        if (fs_opt_changed_since(ir, &carry->steady[i], ir->loop)) {
            carry_ban(carry, &carry->steady[i]);
            good = false;
        }
    }
    return good;
}

void opt_carry_restart(opt_carry *carry, fs_ref next, fs_ref end)
{
    carry->next = next;
    carry->end = end;
    carry->ncarried = carry->nsteady = carry->nassumed = 0;
}
