/* Fills in the interned strings that the sem_*.c files use.
 *
 * They are immortal for our purposes: module init takes one reference each and
 * nothing gives it back, since handlers may run until the process ends.
 * Calling it again (a second interpreter imports the module) changes nothing.
 */
#include "sem_common.h"

struct fs_sem_strings fs_sem_str;

/* Interns `text` into *slot unless that has been done. */
static int intern_once(PyObject **slot, const char *text)
{
    if (*slot == NULL) {
        *slot = PyUnicode_InternFromString(text);
    }
    return *slot == NULL ? -1 : 0;
}

int fs_sem_init(void)
{
#define X(field, text)                              \
    if (intern_once(&fs_sem_str.field, text) < 0) { \
        return -1;                                  \
    }
    FS_SEM_STRINGS(X)
#undef X
    return 0;
}
