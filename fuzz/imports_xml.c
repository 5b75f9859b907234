/* Bytes from anywhere as XML: starts and ends balance, and no limit is passed. */
#include <assert.h>
#include <stdint.h>

#include "imports/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count_start(void *context, unsigned depth, const char *name,
	const char *const *attributes, struct error *err)
{
	unsigned *open = context;

	(void)err;
	assert(depth == ++*open && depth <= XML_DEPTH_MAX);
	assert(*name && strlen(name) <= XML_NAME_MAX);
	assert(!xml_attribute(attributes, ""));
	return true;
}

static bool count_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	unsigned *open = context;

	(void)name, (void)err;
	assert(depth == (*open)-- && text.length <= XML_TEXT_MAX);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xml_events events = { .start = count_start, .end = count_end };
	struct error err = { 0 };
	unsigned open = 0;

	if (xml_read_text((struct span){ (const char *)data, size }, "input", &events, &open, &err))
		assert(open == 0);
	else
		assert(err.kind == ERROR_FORMAT && strncmp(err.text, "input: line ", 12) == 0);
	return 0;
}
