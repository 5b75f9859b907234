/*
 * Who synchronises: every sync identity that wrote, when and how, so that a person can say which of
 * them is the staging server. It is not guessed: the wrong choice would undo production's work.
 */
#include "cli/find.h"

#include "base/json.h"
#include "base/text.h"

enum { COMMANDS_MAX = 4 };

/* Records may lack an id, and who types nothing means none of them. */
static bool same_text(const char *a, const char *b)
{
	return a && b && *a && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

static bool is_meant(const struct sync_identity *identity, const char *given)
{
	const struct writer *writer = &identity->writer;

	return same_text(writer->server, given) || same_text(writer->name, given) ||
		same_text(writer->id, given);
}

/* ---- one of them ------------------------------------------------------------------------ */

static void add_density(struct screen *screen, const struct rhythm *rhythm)
{
	int64_t lasted_ms = rhythm->densest_until_ms - rhythm->densest_from_ms;
	char from[TIME_TEXT_BYTES];

	if (!rhythm->densest_facts || rhythm->bursts < 2)
		return;
	screen_addf(screen, STYLE_PLAIN, "\n      most at %s: %llu write%s in ",
		screen_time(rhythm->densest_from_ms, from),
		(unsigned long long)rhythm->densest_facts, plural(rhythm->densest_facts));
	screen_duration(screen, lasted_ms);
}

static void add_shared(struct screen *screen, const struct sync_identity *identity)
{
	if (identity->shared == SHARED_NOT)
		return;
	screen_addf(screen, STYLE_YELLOW, "\n      ");
	if (identity->shared == SHARED_RHYTHM) {
		screen_addf(screen, STYLE_YELLOW, "two rhythms: do two servers use this account?");
		return;
	}
	screen_addf(screen, STYLE_YELLOW, "also used by ");
	screen_text(screen, STYLE_YELLOW, span_of(identity->other_server), 20, false);
	screen_addf(screen, STYLE_YELLOW, ", says a server's file: the log can't tell whose it is");
}

static void add_identity(struct screen *screen, const struct sync_identity *identity)
{
	char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];
	const char *server = identity->writer.server;

	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_text(screen, STYLE_CYAN, span_of(server ? server : "(no server's name)"), 18, false);
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_text(screen, STYLE_PLAIN, span_of(identity->writer.name), 56, false);
	if (identity->known_by == KNOWN_BY_ROLE)
		screen_addf(screen, STYLE_PLAIN, "\n      holds a role of sync; id %.36s",
			identity->writer.id);
	screen_addf(screen, STYLE_PLAIN,
		"\n      %llu write%s on %llu object%s, %s to %s UTC\n      ",
		(unsigned long long)identity->facts, plural(identity->facts),
		(unsigned long long)identity->objects, plural(identity->objects),
		screen_time(identity->first_ms, first), screen_time(identity->last_ms, last));
	screen_rhythm(screen, identity);
	add_density(screen, &identity->rhythm);
	add_shared(screen, identity);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_flip_flops(struct screen *screen, struct evidence *evidence)
{
	size_t count;
	const struct flip_flop *flips = evidence_flip_flops(evidence, &count);
	char when[TIME_TEXT_BYTES];

	for (size_t i = 0; i < count; i++) {
		const struct fact *last = flips[i].last;
		const struct writer *one = &flips[i].one->writer, *other = &flips[i].other->writer;

		screen_addf(screen, STYLE_RED, "  ");
		screen_text(screen, STYLE_RED, span_of(one->server ? one->server : one->name), 20,
			false);
		screen_addf(screen, STYLE_RED, " and ");
		screen_text(screen, STYLE_RED, span_of(other->server ? other->server : other->name),
			20, false);
		screen_addf(screen, STYLE_RED, " overwrite each other in turns: %llu value%s\n",
			(unsigned long long)flips[i].values, plural(flips[i].values));
		screen_addf(
			screen, STYLE_PLAIN, "      e.g. %s %.36s ", last->kind->name, last->id);
		screen_text(screen, STYLE_PLAIN,
			span_of(last->attribute ? last->attribute->name : "itself"), 22, false);
		screen_addf(screen, STYLE_PLAIN,
			"\n      %llu times, last %s UTC: stop one first\n",
			(unsigned long long)flips[i].turns, screen_time(last->when_ms, when));
	}
}

/* ---- what is not known --------------------------------------------------------------------- */

static void add_unread(struct screen *screen, struct evidence *evidence, enum holder_list list,
	const char *unread, const char *unasked)
{
	const char *why;
	enum list_state state = evidence_list(evidence, list, &why);

	if (state == LIST_READ)
		return;
	screen_addf(screen, STYLE_YELLOW, "  %s", state == LIST_NOT_READ ? unread : unasked);
	if (state == LIST_NOT_READ && why) {
		screen_addf(screen, STYLE_YELLOW, "\n    (");
		screen_text(screen, STYLE_YELLOW, span_of(why), 70, false);
		screen_addf(screen, STYLE_YELLOW, ")");
	}
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_gaps(struct screen *screen, const struct evidence *evidence)
{
	size_t count;
	const struct covered *covered = evidence_covered(evidence, &count);
	char until[TIME_TEXT_BYTES], from[TIME_TEXT_BYTES];

	if (!count)
		screen_addf(screen, STYLE_YELLOW,
			"  no audit log: only what servers' own files tell is known\n");
	for (size_t i = 1; i < count; i++)
		screen_addf(screen, STYLE_YELLOW, "  nothing is known of %s to %s UTC\n",
			screen_time(covered[i - 1].until_ms, until),
			screen_time(covered[i].from_ms, from));
}

void screen_doubts(struct screen *screen, struct evidence *evidence)
{
	add_gaps(screen, evidence);
	add_unread(screen, evidence, HOLDERS_OF_ROLES,
		"unknown who holds a role: others may synchronise, others be privileged",
		"nobody asked who holds a role: others may synchronise, or be privileged");
	add_unread(screen, evidence, HOLDERS_OF_SYNC,
		"unknown which applications may synchronise under another name",
		"nobody asked which applications may synchronise under another name");
}

/* The difference between "nobody wrote" and "nobody can say any more". */
static void add_reach(struct screen *screen, const struct evidence *evidence)
{
	enum reach reach = evidence_reach(evidence);
	char collected[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "  Collected %s UTC:\n  ",
		screen_time(evidence_header(evidence)->collected_ms, collected));
	screen_paragraph(screen, reach == REACH_CERTAIN ? STYLE_PLAIN : STYLE_YELLOW,
		span_of(reach_text(reach)), 2);
}

/* ---- the choice -------------------------------------------------------------------------- */

/* The only one of those whose rhythm is of `sorts`, a bit each; production left out. */
static const struct sync_identity *only_one(const struct sync_identity *identities, size_t count,
	const char *production, unsigned sorts)
{
	const struct sync_identity *only = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!(sorts >> identities[i].rhythm.sort & 1) ||
			(production && is_meant(&identities[i], production)))
			continue;
		if (only)
			return NULL;
		only = &identities[i];
	}
	return only;
}

/* The one who wrote once, as an accident does; or, if nobody did, the one who wrote in no cycle. */
static const struct sync_identity *clear_one(
	const struct sync_identity *identities, size_t count, const char *production)
{
	const struct sync_identity *once = only_one(
		identities, count, production, 1U << RHYTHM_BURST);

	return once
		? once
		: only_one(identities, count, production, 1U << RHYTHM_BURST | 1U << RHYTHM_BURSTS);
}

/* What to type for it: its server, where no other identity has that one; else what it alone has. */
static const char *argument_of(
	const struct sync_identity *identities, size_t count, const struct sync_identity *identity)
{
	const struct writer *writer = &identity->writer;

	for (size_t i = 0; writer->server && i < count; i++)
		if (&identities[i] != identity &&
			same_text(identities[i].writer.server, writer->server))
			return *writer->id ? writer->id : writer->name;
	if (writer->server)
		return writer->server;
	return *writer->id ? writer->id : writer->name;
}

static void add_choice(struct screen *screen, const struct find_typed *typed,
	const struct sync_identity *identities, size_t count, const char *production)
{
	const struct sync_identity *clear = clear_one(identities, count, production);
	size_t shown = 0;

	screen_addf(screen, STYLE_BOLD, "\nWhich of them is the staging server?\n");
	if (clear)
		screen_addf(screen, STYLE_PLAIN,
			"  One wrote at no regular time, as an accidental export does. If it is that one:\n");
	else
		screen_addf(screen, STYLE_PLAIN,
			"  The log does not say; whoever knows the servers does. One of:\n");
	for (size_t i = 0; i < count && shown < COMMANDS_MAX; i++) {
		if ((clear && &identities[i] != clear) ||
			(production && is_meant(&identities[i], production)))
			continue;
		screen_command(screen, "find", typed,
			argument_of(identities, count, &identities[i]), NULL);
		shown++;
	}
	if (!typed->operand_count)
		screen_addf(screen, STYLE_PLAIN,
			"  and with both snapshots, BASE LIVE, it tells what was done.\n");
	screen_addf(screen, STYLE_PLAIN,
		"  `staging = SERVER` in the configuration says it once for all.\n");
}

static void add_window(struct screen *screen, const struct evidence *evidence)
{
	const struct evidence_header *header = evidence_header(evidence);
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "Who synchronises");
	screen_addf(screen, STYLE_PLAIN, "  tenant %s\n", header->tenant);
	if (header->until_ms)
		screen_addf(screen, STYLE_PLAIN, "  %s to %s UTC, %zu audit records\n",
			screen_time(header->from_ms, from), screen_time(header->until_ms, until),
			evidence_records(evidence));
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void tell(struct screen *screen, const struct find_typed *typed, struct evidence *evidence,
	const char *staging, const char *production)
{
	size_t count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);

	add_window(screen, evidence);
	for (size_t i = 0; i < count; i++)
		add_identity(screen, &identities[i]);
	if (!count) {
		screen_addf(screen, STYLE_PLAIN, "  No sync server wrote anything%s.\n",
			evidence_count(evidence) ? "" : ", and nobody else: there are no records");
		add_reach(screen, evidence);
	}
	add_flip_flops(screen, evidence);
	screen_doubts(screen, evidence);
	if (count && !staging)
		add_choice(screen, typed, identities, count, production);
}

/* ---- as JSON ------------------------------------------------------------------------------ */

static const char *const rhythm_names[] = {
	[RHYTHM_UNKNOWN] = "unknown",
	[RHYTHM_BURST] = "burst",
	[RHYTHM_BURSTS] = "bursts",
	[RHYTHM_CYCLE] = "cycle",
	[RHYTHM_BOTH] = "cycle-and-besides",
};

static const char *const known_names[KNOWN_BY_COUNT] = {
	[KNOWN_BY_NAME] = "name",
	[KNOWN_BY_ROLE] = "role",
	[KNOWN_BY_FILE] = "file",
};

static const char *const shared_names[] = {
	[SHARED_NOT] = NULL,
	[SHARED_NAME] = "name",
	[SHARED_FILES] = "files",
	[SHARED_RHYTHM] = "rhythm",
};

static json_t *instant_json(int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	return ms == TIME_NONE ? json_null() : json_string(time_text(ms, text));
}

static json_t *rhythm_json(const struct rhythm *rhythm)
{
	json_t *json = json_pack("{s:s, s:I, s:I}", "sort", rhythm_names[rhythm->sort], "bursts",
		(json_int_t)rhythm->bursts, "densest", (json_int_t)rhythm->densest_facts);

	if (rhythm->cycle_ms)
		json_object_set_new(json, "cycleSeconds", json_integer(rhythm->cycle_ms / 1000));
	if (rhythm->densest_facts) {
		json_object_set_new(json, "densestFrom", instant_json(rhythm->densest_from_ms));
		json_object_set_new(json, "densestUntil", instant_json(rhythm->densest_until_ms));
	}
	if (rhythm->beside) {
		json_object_set_new(json, "besides", json_integer((json_int_t)rhythm->beside));
		json_object_set_new(json, "besidesFirst", instant_json(rhythm->beside_ms));
	}
	return json;
}

static json_t *identity_json(const struct sync_identity *identity)
{
	return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:I, s:I, s:I, s:o, s:o, s:o}", "id",
		identity->writer.id, "name", identity->writer.name, "server",
		identity->writer.server, "knownBy", known_names[identity->known_by], "shared",
		shared_names[identity->shared], "otherServer", identity->other_server, "writes",
		(json_int_t)identity->facts, "records", (json_int_t)identity->records, "objects",
		(json_int_t)identity->objects, "first", instant_json(identity->first_ms), "last",
		instant_json(identity->last_ms), "rhythm", rhythm_json(&identity->rhythm));
}

static json_t *flip_json(const struct flip_flop *flip)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:{s:s, s:s, s:s?, s:o}}", "one",
		flip->one->writer.name, "other", flip->other->writer.name, "values",
		(json_int_t)flip->values, "turns", (json_int_t)flip->turns, "last", "kind",
		flip->last->kind->name, "id", flip->last->id, "attribute",
		flip->last->attribute ? flip->last->attribute->name : NULL, "when",
		instant_json(flip->last->when_ms));
}

static json_t *list_json(const struct evidence *evidence, enum holder_list list)
{
	const char *why;
	enum list_state state = evidence_list(evidence, list, &why);

	if (state == LIST_NOT_ASKED)
		return json_null();
	return json_pack("{s:b, s:s?}", "read", state == LIST_READ, "why", why);
}

static void add_member(struct screen *screen, const char *key, json_t *value)
{
	screen_addf(screen, STYLE_PLAIN, ",\"%s\":", key);
	json_add(&screen->text, value);
	json_decref(value);
}

void screen_identities_json(struct screen *screen, struct evidence *evidence)
{
	size_t count, flip_count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);
	const struct flip_flop *flips = evidence_flip_flops(evidence, &flip_count);
	json_t *list = json_array(), *flip_list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, identity_json(&identities[i]));
	for (size_t i = 0; i < flip_count; i++)
		json_array_append_new(flip_list, flip_json(&flips[i]));
	add_member(screen, "identities", list);
	add_member(screen, "flipFlops", flip_list);
	add_member(screen, "lists",
		json_pack("{s:o, s:o}", "roles", list_json(evidence, HOLDERS_OF_ROLES), "sync",
			list_json(evidence, HOLDERS_OF_SYNC)));
}

static const char *const reach_names[] = {
	[REACH_NO_LOG] = "no-log",
	[REACH_CERTAIN] = "certain",
	[REACH_BY_LICENCE] = "by-licence",
	[REACH_NOT_YET] = "not-yet",
	[REACH_GONE] = "gone",
};

static void tell_json(struct screen *screen, struct evidence *evidence)
{
	const struct evidence_header *header = evidence_header(evidence);
	bool covered = header->until_ms != 0;

	screen_addf(screen, STYLE_PLAIN, "{\"format\":\"unstage-find/1\",\"tenant\":\"%s\"",
		header->tenant);
	add_member(screen, "coveredFrom", covered ? instant_json(header->from_ms) : json_null());
	add_member(screen, "coveredUntil", covered ? instant_json(header->until_ms) : json_null());
	screen_addf(screen, STYLE_PLAIN, ",\"records\":%zu,\"reach\":\"%s\"",
		evidence_records(evidence), reach_names[evidence_reach(evidence)]);
	screen_identities_json(screen, evidence);
	screen_addf(screen, STYLE_PLAIN, "}\n");
}

int find_candidates(const struct find_typed *typed, struct evidence *evidence, const char *staging,
	const char *production, struct error *err)
{
	const struct common *common = &typed->find->common;
	CLEANUP(screen_release) struct screen screen;
	size_t count;

	evidence_identities(evidence, &count);
	screen_init(&screen, common);
	if (common->json)
		tell_json(&screen, evidence);
	else
		tell(&screen, typed, evidence, staging, production);
	if (!screen_give(&screen, common, err))
		return -1;
	/* A comparison that lacks its question was not made; nor was a window looked at that is gone. */
	if (typed->operand_count || (!count && evidence_reach(evidence) != REACH_CERTAIN))
		return ERROR_USAGE;
	return count ? 1 : 0;
}
