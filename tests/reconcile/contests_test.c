/*
 * One address, several who claim it: which overlaps are contests and which are none, who is rightful by
 * what proof, and that a directory made from a seed is read as by comparing everything with everything.
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
#include "base/text.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

enum {
	OBJECT_MAX = 1 << 20,
	BASE_MS = 1000000,
	LIVE_MS = 9000000,
	SEEDS = 40,
	CROWD = 300,
};

static const char tenant[] = "11111111-2222-4333-8444-555555555555";
static char folder[] = "/tmp/unstage-contests-XXXXXX";

#define ADA  "00000000-0000-4000-8000-00000000000a"
#define BEN  "00000000-0000-4000-8000-00000000000b"
#define CLEO "f0000000-0000-4000-8000-00000000000c"

/* ---- a directory of a few objects ------------------------------------------------------------ */

struct thing {
	const char *kind, *id,
		*rest; /* kind: perhaps DELETED before it; rest: members behind the id */
};

#define DELETED "deleted "

static void add_thing(struct snapshot_writer *writer, const struct thing *thing)
{
	CLEANUP(buf_release) struct buf item = BUF_UP_TO(OBJECT_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(OBJECT_MAX);
	bool deleted = strncmp(thing->kind, DELETED, strlen(DELETED)) == 0;
	const char *kind = thing->kind + (deleted ? strlen(DELETED) : 0);
	struct error err = { 0 };

	buf_addf(&item, "{\"id\":\"%s\"%s%s}", thing->id, *thing->rest ? "," : "", thing->rest);
	if (!line_add_object(
		    &lines, kind_find(span_of(kind)), buf_span(&item), deleted, NULL, 0, &err))
		fail_msg("%s: %s", thing->rest, err.text);
	buf_add_byte(&lines, '\n');
	if (!snapshot_writer_add(writer, buf_span(&lines), &err))
		fail_msg("%s", err.text);
}

static struct snapshot *snapshot_of(
	const char *name, int64_t when_ms, const struct thing *things, size_t count)
{
	struct snapshot_header header = { .tenant = (char *)(uintptr_t)tenant,
		.cloud = (char *)(uintptr_t) "global",
		.source = (char *)(uintptr_t) "graph",
		.taken_from_ms = when_ms,
		.taken_until_ms = when_ms };
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	struct snapshot *snapshot;
	struct error err = { 0 };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	writer = snapshot_writer_open(path, &header, &err);
	assert_non_null(writer);
	for (size_t i = 0; i < count; i++)
		add_thing(writer, &things[i]);
	if (!snapshot_writer_finish(TAKE(writer), when_ms, &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	return snapshot;
}

static struct contests *find(const struct contests_options *options)
{
	struct error err = { 0 };
	struct contests *contests = contests_find(options, &err);

	if (!contests)
		fail_msg("%s", err.text);
	return contests;
}

/* ---- which overlaps are contests ----------------------------------------------------------------- */

#define QUARANTINE(property, text)                                                                 \
	"\"onPremisesProvisioningErrors\":[{\"category\":\"PropertyConflict\","                    \
	"\"occurredDateTime\":\"1970-01-01T02:00:00Z\",\"propertyCausingError\":\"" property       \
	"\",\"value\":\"" text "\"}]"

static const struct {
	const char *sentence;
	struct thing a, b;
	const char *address; /* NULL: no contest */
	enum contest_state state;
} rules[] = {
	{ "one address of two users", { "user", ADA, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"smtp:x@y.z\"]" }, "smtp:x@y.z",
		CONTEST_TWICE },
	{ "case of prefix and letters means nothing",
		{ "user", ADA, "\"proxyAddresses\":[\"sMtP:X@Y.z\"]" },
		{ "contact", BEN, "\"proxyAddresses\":[\"smtp:x@y.Z\"]" }, "smtp:x@y.z",
		CONTEST_TWICE },
	{ "nor does case of letters outside ASCII",
		{ "user", ADA, "\"proxyAddresses\":[\"SMTP:\xc3\x84\xce\xa3\xd0\x96@y.z\"]" },
		{ "group", BEN, "\"proxyAddresses\":[\"smtp:\xc3\xa4\xcf\x83\xd0\xb6@y.z\"]" },
		"smtp:\xc3\xa4\xcf\x83\xd0\xb6@y.z", CONTEST_TWICE },
	{ "an address without any letter of ASCII is found, too",
		{ "user", ADA, "\"proxyAddresses\":[\"SMTP:\xd0\x96\"]" },
		{ "user", BEN, "\"mail\":\"\xd0\xb6\"" }, "smtp:\xd0\xb6", CONTEST_TWICE },
	{ "letters that only look alike are others",
		{ "user", ADA, "\"proxyAddresses\":[\"SMTP:a@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"SMTP:\xd0\xb0@y.z\"]" }, NULL, 0 },
	{ "mail of one is an address of another", { "user", ADA, "\"mail\":\"x@y.z\"" },
		{ "group", BEN, "\"proxyAddresses\":[\"smtp:X@y.z\"]" }, "smtp:x@y.z",
		CONTEST_TWICE },
	{ "a sign-in name of one is an address of another",
		{ "user", ADA, "\"userPrincipalName\":\"X@y.z\"" },
		{ "contact", BEN, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" }, "smtp:x@y.z",
		CONTEST_TWICE },
	{ "mail, sign-in name and primary address of one object are one claim",
		{ "user", ADA,
			"\"mail\":\"X@y.z\",\"userPrincipalName\":\"x@y.z\","
			"\"proxyAddresses\":[\"SMTP:x@y.z\"]" },
		{ "user", BEN, "" }, NULL, 0 },
	{ "SIP and SMTP are apart", { "user", ADA, "\"proxyAddresses\":[\"sip:x@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"smtp:x@y.z\"]" }, NULL, 0 },
	{ "a SIP address is also where imAddresses say it",
		{ "user", ADA, "\"proxyAddresses\":[\"SIP:x@y.z\"]" },
		{ "user", BEN, "\"imAddresses\":[\"X@y.z\"]" }, "sip:x@y.z", CONTEST_TWICE },
	{ "with or without its scheme", { "user", ADA, "\"imAddresses\":[\"sip:x@y.z\"]" },
		{ "user", BEN, "\"imAddresses\":[\"x@y.z\"]" }, "sip:x@y.z", CONTEST_TWICE },
	{ "of other schemes only the scheme has no case",
		{ "user", ADA, "\"proxyAddresses\":[\"X500:/o=A\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"x500:/o=A\"]" }, "x500:/o=A", CONTEST_TWICE },
	{ "what is behind it is told apart by case",
		{ "user", ADA, "\"proxyAddresses\":[\"X500:/o=A\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"X500:/o=a\"]" }, NULL, 0 },
	{ "otherMails are nobody's alone", { "user", ADA, "\"otherMails\":[\"x@y.z\"]" },
		{ "user", BEN, "\"otherMails\":[\"x@y.z\"]" }, NULL, 0 },
	{ "nor are they in the way of a holder", { "user", ADA, "\"otherMails\":[\"x@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" }, NULL, 0 },
	{ "who waits is a contest by itself",
		{ "user", ADA, QUARANTINE("ProxyAddress", "SMTP:X@y.z") }, { "user", BEN, "" },
		"smtp:x@y.z", CONTEST_WAITING },
	{ "a quarantined sign-in name waits for an address",
		{ "user", ADA, QUARANTINE("UserPrincipalName", "x@y.z") },
		{ "group", BEN, "\"proxyAddresses\":[\"smtp:x@y.z\"]" }, "smtp:x@y.z",
		CONTEST_WAITING },
	{ "a sign-in name in deleted items is set aside",
		{ DELETED "user", ADA,
			"\"userPrincipalName\":\"0000000000004000800000000000000ax@y.z\"" },
		{ "user", BEN, "\"userPrincipalName\":\"x@y.z\"" }, NULL, 0 },
	{ "another's id before it is none",
		{ DELETED "user", ADA,
			"\"userPrincipalName\":\"0000000000004000800000000000000bx@y.z\"" },
		{ "user", BEN, "\"userPrincipalName\":\"x@y.z\"" }, NULL, 0 },
	{ "an address in deleted items bars a restore",
		{ DELETED "user", ADA, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" }, "smtp:x@y.z",
		CONTEST_RESTORE },
	{ "two deleted ones are in nobody's way",
		{ DELETED "user", ADA, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" },
		{ DELETED "user", BEN, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" }, NULL, 0 },
	{ "what lies in deleted items waits for nothing",
		{ DELETED "user", ADA, QUARANTINE("ProxyAddress", "SMTP:x@y.z") },
		{ "user", BEN, "\"proxyAddresses\":[\"SMTP:x@y.z\"]" }, NULL, 0 },
	{ "escapes of JSON do not hide an address",
		{ "user", ADA, "\"proxyAddresses\":[\"SMTP:\\\"x y\\\"@y.z\"]" },
		{ "user", BEN, "\"mail\":\"\\u0022X Y\\u0022@y.z\"" }, "smtp:\"x y\"@y.z",
		CONTEST_TWICE },
	{ "an address without a scheme is an SMTP address",
		{ "user", ADA, "\"proxyAddresses\":[\"x@y.z\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"smtp:x@y.z\"]" }, "smtp:x@y.z",
		CONTEST_TWICE },
	{ "an empty address is none", { "user", ADA, "\"proxyAddresses\":[\"smtp:\"]" },
		{ "user", BEN, "\"proxyAddresses\":[\"SMTP:\"],\"mail\":\"\"" }, NULL, 0 },
};

static void an_overlap_is_a_contest_by_these_rules(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct thing things[] = { rules[i].a, rules[i].b };
		CLEANUP(snapshot_closep)
		struct snapshot *live = snapshot_of("live", LIVE_MS, things, 2);
		struct contests_options options = { .live = live };
		CLEANUP(contests_freep) struct contests *contests = find(&options);

		if (contests_count(contests) != (rules[i].address ? 1 : 0))
			fail_msg("%s: %zu contests", rules[i].sentence, contests_count(contests));
		if (!rules[i].address)
			continue;
		if (!span_is(contests_get(contests, 0)->address, rules[i].address))
			fail_msg("%s: \"%.*s\"", rules[i].sentence,
				SPAN_FORMAT(contests_get(contests, 0)->address));
		if (contests_get(contests, 0)->state != rules[i].state)
			fail_msg("%s: %s", rules[i].sentence,
				contest_state_name(contests_get(contests, 0)->state));
	}
}

/* What who says of an address is what conflicts says of it. */
static void one_address_is_told_as_among_all(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct thing things[] = { rules[i].a, rules[i].b };
		CLEANUP(snapshot_closep)
		struct snapshot *live = snapshot_of("live", LIVE_MS, things, 2);
		struct contests_options options = { .live = live };
		CLEANUP(contests_freep) struct contests *all = find(&options), *one = NULL;
		CLEANUP(buf_release) struct buf a = BUF_UP_TO(OBJECT_MAX);
		CLEANUP(buf_release) struct buf b = BUF_UP_TO(OBJECT_MAX);
		struct error err = { 0 };

		if (!rules[i].address)
			continue;
		one = contests_of(&options, rules[i].address, &err);
		assert_non_null(one);
		contest_add_json(&a, contests_get(all, 0));
		contest_add_json(&b, contests_get(one, 0));
		assert_string_equal(buf_text(&a), buf_text(&b));
		contests_free(one);
		one = NULL;
	}
}

static void one_address_that_nobody_contests_is_told_too(void **state UNUSED)
{
	static const struct thing things[] = {
		{ "user", ADA, "\"mail\":\"x@y.z\",\"otherMails\":[\"Home@y.z\"]" },
		{ DELETED "user", BEN,
			"\"userPrincipalName\":\"0000000000004000800000000000000bq@y.z\"" },
	};
	static const struct {
		const char *address;
		size_t count;
		enum claim_standing standing;
	} asked[] = {
		{ "X@Y.Z", 1, STANDING_HOLDS },
		{ "SMTP:x@y.z", 1, STANDING_HOLDS },
		{ "home@y.z", 1, STANDING_TELLS },
		{ "q@y.z", 1, STANDING_TELLS },
		{ "sip:x@y.z", 0, 0 },
		{ "x@y", 0, 0 },
	};
	CLEANUP(snapshot_closep) struct snapshot *live = snapshot_of("live", LIVE_MS, things, 2);
	struct contests_options options = { .live = live };

	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		struct error err = { 0 };
		CLEANUP(contests_freep)
		struct contests *contests = contests_of(&options, asked[i].address, &err);

		assert_non_null(contests);
		assert_int_equal(contests_count(contests), 1);
		assert_int_equal(contests_get(contests, 0)->state, CONTEST_NONE);
		assert_int_equal(contests_get(contests, 0)->count, asked[i].count);
		if (asked[i].count)
			assert_int_equal(contests_get(contests, 0)->claimants[0].standing,
				asked[i].standing);
	}
}

static void what_is_no_address_is_refused(void **state UNUSED)
{
	static const char *const none[] = { "", "smtp:", "sip:", "x500:", "\xff@y.z" };
	CLEANUP(snapshot_closep) struct snapshot *live = snapshot_of("live", LIVE_MS, NULL, 0);
	struct contests_options options = { .live = live };

	for (size_t i = 0; i < COUNT_OF(none); i++) {
		struct error err = { 0 };

		assert_null(contests_of(&options, none[i], &err));
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

/* ---- who is rightful, and what frees it ------------------------------------------------------------- */

enum author { PERSON, STAGING, PRODUCTION, NEITHER };

static const struct writer authors[] = {
	[PERSON] = { "p1", "help@contoso.com", NULL },
	[STAGING] = { "s2", "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com", "SYNC02" },
	[PRODUCTION] = { "s1", "Sync_SYNC01_0c5f1b2a9d3e@contoso.onmicrosoft.com", "SYNC01" },
	[NEITHER] = { "s3", "Sync_SYNC03_1f2e3d4c5b6a@contoso.onmicrosoft.com", "SYNC03" },
};

/* A value: NULL: not recorded; NOTHING: it was empty. */
#define NOTHING "-"

struct write {
	enum fact_source source;
	enum author author;
	const char *id, *attribute; /* attribute NULL: the object */
	enum fact_operation operation;
	const char *old_value, *new_value;
};

enum { THINGS = 5, WRITES = 8 };

#define SYNCED    "\"onPremisesSyncEnabled\":true,\"onPremisesImmutableId\":\"a\""
#define X         "\"proxyAddresses\":[\"SMTP:x@y.z\"]"
#define X_MAIL    X ",\"mail\":\"x@y.z\""
#define OTHER     "\"proxyAddresses\":[\"SMTP:other@y.z\"]"
#define WAITS     QUARANTINE("ProxyAddress", "SMTP:x@y.z")
#define PROXIES   "proxyAddresses"
#define SET_X     "[\"SMTP:x@y.z\"]"
#define SET_OTHER "[\"SMTP:other@y.z\"]"

struct story {
	const char *sentence;
	struct thing base[THINGS], live[THINGS]; /* base of none: there is none */
	struct write writes[WRITES];
	const char *rightful; /* NULL: not decided */
	const char *proof;    /* in the sentence that says why */
	enum freeing freed_by;
	bool late;            /* its writes came after live was taken */
	bool gap, no_staging; /* the evidence covers nothing; nobody said which server is staging */
};

static const struct story stories[] = {
	{ .sentence = "without base and evidence nothing is decided",
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.proof = "there is no base and no evidence",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "base and live alone do not prove that nobody moved it in between",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.proof = "holds it still; that is no proof",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "who held it in the base and holds it still is rightful",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_OTHER } },
		.rightful = ADA,
		.proof = "holds it still",
		.freed_by = FREED_BY_NOTHING },
	{ .sentence = "the old value of staging's record proves it without a base",
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NOTHING, SET_X } },
		.rightful = ADA,
		.proof = "had it when the staging server wrote",
		.freed_by = FREED_BY_PRODUCTION },
	{ .sentence = "what staging wrote to Active Directory too, production does not take back",
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NOTHING, SET_X },
			{ FROM_DIRECTORY_SPACE, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_X } },
		.rightful = ADA,
		.proof = "had it when the staging server wrote",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "a deleted one is in nobody's way but its own",
		.base = { { "user", ADA, SYNCED "," X }, { DELETED "user", BEN, SYNCED "," X } },
		.live = { { "user", ADA, SYNCED "," X }, { DELETED "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, CLEO, PROXIES, FACT_SET, NULL, SET_OTHER } },
		.rightful = ADA,
		.proof = "holds it still",
		.freed_by = FREED_BY_NOTHING },
	{ .sentence = "what somebody decides after live is a decision, too",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, CLEO, PROXIES, FACT_SET, NULL, SET_OTHER },
			{ FROM_AUDIT, PERSON, ADA, PROXIES, FACT_SET, SET_X, NOTHING } },
		.proof = "leaves open who should have it",
		.freed_by = FREED_BY_PERSON,
		.late = true },
	{ .sentence = "of a cloud object a step of the plan takes it",
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NOTHING, SET_X } },
		.rightful = ADA,
		.proof = "had it when the staging server wrote",
		.freed_by = FREED_BY_PLAN },
	{ .sentence = "a base alone does not prove that nobody moved it",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.proof = "no evidence tells who took it",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "a base proves it where all the time until staging wrote is covered",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, NULL, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_X } },
		.rightful = ADA,
		.proof = "until the staging server wrote",
		.freed_by = FREED_BY_PRODUCTION },
	{ .sentence = "and does not where it is not",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, NULL, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_X } },
		.proof = "does not cover all the time until",
		.freed_by = FREED_BY_PERSON,
		.gap = true },
	{ .sentence = "who was given it before staging wrote is rightful, and not who the base says",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, PERSON, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, PERSON, BEN, PROXIES, FACT_SET, NOTHING, SET_X },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, NOTHING, SET_X } },
		.rightful = BEN,
		.proof = "had it when the staging server wrote",
		.freed_by = FREED_BY_PRODUCTION },
	{ .sentence = "production's next write is as good as anybody's",
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, NULL, SET_OTHER },
			{ FROM_AUDIT, PRODUCTION, ADA, PROXIES, FACT_SET, SET_OTHER, SET_X } },
		.rightful = ADA,
		.proof = "was given it",
		.freed_by = FREED_BY_NOTHING },
	{ .sentence = "a person who gave it to another since has decided, and we do not",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, PERSON, BEN, PROXIES, FACT_SET, NOTHING, SET_X } },
		.proof = "2 objects held it rightly",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "a base that staging's record belies is not believed in another place",
		.base = { { "user", ADA, SYNCED "," X_MAIL }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X_MAIL }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, NOTHING, SET_X } },
		.proof = "nothing proves who held it before",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "a write without its values leaves it open",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_OTHER },
			{ FROM_AUDIT, PERSON, ADA, PROXIES, FACT_NAMED, NULL, NULL } },
		.proof = "leaves open who should have it",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "a sync server that is neither proves nothing",
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_OTHER },
			{ FROM_AUDIT, NEITHER, ADA, PROXIES, FACT_SET, NOTHING, SET_X } },
		.proof = "leaves open who should have it",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "nor does any while nobody says which is staging",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING },
			{ FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NOTHING, SET_X } },
		.proof = "--staging says which",
		.freed_by = FREED_BY_PERSON,
		.no_staging = true },
	{ .sentence = "who holds it and nobody knows by whom may be meant to",
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED "," X } },
		.writes = { { FROM_AUDIT, STAGING, ADA, PROXIES, FACT_SET, SET_X, NOTHING } },
		.proof = "nothing says by whom it came",
		.freed_by = FREED_BY_PERSON },
	{ .sentence = "what nobody holds comes with the service's next test",
		.live = { { "user", ADA, SYNCED "," WAITS }, { "user", BEN, SYNCED } },
		.proof = "nothing proves who held it before",
		.freed_by = FREED_BY_RETRY },
	{ .sentence = "whom staging deleted a restore brings back",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { DELETED "user", ADA, SYNCED "," X },
			{ "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, ADA, NULL, FACT_DELETE, NULL, NULL } },
		.rightful = ADA,
		.proof = "until the staging server wrote",
		.freed_by = FREED_BY_PLAN },
	{ .sentence = "whom a person deleted has no right to it any more",
		.base = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED } },
		.live = { { DELETED "user", ADA, SYNCED "," X },
			{ "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, BEN, PROXIES, FACT_SET, NULL, SET_OTHER },
			{ FROM_AUDIT, PERSON, ADA, NULL, FACT_DELETE, NULL, NULL } },
		.proof = "nothing proves who held it before",
		.freed_by = FREED_BY_DELETION },
	{ .sentence = "what staging took in one place and left in another is held still",
		.base = { { "user", ADA, SYNCED "," X_MAIL }, { "user", BEN, SYNCED } },
		.live = { { "user", ADA, SYNCED "," X }, { "user", BEN, SYNCED "," WAITS } },
		.writes = { { FROM_AUDIT, STAGING, ADA, "mail", FACT_SET, "\"x@y.z\"",
			"\"q@y.z\"" } },
		.rightful = ADA,
		.proof = "had it when the staging server wrote",
		.freed_by = FREED_BY_NOTHING },
};

static struct known_value value_of(const char *text)
{
	return (struct known_value){ text != NULL,
		text && strcmp(text, NOTHING) != 0 ? span_of(text) : SPAN_NONE };
}

static struct evidence *evidence_of_story(const struct story *story)
{
	struct evidence_header header = { .from_ms = story->gap ? BASE_MS + 1 : 1,
		.until_ms = LIVE_MS,
		.collected_ms = LIVE_MS };
	const struct kind *kind = kind_get(KIND_USER);
	struct evidence *evidence;

	snprintf(header.tenant, sizeof(header.tenant), "%s", tenant);
	evidence = evidence_new(&header);
	for (size_t i = 0; i < WRITES && story->writes[i].id; i++) {
		const struct write *write = &story->writes[i];
		struct known_value was = value_of(write->old_value),
				   is = value_of(write->new_value);
		struct fact fact = { .when_ms = (story->late ? LIVE_MS + 1 : 2 * BASE_MS) +
				(int64_t)i,
			.source = write->source,
			.who = &authors[write->author],
			.kind = kind,
			.id = write->id,
			.operation = write->operation,
			.old_known = was.known,
			.new_known = is.known,
			.old_value = was.value,
			.new_value = is.value,
			.reference = "Directory_1" };
		struct error err = { 0 };

		if (write->attribute)
			fact.attribute = attribute_find(kind, span_of(write->attribute));
		if (!evidence_add_fact(evidence, &fact, &err))
			fail_msg("%s: %s", story->sentence, err.text);
	}
	return evidence;
}

static size_t things_of(const struct thing *things)
{
	size_t count = 0;

	while (count < THINGS && things[count].id)
		count++;
	return count;
}

static void check_story(const struct story *story, const struct contest *contest)
{
	const struct claimant *rightful = contest->rightful;

	if (!strstr(contest->proof, story->proof))
		fail_msg("%s: %s", story->sentence, contest->proof);
	if (!rightful != !story->rightful || (rightful && !span_is(rightful->id, story->rightful)))
		fail_msg("%s: rightful is %.*s, %s", story->sentence,
			rightful ? (int)rightful->id.length : 6,
			rightful ? rightful->id.data : "nobody", contest->proof);
	if (contest->freed_by != story->freed_by)
		fail_msg("%s: %s", story->sentence, contest->freed);
}

static void who_is_rightful_has_these_proofs(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(stories); i++) {
		const struct story *story = &stories[i];
		size_t base_count = things_of(story->base);
		CLEANUP(snapshot_closep)
		struct snapshot *base = base_count
			? snapshot_of("base", BASE_MS, story->base, base_count)
			: NULL;
		CLEANUP(snapshot_closep)
		struct snapshot *live = snapshot_of(
			"live", LIVE_MS, story->live, things_of(story->live));
		CLEANUP(evidence_freep)
		struct evidence *evidence = story->writes[0].id ? evidence_of_story(story) : NULL;
		struct contests_options options = { .base = base,
			.live = live,
			.evidence = evidence,
			.staging = evidence && !story->no_staging ? "SYNC02" : NULL,
			.production = "SYNC01" };
		CLEANUP(contests_freep) struct contests *contests = find(&options);

		if (contests_count(contests) != 1)
			fail_msg("%s: %zu contests", story->sentence, contests_count(contests));
		check_story(story, contests_get(contests, 0));
	}
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* ---- histories of one address, made from a seed --------------------------------------------------- */

/*
 * Three people, one address, that at most one of them has at a time, as the directory wants it; people and the
 * staging server give it and take it. A fourth waits for it all the time. Who would have it without the
 * staging server is known; what the evidence keeps of it is decided by chance.
 */
enum { ACTORS = 3, ACTS_MAX = 6, HISTORIES = 1000 };

enum loss {
	LOSS_NONE,
	LOSS_NO_BASE, /* all is told, from the beginning */
	LOSS_SIDES,   /* old values are missing */
	LOSS_NAMED,   /* some writes have no values */
	LOSS_RECORDS, /* some are missing, and the evidence says that it does not cover them */
	LOSSES
};

static const char *const actors[ACTORS] = { ADA, BEN, CLEO };
#define DAN "f0000000-0000-4000-8000-00000000000d"

struct history {
	bool began[ACTORS], has[ACTORS], rightly[ACTORS];
	struct write writes[ACTS_MAX];
	size_t write_count;
	bool staging_wrote;
};

static void act(struct history *history, uint64_t random)
{
	size_t who = random % ACTORS, holder = ACTORS;
	bool staging = random / 8 % 2;
	struct write write = { FROM_AUDIT, staging ? STAGING : PERSON, actors[who], PROXIES,
		FACT_SET, SET_X, NOTHING };

	for (size_t i = 0; i < ACTORS; i++)
		if (history->has[i])
			holder = i;
	if (holder != ACTORS && holder != who)
		return;
	if (holder == ACTORS) {
		write.old_value = NOTHING;
		write.new_value = SET_X;
	}
	history->has[who] = holder == ACTORS;
	if (!staging)
		history->rightly[who] = history->has[who];
	history->staging_wrote = history->staging_wrote || staging;
	history->writes[history->write_count++] = write;
}

static void history_make(struct history *history, uint64_t seed)
{
	uint64_t random = mix(seed);

	*history = (struct history){ 0 };
	if (random % 4 < ACTORS)
		history->began[random % 4] = history->has[random % 4] =
			history->rightly[random % 4] = true;
	for (size_t i = 0; i < 20 && history->write_count < ACTS_MAX - random / 16 % ACTS_MAX; i++)
		act(history, mix(seed * 100 + i));
}

/* Takes from a story what its evidence loses. */
static void lose(struct story *story, enum loss loss, uint64_t seed)
{
	size_t kept = 0;

	for (size_t i = 0; i < ACTS_MAX && story->writes[i].id; i++) {
		struct write write = story->writes[i];
		uint64_t random = mix(seed * 1000 + i);

		if (loss == LOSS_SIDES && random % 2)
			write.old_value = NULL;
		if (loss == LOSS_NAMED && random % 4 == 0) {
			write.operation = FACT_NAMED;
			write.old_value = write.new_value = NULL;
		}
		if (loss != LOSS_RECORDS || random % 3)
			story->writes[kept++] = write;
	}
	/* So that staging is known, whatever is lost. */
	story->writes[kept++] = (struct write){ FROM_AUDIT, STAGING, DAN, "mail", FACT_SET, NOTHING,
		"\"dan@y.z\"" };
	for (; kept < WRITES; kept++)
		story->writes[kept] = (struct write){ 0 };
	story->gap = loss == LOSS_RECORDS;
}

static struct thing thing_of(const char *id, bool has)
{
	return (struct thing){ "user", id, has ? SYNCED "," X : SYNCED };
}

static struct story story_of(const struct history *history, enum loss loss, uint64_t seed)
{
	struct story story = { .sentence = "a history" };

	for (size_t i = 0; i < ACTORS; i++) {
		story.live[i] = thing_of(actors[i], history->has[i]);
		if (loss != LOSS_NO_BASE)
			story.base[i] = thing_of(actors[i], history->began[i]);
	}
	story.live[ACTORS] = (struct thing){ "user", DAN, SYNCED "," WAITS };
	if (loss != LOSS_NO_BASE)
		story.base[ACTORS] = story.live[ACTORS];
	memcpy(story.writes, history->writes, sizeof(history->writes));
	lose(&story, loss, seed);
	return story;
}

/* The only one who has it rightly; NULL: nobody, or several. */
static const char *rightful_of(const struct history *history)
{
	const char *rightful = NULL;
	size_t count = 0;

	for (size_t i = 0; i < ACTORS; i++)
		if (history->rightly[i]) {
			rightful = actors[i];
			count++;
		}
	return count == 1 ? rightful : NULL;
}

/*
 * He is the only one. Where values are missing, one of several: who got it by a write without them, and lost
 * it by another, is in no way connected with the address.
 */
static bool is_right(const struct history *history, enum loss loss, struct span id)
{
	const char *only = rightful_of(history);

	for (size_t i = 0; loss == LOSS_NAMED && i < ACTORS; i++)
		if (span_is(id, actors[i]))
			return history->rightly[i];
	return only && span_is(id, only);
}

/* Returns whether it was decided. */
static bool check_history(uint64_t seed, enum loss loss)
{
	struct history history;
	struct story story;
	const struct contest *contest;
	const char *rightful;

	history_make(&history, seed);
	story = story_of(&history, loss, seed);
	rightful = rightful_of(&history);
	CLEANUP(contests_freep) struct contests *contests = NULL;
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_story(&story);
	CLEANUP(snapshot_closep)
	struct snapshot *base = story.base[0].id
		? snapshot_of("base", BASE_MS, story.base, things_of(story.base))
		: NULL;
	CLEANUP(snapshot_closep)
	struct snapshot *live = snapshot_of("live", LIVE_MS, story.live, things_of(story.live));
	struct contests_options options = {
		.base = base, .live = live, .evidence = evidence, .staging = "SYNC02"
	};

	contests = find(&options);
	assert_int_equal(contests_count(contests), 1);
	contest = contests_get(contests, 0);
	if (contest->rightful && !is_right(&history, loss, contest->rightful->id))
		fail_msg("history %d of loss %d: %.*s is not rightful: %s", (int)seed, (int)loss,
			SPAN_FORMAT(contest->rightful->id), contest->proof);
	if (loss == LOSS_NONE && rightful && !contest->rightful)
		fail_msg("history %d: %s is rightful: %s", (int)seed, rightful, contest->proof);
	return contest->rightful;
}

static void of_any_history_nobody_is_rightful_who_is_not(void **state UNUSED)
{
	for (int loss = 0; loss < LOSSES; loss++) {
		size_t decided = 0;

		for (uint64_t seed = 0; seed < HISTORIES / LOSSES; seed++)
			decided += check_history(seed * LOSSES + (uint64_t)loss, (enum loss)loss);
		/* Of what is not covered nothing is; of the rest much. */
		if (loss == LOSS_RECORDS)
			assert_int_equal(decided, 0);
		else
			assert_in_range(decided, HISTORIES / LOSSES / 8, HISTORIES / LOSSES);
	}
}

/* ---- made from a seed, against everything compared with everything ------------------------------ */

enum person_claim { SAYS_PROXY, SAYS_SIP, SAYS_MAIL, SAYS_SIGN_IN, SAYS_OTHER, SAYS_WAITS, SAYS };

struct person {
	char id[ID_BYTES + 1];
	bool deleted;
	char texts[SAYS][64]; /* "": none */
	struct buf rest;
};

/* Few addresses, in many spellings. */
static void spell(char text[static 64], uint64_t random)
{
	static const char *const names[] = { "ada", "ADA", "\xc3\xa9va", "\xc3\x89VA", "b" };
	static const char *const domains[] = { "contoso.com", "Contoso.com", "fabrikam.com" };

	snprintf(text, 64, "%s%u@%s", names[random % COUNT_OF(names)], (unsigned)(random / 8 % 400),
		domains[random / 4096 % COUNT_OF(domains)]);
}

static void person_make(struct person *person, uint64_t seed, unsigned number)
{
	uint64_t a = mix(mix(seed) + number);

	snprintf(person->id, sizeof(person->id), "%08x-0000-4000-8000-%012x",
		(unsigned)(mix(a) >> 32), number);
	person->deleted = a % 11 == 0;
	for (int i = 0; i < SAYS; i++) {
		a = mix(a);
		person->texts[i][0] = '\0';
		if (a % (i == SAYS_WAITS ? 29 : 2) == 0)
			spell(person->texts[i], mix(a + 1));
	}
}

static void person_write(struct person *person, uint64_t random)
{
	struct buf *rest = &person->rest;

	*rest = (struct buf)BUF_UP_TO(4096);
	buf_addf(rest, "\"department\":\"d\"");
	if (*person->texts[SAYS_MAIL])
		buf_addf(rest, ",\"mail\":\"%s\"", person->texts[SAYS_MAIL]);
	if (*person->texts[SAYS_SIGN_IN])
		buf_addf(rest, ",\"userPrincipalName\":\"%s\"", person->texts[SAYS_SIGN_IN]);
	if (*person->texts[SAYS_OTHER])
		buf_addf(rest, ",\"otherMails\":[\"%s\"]", person->texts[SAYS_OTHER]);
	if (*person->texts[SAYS_WAITS])
		buf_addf(rest,
			",\"onPremisesProvisioningErrors\":[{\"propertyCausingError\":"
			"\"ProxyAddress\",\"value\":\"smtp:%s\"}]",
			person->texts[SAYS_WAITS]);
	if (*person->texts[SAYS_PROXY] || *person->texts[SAYS_SIP])
		buf_addf(rest, ",\"proxyAddresses\":[");
	if (*person->texts[SAYS_PROXY])
		buf_addf(
			rest, "\"%s:%s\"", random % 2 ? "SMTP" : "smtp", person->texts[SAYS_PROXY]);
	if (*person->texts[SAYS_SIP])
		buf_addf(rest, "%s\"%s:%s\"", *person->texts[SAYS_PROXY] ? "," : "",
			random % 3 ? "sip" : "SIP", person->texts[SAYS_SIP]);
	if (*person->texts[SAYS_PROXY] || *person->texts[SAYS_SIP])
		buf_addf(rest, "]");
}

static bool same_address(const char *a, const char *b)
{
	return *a && *b && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

static bool person_holds(const struct person *person, const char *address, bool sip)
{
	if (sip)
		return same_address(person->texts[SAYS_SIP], address);
	return same_address(person->texts[SAYS_PROXY], address) ||
		same_address(person->texts[SAYS_MAIL], address) ||
		same_address(person->texts[SAYS_SIGN_IN], address);
}

static enum contest_state naive_state(const struct person *people, const char *address, bool sip)
{
	size_t live = 0, deleted = 0;
	bool waits = false;

	for (size_t i = 0; i < CROWD; i++) {
		const struct person *person = &people[i];

		waits = waits ||
			(!sip && !person->deleted &&
				same_address(person->texts[SAYS_WAITS], address));
		if (!person_holds(person, address, sip))
			continue;
		/* Who waits for what it says elsewhere does not hold it. */
		if (!person->deleted)
			live++;
		else
			deleted++;
	}
	return waits              ? CONTEST_WAITING
		: live > 1        ? CONTEST_TWICE
		: live && deleted ? CONTEST_RESTORE
				  : CONTEST_NONE;
}

static const struct contest *contest_named(
	const struct contests *contests, const char *address, bool sip)
{
	for (size_t i = 0; i < contests_count(contests); i++) {
		const struct contest *contest = contests_get(contests, i);
		struct span scheme = sip ? SPAN_LITERAL("sip:") : SPAN_LITERAL("smtp:");
		struct span rest = { contest->address.data + scheme.length,
			contest->address.length - scheme.length };

		if (memcmp(contest->address.data, scheme.data, scheme.length) == 0 &&
			text_compare_caseless(rest, span_of(address)) == 0)
			return contest;
	}
	return NULL;
}

/* Every claim, against every other one. */
static void check_crowd(const struct person *people, const struct contests *contests)
{
	size_t reached = 0;

	for (size_t i = 0; i < CROWD; i++)
		for (int j = 0; j < SAYS; j++) {
			const char *address = people[i].texts[j];
			bool sip = j == SAYS_SIP;
			enum contest_state expected = *address ? naive_state(people, address, sip)
							       : CONTEST_NONE;
			const struct contest *contest = *address
				? contest_named(contests, address, sip)
				: NULL;

			assert_int_equal(contest ? contest->state : CONTEST_NONE, expected);
			if (contest)
				reached |= (size_t)1 << contest->state;
		}
	assert_int_equal(reached, 1 << CONTEST_WAITING | 1 << CONTEST_TWICE | 1 << CONTEST_RESTORE);
}

static size_t naive_count(const struct person *people)
{
	size_t count = 0;

	for (size_t i = 0; i < CROWD * SAYS; i++) {
		const char *address = people[i / SAYS].texts[i % SAYS];
		bool sip = i % SAYS == SAYS_SIP, seen = false;

		if (!*address || naive_state(people, address, sip) == CONTEST_NONE)
			continue;
		for (size_t j = 0; j < i && !seen; j++)
			seen = (j % SAYS == SAYS_SIP) == sip &&
				same_address(people[j / SAYS].texts[j % SAYS], address);
		count += !seen;
	}
	return count;
}

static void try_crowd(uint64_t seed, uint64_t mask, unsigned workers)
{
	static struct person people[CROWD];
	struct thing things[CROWD];
	struct error err = { 0 };

	for (unsigned i = 0; i < CROWD; i++) {
		person_make(&people[i], seed, i);
		person_write(&people[i], mix(seed + i));
		things[i] = (struct thing){ people[i].deleted ? DELETED "user" : "user",
			people[i].id, buf_text(&people[i].rest) };
	}
	CLEANUP(snapshot_closep)
	struct snapshot *live = snapshot_of("crowd", LIVE_MS, things, CROWD);
	struct contests_options options = { .live = live };

	snapshot_use_workers(live, workers);
	CLEANUP(contests_freep)
	struct contests *contests = contests_find_hashed(&options, mask, &err);

	assert_non_null(contests);
	check_crowd(people, contests);
	assert_int_equal(contests_count(contests), naive_count(people));
	for (unsigned i = 0; i < CROWD; i++)
		buf_release(&people[i].rest);
}

static void a_crowd_is_read_as_by_comparing_all_with_all(void **state UNUSED)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		try_crowd(seed, UINT64_MAX, seed % 3);
}

static void hashes_that_are_equal_by_chance_change_nothing(void **state UNUSED)
{
	static const uint64_t masks[] = { 0, 1, 0xff, 0xff00000000000000u };

	for (size_t i = 0; i < COUNT_OF(masks); i++)
		try_crowd(1000 + i, masks[i], 2);
}

/* ---- in this folder ---------------------------------------------------------------------------------- */

static int make_folder(void **state UNUSED)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state UNUSED)
{
	static const char *const names[] = { "base", "live", "crowd" };
	char path[256];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_overlap_is_a_contest_by_these_rules),
		cmocka_unit_test(one_address_is_told_as_among_all),
		cmocka_unit_test(one_address_that_nobody_contests_is_told_too),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(who_is_rightful_has_these_proofs),
		cmocka_unit_test(of_any_history_nobody_is_rightful_who_is_not),
		cmocka_unit_test(a_crowd_is_read_as_by_comparing_all_with_all),
		cmocka_unit_test(hashes_that_are_equal_by_chance_change_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
