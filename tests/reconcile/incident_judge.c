/* Holds findings against the history: see incident_judge.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/reconcile/incident_judge.h"

enum { NOT_FOUND = -1 };

struct trial {
	uint64_t seed;
	struct incident *incident;
	const struct given *given;
	const struct findings *findings;
	/* Of the time from here to the live snapshot every writer is known; later than all: of none. */
	int64_t from_ms, base_ms, live_ms;
};

/* All that happened to it. */
static void print_records(const struct trial *trial, const char *id)
{
	for (size_t i = 0; i < trial->incident->record_count; i++) {
		const struct record *record = &trial->incident->records[i];

		if (memmem(record->text.data, record->text.length, id, strlen(id)))
			printf("%s%.*s\n", record->loses ? "(may get lost) " : "",
				(int)record->text.length, record->text.data);
	}
}

static void fail_trial(const struct trial *trial, const char *what, const struct finding *finding)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(1 << 20);

	finding_add_json(&line, finding);
	print_records(trial, finding->id.data);
	fail_msg("seed %zu, %s: %s\n%s", (size_t)trial->seed, trial->given->name, what,
		buf_text(&line));
}

/* And all that is said of it. */
static void print_findings(const struct trial *trial, const char *id)
{
	for (size_t i = 0; i < findings_count(trial->findings); i++) {
		const struct finding *finding = findings_get(trial->findings, i);
		CLEANUP(buf_release) struct buf line = BUF_UP_TO(1 << 20);

		finding_add_json(&line, finding);
		if (span_is(finding->id, id))
			printf("%s\n", buf_text(&line));
	}
}

static void fail_unit(const struct trial *trial, const char *what, const struct thing *thing,
	const char *name, const struct unit *unit)
{
	print_records(trial, thing->id);
	print_findings(trial, thing->id);
	fail_msg("seed %zu, %s: %s\n%s %s, before %d, now %d", (size_t)trial->seed,
		trial->given->name, what, thing->id, name, unit->before, unit->now);
}

/* While live was taken: whether it shows that, nobody can tell. */
static bool is_late(const struct trial *trial, int64_t when_ms)
{
	return when_ms >= trial->live_ms;
}

/* ---- what a finding is about ------------------------------------------------------------------ */

static bool is_about(const struct finding *finding, const char *attribute)
{
	return finding->attribute && strcmp(finding->attribute->name, attribute) == 0;
}

static const struct field *field_of(const struct thing *thing, const struct finding *finding)
{
	for (size_t i = 0; i < thing->sort->field_count; i++)
		if (is_about(finding, thing->sort->fields[i].name))
			return &thing->sort->fields[i];
	return NULL;
}

static const struct unit *element_of(const struct thing *thing, const struct finding *finding)
{
	char text[VALUE_TEXT_MAX];

	for (size_t i = 0; i < thing->sort->set_count; i++)
		for (size_t j = 0; is_about(finding, thing->sort->sets[i].name) && j < ELEMENTS;
			j++) {
			element_text(text, thing, &thing->sort->sets[i], j);
			if (span_is(finding->element, text))
				return &thing->sets[i][j];
		}
	return NULL;
}

/* Without a scheme, and with or without quotes around it. */
static int address_number(const struct thing *thing, struct span text)
{
	char address[VALUE_TEXT_MAX];

	for (int i = 0; i < ADDRESSES; i++) {
		address_text(address, thing, (size_t)i);
		if (text.data && memmem(text.data, text.length, address, strlen(address)))
			return i;
	}
	return NOT_FOUND;
}

static bool is_primary(struct span element)
{
	return element.length > 6 && memcmp(element.data, "\"SMTP:", 6) == 0;
}

static struct thing *thing_of(const struct trial *trial, const struct finding *finding)
{
	return thing_of_id(trial->incident, finding->id);
}

/* ---- precision: nothing else goes back -------------------------------------------------------- */

/* A file may vouch for a value of which no record tells whose it was. */
static bool may_go_back(const struct trial *trial, const struct unit *unit)
{
	if (trial->given->lossy && is_late(trial, unit->last_ms))
		return true; /* live is older than what the log has lost */
	if (trial->given->files)
		return unit->by_staging && !unit->silent && unit->now != unit->before;
	/* A base of a later moment proves more than one that was taken days before. */
	if (trial->given->rebuilt)
		return unit->by_staging && unit->now != unit->before;
	return unit_must_go_back(unit);
}

static void check_unit(
	const struct trial *trial, const struct finding *finding, const struct unit *unit)
{
	if (!may_go_back(trial, unit) || !finding->before.known)
		fail_trial(trial, "this must not go back", finding);
}

static void check_field(const struct trial *trial, const struct finding *finding,
	const struct thing *thing, const struct field *field)
{
	const struct unit *unit = &thing->fields[field - thing->sort->fields];
	char json[VALUE_TEXT_MAX];

	check_unit(trial, finding, unit);
	field_json(json, thing, field, unit->before);
	if (json[0] ? !span_is(finding->before.value, json) : finding->before.value.data != NULL)
		fail_trial(trial, "another value stood there before", finding);
}

static void check_element(
	const struct trial *trial, const struct finding *finding, const struct unit *unit)
{
	check_unit(trial, finding, unit);
	if (!finding->before.value.data != !unit->before)
		fail_trial(trial, "it was the other way round before", finding);
}

/* Production's file has all addresses as it sent them: these it wants, whoever wrote them first. */
static bool is_endorsed(const struct trial *trial, const struct thing *thing, int number)
{
	return trial->given->files && thing->production_ms && thing->sent.there[number];
}

static void check_address(
	const struct trial *trial, const struct finding *finding, const struct thing *thing)
{
	int number = address_number(thing, finding->element);
	const struct unit *primary = &thing->primary;

	if (number == NOT_FOUND)
		fail_trial(trial, "nobody wrote this address", finding);
	if (finding->before.value.data && is_endorsed(trial, thing, number))
		return;
	if (is_late(trial, thing->set_ms[SETS_MAX])) {
		if (!may_go_back(trial, &thing->addresses[number]) && !may_go_back(trial, primary))
			fail_trial(trial, "this must not go back", finding);
		return;
	}
	if (!finding->before.value.data || !thing->addresses[number].now)
		check_element(trial, finding, &thing->addresses[number]);
	else if (!is_primary(finding->before.value))
		fail_trial(trial, "it is there, and is not made primary either", finding);
	if (!is_primary(finding->before.value))
		return;
	if (!may_go_back(trial, primary) ||
		primary->before != address_number(thing, finding->before.value))
		fail_trial(trial, "it must not be primary again", finding);
}

static void check_value(
	const struct trial *trial, const struct finding *finding, const struct thing *thing)
{
	const struct field *field = field_of(thing, finding);
	const struct unit *element = element_of(thing, finding);

	if (field)
		check_field(trial, finding, thing, field);
	else if (element)
		check_element(trial, finding, element);
	else if (is_about(finding, "proxyAddresses"))
		check_address(trial, finding, thing);
	else
		fail_trial(trial, "nobody wrote this attribute", finding);
}

/* From what staging wrote to the live snapshot the log must be whole. */
static void check_coverage(const struct trial *trial, const struct finding *finding)
{
	if (!trial->given->files && finding->staging_write_ms < trial->from_ms)
		fail_trial(trial, "somebody may have written unseen since", finding);
}

static void check_revert(const struct trial *trial, const struct finding *finding)
{
	const struct thing *thing = thing_of(trial, finding);
	bool known = !trial->given->lossy && !trial->given->files && !trial->given->rebuilt &&
		!thing->run_murky && !is_late(trial, thing->last_ms);
	enum change change = CHANGE_VALUE;

	check_coverage(trial, finding);
	if (finding->attribute) {
		/* What staging did to the object may be in no record; its values are what they are. */
		if (known && trial->from_ms <= trial->base_ms && !thing_is_examined(thing))
			fail_trial(trial, "its object is the finding", finding);
		check_value(trial, finding, thing);
	} else if (!(trial->given->lossy && is_late(trial, thing->last_ms)) &&
		(!thing_must_go_back(thing, &change) || finding->change != change)) {
		fail_trial(trial, "the object must not go back so", finding);
	}
}

/* ---- recall: all that can be proved goes back --------------------------------------------------- */

/* The finding about it, or NULL. */
static const struct finding *finding_about(const struct trial *trial, const struct thing *thing,
	const char *attribute, const char *element)
{
	for (size_t i = 0; i < findings_count(trial->findings); i++) {
		const struct finding *finding = findings_get(trial->findings, i);

		if (thing_of(trial, finding) == thing &&
			(attribute ? is_about(finding, attribute) : !finding->attribute) &&
			(!element || span_is(finding->element, element)))
			return finding;
	}
	return NULL;
}

/* Nothing happened to the thing as a whole, and the records of the last run are there. */
static bool is_plain(const struct trial *trial, const struct thing *thing, const struct unit *unit)
{
	const struct given *given = trial->given;

	if (thing->moved_ms || thing->others_moved_ms || given->lossy || given->files ||
		trial->incident->manner.taciturn)
		return false;
	for (size_t i = 0; i < given->window_count; i++)
		if (unit->run_ms >= given->windows[i].from_ms &&
			unit->last_ms <= given->windows[i].until_ms)
			return true;
	return false;
}

static void expect_unit(const struct trial *trial, const struct thing *thing,
	const struct unit *unit, const char *attribute, const char *element)
{
	bool wanted = !(trial->given->files && unit->perhaps) &&
		unit_is_provable(thing, unit, trial->from_ms, trial->given->lossy);
	bool open = unit->by_staging && unit->now != unit->before && unit->before_told &&
		unit->now_told && !unit->murky && !unit->silent && is_plain(trial, thing, unit);
	const struct finding *finding;

	if ((!wanted && !open) || is_late(trial, unit->last_ms))
		return;
	finding = finding_about(trial, thing, attribute, element);
	if (!finding)
		fail_unit(trial, "nothing is said of this", thing, attribute, unit);
	else if (wanted && finding->verdict != VERDICT_REVERT)
		fail_trial(trial, "this does not go back", finding);
	else if (finding->verdict != VERDICT_REVERT && finding->verdict != VERDICT_SUSPECT)
		fail_trial(trial, "this is not even suspect", finding);
}

/* The addresses as they will be: live, and the findings put into it. */
static struct mailbox outcome_of(const struct trial *trial, const struct thing *thing)
{
	struct mailbox outcome = mailbox_of(thing);
	size_t primaries = 0;

	for (size_t i = 0; i < findings_count(trial->findings); i++) {
		const struct finding *finding = findings_get(trial->findings, i);
		struct span before = finding->before.value;

		if (finding->verdict != VERDICT_REVERT || !is_about(finding, "proxyAddresses") ||
			thing_of(trial, finding) != thing)
			continue;
		outcome.there[address_number(thing, finding->element)] = before.data != NULL;
		if (!is_primary(before))
			continue;
		outcome.primary = address_number(thing, before);
		if (++primaries > 1)
			fail_trial(trial, "a second primary address", finding);
	}
	if (outcome.primary != NO_PRIMARY && !outcome.there[outcome.primary])
		outcome.primary = NO_PRIMARY;
	return outcome;
}

/* All of them can be proved: then the primary address is settled, too. */
static bool is_settled(const struct trial *trial, const struct thing *thing)
{
	const struct unit *primary = &thing->primary;

	if (trial->given->files || primary->murky ||
		(unit_must_go_back(primary) &&
			!unit_is_provable(thing, primary, trial->from_ms, trial->given->lossy)))
		return false;
	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct unit *unit = &thing->addresses[i];

		if (unit->murky ||
			(unit_must_go_back(unit) &&
				!unit_is_provable(
					thing, unit, trial->from_ms, trial->given->lossy)))
			return false;
	}
	return true;
}

static void expect_mailbox(const struct trial *trial, const struct thing *thing)
{
	struct mailbox outcome = outcome_of(trial, thing), ideal = mailbox_ideal(thing);

	if (is_late(trial, thing->set_ms[SETS_MAX]))
		return;
	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct unit *unit = &thing->addresses[i];

		if (unit_is_provable(thing, unit, trial->from_ms, trial->given->lossy) &&
			outcome.there[i] != unit->before)
			fail_unit(trial, "this does not go back", thing, "proxyAddresses", unit);
	}
	if (is_settled(trial, thing) && outcome.primary != ideal.primary)
		fail_unit(trial, "another address must be primary", thing, "proxyAddresses",
			&thing->primary);
}

static void expect_thing(const struct trial *trial, const struct thing *thing)
{
	const struct sort *sort = thing->sort;
	char element[VALUE_TEXT_MAX];

	if (is_late(trial, thing->last_ms) || is_late(trial, thing->touched_ms))
		return;
	if (thing_is_provable(thing, trial->from_ms, trial->base_ms, trial->given->lossy)) {
		const struct finding *finding = finding_about(trial, thing, NULL, NULL);

		if (!finding)
			fail_unit(trial, "nothing is said of the object", thing, sort->type,
				&thing->primary);
		else if (finding->verdict != VERDICT_REVERT)
			fail_trial(trial, "the object does not go back", finding);
	}
	if (!thing_is_examined(thing))
		return;
	for (size_t i = 0; i < sort->field_count; i++)
		expect_unit(trial, thing, &thing->fields[i], sort->fields[i].name, NULL);
	for (size_t i = 0; i < sort->set_count; i++)
		for (size_t j = 0; j < ELEMENTS; j++) {
			element_text(element, thing, &sort->sets[i], j);
			expect_unit(trial, thing, &thing->sets[i][j], sort->sets[i].name, element);
		}
	expect_mailbox(trial, thing);
}

/* ---- all of it -------------------------------------------------------------------------------- */

struct evidence *given_evidence(struct incident *incident, const struct given *given)
{
	struct evidence *evidence = given->window_count
		? incident_evidence(incident, given->windows, given->window_count, given->lossy)
		: incident_no_evidence(incident);

	if (given->files)
		incident_add_files(incident, evidence);
	return evidence;
}

static int64_t known_from(const struct incident *incident, const struct given *given)
{
	const struct window *last = given->window_count ? &given->windows[given->window_count - 1]
							: NULL;

	if (!last || last->until_ms < snapshot_header(incident->live)->taken_until_ms)
		return INT64_MAX;
	return last->from_ms;
}

size_t judge_findings(uint64_t seed, struct incident *incident, const struct given *given,
	const struct findings *findings)
{
	struct trial trial = { seed, incident, given, findings, known_from(incident, given),
		snapshot_header(incident->base)->taken_until_ms,
		snapshot_header(incident->live)->taken_from_ms };
	size_t reverts = 0;

	for (size_t i = 0; i < findings_count(findings); i++) {
		const struct finding *finding = findings_get(findings, i);

		if (finding->verdict != VERDICT_REVERT)
			continue;
		reverts++;
		check_revert(&trial, finding);
	}
	for (size_t i = 0; i < THINGS && !given->rebuilt; i++)
		expect_thing(&trial, &incident->things[i]);
	return reverts;
}
