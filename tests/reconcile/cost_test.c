/*
 * What a comparison costs is what changed and what staging touched, not the directory: told by the bytes
 * that are read of the two snapshots, which the kernel counts, and not by a clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "reconcile/reconcile_internal.h"

enum { LINE_MAX_BYTES = 4096, SMALL = 6400, LARGE = 51200, CHANGES = 40 };

#define TENANT "11111111-2222-4333-8444-555555555555"

#define BASE_MS  INT64_C(1772600000000)
#define WRITE_MS (BASE_MS + 3600000)
#define LIVE_MS  (BASE_MS + 7200000)

static char folder[] = "/tmp/unstage-cost-XXXXXX";

/* Spread evenly, so that neighbours are in one bucket. */
static void id_of(uint64_t number, uint64_t users, char id[static ID_BYTES + 1])
{
	snprintf(id, ID_BYTES + 1, "%08x-0000-4000-8000-%012x", (unsigned)((number << 32) / users),
		(unsigned)number);
}

/* Every so manieth user's name differs; of the neighbour staging wrote the name that is there. */
static bool differs(uint64_t number, uint64_t users, uint64_t changes)
{
	return number % (users / changes) == 0;
}

static struct snapshot *snapshot_of(uint64_t users, uint64_t changes, bool live)
{
	struct snapshot_header header = { .tenant = (char[]){ TENANT },
		.cloud = (char[]){ "global" },
		.source = (char[]){ "graph" },
		.taken_from_ms = live ? LIVE_MS : BASE_MS };
	CLEANUP(memory_freep) char *path = memory_new(sizeof(folder) + 16);
	struct error err = { 0 };
	struct snapshot_writer *writer;
	struct snapshot *snapshot;

	snprintf(path, sizeof(folder) + 16, "%s/%s", folder, live ? "live" : "base");
	unlink(path);
	writer = snapshot_writer_open(path, &header, &err);
	for (uint64_t i = 0; i < users; i++) {
		char id[ID_BYTES + 1], line[LINE_MAX_BYTES];
		int length;

		id_of(i, users, id);
		length = snprintf(line, sizeof(line),
			"{\"displayName\":\"%s\",\"id\":\"%s\",\"jobTitle\":\"%016llx\",\"kind\":\"user\"}\n",
			live && differs(i, users, changes) ? "Changed" : "User", id,
			(unsigned long long)(i * 0x9e3779b97f4a7c15u));
		if (!snapshot_writer_add(writer, (struct span){ line, (size_t)length }, &err))
			fail_msg("%s", err.text);
	}
	if (!snapshot_writer_finish(writer, header.taken_from_ms + 1000, &err) ||
		!(snapshot = snapshot_open(path, &err)))
		fail_msg("%s", err.text);
	return snapshot;
}

static void add_write(struct evidence *evidence, const char *id, const char *value)
{
	struct fact fact = { .when_ms = WRITE_MS,
		.source = FROM_AUDIT,
		.who = &(struct writer){ "s", "Sync_SYNC02_7be1c04d9a31@c.com", "SYNC02" },
		.kind = kind_get(KIND_USER),
		.id = id,
		.operation = FACT_SET,
		.reference = id,
		.old_known = true,
		.old_value = SPAN_LITERAL("\"User\""),
		.new_known = true,
		.new_value = span_of(value) };
	struct error err = { 0 };

	fact.attribute = attribute_find(fact.kind, SPAN_LITERAL("displayName"));
	if (!evidence_add_fact(evidence, &fact, &err))
		fail_msg("%s", err.text);
}

/* Staging wrote what differs; of each also to `beside` others, which do not differ. */
static struct evidence *evidence_for(uint64_t users, uint64_t changes, uint64_t beside)
{
	struct evidence_header header = { TENANT, BASE_MS - 1000, LIVE_MS + 2000, LIVE_MS + 2000 };
	struct evidence *evidence = evidence_new(&header);
	char id[ID_BYTES + 1];

	for (uint64_t i = 0; i < users; i += users / changes) {
		id_of(i, users, id);
		add_write(evidence, id, "\"Changed\"");
		for (uint64_t j = 1; j <= beside; j++) {
			id_of(i + j + users / changes / 2, users, id);
			add_write(evidence, id, "\"Changed\"");
		}
	}
	return evidence;
}

static uint64_t bytes_read(void)
{
	unsigned long long bytes = 0;
	FILE *io = fopen("/proc/self/io", "re");

	if (!io || fscanf(io, "rchar: %llu", &bytes) != 1) {
		print_message("skipped: the kernel does not count what is read\n");
		skip();
	}
	fclose(io);
	return bytes;
}

/* Of finding out everything, snapshots being open. */
static uint64_t cost(uint64_t users, uint64_t changes, uint64_t beside)
{
	CLEANUP(snapshot_closep) struct snapshot *base = snapshot_of(users, changes, false);
	CLEANUP(snapshot_closep) struct snapshot *live = snapshot_of(users, changes, true);
	CLEANUP(evidence_freep)
	struct evidence *evidence = evidence_for(users, changes, beside);
	struct reconcile_options options = {
		.base = base, .live = live, .evidence = evidence, .staging = "SYNC02"
	};
	struct error err = { 0 };
	uint64_t before = bytes_read(), after;
	CLEANUP(findings_freep) struct findings *findings = findings_new(&options, &err);

	after = bytes_read();
	if (!findings)
		fail_msg("%s", err.text);
	assert_int_equal(findings_summary(findings)->by_verdict[VERDICT_REVERT], changes);
	assert_int_equal(findings_summary(findings)->by_verdict[VERDICT_HEALED], changes * beside);
	return after - before;
}

static void cost_does_not_grow_with_the_directory(void **state)
{
	uint64_t small = cost(SMALL, CHANGES, 1), large = cost(LARGE, CHANGES, 1);

	(void)state;
	assert_in_range(large, small / 2, small * 3 / 2);
}

static void cost_grows_with_what_changed(void **state)
{
	uint64_t once = cost(LARGE, CHANGES, 1), twice = cost(LARGE, 2 * CHANGES, 1);

	(void)state;
	assert_in_range(twice, once * 3 / 2, once * 5 / 2);
}

static void objects_that_lie_together_are_read_together(void **state)
{
	uint64_t one = cost(LARGE, CHANGES, 1), many = cost(LARGE, CHANGES, 20);

	(void)state;
	assert_in_range(many, one, one * 3 / 2);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[sizeof(folder) + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/base", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/live", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_does_not_grow_with_the_directory),
		cmocka_unit_test(cost_grows_with_what_changed),
		cmocka_unit_test(objects_that_lie_together_are_read_together),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
