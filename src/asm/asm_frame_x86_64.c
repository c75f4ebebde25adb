/* How to unwind through machine code on x86-64.
 *
 * All traces run on the one frame that fs_asm_enter_code makes (asm_entry_x86_64.c): the return
 * address and what C wants back stand at fixed distances from rbp, wherever in a trace we are.
 * So one description serves a whole region of the code cache.
 */
#include "asm/asm_frame.h"

#include <stdlib.h>
#include <string.h>

extern void __register_frame(void *);

/* DWARF's numbers of registers. */
enum { DW_RBX = 3, DW_RBP = 6, DW_R12 = 12, DW_R13, DW_R14, DW_R15, DW_RETURN };
enum { DW_CFA_nop = 0, DW_CFA_def_cfa = 0x0c, DW_CFA_offset = 0x80 };

typedef struct {
    uint8_t *at;
} frame_writer;

static void frame_byte(frame_writer *w, int byte)
{
    *w->at++ = (uint8_t)byte;
}

static void frame_word(frame_writer *w, const void *word, size_t size)
{
    memcpy(w->at, word, size);
    w->at += size;
}

/* Fills up the record that begins at `record` and writes its length. */
static void frame_close(frame_writer *w, uint8_t *record)
{
    while ((w->at - record) % 8 != 0) {
        frame_byte(w, DW_CFA_nop);
    }
    uint32_t length = (uint32_t)(w->at - record) - 4;
    memcpy(record, &length, sizeof(length));
}

static void frame_rules(frame_writer *w)
{
    /* Where the register stands, in words below the frame's address (rbp + 16). */
    static const uint8_t saved[][2] = {{DW_RETURN, 1}, {DW_RBP, 2}, {DW_RBX, 3}, {DW_R12, 4},
                                       {DW_R13, 5},    {DW_R14, 6}, {DW_R15, 7}};
    frame_byte(w, DW_CFA_def_cfa);
    frame_byte(w, DW_RBP);
    frame_byte(w, 16);
    for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++) {
        frame_byte(w, DW_CFA_offset | saved[i][0]);
        frame_byte(w, saved[i][1]);
    }
}

size_t fs_asm_frame_info(uint8_t *into, const void *start, size_t size)
{
    frame_writer w = {into + 4};
    const uint32_t zero = 0;
    frame_word(&w, &zero, 4); /* this is a CIE */
    frame_byte(&w, 1);        /* version */
    frame_byte(&w, 0);        /* no augmentation: addresses are absolute */
    frame_byte(&w, 1);        /* code is counted in bytes, */
    frame_byte(&w, 0x78);     /* data in words downwards (-8) */
    frame_byte(&w, DW_RETURN);
    frame_rules(&w);
    frame_close(&w, into);
    uint8_t *fde = w.at;
    w.at += 4;
    uint32_t back = (uint32_t)(w.at - into);
    uint64_t from = (uintptr_t)start, length = size;
    frame_word(&w, &back, 4);
    frame_word(&w, &from, 8);
    frame_word(&w, &length, 8);
    frame_close(&w, fde);
    frame_word(&w, &zero, 4);
    return (size_t)(w.at - into);
}

size_t fs_asm_frame_behind(uint8_t *into, size_t size, size_t *header)
{
    enum { PCREL_32 = 0x1b, COUNT_32 = 0x03, DATAREL_32 = 0x3b };
    frame_writer w = {into + 4};
    const uint32_t zero = 0, one = 1, range = (uint32_t)size;
    int32_t code = -(int32_t)((size + 7) / 8 * 8); /* from `into` */
    frame_word(&w, &zero, 4);
    frame_byte(&w, 1);
    frame_word(&w, "zR", 3);
    frame_byte(&w, 1);
    frame_byte(&w, 0x78);
    frame_byte(&w, DW_RETURN);
    frame_byte(&w, 1); /* of augmentation: how addresses are written */
    frame_byte(&w, PCREL_32);
    frame_rules(&w);
    frame_close(&w, into);
    uint8_t *fde = w.at;
    w.at += 4;
    uint32_t back = (uint32_t)(w.at - into);
    frame_word(&w, &back, 4);
    int32_t from = code - (int32_t)(w.at - into);
    frame_word(&w, &from, 4);
    frame_word(&w, &range, 4);
    frame_byte(&w, 0);
    frame_close(&w, fde);
    frame_word(&w, &zero, 4);
    /* .eh_frame_hdr: a table of one row, by which the FDE is found. */
    uint8_t *table = w.at;
    const uint8_t how[4] = {1, PCREL_32, COUNT_32, DATAREL_32};
    frame_word(&w, how, 4);
    int32_t to[3] = {-(int32_t)(w.at - into), code - (int32_t)(table - into),
                     (int32_t)(fde - table)};
    frame_word(&w, &to[0], 4);
    frame_word(&w, &one, 4);
    frame_word(&w, &to[1], 8);
    *header = (size_t)(w.at - table);
    return (size_t)(w.at - into);
}

void fs_asm_frame_register(const void *start, size_t size)
{
    uint8_t *info = malloc(FS_ASM_FRAME_INFO);
    if (info != NULL) {
        (void)fs_asm_frame_info(info, start, size);
        __register_frame(info);
    }
}
