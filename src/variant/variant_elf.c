/* Reads the head of an ELF file before the loader, or the kernel, does.
 *
 * How it works: both map what the program headers say and believe them; where the file is shorter
 * than that, the process dies of SIGBUS in the middle of dlopen, or of execve. So the file's
 * length is compared with all that would be mapped.
 *
 * What must stay true: nothing read from the file is used as an offset or a count before it has
 * been compared with the file's length; any bytes at all may stand in it.
 */
#include "variant_elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { ELF_MACHINE = EM_X86_64 };
#else
#error "levels are x86-64's: add the architecture here when the table has levels of it"
#endif

enum { ELF_MOST_HEADERS = 128 }; /* libraries have about ten */

/* Reads all of it or nothing. */
static bool elf_read(int file, void *buffer, size_t size, uint64_t offset)
{
    return pread(file, buffer, size, (off_t)offset) == (ssize_t)size;
}

/* Does [offset, offset + size) lie in the file? */
static bool elf_has(uint64_t length, uint64_t offset, uint64_t size)
{
    return offset <= length && size <= length - offset;
}

static const char *elf_head_fault(const ElfW(Ehdr) * head, uint64_t length)
{
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) {
        return "not an ELF file";
    }
    if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB ||
        head->e_machine != ELF_MACHINE) {
        return "built for another architecture";
    }
    if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phnum == 0 ||
        head->e_phnum > ELF_MOST_HEADERS) {
        return "its program headers are damaged";
    }
    if (!elf_has(length, head->e_phoff, (uint64_t)head->e_phnum * sizeof(ElfW(Phdr)))) {
        return "truncated";
    }
    return NULL;
}

/* What the headers of a file say of it. */
struct elf_kind {
    unsigned type; /* e_type */
    bool has_code, has_dynamic;
};

static const char *elf_file_fault(int file, uint64_t length, struct elf_kind *kind)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) parts[ELF_MOST_HEADERS];
    if (!elf_read(file, &head, sizeof head, 0)) {
        return "truncated";
    }
    const char *fault = elf_head_fault(&head, length);
    if (fault != NULL) {
        return fault;
    }
    if (!elf_read(file, parts, head.e_phnum * sizeof *parts, head.e_phoff)) {
        return "truncated";
    }
    *kind = (struct elf_kind){.type = head.e_type};
    for (int i = 0; i < head.e_phnum; i++) {
        bool is_code = parts[i].p_type == PT_LOAD, is_loader = parts[i].p_type == PT_INTERP;
        kind->has_code |= is_code;
        kind->has_dynamic |= parts[i].p_type == PT_DYNAMIC;
        if ((is_code || is_loader) && !elf_has(length, parts[i].p_offset, parts[i].p_filesz)) {
            return "truncated";
        }
    }
    return NULL;
}

static const char *elf_library_fault(int file, uint64_t length)
{
    struct elf_kind kind;
    const char *fault = elf_file_fault(file, length, &kind);
    if (fault == NULL && !(kind.type == ET_DYN && kind.has_code && kind.has_dynamic)) {
        fault = "not a shared library";
    }
    return fault;
}

const char *fs_variant_elf_program_fault(int file, uint64_t length)
{
    struct elf_kind kind;
    const char *fault = elf_file_fault(file, length, &kind);
    if (fault == NULL && !((kind.type == ET_DYN || kind.type == ET_EXEC) && kind.has_code)) {
        fault = "not an executable";
    }
    return fault;
}

const char *fs_variant_elf_fault(const char *path)
{
    struct stat info;
    const char *fault;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return strerror(errno);
    }
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        fault = "not a file";
    } else {
        fault = elf_library_fault(file, (uint64_t)info.st_size);
    }
    close(file);
    return fault;
}
