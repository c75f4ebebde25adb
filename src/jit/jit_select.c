/* FULLSPEED_JIT_ONLY and FULLSPEED_JIT_SKIP: what may be compiled, for those who look for a fault.
 *
 * Each is a list of words, separated by commas:
 *     N, N..M, N.., ..M   numbers of recordings, from 1, in the order in which they would begin
 *     =nbody.py:12:run    the code object that begins in that line of that file
 *     run                 code objects whose file:line:name has this in it
 * A recording may begin if ONLY is not set or has a word for it, and SKIP has none. Words of both
 * sorts in one list: one of each has to fit. What is refused is given up at once, and keeps its
 * number: those behind a refused one have other numbers only if the program then goes another way.
 */
#include "jit/jit_watch.h"

#include "base/base_config.h"
#include "jit/jit_room.h"

#include <stdio.h>

static const char *select_only, *select_skip;
static uint32_t select_number;
static char select_place[400];

void fs_jit_select_init(void)
{
    /* (copies: a program may change its environment) */
    const char *only = fs_base_config_get(FS_CONFIG_FULLSPEED_JIT_ONLY);
    const char *skip = fs_base_config_get(FS_CONFIG_FULLSPEED_JIT_SKIP);
    select_only = only != NULL ? strdup(only) : NULL;
    select_skip = skip != NULL ? strdup(skip) : NULL;
}

uint32_t fs_jit_recording_number(void)
{
    return select_number;
}

const char *fs_jit_recording_place(void)
{
    return select_place;
}

/* Whether a word is a range of numbers: *from and *to then are its ends. */
static bool select_is_range(const char *word, size_t length, unsigned long *from, unsigned long *to)
{
    if (length == 0 || strspn(word, "0123456789.") < length) {
        return false;
    }
    char *end;
    *from = strtoul(word, &end, 10);
    *to = *from;
    if (end < word + length) {
        bool open = word + length <= end + 2;
        *to = open ? UINT32_MAX : strtoul(end + 2, NULL, 10);
    }
    return true;
}

/* Whether a list fits a code object and a number. */
static bool select_fits(const char *list, const char *place, uint32_t number)
{
    bool names = false, named = false, ranges = false, within = false;
    for (const char *word = list; *word != '\0';) {
        size_t length = strcspn(word, ",");
        unsigned long from, to;
        if (select_is_range(word, length, &from, &to)) {
            ranges = true;
            within |= number >= from && number <= to;
        } else if (length > 0) {
            names = true;
            if (*word == '=') {
                named |= strlen(place) == length - 1 && memcmp(place, word + 1, length - 1) == 0;
            } else {
                named |= memmem(place, strlen(place), word, length) != NULL;
            }
        }
        word += length + (word[length] == ',');
    }
    return (names || ranges) && (named || !names) && (within || !ranges);
}

bool fs_jit_selected(const fs_code *co)
{
    if (FS_LIKELY(select_only == NULL && select_skip == NULL)) {
        return true;
    }
    const char *file = PyUnicode_AsUTF8(co->pycode->co_filename);
    const char *name = PyUnicode_AsUTF8(co->pycode->co_qualname);
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    PyErr_Clear();
    snprintf(select_place, sizeof(select_place), "%s:%d:%s",
             slash != NULL  ? slash + 1
             : file != NULL ? file
                            : "",
             co->pycode->co_firstlineno, name != NULL ? name : "");
    uint32_t number = ++select_number;
    return (select_only == NULL || select_fits(select_only, select_place, number)) &&
           (select_skip == NULL || !select_fits(select_skip, select_place, number));
}
