/* What the sem_*.c files share: the interned strings and the CPython headers.
 *
 * The strings are our own references, interned by name, because the table of
 * CPython's static identifiers has moved between the micro versions of 3.11.
 * Interning gives the same objects as CPython's own.
 */
#ifndef FS_SEM_COMMON_H
#define FS_SEM_COMMON_H

#include "sem.h"

#include "internal/pycore_ceval.h"
#include "internal/pycore_pyerrors.h"
#include "internal/pycore_pystate.h"

#define FS_SEM_STRINGS(X)                             \
    X(aenter, "__aenter__")                           \
    X(aexit, "__aexit__")                             \
    X(all, "__all__")                                 \
    X(annotations, "__annotations__")                 \
    X(build_class, "__build_class__")                 \
    X(derive, "derive")                               \
    X(dict, "__dict__")                               \
    X(dunder_name, "__name__")                        \
    X(enter, "__enter__")                             \
    X(exit, "__exit__")                               \
    X(get, "get")                                     \
    X(getattr, "__getattr__")                         \
    X(handle_fromlist, "_handle_fromlist")            \
    X(import_, "__import__")                          \
    X(initializing, "_initializing")                  \
    X(match_args, "__match_args__")                   \
    X(name, "name")                                   \
    X(notes, "__notes__")                             \
    X(obj, "obj")                                     \
    X(package, "__package__")                         \
    X(parent, "parent")                               \
    X(path, "__path__")                               \
    X(search_locations, "submodule_search_locations") \
    X(spec, "__spec__")                               \
    X(split, "split")

/* One field per row of FS_SEM_STRINGS; filled in by fs_sem_init and never freed. */
struct fs_sem_strings {
#define X(field, text) PyObject *field;
    FS_SEM_STRINGS(X)
#undef X
};

extern FS_SEM_API struct fs_sem_strings fs_sem_str;

#endif /* FS_SEM_COMMON_H */
