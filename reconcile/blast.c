/*
 * The blast radius: what the staging server did, by kind of object and what was done; who of those whom
 * it touched is privileged; what heals by itself at production's next cycle, and what never will (facts
 * 7.4). And the account of its writes: which of them is explained by a finding, or by the look that was
 * taken, and which is not.
 */
#include "base/time.h"
#include "reconcile/evidence_internal.h"

/* ---- what was done ----------------------------------------------------------------------- */

static enum deed deed_of(const struct fact *fact)
{
	switch (fact->operation) {
	case FACT_CREATE:
		return DEED_CREATED;
	case FACT_RESTORE:
		return DEED_RESTORED;
	case FACT_DELETE:
	case FACT_PURGE:
		return DEED_DELETED;
	default:
		return fact->attribute && fact->attribute->source == SOURCE_RELATION ? DEED_MEMBERS
										     : DEED_CHANGED;
	}
}

static bool is_counted(const struct reconciling *reconciling, const struct fact *fact)
{
	return fact_is_write(fact) && fact_class(reconciling, fact) == WRITER_STAGING &&
		!reconciling->doubles[fact - reconciling->first_fact];
}

/* Why nothing was said of a write. */
static const char *why_unexplained(const struct subject *subject, const struct fact *fact)
{
	if (!subject->base && !subject->live)
		return "the object is in neither snapshot";
	if (!fact->attribute && fact->attribute_name)
		return "an attribute that is not followed";
	if (!subject->live)
		return "the object is not there any more";
	if (object_deleted(subject->live))
		return "it lies in deleted items, which do not show it";
	return "the live snapshot does not show it";
}

static void keep_unexplained(
	struct findings *findings, const struct subject *subject, const struct fact *fact)
{
	struct blast *blast = &findings->blast;
	struct unexplained *kept;

	if (blast->unexplained_listed == UNEXPLAINED_LISTED)
		return;
	kept = &blast->unexplained[blast->unexplained_listed++];
	kept->kind = subject->kind;
	kept->id = texts_keep(findings->texts, span_of(fact->id));
	kept->name = texts_keep(findings->texts,
		span_of(fact->attribute ? fact->attribute->name : fact->attribute_name));
	kept->when_ms = fact->when_ms;
	kept->deed = deed_of(fact);
	kept->why = why_unexplained(subject, fact);
}

static void count_write(
	struct reconciling *reconciling, const struct subject *subject, const struct fact *fact)
{
	struct blast *blast = &reconciling->findings->blast;
	enum deed deed = deed_of(fact);

	blast->writes[subject->kind->id][deed]++;
	if (reconciling->explained[fact - reconciling->first_fact])
		blast->explained[subject->kind->id][deed]++;
	else
		keep_unexplained(reconciling->findings, subject, fact);
}

/* ---- privileged ---------------------------------------------------------------------------- */

static bool is_true(const struct object *object, const char *name)
{
	return object && span_is(object_get_named(object, name), "true");
}

static bool was_true(const struct subject *subject, const char *name)
{
	return is_true(subject->base, name) || is_true(subject->live, name);
}

static bool privilege_of(const struct reconciling *reconciling, const struct subject *subject,
	enum privilege *privilege)
{
	if (was_true(subject, "isAssignableToRole"))
		*privilege = PRIVILEGE_ROLE_GROUP;
	else if (evidence_holds(reconciling->options->evidence, HOLDING_ROLE, subject->id))
		*privilege = PRIVILEGE_ROLE;
	else if (was_true(subject, "isManagementRestricted"))
		*privilege = PRIVILEGE_RESTRICTED;
	else
		return false;
	return true;
}

static void note_privilege(struct reconciling *reconciling, const struct subject *subject)
{
	struct findings *findings = reconciling->findings;
	struct blast *blast = &findings->blast;
	const struct object *object = subject->live && !object_deleted(subject->live)
		? subject->live
		: subject->base;
	enum privilege privilege;

	if (!privilege_of(reconciling, subject, &privilege))
		return;
	blast->privileged[privilege]++;
	if (blast->privileged_named == PRIVILEGED_NAMED)
		return;
	blast->privileged_names[blast->privileged_named++] = texts_keep(
		findings->texts, object ? object_name(object) : subject->id);
}

void blast_note(struct reconciling *reconciling, const struct subject *subject)
{
	struct blast *blast = &reconciling->findings->blast;
	unsigned deeds = 0;

	for (size_t i = 0; i < subject->fact_count; i++) {
		if (!is_counted(reconciling, subject->facts[i]))
			continue;
		count_write(reconciling, subject, subject->facts[i]);
		deeds |= 1U << deed_of(subject->facts[i]);
	}
	for (int deed = 0; deed < DEED_COUNT; deed++)
		blast->objects[subject->kind->id][deed] += deeds >> deed & 1;
	if (deeds)
		note_privilege(reconciling, subject);
}

/* ---- what heals ---------------------------------------------------------------------------- */

/* Out of deleted items by the same anchor (facts 7.2); groups and contacts get a new id. */
static bool returns_by_itself(const struct finding *finding)
{
	return !finding->attribute && finding->change == CHANGE_DELETED &&
		finding->kind->id == KIND_USER && finding->mastery == MASTERY_SYNCED;
}

static enum stays stays_of(const struct finding *finding)
{
	static const enum stays by_door[DOOR_COUNT] = {
		[DOOR_NONE] = STAYS_MANUAL,
		[DOOR_GRAPH] = STAYS_CLOUD,
		[DOOR_SYNC] = STAYS_MANUAL,
		[DOOR_DIRECTORY] = STAYS_DIRECTORY,
		[DOOR_EXCHANGE] = STAYS_EXCHANGE,
		[DOOR_ADSYNC] = STAYS_MADE,
		[DOOR_MANUAL] = STAYS_MANUAL,
	};

	if (finding->verdict == VERDICT_BLOCKED)
		return STAYS_GONE;
	if (!finding->attribute && finding->change == CHANGE_DELETED)
		return STAYS_DELETED;
	return by_door[finding->door];
}

static bool is_of(const struct finding *finding, const char *attribute)
{
	return finding->attribute && strcmp(finding->attribute->name, attribute) == 0;
}

static void count_standing(struct blast *blast, const struct finding *finding)
{
	if (finding->door != DOOR_SYNC && !returns_by_itself(finding)) {
		blast->stays[stays_of(finding)]++;
		return;
	}
	blast->heals++;
	blast->foreseen[finding->next]++;
	blast->heals_sign_in += is_of(finding, "userPrincipalName");
	blast->heals_people += !finding->attribute;
}

void blast_count(struct blast *blast, const struct finding *finding)
{
	if (finding->staging_write_ms == TIME_NONE)
		return;
	if (finding->attribute && finding->attribute->compare == COMPARE_ADDRESSES)
		blast->addresses++;
	if (finding->verdict == VERDICT_REVERT || finding->verdict == VERDICT_BLOCKED)
		count_standing(blast, finding);
}

const struct blast *findings_blast(const struct findings *findings)
{
	return &findings->blast;
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *deed_name(enum deed deed)
{
	static const char *const names[DEED_COUNT] = {
		[DEED_CREATED] = "created",
		[DEED_CHANGED] = "changed",
		[DEED_DELETED] = "deleted",
		[DEED_RESTORED] = "restored",
		[DEED_MEMBERS] = "members",
	};

	return names[deed];
}

const char *stays_name(enum stays stays)
{
	static const char *const names[STAYS_COUNT] = {
		[STAYS_CLOUD] = "cloud",
		[STAYS_DELETED] = "deleted",
		[STAYS_MADE] = "made",
		[STAYS_DIRECTORY] = "directory",
		[STAYS_EXCHANGE] = "exchange",
		[STAYS_GONE] = "gone",
		[STAYS_MANUAL] = "manual",
	};

	return names[stays];
}

const char *privilege_name(enum privilege privilege)
{
	static const char *const names[PRIVILEGE_COUNT] = {
		[PRIVILEGE_ROLE_GROUP] = "role-assignable-group",
		[PRIVILEGE_ROLE] = "role",
		[PRIVILEGE_RESTRICTED] = "restricted",
	};

	return names[privilege];
}
