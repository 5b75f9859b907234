/*
 * What diff tells as it finds it is, byte for byte, what would have been kept and sorted: on pairs of
 * snapshots made from a seed, with everything in them that a finding may depend on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum {
	OBJECT_MAX = 1 << 20,
	FINDINGS_MAX = 64 << 20,
	SEEDS = 24,
	SMALL = 60,
	LARGE = 3000, /* users: several buckets */
	MANY_GONE = 400,
};

static const char tenant[] = "11111111-2222-4333-8444-555555555555";
static char folder[] = "/tmp/unstage-stream-XXXXXX";

/* splitmix64: the same number gives the same history. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* ---- one company, and what became of it ------------------------------------------------- */

struct world {
	uint64_t seed;
	bool live;
	unsigned users, gone; /* gone: of a hundred users, in live */
	bool all_changed;
	struct snapshot_writer *writer;
	struct buf item, lines;
};

/* A number for a question about an object; in live another one for `changed` of a hundred. */
static uint64_t ask(const struct world *world, uint64_t object, unsigned question, unsigned changed)
{
	uint64_t before = mix(mix(world->seed * 1000003 + object) + question);
	bool other = mix(before ^ 0x5eed) % 100 < changed;

	return world->live && (other || world->all_changed) ? mix(before + 1) : before;
}

static void id_of(const struct world *world, uint64_t object, char id[static ID_BYTES + 1])
{
	uint64_t a = mix(world->seed + object * 7), b = mix(a);

	snprintf(id, ID_BYTES + 1, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
		(unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b & 0xfff),
		(unsigned long long)(b >> 16));
}

static bool is_gone(const struct world *world, uint64_t object)
{
	return world->live && mix(world->seed ^ mix(object + 77)) % 100 < world->gone;
}

static void add(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct world *world, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_add_text(&world->item, text);
}

static void add_names(struct world *world, uint64_t object)
{
	static const char *const names[] = { "Ada", "Zo\xc3\xab O'Brien",
		"M\xc3\xbcller \\\"Max\\\"", "back\\\\slash", "tab\\there", "ADA" };
	static const char *const letters[] = { "user", "USER", "other" };
	unsigned long long number = object;

	if (ask(world, object, 1, 5) % 9)
		add(world, ",\"displayName\":\"%s\"",
			names[ask(world, object, 2, 20) % COUNT_OF(names)]);
	if (ask(world, object, 3, 5) % 9)
		add(world, ",\"userPrincipalName\":\"%s.%llu%s@contoso.com\"",
			letters[ask(world, object, 4, 20) % COUNT_OF(letters)], number,
			ask(world, object, 5, 3) % 12 ? "" : "\\u0022");
	if (ask(world, object, 6, 10) % 3)
		add(world, ",\"mail\":\"%s.%llu@contoso.com\"",
			letters[ask(world, object, 7, 20) % COUNT_OF(letters)], number);
	if (ask(world, object, 8, 10) % 3)
		add(world, ",\"department\":\"D%u\"", (unsigned)(ask(world, object, 9, 20) % 3));
	if (ask(world, object, 10, 10) % 2)
		add(world, ",\"createdDateTime\":\"2020-01-01T08:15:0%u%sZ\"",
			(unsigned)(ask(world, object, 11, 20) % 3),
			ask(world, object, 12, 30) % 2 ? ".000" : "");
	if (ask(world, object, 13, 50) % 2)
		add(world, ",\"onPremisesLastSyncDateTime\":\"2026-01-0%uT00:00:00Z\"",
			(unsigned)(1 + ask(world, object, 14, 50) % 9));
}

static void add_inner(struct world *world, uint64_t object)
{
	if (ask(world, object, 20, 10) % 2)
		return;
	add(world,
		",\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":%s,"
		"\"extensionAttribute10\":\"%u\",\"extensionAttribute2\":%s}",
		ask(world, object, 21, 20) % 2 ? "\"one\"" : "null",
		(unsigned)(ask(world, object, 22, 20) % 3),
		ask(world, object, 23, 20) % 2 ? "\"two\"" : "null");
	if (ask(world, object, 24, 20) % 2)
		add(world, ",\"employeeOrgData\":{\"division\":\"d%u\",\"costCenter\":null}",
			(unsigned)(ask(world, object, 25, 20) % 3));
}

static void add_sets(struct world *world, uint64_t object)
{
	unsigned long long number = object;

	if (ask(world, object, 30, 5) % 2)
		add(world, ",\"businessPhones\":[\"+49 %u\"]",
			(unsigned)(ask(world, object, 31, 10) % 3));
	if (ask(world, object, 32, 5) % 3 == 0)
		return;
	add(world, ",\"proxyAddresses\":[\"%s:a%llu@contoso.com\"",
		ask(world, object, 33, 15) % 2 ? "smtp" : "SMTP", number);
	if (ask(world, object, 34, 15) % 2)
		add(world, ",\"SMTP:b%llu@contoso.com\"", number);
	if (ask(world, object, 35, 15) % 2)
		add(world, ",\"smtp:c%llu@contoso.mail.onmicrosoft.com\"", number);
	if (ask(world, object, 36, 10) % 4 == 0)
		add(world, ",\"smtp:shared%u@contoso.com\"",
			(unsigned)(ask(world, object, 37, 5) % 5));
	add(world, "]");
}

static void add_sync(struct world *world, uint64_t object)
{
	static const char *const answers[] = { "true", "false", "null" };

	add(world, ",\"onPremisesSyncEnabled\":%s", answers[ask(world, object, 40, 5) % 3]);
	if (ask(world, object, 41, 5) % 2)
		add(world, ",\"onPremisesImmutableId\":\"anchor%llu==\"",
			(unsigned long long)object);
	if (ask(world, object, 42, 10) % 4 == 0)
		add(world, ",\"extension_%032u_cost\":%u", 7,
			(unsigned)(ask(world, object, 43, 30) % 3));
	if (ask(world, object, 44, 10) % 20 == 0)
		add(world,
			",\"onPremisesProvisioningErrors\":[{\"category\":\"PropertyConflict\","
			"\"occurredDateTime\":\"2026-01-01T00:00:00Z\","
			"\"propertyCausingError\":\"%s\",\"value\":\"shared%u@contoso.com\"}]",
			ask(world, object, 45, 10) % 2 ? "ProxyAddresses" : "UserPrincipalName",
			(unsigned)(ask(world, object, 46, 10) % 5));
}

static void add_manager(struct world *world, uint64_t object)
{
	char id[ID_BYTES + 1];
	uint64_t manager = ask(world, object, 50, 10) % world->users;

	/* Whoever is gone manages nobody any more. */
	if (ask(world, object, 51, 5) % 3 == 0 || is_gone(world, manager))
		return;
	id_of(world, manager, id);
	add(world, ",\"manager\":{\"id\":\"%s\"}", id);
}

static void write_object(struct world *world, enum kind_id kind, uint64_t object, bool deleted)
{
	static const char *const unseen[] = { "isCloudManaged", "department",
		"onPremisesExtensionAttributes", "onPremisesSyncEnabled", "manager" };
	struct span names[COUNT_OF(unseen)];
	struct error err = { 0 };
	size_t count = 0;

	for (unsigned i = 0; i < COUNT_OF(unseen); i++)
		if (ask(world, object, 60 + i, 5) % 12 == 0)
			names[count++] = span_of(unseen[i]);
	buf_add_byte(&world->item, '}');
	buf_cut(&world->lines, 0);
	if (!line_add_object(&world->lines, kind_get(kind), buf_span(&world->item), deleted, names,
		    count, &err))
		fail_msg("%s: %s", buf_text(&world->item), err.text);
	buf_add_byte(&world->lines, '\n');
}

static void write_lines(struct world *world)
{
	struct error err = { 0 };

	if (!snapshot_writer_add(world->writer, buf_span(&world->lines), &err))
		fail_msg("%s", err.text);
}

static void begin_object(struct world *world, uint64_t object)
{
	char id[ID_BYTES + 1];

	id_of(world, object, id);
	buf_cut(&world->item, 0);
	add(world, "{\"id\":\"%s\"", id);
}

static void write_user(struct world *world, uint64_t object)
{
	bool deleted = ask(world, object, 70, 4) % 15 == 0;

	if (ask(world, object, 71, 4) % 15 == 0) /* not there */
		return;
	if (is_gone(world, object)) {
		if (object % 2)
			return;
		deleted = true;
	}
	begin_object(world, object);
	add_names(world, object);
	add_inner(world, object);
	add_sets(world, object);
	add_sync(world, object);
	add_manager(world, object);
	write_object(world, KIND_USER, object, deleted);
	write_lines(world);
}

/* Some are large, and go over several frames. */
static void add_members(struct world *world, uint64_t object, unsigned of_hundred)
{
	CLEANUP(memory_freep) char(*ids)[ID_BYTES + 1] = memory_array(world->users, sizeof(*ids));
	CLEANUP(memory_freep) struct span *spans = memory_array(world->users, sizeof(*spans));
	char id[ID_BYTES + 1];
	struct error err = { 0 };
	size_t count = 0;

	for (unsigned i = 0; i < world->users; i++) {
		if (ask(world, object * 100000 + i, 80, 5) % 100 >= of_hundred || is_gone(world, i))
			continue;
		id_of(world, i, ids[count]);
		spans[count] = (struct span){ ids[count], ID_BYTES };
		count++;
	}
	id_of(world, object, id);
	if (count && !line_add_parts(&world->lines, span_of(id), "members", spans, count, &err))
		fail_msg("%s", err.text);
}

static void write_group(struct world *world, uint64_t object)
{
	begin_object(world, object);
	add_names(world, object);
	write_object(world, KIND_GROUP, object, false);
	add_members(world, object, object % 2 ? 90 : 10);
	write_lines(world);
}

static void write_contact(struct world *world, uint64_t object)
{
	begin_object(world, object);
	add(world, ",\"displayName\":\"contact\",\"mail\":\"shared%u@contoso.com\"",
		(unsigned)(ask(world, object, 90, 30) % 5));
	write_object(world, KIND_CONTACT, object, false);
	write_lines(world);
}

static struct snapshot *snapshot_of(struct world world, bool live)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(folder, live ? "live" : "base");
	struct snapshot_header header = { .tenant = (char *)(uintptr_t)tenant,
		.cloud = (char[]){ "global" },
		.source = (char[]){ "graph" },
		.taken_from_ms = 1767225600000 };
	struct snapshot *snapshot;

	unlink(path);
	world.live = live;
	world.item = (struct buf)BUF_UP_TO(OBJECT_MAX);
	world.lines = (struct buf)BUF_UP_TO(OBJECT_MAX);
	world.writer = snapshot_writer_open(path, &header, &err);
	if (!world.writer)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < world.users; i++)
		write_user(&world, i);
	for (unsigned i = 0; i < 4; i++)
		write_group(&world, world.users + i);
	for (unsigned i = 0; i < 9; i++)
		write_contact(&world, world.users + 100 + i);
	if (!snapshot_writer_finish(world.writer, header.taken_from_ms + 60000, &err))
		fail_msg("%s", err.text);
	buf_release(&world.item);
	buf_release(&world.lines);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	return snapshot;
}

/* ---- told and kept ------------------------------------------------------------------------ */

struct heard {
	struct buf text;
	size_t left; /* findings until it has heard enough; 0: never */
};

static bool hear_begin(void *context, const struct findings *findings, struct error *err)
{
	struct heard *heard = context;

	(void)err;
	findings_begin_json(&heard->text, findings);
	return true;
}

static bool hear(void *context, const struct finding *finding, struct error *err)
{
	struct heard *heard = context;

	if (heard->left && !--heard->left)
		return error_set(err, ERROR_SYSTEM, "no room");
	finding_add_json(&heard->text, finding);
	buf_add_byte(&heard->text, '\n');
	return true;
}

struct tally {
	size_t findings, conflicts, seeds;
};

static void compare(struct world world, unsigned workers, struct tally *tally)
{
	struct error err = { 0 };
	CLEANUP(snapshot_closep) struct snapshot *base = snapshot_of(world, false);
	CLEANUP(snapshot_closep) struct snapshot *live = snapshot_of(world, true);
	CLEANUP(findings_freep) struct findings *kept = NULL;
	CLEANUP(findings_freep) struct findings *told = NULL;
	CLEANUP(buf_release) struct buf expected = BUF_UP_TO(FINDINGS_MAX);
	struct heard heard = { .text = BUF_UP_TO(FINDINGS_MAX) };
	struct findings_listener listener = { hear_begin, hear, &heard };
	struct reconcile_options options = { .base = base, .live = live };

	snapshot_use_workers(base, workers);
	snapshot_use_workers(live, workers);
	kept = findings_new(&options, &err);
	if (!kept)
		fail_msg("%s", err.text);
	told = findings_tell(&options, &listener, &err);
	if (!told)
		fail_msg("%s", err.text);
	findings_add_json(&expected, kept);
	findings_end_json(&heard.text, told);
	if (strcmp(buf_text(&expected), buf_text(&heard.text)) != 0) {
		print_error("seed %llu\n", (unsigned long long)world.seed);
		assert_int_equal(findings_count(kept), findings_count(told));
		assert_string_equal(buf_text(&expected), buf_text(&heard.text));
	}
	assert_memory_equal(
		findings_summary(kept), findings_summary(told), sizeof(struct findings_summary));
	tally->findings += findings_count(told);
	tally->conflicts += findings_summary(told)->conflicts;
	tally->seeds++;
	buf_release(&heard.text);
}

static void what_is_told_is_what_would_be_kept(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare((struct world){ .seed = seed, .users = SMALL, .gone = seed % 3 ? 5 : 0 },
			seed % 2 ? 2 : 0, &tally);
	assert_true(tally.findings > 1000);
	assert_true(tally.conflicts > 10);
}

static void it_is_so_over_many_buckets_and_large_groups(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	compare((struct world){ .seed = 31, .users = LARGE, .gone = 1 }, 2, &tally);
	compare((struct world){ .seed = 32, .users = LARGE, .gone = 1 }, 0, &tally);
	compare((struct world){ .seed = 33, .users = LARGE, .all_changed = true }, 2, &tally);
	assert_true(tally.findings > 10000);
}

/* More than are looked up one by one: then all that are gone are found in one go. */
static void places_of_many_who_are_gone_are_no_findings(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	for (uint64_t seed = 41; seed < 44; seed++)
		compare((struct world){ .seed = seed, .users = MANY_GONE, .gone = 40 },
			seed % 2 ? 2 : 0, &tally);
	assert_true(tally.findings > 1000);
}

static void who_listens_can_end_it(void **state)
{
	struct error err = { 0 };
	struct world world = { .seed = 51, .users = LARGE, .all_changed = true };
	CLEANUP(snapshot_closep) struct snapshot *base = snapshot_of(world, false);
	CLEANUP(snapshot_closep) struct snapshot *live = snapshot_of(world, true);
	struct heard heard = { .text = BUF_UP_TO(FINDINGS_MAX), .left = 100 };
	struct findings_listener listener = { hear_begin, hear, &heard };
	struct reconcile_options options = { .base = base, .live = live };

	(void)state;
	snapshot_use_workers(base, 2);
	snapshot_use_workers(live, 2);
	assert_null(findings_tell(&options, &listener, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.text, "no room");
	buf_release(&heard.text);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "base", "live" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(memory_freep) char *path = file_path(folder, names[i]);

		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_what_would_be_kept),
		cmocka_unit_test(it_is_so_over_many_buckets_and_large_groups),
		cmocka_unit_test(places_of_many_who_are_gone_are_no_findings),
		cmocka_unit_test(who_listens_can_end_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
