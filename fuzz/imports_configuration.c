/*
 * Bytes from anywhere as each file of a server's configuration. Every flow that was understood is
 * found again by its attribute.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "imports/configuration_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool read_function(
	struct configuration *configuration, const char *path, struct error *err);

static void expect_flows(const struct configuration *configuration)
{
	struct space_flows names = configuration_space_flows(configuration);
	size_t count;
	const struct flow *flows = configuration_flows(configuration, &count);

	for (size_t i = 0; i < count; i++) {
		assert(flows[i].name && flows[i].from && flows[i].rule);
		assert(names.names[flows[i].kind] && names.names[flows[i].kind][0]);
		if (flows[i].attribute)
			assert(configuration_flow(
				configuration, flows[i].kind, flows[i].attribute));
	}
}

static void try_file(const char *path, read_function *read_file)
{
	CLEANUP(configuration_freep)
	struct configuration *configuration = memory_new(sizeof(*configuration));
	struct error err = { 0 };

	if (!read_file(configuration, path, &err)) {
		assert(err.kind == ERROR_FORMAT);
		return;
	}
	configuration_settle(configuration);
	expect_flows(configuration);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int descriptor = memfd_create("input", MFD_CLOEXEC);
	char path[64];

	assert(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	try_file(path, configuration_read_settings);
	try_file(path, configuration_read_connector);
	try_file(path, configuration_read_rule);
	close(descriptor);
	return 0;
}
