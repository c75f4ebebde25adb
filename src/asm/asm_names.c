/* Names of traces for profilers and debuggers, as FULLSPEED_SYMBOLS asks for.
 *
 * perf: a line per trace in /tmp/perf-PID.map (address, size, name), which `perf report` reads.
 * gdb: its JIT interface: an ELF file in memory per trace, with one symbol and unwind information,
 * in a list that gdb watches by a breakpoint in __jit_debug_register_code.
 */
#include "asm/asm_frame.h"

#include "base/base_config.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_LENGTH = 160 };

/* "trace loop mandel (demo.py:12)" */
static void names_of(const fs_trace *trace, char name[NAMES_LENGTH])
{
    static const char *const kinds[] = {"loop", "entry", "side", "bridge"};
    _Static_assert(sizeof(kinds) / sizeof(kinds[0]) == FS_TRACE_KINDS, "every kind has a name");
    PyCodeObject *code = trace->co->pycode;
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    const char *function = PyUnicode_AsUTF8(code->co_qualname);
    if (file == NULL || function == NULL) {
        PyErr_Clear(); /* no text for UTF-8 */
    }
    const char *slash = file == NULL ? NULL : strrchr(file, '/');
    int line = PyCode_Addr2Line(code, trace->slot * (int)sizeof(_Py_CODEUNIT));
    snprintf(name, NAMES_LENGTH, "trace %s %s (%s:%d)", kinds[trace->kind],
             function == NULL ? "?" : function,
             slash != NULL  ? slash + 1
             : file == NULL ? "?"
                            : file,
             line);
}

/* ---- perf ---- */

static FILE *names_map;
static pid_t names_map_of; /* the process that has opened it */

static void names_tell_perf(const fs_trace *trace)
{
    char text[NAMES_LENGTH];
    if (names_map == NULL || names_map_of != getpid()) {
        snprintf(text, sizeof(text), "/tmp/perf-%d.map", (int)getpid());
        /* (A parent's stays open: what it has not written yet is not ours to write.) */
        int file = open(text, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
        names_map = file < 0 ? NULL : fdopen(file, "a");
        names_map_of = getpid();
    }
    if (names_map != NULL) {
        names_of(trace, text);
        fprintf(names_map, "%zx %zx %s\n", (size_t)trace->code, trace->code_size, text);
        fflush(names_map);
    }
}

/* ---- gdb ---- */

/* What gdb looks for, by these names and with this layout. */
typedef struct jit_code_entry {
    struct jit_code_entry *next_entry;
    struct jit_code_entry *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
} jit_code_entry;

enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

FS_HIDDEN struct {
    uint32_t version;
    uint32_t action_flag;
    jit_code_entry *relevant_entry;
    jit_code_entry *first_entry;
} __jit_debug_descriptor = {.version = 1};

FS_HIDDEN void __jit_debug_register_code(void);
FS_NOINLINE void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}

enum { SECTION_NONE, SECTION_TEXT, SECTION_FRAME, SECTION_SYMBOLS, SECTION_STRINGS, SECTION_COUNT };

/* The file: header, section headers, symbols, then what has no fixed size. */
typedef struct {
    jit_code_entry entry;
    const void *code;
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTION_COUNT];
    Elf64_Sym symbols[2];
    uint8_t frame[FS_ASM_FRAME_INFO];
    char strings[NAMES_LENGTH + 48];
} names_file;

/* Adds a string; where it stands in the table. */
static uint32_t names_string(names_file *file, size_t *used, const char *text)
{
    size_t at = *used;
    size_t n = strlen(text) + 1;
    memcpy(file->strings + at, text, n);
    *used = at + n;
    return (uint32_t)at;
}

static void names_section(names_file *file, int number, uint32_t name, uint32_t type,
                          const void *content, size_t size)
{
    Elf64_Shdr *section = &file->sections[number];
    section->sh_name = name;
    section->sh_type = type;
    section->sh_offset =
        content == NULL ? 0 : (size_t)((const char *)content - (char *)&file->header);
    section->sh_size = size;
    section->sh_addralign = 8;
}

static void names_header(names_file *file)
{
    Elf64_Ehdr *header = &file->header;
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
    header->e_type = ET_EXEC;
    header->e_machine = FS_ASM_ELF_MACHINE;
    header->e_version = EV_CURRENT;
    header->e_shoff = offsetof(names_file, sections) - offsetof(names_file, header);
    header->e_ehsize = sizeof(Elf64_Ehdr);
    header->e_shentsize = sizeof(Elf64_Shdr);
    header->e_shnum = SECTION_COUNT;
    header->e_shstrndx = SECTION_STRINGS;
}

static void names_fill(names_file *file, const fs_trace *trace)
{
    char name[NAMES_LENGTH];
    size_t used = 1;
    names_of(trace, name);
    names_header(file);
    uint32_t text = names_string(file, &used, ".text");
    uint32_t frame = names_string(file, &used, ".eh_frame");
    uint32_t symbols = names_string(file, &used, ".symtab");
    uint32_t strings = names_string(file, &used, ".strtab");
    uint32_t symbol = names_string(file, &used, name);
    size_t frame_size = fs_asm_frame_info(file->frame, trace->code, trace->code_size);
    names_section(file, SECTION_TEXT, text, SHT_NOBITS, NULL, trace->code_size);
    names_section(file, SECTION_FRAME, frame, SHT_PROGBITS, file->frame, frame_size);
    names_section(file, SECTION_SYMBOLS, symbols, SHT_SYMTAB, file->symbols, sizeof(file->symbols));
    names_section(file, SECTION_STRINGS, strings, SHT_STRTAB, file->strings, used);
    file->sections[SECTION_TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    file->sections[SECTION_TEXT].sh_addr = (uintptr_t)trace->code;
    file->sections[SECTION_FRAME].sh_flags = SHF_ALLOC;
    file->sections[SECTION_FRAME].sh_addr = (uintptr_t)file->frame;
    file->sections[SECTION_SYMBOLS].sh_link = SECTION_STRINGS;
    file->sections[SECTION_SYMBOLS].sh_info = 1;
    file->sections[SECTION_SYMBOLS].sh_entsize = sizeof(Elf64_Sym);
    file->symbols[1] = (Elf64_Sym){.st_name = symbol,
                                   .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                   .st_shndx = SECTION_TEXT,
                                   .st_value = (uintptr_t)trace->code,
                                   .st_size = trace->code_size};
}

static void names_tell_gdb(const fs_trace *trace)
{
    names_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return;
    }
    names_fill(file, trace);
    file->code = trace->code;
    file->entry.symfile_addr = (const char *)&file->header;
    file->entry.symfile_size = sizeof(*file) - offsetof(names_file, header);
    file->entry.next_entry = __jit_debug_descriptor.first_entry;
    if (file->entry.next_entry != NULL) {
        file->entry.next_entry->prev_entry = &file->entry;
    }
    __jit_debug_descriptor.first_entry = &file->entry;
    __jit_debug_descriptor.relevant_entry = &file->entry;
    __jit_debug_descriptor.action_flag = JIT_REGISTER;
    __jit_debug_register_code();
}

/* Takes a trace's file from gdb's list, if it is there. */
static void names_untell_gdb(const fs_trace *trace)
{
    jit_code_entry *entry = __jit_debug_descriptor.first_entry;
    while (entry != NULL && ((names_file *)entry)->code != trace->code) {
        entry = entry->next_entry;
    }
    if (entry == NULL) {
        return;
    }
    if (entry->next_entry != NULL) {
        entry->next_entry->prev_entry = entry->prev_entry;
    }
    *(entry->prev_entry != NULL ? &entry->prev_entry->next_entry
                                : &__jit_debug_descriptor.first_entry) = entry->next_entry;
    __jit_debug_descriptor.relevant_entry = entry;
    __jit_debug_descriptor.action_flag = JIT_UNREGISTER;
    __jit_debug_register_code();
    free(entry);
}

void fs_asm_name(const fs_trace *trace)
{
    const char *who = fs_base_config_get(FS_CONFIG_FULLSPEED_SYMBOLS);
    if (who != NULL && strcmp(who, "perf") == 0) {
        names_tell_perf(trace);
    } else if (who != NULL && strcmp(who, "jitdump") == 0) {
        char name[NAMES_LENGTH];
        names_of(trace, name);
        fs_asm_jitdump(trace, name);
    } else if (who != NULL && strcmp(who, "gdb") == 0) {
        names_tell_gdb(trace);
    }
}

size_t fs_asm_name_gap(void)
{
    const char *who = fs_base_config_get(FS_CONFIG_FULLSPEED_SYMBOLS);
    return who != NULL && strcmp(who, "jitdump") == 0 ? FS_ASM_FRAME_INFO : 0;
}

void fs_asm_unname(const fs_trace *trace)
{
    names_untell_gdb(trace);
}
