/*
 * How far back the audit log reaches (contract 4.2), and which sync servers wrote lately. Only
 * sign-in names can be asked for by their beginning (contract 4.1); applications are looked for
 * among the newest records.
 */
#include <string.h>

#include "base/scan.h"
#include "base/text.h"
#include "online/doctor.h"

enum {
	LATELY_DAYS = 7, /* kept without any licence */

	PAGE_RECORDS = 500,
	NAME_MAX_BYTES = 512,
};
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

#define AUDITS "/auditLogs/directoryAudits"

/* ---- who -------------------------------------------------------------------------------- */

static struct seen_identity *identity_named(struct doctor *doctor, const char *name)
{
	struct seen_identity *identity;

	for (size_t i = 0; i < doctor->identity_count; i++)
		if (text_compare_caseless(span_of(doctor->identities[i].name), span_of(name)) == 0)
			return &doctor->identities[i];
	MEMORY_GROW(doctor->identities, doctor->identity_count, doctor->identity_capacity);
	identity = &doctor->identities[doctor->identity_count++];
	*identity = (struct seen_identity){ .name = memory_text(name), .last_ms = TIME_NONE };
	if (!sync_identity_server(name, identity->server))
		identity->server[0] = '\0';
	return identity;
}

void doctor_note_application(struct doctor *doctor, const char *name)
{
	struct seen_identity *identity = identity_named(doctor, name);

	identity->application = identity->granted = true;
}

/* Counts the record where its writer is a sync server of the kind that was asked for. */
static void take_record(struct doctor *doctor, struct span record, bool application)
{
	struct span initiator = scan_find(
		scan_find(record, "initiatedBy"), application ? "app" : "user");
	struct span value = scan_find(initiator, application ? "displayName" : "userPrincipalName");
	struct span when = scan_find(record, "activityDateTime");
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(NAME_MAX_BYTES);
	struct seen_identity *identity;
	char server[64];
	int64_t when_ms;

	if (scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &name);
	if (!sync_identity_server(buf_text(&name), server))
		return;
	identity = identity_named(doctor, buf_text(&name));
	identity->application = application;
	identity->records++;
	if (scan_type(when) == SCAN_STRING && time_parse(scan_text_direct(when), &when_ms) &&
		when_ms > identity->last_ms)
		identity->last_ms = when_ms;
}

static void take_records(struct doctor *doctor, const struct graph_probe *probe, bool application)
{
	struct span value = graph_probe_value(probe), record;
	struct scan scan = scan_open(value);
	bool more = scan_find(buf_span(&probe->body), "@odata.nextLink").data != NULL;

	while (value.data && scan_element(&scan, &record))
		take_record(doctor, record, application);
	for (size_t i = 0; more && i < doctor->identity_count; i++)
		if (doctor->identities[i].application == application)
			doctor->identities[i].more = true;
}

/* ---- how far back ------------------------------------------------------------------------------ */

static void tell_reach(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span value = graph_probe_value(probe), record = SPAN_NONE;
	struct scan scan = scan_open(value);
	char text[TIME_TEXT_BYTES];
	int64_t oldest_ms, days;

	if (!value.data || !scan_element(&scan, &record)) {
		check_set(check, MARK_NOTE, "the log is empty: nothing can be proved");
		return;
	}
	if (!time_parse(scan_text_direct(scan_find(record, "activityDateTime")), &oldest_ms)) {
		check_set(check, MARK_UNKNOWN, "could not tell: a record without its time");
		return;
	}
	days = (doctor->now_ms - oldest_ms) / day_ms;
	check_set(check, MARK_NOTE, "%s UTC, %lld day%s back; %s", screen_time(oldest_ms, text),
		(long long)days, days == 1 ? "" : "s",
		days > LATELY_DAYS
			? "it is kept for 30 days (P1 or P2)"
			: "no more than 7 days are kept for certain: collect evidence soon");
}

/* Whether the order that was asked for was kept: two records tell. */
static void tell_order(struct doctor *doctor, const struct graph_probe *probe)
{
	struct span value = graph_probe_value(probe), record;
	struct scan scan = scan_open(value);
	int64_t before_ms = INT64_MIN, when_ms;
	size_t count = 0;
	bool ordered = true;

	if (probe->kind != ERROR_NONE) {
		doctor_add(doctor, SECTION_OPEN, "audits in order", MARK_UNKNOWN,
			"could not tell: %ld %s", probe->status, probe->code);
		return;
	}
	while (value.data && scan_element(&scan, &record)) {
		if (!time_parse(scan_text_direct(scan_find(record, "activityDateTime")), &when_ms))
			continue;
		ordered &= when_ms >= before_ms;
		before_ms = when_ms;
		count++;
	}
	if (count < 2)
		doctor_add(doctor, SECTION_OPEN, "audits in order", MARK_UNKNOWN,
			"could not tell: too few records");
	else
		doctor_add(doctor, SECTION_OPEN, "audits in order", ordered ? MARK_YES : MARK_NO,
			ordered ? "oldest first, as asked" : "not in the order that was asked for");
}

/* ---- asking ------------------------------------------------------------------------------------- */

static struct check *ask(
	struct doctor *doctor, const char *name, const char *path, struct graph_probe *probe)
{
	struct check *check = doctor_ask(doctor, SECTION_AUDIT, name, path, probe);

	check->grant = GRANT_AUDITS;
	/* Both permissions are wanted; the token may say which of them is there. */
	if (probe->status == 403 && token_mark(doctor, "AuditLog.Read.All") == MARK_OK)
		check->grant = GRANT_DIRECTORY;
	check->needed = true;
	return check;
}

static void ask_oldest(struct doctor *doctor)
{
	CLEANUP(graph_probe_release) struct graph_probe probe;
	struct check *check = ask(
		doctor, "oldest record", AUDITS "?$orderby=activityDateTime%20asc&$top=2", &probe);

	/* It is the other rows that need the permission: this one also wants the order. */
	check->grant = GRANT_NONE;
	check->needed = false;
	if (probe.kind == ERROR_NONE)
		tell_reach(doctor, &probe, check);
	tell_order(doctor, &probe);
}

static void ask_writers(struct doctor *doctor, bool applications)
{
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(1024);
	CLEANUP(graph_probe_release) struct graph_probe probe;
	char since[TIME_TEXT_BYTES];
	struct check *check;

	time_text(doctor->now_ms - LATELY_DAYS * day_ms, since);
	buf_addf(&path, AUDITS "?$filter=%sactivityDateTime%%20ge%%20%s&$top=%d",
		applications ? ""
			     : "startswith(initiatedBy/user/userPrincipalName,'Sync_')%20and%20",
		since, PAGE_RECORDS);
	check = ask(
		doctor, applications ? "newest records" : "sync accounts", buf_text(&path), &probe);
	if (probe.kind != ERROR_NONE)
		return;
	take_records(doctor, &probe, applications);
	if (!applications)
		check_set(check, MARK_OK, "can be asked for");
}

/* The names of the profile that nobody answers to may be mistyped, or asleep. */
static void look_for(struct doctor *doctor, const char *name, const char *server)
{
	for (size_t i = 0; server && i < doctor->identity_count; i++) {
		const struct seen_identity *identity = &doctor->identities[i];

		if (text_compare_caseless(span_of(identity->server), span_of(server)) == 0 ||
			text_compare_caseless(span_of(identity->name), span_of(server)) == 0)
			return;
	}
	if (server)
		doctor_add(doctor, SECTION_AUDIT, name, MARK_NOTE,
			"%s was not seen among the sync servers of the last %d days", server,
			LATELY_DAYS);
}

void doctor_look_at_audits(struct doctor *doctor)
{
	ask_oldest(doctor);
	ask_writers(doctor, true);
	ask_writers(doctor, false);
	if (grant_mark(doctor, GRANT_AUDITS) != MARK_OK)
		return;
	look_for(doctor, "staging", doctor->profile->staging);
	look_for(doctor, "production", doctor->profile->production);
}
