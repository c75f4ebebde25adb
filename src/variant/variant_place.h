/* Does a variant lie where it has to, in its module's own folder? */
#ifndef FS_VARIANT_PLACE_H
#define FS_VARIANT_PLACE_H

/* NULL, or a sentence without its full stop that says why the file must not be loaded. `below` is
 * the way from the module's folder to the variant's, "" or with a / at its end. */
const char *fs_variant_place_fault(const char *module, const char *below, const char *variant);

#endif
