/* Specialisation of global and builtin names. */
#include "spec/spec.h"
#include "spec/spec_attr.h"

/* The exact dict's keys table if it has unicode keys and a version, else NULL. */
static PyDictKeysObject *spec_versioned_keys(PyObject *dict, uint32_t *version)
{
    if (!PyDict_CheckExact(dict)) {
        return NULL;
    }
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    if (!DK_IS_UNICODE(keys) || (*version = fs_pyrt_keys_version(keys)) == 0) {
        return NULL;
    }
    return keys;
}

/* Where an entry's value stands; the same in every table that has the same version. */
static uint32_t spec_value_offset(PyDictKeysObject *keys, Py_ssize_t index)
{
    return (uint32_t)((char *)&DK_UNICODE_ENTRIES(keys)[index].me_value - (char *)keys);
}

void fs_spec_load_global(_PyInterpreterFrame *frame, fs_instr *ip, PyObject *name)
{
    fs_cache_global *cache = (fs_cache_global *)(ip + 1);
    uint32_t version;
    PyDictKeysObject *keys = spec_versioned_keys(frame->f_globals, &version);
    if (keys == NULL) {
        fs_spec_fail(ip, FS_OP_LOAD_GLOBAL_GENERIC);
        return;
    }
    Py_ssize_t index = fs_pyrt_keys_index(keys, name);
    if (index >= 0) {
        if (DK_UNICODE_ENTRIES(keys)[index].me_value == NULL) {
            fs_spec_fail(ip, FS_OP_LOAD_GLOBAL_GENERIC);
            return;
        }
        cache->module_version = version;
        cache->offset = spec_value_offset(keys, index);
        fs_spec_to(ip, ip->arg & 1 ? FS_OP_LOAD_GLOBAL_MODULE_CALLED : FS_OP_LOAD_GLOBAL_MODULE);
        fs_instr *next = ip + fs_ops[FS_OP_LOAD_GLOBAL].length;
        if ((next->flags & FS_IF_PREV_GLOBAL) == FS_IF_PREV_GLOBAL) {
            fs_attr_refuse(next);
        }
        return;
    }
    uint32_t builtin_version;
    PyDictKeysObject *bkeys = spec_versioned_keys(frame->f_builtins, &builtin_version);
    if (bkeys == NULL || (index = fs_pyrt_keys_index(bkeys, name)) < 0 ||
        PyDict_GetItemWithError(frame->f_globals, name) != NULL) {
        PyErr_Clear();
        fs_spec_fail(ip, FS_OP_LOAD_GLOBAL_GENERIC);
        return;
    }
    cache->module_version = version;
    cache->builtin_version = builtin_version;
    cache->offset = spec_value_offset(bkeys, index);
    fs_spec_to(ip, ip->arg & 1 ? FS_OP_LOAD_GLOBAL_BUILTIN_CALLED : FS_OP_LOAD_GLOBAL_BUILTIN);
}

/* Executions of a name op until the next try. */
enum { NAME_BACKOFF = 255 };

void fs_spec_name(fs_instr *ip, PyObject *ns, PyObject *name, int hinted)
{
    ip->counter = NAME_BACKOFF;
    if (ns == NULL || !PyDict_CheckExact(ns)) {
        return;
    }
    PyDictKeysObject *keys = ((PyDictObject *)ns)->ma_keys;
    Py_ssize_t index = keys->dk_kind == DICT_KEYS_UNICODE ? fs_pyrt_keys_index(keys, name) : -1;
    if (index < 0 || index > UINT16_MAX) {
        return;
    }
    fs_stats.specialized++;
    ip->op = (uint16_t)hinted;
    ip->counter = (uint8_t)index;
    ip->flags = (uint8_t)(index >> 8);
}

void fs_spec_name_miss(fs_instr *ip)
{
    fs_stats.misses++;
    fs_stats.despecialized++;
    ip->op = fs_ops[ip->op].family;
    ip->counter = NAME_BACKOFF;
}
