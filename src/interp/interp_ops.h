/* What the op bodies of src/ops may call and read besides interp.h: semantics, specialisers,
 * inline cache layouts. */
#ifndef FS_INTERP_OPS_H
#define FS_INTERP_OPS_H

#include "interp/interp.h"
#include "interp/interp_call.h"
#include "interp/interp_compare.h"
#include "interp/interp_iter.h"
#include "interp/interp_num.h"
#include "interp/interp_subscr.h"
#include "jit/jit_hooks.h"
#include "sem/sem.h"
#include "spec/spec.h"
#include "spec/spec_attr.h"
#include "spec/spec_call.h"

#define Py_DECREF_IMMORTAL(v) ((void)((v)->ob_refcnt--))

#endif
