/* Is a file a whole shared library of this architecture? */
#ifndef FS_VARIANT_ELF_H
#define FS_VARIANT_ELF_H

/* NULL, or a sentence without its full stop that says why the file must not be given to dlopen. */
const char *fs_variant_elf_fault(const char *path);

#endif
