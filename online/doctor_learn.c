/*
 * What the answers to our questions teach: ids to go on with, figures for people, and whether a
 * thing works that documentation leaves open. Nothing in an answer is believed but its shape.
 */
#include <string.h>

#include "base/scan.h"
#include "base/text.h"
#include "online/doctor_questions.h"
#include "online/holders.h"

enum {
	SYNC_STALE_MS = 3 * 3600 * 1000,
	TOP_DEFAULT = 100, /* a service that ignores $top gives so many */
	NAMES_MAX = 4096,
};

/* ---- what answers teach ------------------------------------------------------------------------ */

static size_t count_of(struct span array)
{
	struct scan scan = scan_open(array);
	struct span element;
	size_t count = 0;

	if (!array.data)
		return 0;
	while (scan_element(&scan, &element))
		count++;
	return count;
}

static struct span first_of(struct span array)
{
	struct scan scan = scan_open(array);
	struct span element;

	return array.data && scan_element(&scan, &element) ? element : SPAN_NONE;
}

static bool take_id(struct span object, const char *key, char id[static ID_BYTES + 1])
{
	struct span value = scan_text_direct(scan_find(object, key));

	if (!text_is_guid(value))
		return false;
	for (size_t i = 0; i < ID_BYTES; i++)
		id[i] = text_lower(value.data[i]);
	id[ID_BYTES] = '\0';
	return true;
}

/* What a member says; nothing where it is no string. */
static void add_string(struct span object, const char *key, struct buf *out)
{
	struct span value = scan_find(object, key);

	if (scan_type(value) == SCAN_STRING)
		scan_text(value, out);
}

void learn_user(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	if (!take_id(first_of(graph_probe_value(probe)), "id", doctor->user))
		check_set(check, MARK_UNKNOWN, "could not tell: a tenant has at least one user");
}

void learn_group(struct doctor *doctor, const struct graph_probe *probe, struct check *check UNUSED)
{
	(void)take_id(first_of(graph_probe_value(probe)), "id", doctor->group);
}

void learn_contact(
	struct doctor *doctor, const struct graph_probe *probe, struct check *check UNUSED)
{
	(void)take_id(first_of(graph_probe_value(probe)), "id", doctor->contact);
}

/* Which tenant it is, and whether it is the one that is configured [T1]. */
void learn_organization(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span found = first_of(graph_probe_value(probe));
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(NAMES_MAX);
	const char *configured = doctor->profile->tenant;
	struct graph_organization *organization = &doctor->organization;

	if (!take_id(found, "id", organization->id)) {
		check_set(check, MARK_UNKNOWN, "could not tell: the answer names no tenant");
		return;
	}
	add_string(found, "displayName", &name);
	snprintf(organization->name, sizeof(organization->name), "%.*s",
		TEXT_UP_TO(sizeof(organization->name) - 1, buf_text(&name)));
	check_set(check, MARK_OK, "%s, %s", organization->id, organization->name);
	if (configured && text_is_guid(span_of(configured)) &&
		text_compare_caseless(span_of(configured), span_of(organization->id)) != 0)
		check_set(check, MARK_MISSING, "%s, %s: but the profile names %s", organization->id,
			organization->name, configured);
}

void learn_sync(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span found = first_of(graph_probe_value(probe));
	struct span enabled = scan_find(found, "onPremisesSyncEnabled");
	struct span last = scan_text_direct(scan_find(found, "onPremisesLastSyncDateTime"));
	char text[TIME_TEXT_BYTES];
	int64_t last_ms;

	if (scan_type(enabled) != SCAN_TRUE)
		check_set(check, MARK_NOTE, "this tenant is not synchronised from a directory");
	else if (!time_parse(last, &last_ms))
		check_set(check, MARK_NOTE, "synchronised; when last is not said");
	else
		check_set(check, MARK_NOTE, "last %s UTC%s", screen_time(last_ms, text),
			doctor->now_ms - last_ms > SYNC_STALE_MS
				? ": more than three hours ago, does production run?"
				: "");
}

void learn_roles(struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	check_set(check, MARK_OK, "can be read: %zu assignments%s",
		count_of(graph_probe_value(probe)),
		scan_find(buf_span(&probe->body), "@odata.nextLink").data ? " and more" : "");
}

void learn_backups(
	struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	check_set(check, MARK_OK, "can be read: %zu backups", count_of(graph_probe_value(probe)));
}

void learn_extensions(
	struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	if (count_of(graph_probe_value(probe)))
		check_set(check, MARK_OK, "Connect Sync extends this directory's schema");
	else
		check_set(check, MARK_OK, "none are synchronised");
}

/* The service, and which of its roles lets an application synchronise (facts 2). */
void learn_service(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span service = first_of(graph_probe_value(probe)), role;
	struct span roles = scan_find(service, "appRoles");
	struct scan scan = scan_open(roles);

	if (!take_id(service, "id", doctor->principal)) {
		check_set(check, MARK_OK, "no application can: the service is not in this tenant");
		return;
	}
	while (scan_type(roles) == SCAN_ARRAY && scan_element(&scan, &role))
		if (span_is(scan_text_direct(scan_find(role, "value")), SYNC_PERMISSION))
			(void)take_id(role, "id", doctor->sync_role);
}

void learn_principals(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span value = graph_probe_value(probe), assignment;
	struct scan scan = scan_open(value);
	size_t count = 0;

	while (value.data && scan_element(&scan, &assignment)) {
		CLEANUP(buf_release) struct buf name = BUF_UP_TO(NAMES_MAX);
		char role[ID_BYTES + 1];

		if (*doctor->sync_role &&
			(!take_id(assignment, "appRoleId", role) ||
				strcmp(role, doctor->sync_role) != 0))
			continue;
		add_string(assignment, "principalDisplayName", &name);
		doctor_note_application(doctor, buf_text(&name));
		count++;
	}
	check_set(check, MARK_OK, "%zu hold " SYNC_PERMISSION, count);
}

/* Applications may not, says the documentation; a pasted token of a person may. */
void learn_synchronization(
	struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	if (probe->status == 403)
		check_set(check, MARK_NOTE, "as documented, an application may not read it");
	else if (probe->kind == ERROR_NONE)
		check_set(check, MARK_NOTE, "can be read, other than documented");
}

/* ---- what documentation leaves open ------------------------------------------------------------- */

void learn_page_size(
	struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	size_t count = count_of(graph_probe_value(probe));

	if (count > TOP_DEFAULT)
		check_set(check, MARK_YES, "pages of %zu", count);
	else if (scan_find(buf_span(&probe->body), "@odata.nextLink").data)
		check_set(check, MARK_NO, "pages of %zu: reading takes longer", count);
	else
		check_set(check, MARK_YES, "accepted; %zu contacts are too few to see it work",
			count);
}

void learn_delta(struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	if (scan_type(scan_find(buf_span(&probe->body), "@odata.deltaLink")) != SCAN_STRING)
		check_set(check, MARK_NO, "no deltaLink came with it");
	else if (count_of(graph_probe_value(probe)))
		check_set(check, MARK_NO, "objects came with it");
}

void learn_address(struct doctor *doctor, const struct graph_probe *probe, struct check *check)
{
	struct span user = first_of(graph_probe_value(probe)), address;
	struct span addresses = scan_find(user, "proxyAddresses");
	struct scan scan = scan_open(addresses);

	while (scan_type(addresses) == SCAN_ARRAY && scan_element(&scan, &address)) {
		struct span text = scan_text_direct(address);

		if (text.length > 5 && memcmp(text.data, "SMTP:", 5) == 0 && !doctor->address)
			doctor->address = memory_text_span(text.data + 5, text.length - 5);
	}
	if (!doctor->address)
		check_set(
			check, MARK_UNKNOWN, "could not tell: nobody with a primary address came");
}

void learn_case(struct doctor *doctor UNUSED, const struct graph_probe *probe, struct check *check)
{
	if (count_of(graph_probe_value(probe)))
		check_set(check, MARK_YES, "smtp: finds SMTP: as well");
	else
		check_set(check, MARK_NO, "smtp: does not find SMTP:, both must be asked for");
}
