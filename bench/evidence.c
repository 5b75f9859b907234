/*
 * Writes the evidence of what bench_generate changed, by the way that `unstage evidence` takes: records of
 * the directory's audit log, one by one, and saved. The staging server wrote what changed, and touched
 * some that production has put back since; among its records are those of all others, about people
 * of whom nothing differs.
 *
 *	bench_evidence USERS CHANGED REMOVED ADDED RECORDS FILE
 *
 * Prints how many records there are, and of how many objects the staging server's.
 */
#include <stdlib.h>

#include "base/time.h"
#include "bench/company.h"
#include "reconcile/reconcile.h"

enum {
	RECORD_MAX = 16 << 10,
	HEALED_OF = 12,             /* for so many changed one that was put back */
	BURST_STEP_MS = 450,        /* between two records of the staging server */
	DAYS_BEFORE = 6,            /* for which the log was read before the base was taken */
	HEAL_AFTER_MS = 30 * 60000, /* production's next cycle */
};

#define BURST_MS (COMPANY_TAKEN_MS + COMPANY_LATER_MS / 3)

enum author { STAGING, PRODUCTION, HELP_DESK, PORTAL };

static const char *const initiators[] = {
	[STAGING] =
		"\"app\":null,\"user\":{\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\",\"displayName\":"
		"\"On-Premises Directory Synchronization Service Account\",\"userPrincipalName\":"
		"\"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com\",\"ipAddress\":\"203.0.113.24\"}",
	[PRODUCTION] =
		"\"app\":null,\"user\":{\"id\":\"3b0e4d17-90ab-4d55-a1de-6f2c8e0b7a41\",\"displayName\":"
		"\"On-Premises Directory Synchronization Service Account\",\"userPrincipalName\":"
		"\"Sync_SYNC01_51aa90c77f02@contoso.onmicrosoft.com\",\"ipAddress\":\"203.0.113.21\"}",
	[HELP_DESK] =
		"\"app\":null,\"user\":{\"id\":\"b7a1f8d2-5c44-4e0f-8a0e-2d9c71e6f503\",\"displayName\":\"Help "
		"Desk\",\"userPrincipalName\":\"helpdesk@contoso.com\",\"ipAddress\":\"198.51.100.7\"}",
	[PORTAL] =
		"\"user\":null,\"app\":{\"appId\":\"5ed8ae4c-1f0b-4ff1-9e55-c3a10b7f1d20\",\"displayName\":\"Contoso HR "
		"portal\",\"servicePrincipalId\":\"e0c1d5a7-2b3f-4a6e-9c8d-1f2e3d4c5b6a\",\"servicePrincipalName\":null}",
};

struct making {
	uint64_t users, changed, removed, added, records;
	struct evidence *evidence;
	uint64_t made, touched;
	int64_t burst_ms;
	struct error err;
};

struct property {
	const char *name, *old_value, *new_value; /* inside the quotes of [\"…\"] */
};

static void add_property(struct buf *record, const struct property *property)
{
	buf_addf(record, "{\"displayName\":\"%s\",\"oldValue\":\"[", property->name);
	if (property->old_value)
		buf_addf(record, "\\\"%s\\\"", property->old_value);
	buf_add_text(record, "]\",\"newValue\":\"[");
	if (property->new_value)
		buf_addf(record, "\\\"%s\\\"", property->new_value);
	buf_add_text(record, "]\"},");
}

/* A record as the contract shows it (4.3), with what sync adds to each of its own. */
static bool add_record(struct making *making, enum author author, const char *activity,
	uint64_t number, int64_t when_ms, const struct property *property)
{
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(RECORD_MAX);
	uint64_t serial = making->made++, random = mix(serial ^ 0x5eed);
	char id[37], correlation[37], when[TIME_TEXT_BYTES];

	company_id(number, id);
	company_id(random, correlation);
	buf_addf(&record,
		"{\"id\":\"Directory_%s_%05X_%llu\",\"category\":\"UserManagement\",\"correlationId\":\"%s\","
		"\"result\":\"success\",\"resultReason\":\"\",\"activityDisplayName\":\"%s\",\"activityDateTime\":\"%s\","
		"\"loggedByService\":\"Core Directory\",\"operationType\":\"Update\",\"initiatedBy\":{%s},",
		correlation, (unsigned)(random & 0xfffff), (unsigned long long)(48213377 + serial),
		correlation, activity, time_text(when_ms, when), initiators[author]);
	buf_addf(&record,
		"\"targetResources\":[{\"id\":\"%s\",\"displayName\":null,\"type\":\"User\",\"userPrincipalName\":"
		"\"user.%llu@contoso.com\",\"groupType\":null,\"modifiedProperties\":[",
		id, (unsigned long long)number);
	if (property)
		add_property(&record, property);
	if (author == STAGING || author == PRODUCTION)
		add_property(&record,
			&(struct property){ "LastDirSyncTime", "2026-03-03T22:01:07Z", when });
	buf_add_text(&record,
		"{\"displayName\":\"TargetId.UserType\",\"oldValue\":null,\"newValue\":\"\\\"Member\\\"\"}]}],"
		"\"additionalDetails\":[{\"key\":\"UserType\",\"value\":\"Member\"}]}");
	return buf_check(&record, "a record", &making->err) &&
		evidence_add_audit(making->evidence, buf_span(&record), &making->err);
}

static bool staging_writes(struct making *making, const char *activity, uint64_t number,
	const struct property *property)
{
	making->burst_ms += BURST_STEP_MS;
	making->touched++;
	return add_record(making, STAGING, activity, number, making->burst_ms, property);
}

static bool staging_renames(struct making *making, uint64_t number)
{
	char changed[64];

	snprintf(changed, sizeof(changed), "%s (ext)", company_name(number));
	return staging_writes(making, "Update user", number,
		&(struct property){ "DisplayName", company_name(number), changed });
}

static bool is_changed(const struct making *making, uint64_t number)
{
	return company_changes(number, making->users, making->changed) ||
		company_removes(number, making->users, making->removed);
}

static bool make_burst(struct making *making)
{
	for (uint64_t number = 0; number < making->users + making->added; number++) {
		bool done = true;

		if (number >= making->users)
			done = staging_writes(making, "Add user", number,
				&(struct property){ "DisplayName", NULL, company_name(number) });
		else if (company_removes(number, making->users, making->removed))
			done = staging_writes(making, "Delete user", number, NULL);
		else if (company_changes(number, making->users, making->changed))
			done = staging_renames(making, number);
		if (!done)
			return false;
	}
	return true;
}

static bool make_healed(struct making *making)
{
	uint64_t count = making->changed / HEALED_OF;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = mix(i ^ 0x4ea1) % making->users;
		char changed[64];

		if (is_changed(making, number))
			continue;
		snprintf(changed, sizeof(changed), "%s (ext)", company_name(number));
		if (!staging_renames(making, number) ||
			!add_record(making, PRODUCTION, "Update user", number,
				making->burst_ms + HEAL_AFTER_MS,
				&(struct property){ "DisplayName", changed, company_name(number) }))
			return false;
	}
	return true;
}

/* What goes on in a directory all day. */
static bool make_others(struct making *making)
{
	static const struct {
		enum author author;
		struct property property;
	} kinds[] = {
		{ PRODUCTION, { "Department", "Sales EMEA", "Research & Development" } },
		{ PRODUCTION, { "JobTitle", "Analyst", "Senior Analyst" } },
		{ HELP_DESK, { "TelephoneNumber", "+49 30 1234567", "+49 30 7654321" } },
		{ HELP_DESK, { "OtherMail", NULL, "private.person@example.com" } },
		{ PORTAL, { "PhysicalDeliveryOfficeName", "B3/2.017", "B7/4.112" } },
	};
	int64_t first = COMPANY_TAKEN_MS - DAYS_BEFORE * INT64_C(86400000);
	uint64_t window = (uint64_t)(COMPANY_TAKEN_MS + COMPANY_LATER_MS - first);

	for (uint64_t i = 0; making->made < making->records; i++) {
		uint64_t random = mix(i ^ 0x07e5), number = random % making->users;
		size_t kind = mix(random) % COUNT_OF(kinds);

		if (!is_changed(making, number) &&
			!add_record(making, kinds[kind].author, "Update user", number,
				first + (int64_t)(mix(random ^ 0x71) % window),
				&kinds[kind].property))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct evidence_header header = {
		.tenant = COMPANY_TENANT,
		.from_ms = COMPANY_TAKEN_MS - DAYS_BEFORE * INT64_C(86400000),
		.until_ms = COMPANY_TAKEN_MS + COMPANY_LATER_MS + 60000,
	};
	struct making making = { .burst_ms = BURST_MS };
	CLEANUP(evidence_freep) struct evidence *evidence = NULL;

	if (argc < 7)
		return 2;
	making.users = strtoull(argv[1], NULL, 10);
	making.changed = strtoull(argv[2], NULL, 10);
	making.removed = strtoull(argv[3], NULL, 10);
	making.added = strtoull(argv[4], NULL, 10);
	making.records = strtoull(argv[5], NULL, 10);
	header.collected_ms = header.until_ms;
	evidence = making.evidence = evidence_new(&header);
	if (!make_burst(&making) || !make_healed(&making) || !make_others(&making) ||
		!evidence_save(evidence, argv[6], &making.err)) {
		fprintf(stderr, "bench_evidence: %s\n", making.err.text);
		return (int)making.err.kind;
	}
	printf("{\"records\":%zu,\"facts\":%zu,\"touched\":%llu}\n", evidence_records(evidence),
		evidence_count(evidence), (unsigned long long)making.touched);
	return 0;
}
