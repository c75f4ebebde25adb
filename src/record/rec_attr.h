/* Attributes, between the files that record them. */
#ifndef FS_REC_ATTR_H
#define FS_REC_ATTR_H

#include "record/rec.h"

#include "spec/spec_attr.h"

/* Guards the owner's type and its version; false: the type has none. */
bool rec_guard_class_of(rec_state *R, rec_slot *owner, PyTypeObject *type, uint32_t version);
/* The value array of an instance, guarded to be there. */
fs_ref rec_values(rec_state *R, rec_slot *owner);
/* The dict of an instance that has one, guarded to be there; 0: it has none, or shares its keys. */
fs_ref rec_own_dict(rec_state *R, rec_slot *owner, PyDictObject **seen);
/* Part of a virtual instance by name; -1: not a place that it has. */
int rec_virtual_index(rec_state *R, fs_ref ref, PyObject *name);

#endif
