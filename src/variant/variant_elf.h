/* Is a file a whole shared library, or a whole program, of this architecture? */
#ifndef FS_VARIANT_ELF_H
#define FS_VARIANT_ELF_H

#include <stdint.h>

/* NULL, or a sentence without its full stop that says why the file must not be given to dlopen. */
const char *fs_variant_elf_fault(const char *path);
/* The same for an open file of that length, and execve. */
const char *fs_variant_elf_program_fault(int file, uint64_t length);

#endif
