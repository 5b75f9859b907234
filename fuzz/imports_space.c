/*
 * Bytes from anywhere as a connector space, in each role: facts that come of it are facts, lines are
 * lines, and an error has its place.
 */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/time.h"
#include "imports/imports.h"

#define TENANT "11111111-2222-4333-8444-555555555555"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(const char *path, enum space_role role, bool all_pending)
{
	struct evidence_header header = { .tenant = TENANT, .collected_ms = 1 };
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	CLEANUP(space_ids_freep) struct space_ids *ids = space_ids_new(NULL);
	struct space_import import = {
		.path = path,
		.role = role,
		.ids = ids,
		.evidence = evidence,
		.written_ms = 1,
		.incident_ms = TIME_NONE,
		.made_ms = TIME_NONE,
		.all_pending = all_pending,
	};
	CLEANUP(space_report_freep) struct space_report *report = space_import(&import, &err);

	if (report)
		assert(strlen(evidence_identity(evidence)) == 64);
	else
		assert(err.kind == ERROR_FORMAT && strncmp(err.text, path, strlen(path)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = memfd_create("space", MFD_CLOEXEC);
	char path[32];

	assert(file >= 0 && write(file, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	for (int role = 0; role < SPACE_ROLES; role++)
		import(path, (enum space_role)role, true);
	close(file);
	return 0;
}
