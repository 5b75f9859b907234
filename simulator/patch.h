/* Between patch.c and patch_value.c. */
#pragma once

#include "simulator/endpoint.h"

/* False, with the answer, when this value can't be written to this property of any object. */
MUST_CHECK bool patch_value_fits(struct exchange *exchange, const struct schema *schema,
	const char *name, const json_t *value);
