/* A hostile plan file: read strictly, or exactly what it says; never a crash. */
#include <assert.h>
#include <stdint.h>

#include "rollback/rollback.h"

enum { AGAIN_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };
	struct error err = { 0 };
	CLEANUP(plan_freep) struct plan *plan = plan_parse(bytes, &err);
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(AGAIN_MAX);

	if (!plan) {
		assert(err.kind == ERROR_FORMAT || err.kind == ERROR_REFUSED);
		return 0;
	}
	plan_add_json(&again, plan);
	assert(span_equal(buf_span(&again), bytes));
	return 0;
}
