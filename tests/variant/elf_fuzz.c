/* Feeds damaged heads of a library to what judges libraries and programs: elf_fuzz LIBRARY SCRATCH
 * TURNS SEED. The last line says how many were taken for whole libraries, and for whole programs; a
 * sanitizer ends the program at a fault. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "variant_elf.h"

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

int main(int count, char **words)
{
    static unsigned char whole[1 << 16], data[1 << 16];
    if (count != 5) {
        return 2;
    }
    FILE *file = fopen(words[1], "rb");
    size_t length = fread(whole, 1, sizeof whole, file);
    fclose(file);
    long turns = atol(words[3]), good = 0, programs = 0;
    state = strtoull(words[4], NULL, 10) * 2654435769u + 1;
    for (long i = 0; i < turns; i++) {
        size_t kept = draw() % 4 != 0 ? length : draw() % (length + 1);
        memcpy(data, whole, length);
        for (uint64_t k = draw() % 6; k > 0; k--) {
            static const uint64_t odd[] = {0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, ~0ull, 1ull << 63};
            uint64_t value = draw() % 2 ? draw() : odd[draw() % 8];
            memcpy(data + draw() % 700, &value, 1 + draw() % 8);
        }
        file = fopen(words[2], "wb");
        fwrite(data, 1, kept, file);
        fclose(file);
        good += fs_variant_elf_fault(words[2]) == NULL;
        int opened = open(words[2], O_RDONLY);
        programs += fs_variant_elf_program_fault(opened, kept) == NULL;
        close(opened);
    }
    printf("%ld %ld of %ld\n", good, programs, turns);
    return 0;
}
