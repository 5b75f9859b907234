/*
 * The blast radius on one screen: mail flow and sign-in first, since these are the people who can't work
 * now; then how much of what; then what heals by itself and what never will; then what is not certain.
 */
#include "cli/find.h"

#include "base/scan.h"
#include "base/text.h"

enum { NOT_FOUND_LISTED = 1, SAID_AT = 12 };

/* ---- numbers in a line -------------------------------------------------------------------- */

/* "10 primary addresses changed, 4 in conflict": what is 0 is left out. */
struct sentence {
	struct screen *screen;
	unsigned column; /* 0: nothing is said yet */
};

static void say(struct sentence *sentence, enum style style, uint64_t number, const char *one,
	const char *many)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCREEN_COLUMNS);
	bool fits;

	if (!number)
		return;
	buf_addf(&text, "%llu %s", (unsigned long long)number, number == 1 ? one : many);
	fits = sentence->column + 3 + text.length <= SCREEN_COLUMNS;
	if (sentence->column)
		screen_addf(sentence->screen, STYLE_PLAIN, "%s%*s", fits ? ", " : ",\n",
			fits ? 0 : SAID_AT, "");
	if (!sentence->column || !fits)
		sentence->column = SAID_AT;
	else
		sentence->column += 2;
	screen_addf(sentence->screen, style, "%s", buf_text(&text));
	sentence->column += (unsigned)text.length;
}

static void end(struct sentence *sentence)
{
	if (!sentence->column)
		screen_addf(sentence->screen, STYLE_PLAIN, "not touched");
	screen_addf(sentence->screen, STYLE_PLAIN, "\n");
}

/* ---- who can't work ------------------------------------------------------------------------ */

static void add_mail(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	struct sentence sentence = { .screen = screen };

	screen_addf(screen, STYLE_BOLD, "\nMail flow   ");
	say(&sentence, STYLE_RED, summary->primary_changed, "primary address", "primary addresses");
	say(&sentence, STYLE_RED, blast->addresses, "address in all", "addresses in all");
	say(&sentence, STYLE_YELLOW, summary->conflicts, "value in conflict", "values in conflict");
	end(&sentence);
}

static void add_sign_in(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	struct sentence sentence = { .screen = screen };

	screen_addf(screen, STYLE_BOLD, "Sign-in     ");
	say(&sentence, STYLE_RED, summary->upn_changed, "sign-in name", "sign-in names");
	say(&sentence, STYLE_RED, summary->disabled, "person disabled", "people disabled");
	say(&sentence, STYLE_RED, blast->objects[KIND_USER][DEED_DELETED], "person deleted",
		"people deleted");
	end(&sentence);
}

static void add_privileged(
	struct screen *screen, const struct blast *blast, const struct evidence *evidence)
{
	struct sentence sentence = { .screen = screen };
	bool known = evidence_list(evidence, HOLDERS_OF_ROLES, NULL) == LIST_READ;

	screen_addf(screen, STYLE_BOLD, "Privileged  ");
	say(&sentence, STYLE_RED, blast->privileged[PRIVILEGE_ROLE_GROUP], "role-assignable group",
		"role-assignable groups");
	say(&sentence, STYLE_RED, blast->privileged[PRIVILEGE_ROLE], "holder of a role",
		"holders of roles");
	say(&sentence, STYLE_RED, blast->privileged[PRIVILEGE_RESTRICTED], "restricted object",
		"restricted objects");
	if (!known) {
		screen_addf(screen, STYLE_YELLOW, "%sunknown who holds a role",
			sentence.column ? "; " : "");
		sentence.column = SAID_AT;
	}
	end(&sentence);
	for (size_t i = 0; i < blast->privileged_named; i++) {
		screen_addf(screen, STYLE_PLAIN, i ? ", " : "            ");
		screen_text(screen, STYLE_PLAIN, blast->privileged_names[i], 20, false);
	}
	if (blast->privileged_named)
		screen_addf(screen, STYLE_PLAIN, "\n");
}

static bool is_touched(const uint64_t objects[DEED_COUNT])
{
	for (int deed = 0; deed < DEED_COUNT; deed++)
		if (objects[deed])
			return true;
	return false;
}

static void add_table(struct screen *screen, const struct blast *blast)
{
	screen_addf(screen, STYLE_BOLD, "\n%-12s", "Objects");
	for (int deed = 0; deed < DEED_COUNT; deed++)
		screen_addf(screen, STYLE_PLAIN, "  %9s", deed_name((enum deed)deed));
	screen_addf(screen, STYLE_PLAIN, "\n");
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *name = kind_get((enum kind_id)kind)->name;

		if (!is_touched(blast->objects[kind]))
			continue;
		screen_addf(screen, STYLE_PLAIN, "  %ss%*s", name, (int)(9 - strlen(name)), "");
		for (int deed = 0; deed < DEED_COUNT; deed++)
			screen_addf(screen, STYLE_PLAIN, "  %9llu",
				(unsigned long long)blast->objects[kind][deed]);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

/* ---- what heals ------------------------------------------------------------------------------ */

static const struct {
	const char *why, *how;
} stays_texts[STAYS_COUNT] = {
	[STAYS_CLOUD] = { "the cloud masters them", "unstage apply" },
	[STAYS_DELETED] = { "deleted: would return with another id", "unstage apply" },
	[STAYS_MADE] = { "made in its wider scope", "our CSV: adsync" },
	[STAYS_DIRECTORY] = { "sent to Active Directory too", "correct AD first" },
	[STAYS_EXCHANGE] = { "Exchange Online masters them", "our script" },
	[STAYS_GONE] = { "gone for good (blocked)", "our paragraph" },
	[STAYS_MANUAL] = { "protected, or no rule flows them", "our paragraph" },
};

static const struct {
	enum verdict verdict;
	enum style style;
	const char *text;
} verdict_rows[] = {
	{ VERDICT_HEALED, STYLE_GREEN, "back already" },
	{ VERDICT_CONTESTED, STYLE_YELLOW, "somebody decided since: never overwritten" },
	{ VERDICT_SUSPECT, STYLE_YELLOW, "not proved: a person must look" },
	{ VERDICT_DRIFT, STYLE_DIM, "changed by others since the snapshot: kept" },
	{ VERDICT_KEPT, STYLE_DIM, "a line of the decisions keeps it for now" },
};

static uint64_t sum_of_stays(const struct blast *blast)
{
	uint64_t sum = 0;

	for (int stays = 0; stays < STAYS_COUNT; stays++)
		sum += blast->stays[stays];
	return sum;
}

/* By whose rules that is said. */
static void add_basis(struct screen *screen, const struct findings_summary *summary)
{
	char when[TIME_TEXT_BYTES];

	if (!summary->flows_server) {
		screen_addf(screen, STYLE_PLAIN, ", by the default rules\n");
		return;
	}
	screen_addf(screen, STYLE_PLAIN, ",\n          by the configuration of ");
	screen_text(screen, STYLE_PLAIN, span_of(summary->flows_server), 0, false);
	if (summary->flows_ms != TIME_NONE)
		screen_addf(
			screen, STYLE_PLAIN, ", exported %s", time_text(summary->flows_ms, when));
	screen_addf(screen, STYLE_PLAIN, "\n");
}

/* Of these: what production's own connector space says of them. */
static void add_foreseen(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	static const char *const words[FORESEEN_COUNT] = {
		[FORESEEN_BEFORE] = "exactly as before",
		[FORESEEN_OTHER] = "as another value",
		[FORESEEN_DELETE] = "deleted with the object",
		[FORESEEN_UNKNOWN] = "not told",
	};
	const char *comma = "";

	if (!summary->production_space || !blast->heals)
		return;
	screen_addf(screen, STYLE_PLAIN, "          by its connector space: ");
	for (size_t i = FORESEEN_COUNT; i-- > 0;) {
		if (!words[i] || !blast->foreseen[i])
			continue;
		screen_addf(screen, STYLE_PLAIN, "%s%llu %s", comma,
			(unsigned long long)blast->foreseen[i], words[i]);
		comma = ", ";
	}
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_heals(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	screen_addf(screen, STYLE_GREEN, "  %6llu  heal at production's next cycle",
		(unsigned long long)blast->heals);
	add_basis(screen, summary);
	add_foreseen(screen, summary, blast);
	if (blast->heals_sign_in)
		screen_addf(screen, STYLE_YELLOW,
			"          %4llu  sign-in names: only with synchronizeUpnForManagedUsers on\n",
			(unsigned long long)blast->heals_sign_in);
	if (blast->heals_people)
		screen_addf(screen, STYLE_PLAIN,
			"          %4llu  people: out of deleted items, by the same anchor\n",
			(unsigned long long)blast->heals_people);
}

static void add_stays(struct screen *screen, const struct blast *blast)
{
	screen_addf(screen, STYLE_RED, "  %6llu  never heal:\n",
		(unsigned long long)sum_of_stays(blast));
	for (int stays = 0; stays < STAYS_COUNT; stays++)
		if (blast->stays[stays])
			screen_addf(screen, STYLE_PLAIN, "          %4llu  %-38s %s\n",
				(unsigned long long)blast->stays[stays], stays_texts[stays].why,
				stays_texts[stays].how);
}

static void add_verdicts(
	struct screen *screen, const struct comparison *comparison, const char *profile_name)
{
	const struct findings_summary *summary = findings_summary(comparison->findings);
	const struct blast *blast = findings_blast(comparison->findings);

	screen_addf(screen, STYLE_BOLD, "\nWhat heals by itself, and what never will\n");
	add_heals(screen, summary, blast);
	add_stays(screen, blast);
	screen_apply(screen, comparison, profile_name);
	for (size_t i = 0; i < COUNT_OF(verdict_rows); i++) {
		uint64_t number = summary->by_verdict[verdict_rows[i].verdict];

		if (number)
			screen_addf(screen, verdict_rows[i].style, "  %6llu  %-9s  %s\n",
				(unsigned long long)number, verdict_name(verdict_rows[i].verdict),
				verdict_rows[i].text);
	}
}

/* ---- what is not certain ---------------------------------------------------------------------- */

static void add_shared(struct screen *screen, const struct findings_summary *summary)
{
	if (summary->shared == SHARED_NOT)
		return;
	screen_addf(screen, STYLE_YELLOW, "  its account ");
	if (summary->other_server) {
		screen_addf(screen, STYLE_YELLOW, "is used by ");
		screen_text(screen, STYLE_YELLOW, span_of(summary->other_server), 20, false);
		screen_addf(screen, STYLE_YELLOW, " too");
	} else {
		screen_addf(screen, STYLE_YELLOW, "writes in two rhythms: two servers?");
	}
	screen_addf(screen, STYLE_YELLOW,
		"\n    The log can't tell them apart; the connector spaces of both can.\n");
}

static void add_uncovered(struct screen *screen, const struct comparison *comparison)
{
	const struct evidence_header *header = evidence_header(comparison->evidence);
	int64_t base_ms = snapshot_header(comparison->base)->taken_until_ms;
	int64_t live_ms = snapshot_header(comparison->live)->taken_until_ms;
	char text[TIME_TEXT_BYTES], other[TIME_TEXT_BYTES];

	if (!header->until_ms)
		return;
	if (header->from_ms > base_ms)
		screen_addf(screen, STYLE_YELLOW, "  nothing is known of %s to %s UTC\n",
			screen_time(base_ms, text), screen_time(header->from_ms, other));
	if (header->until_ms < live_ms)
		screen_addf(screen, STYLE_YELLOW, "  nothing is known of %s to %s UTC\n",
			screen_time(header->until_ms, text), screen_time(live_ms, other));
}

static void add_clocks(struct screen *screen, const struct findings *findings)
{
	size_t count;
	const struct export_account *exports = findings_exports(findings, &count);
	int64_t most_ms = 0;

	for (size_t i = 0; i < count; i++)
		if (exports[i].skew_ms > most_ms)
			most_ms = exports[i].skew_ms;
	if (most_ms < 1000)
		return;
	screen_addf(screen, STYLE_YELLOW, "  its writes lie ");
	screen_duration(screen, most_ms);
	screen_addf(screen, STYLE_YELLOW, " beside its runs: two clocks\n");
}

static void add_unexplained(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	uint64_t missing = summary->staging_facts - summary->explained_facts;

	if (!missing)
		return;
	screen_addf(screen, STYLE_YELLOW, "  %llu write%s explained by nothing, such as\n",
		(unsigned long long)missing, missing == 1 ? " is" : "s are");
	for (size_t i = 0; i < blast->unexplained_listed && i < NOT_FOUND_LISTED; i++) {
		const struct unexplained *one = &blast->unexplained[i];

		screen_addf(screen, STYLE_PLAIN, "    %s %.8s… ", one->kind->name, one->id.data);
		screen_text(screen, STYLE_PLAIN,
			one->name.data ? one->name : span_of(deed_name(one->deed)), 18, false);
		screen_addf(screen, STYLE_PLAIN, ": %s\n", one->why);
	}
}

static void add_flips(struct screen *screen, struct evidence *evidence)
{
	size_t count;
	const struct flip_flop *flips = evidence_flip_flops(evidence, &count);
	uint64_t values = 0;

	for (size_t i = 0; i < count; i++)
		values += flips[i].values;
	if (values)
		screen_addf(screen, STYLE_RED,
			"  two servers overwrite each other in turns, %llu value%s: stop one first\n",
			(unsigned long long)values, plural(values));
}

/* The heading only where something follows it. */
static void add_doubts(struct screen *screen, const struct comparison *comparison)
{
	size_t before = screen->text.length, begun;
	const struct findings_summary *summary = findings_summary(comparison->findings);

	screen_addf(screen, STYLE_BOLD, "\nNot certain\n");
	begun = screen->text.length;
	add_shared(screen, summary);
	add_flips(screen, comparison->evidence);
	add_uncovered(screen, comparison);
	add_unexplained(screen, summary, findings_blast(comparison->findings));
	add_clocks(screen, comparison->findings);
	screen_doubts(screen, comparison->evidence);
	if (screen->text.length == begun)
		buf_cut(&screen->text, before);
}

void screen_blast(
	struct screen *screen, const struct comparison *comparison, const char *profile_name)
{
	const struct findings_summary *summary = findings_summary(comparison->findings);
	const struct blast *blast = findings_blast(comparison->findings);

	add_mail(screen, summary, blast);
	add_sign_in(screen, summary, blast);
	add_privileged(screen, blast, comparison->evidence);
	add_table(screen, blast);
	add_verdicts(screen, comparison, profile_name);
	screen_accounts(screen, comparison->findings);
	screen_forecast(screen, summary);
	add_doubts(screen, comparison);
}

/* ---- as JSON ----------------------------------------------------------------------------------- */

static void add_deeds_json(
	struct screen *screen, const char *key, const uint64_t counts[KIND_COUNT][DEED_COUNT])
{
	screen_addf(screen, STYLE_PLAIN, ",\"%s\":{", key);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		screen_addf(screen, STYLE_PLAIN, "%s\"%s\":{", kind ? "," : "",
			kind_get((enum kind_id)kind)->name);
		for (int deed = 0; deed < DEED_COUNT; deed++)
			screen_addf(screen, STYLE_PLAIN, "%s\"%s\":%llu", deed ? "," : "",
				deed_name((enum deed)deed), (unsigned long long)counts[kind][deed]);
		screen_addf(screen, STYLE_PLAIN, "}");
	}
	screen_addf(screen, STYLE_PLAIN, "}");
}

static void add_unexplained_json(struct screen *screen, const struct blast *blast)
{
	char when[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, ",\"unexplained\":[");
	for (size_t i = 0; i < blast->unexplained_listed; i++) {
		const struct unexplained *one = &blast->unexplained[i];

		screen_addf(screen, STYLE_PLAIN,
			"%s{\"kind\":\"%s\",\"id\":\"%s\",\"when\":\"%s\",\"operation\":\"%s\","
			"\"why\":\"%s\",\"attribute\":",
			i ? "," : "", one->kind->name, one->id.data, time_text(one->when_ms, when),
			deed_name(one->deed), one->why);
		if (one->name.data)
			scan_quote(one->name, &screen->text);
		else
			screen_addf(screen, STYLE_PLAIN, "null");
		screen_addf(screen, STYLE_PLAIN, "}");
	}
	screen_addf(screen, STYLE_PLAIN, "]");
}

static void add_foreseen_json(
	struct screen *screen, const struct findings_summary *summary, const struct blast *blast)
{
	if (!summary->production_space)
		return;
	screen_addf(screen, STYLE_PLAIN, ",\"next\":{\"unknown\":%llu",
		(unsigned long long)blast->foreseen[FORESEEN_UNKNOWN]);
	for (int i = FORESEEN_UNKNOWN + 1; i < FORESEEN_COUNT; i++)
		if (i != FORESEEN_NOTHING)
			screen_addf(screen, STYLE_PLAIN, ",\"%s\":%llu",
				foreseen_name((enum foreseen)i),
				(unsigned long long)blast->foreseen[i]);
	screen_addf(screen, STYLE_PLAIN, "}");
}

void screen_blast_json(struct screen *screen, const struct comparison *comparison)
{
	const struct blast *blast = findings_blast(comparison->findings);

	add_deeds_json(screen, "objectsBy", blast->objects);
	add_deeds_json(screen, "writesBy", blast->writes);
	add_deeds_json(screen, "explainedBy", blast->explained);
	add_unexplained_json(screen, blast);
	screen_addf(screen, STYLE_PLAIN,
		",\"addresses\":%llu,\"heals\":{\"values\":%llu,\"signInNames\":%llu,\"people\":%llu",
		(unsigned long long)blast->addresses, (unsigned long long)blast->heals,
		(unsigned long long)blast->heals_sign_in, (unsigned long long)blast->heals_people);
	add_foreseen_json(screen, findings_summary(comparison->findings), blast);
	screen_addf(screen, STYLE_PLAIN, "},\"stays\":{\"values\":%llu",
		(unsigned long long)sum_of_stays(blast));
	for (int stays = 0; stays < STAYS_COUNT; stays++)
		screen_addf(screen, STYLE_PLAIN, ",\"%s\":%llu", stays_name((enum stays)stays),
			(unsigned long long)blast->stays[stays]);
	screen_addf(screen, STYLE_PLAIN, "},\"privileged\":{\"rolesKnown\":%s",
		evidence_list(comparison->evidence, HOLDERS_OF_ROLES, NULL) == LIST_READ ? "true"
											 : "false");
	for (int i = 0; i < PRIVILEGE_COUNT; i++)
		screen_addf(screen, STYLE_PLAIN, ",\"%s\":%llu", privilege_name((enum privilege)i),
			(unsigned long long)blast->privileged[i]);
	screen_addf(screen, STYLE_PLAIN, "}");
	screen_identities_json(screen, comparison->evidence);
}
