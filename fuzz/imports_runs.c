/*
 * Bytes from anywhere as run history: as JSON, and as XML. What was understood can be joined, its
 * sums are those of its parts, and evidence takes it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/time.h"
#include "imports/imports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_sums(const struct run_history *history)
{
	const struct run_history_summary *summary = run_history_summary(history);
	uint64_t sums[RUN_COUNTERS] = { 0 };
	size_t count, entra = 0, gap_count;
	const struct export_run *exports = run_history_exports(history, &count);
	const struct run_gap *gaps = run_history_gaps(history, &gap_count);

	for (size_t i = 0; i < count; i++) {
		if (!export_may_have_written(&exports[i]) || !exports[i].entra)
			continue;
		entra++;
		for (size_t j = 0; j < RUN_COUNTERS; j++)
			sums[j] += exports[i].counters[j];
	}
	assert(entra == summary->entra_exports);
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		assert(sums[i] == summary->counters[i]);
	for (size_t i = 0; i < gap_count; i++)
		assert(gaps[i].from <= gaps[i].until);
}

static void expect_evidence(const struct run_history *history)
{
	struct evidence_header header = { .tenant = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30" };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	const struct run_import whose = { .server = "SYNC02" };
	struct error err = { 0 };
	size_t refusals, count, runs;

	if (!run_history_add_to(history, evidence, &whose, &refusals, &err)) {
		assert(err.kind == ERROR_FORMAT);
		return;
	}
	run_history_exports(history, &count);
	evidence_runs(evidence, &runs);
	assert(runs <= count);
}

typedef bool add_function(struct run_history *history, const char *path, struct error *err);

static void try_file(const char *path, add_function *add)
{
	CLEANUP(run_history_freep) struct run_history *history = run_history_new();
	struct error err = { 0 };

	if (!add(history, path, &err) || !run_history_join(history, &err)) {
		assert(err.kind == ERROR_FORMAT);
		return;
	}
	expect_sums(history);
	expect_evidence(history);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int descriptor = memfd_create("input", MFD_CLOEXEC);
	char path[64];

	assert(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	try_file(path, run_history_add_json);
	try_file(path, run_history_add_xml);
	close(descriptor);
	return 0;
}
