/* What the examination found, on a screen of 80 columns or as one JSON document. */
#include "online/doctor.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

enum {
	MARK_COLUMNS = 8,
	TEXT_COLUMN = 2 + MARK_COLUMNS + 1 + CHECK_NAME_COLUMNS + 1,
	LIST_MAX = 16 << 10,
	PERMISSION_COLUMNS = 46,
};

static const struct {
	const char *name;
	enum style style;
} marks[] = {
	[MARK_OK] = { "ok", STYLE_GREEN },
	[MARK_MISSING] = { "missing", STYLE_RED },
	[MARK_UNKNOWN] = { "unknown", STYLE_YELLOW },
	[MARK_NOTE] = { "note", STYLE_DIM },
	[MARK_YES] = { "yes", STYLE_GREEN },
	[MARK_NO] = { "no", STYLE_YELLOW },
};

static const struct {
	const char *name, *heading;
} sections[SECTION_COUNT] = {
	[SECTION_MACHINE] = { "machine", "This machine" },
	[SECTION_SIGN_IN] = { "sign-in", "Signing in" },
	[SECTION_TENANT] = { "tenant", "The tenant" },
	[SECTION_READING] = { "reading", "What a snapshot reads" },
	[SECTION_AUDIT] = { "audit", "The audit log" },
	[SECTION_WISHED] = { "wished", "What helps, and can be missed" },
	[SECTION_OPEN] = { "open", "What documentation leaves open" },
};

const char *mark_name(enum mark mark)
{
	return marks[mark].name;
}

/* ---- the screen ------------------------------------------------------------------------ */

static void add_row(struct screen *screen, enum mark mark, const char *name, const char *text)
{
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_text(screen, marks[mark].style, span_of(marks[mark].name), MARK_COLUMNS, true);
	screen_addf(screen, STYLE_PLAIN, " ");
	screen_text(screen, STYLE_PLAIN, span_of(name), CHECK_NAME_COLUMNS, true);
	screen_addf(screen, STYLE_PLAIN, " ");
	screen_paragraph(screen, STYLE_PLAIN, span_of(text), TEXT_COLUMN);
}

static void add_section(struct screen *screen, const struct doctor *doctor, enum section section)
{
	bool any = false;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		if (check->section != section)
			continue;
		if (!any)
			screen_addf(screen, STYLE_BOLD, "\n%s\n", sections[section].heading);
		any = true;
		add_row(screen, check->mark, check->name, check->text);
	}
}

static const char *role_of(const struct doctor *doctor, const struct seen_identity *identity)
{
	const struct {
		const char *given, *role;
	} roles[] = { { doctor->profile->staging, "staging" },
		{ doctor->profile->production, "production" } };

	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (roles[i].given && *roles[i].given &&
			(text_compare_caseless(
				 span_of(roles[i].given), span_of(identity->server)) == 0 ||
				text_compare_caseless(
					span_of(roles[i].given), span_of(identity->name)) == 0))
			return roles[i].role;
	return NULL;
}

static void add_identities(struct screen *screen, const struct doctor *doctor)
{
	if (doctor->identity_count)
		screen_addf(screen, STYLE_BOLD, "\nSync servers, as seen in the last seven days\n");
	for (size_t i = 0; i < doctor->identity_count; i++) {
		const struct seen_identity *identity = &doctor->identities[i];
		const char *role = role_of(doctor, identity);
		char last[TIME_TEXT_BYTES];

		screen_addf(screen, STYLE_PLAIN, "  ");
		screen_text(screen, STYLE_CYAN,
			span_of(*identity->server ? identity->server : "(no name)"), 16, true);
		screen_addf(screen, STYLE_PLAIN, " %-10s  ", role ? role : "-");
		if (identity->records)
			screen_addf(screen, STYLE_PLAIN, "%s%llu records, last %s UTC\n",
				identity->more ? "at least " : "",
				(unsigned long long)identity->records,
				screen_time(identity->last_ms, last));
		else
			screen_addf(screen, STYLE_PLAIN, "may synchronise; wrote nothing lately\n");
		screen_addf(screen, STYLE_PLAIN, "    ");
		screen_text(
			screen, STYLE_PLAIN, span_of(identity->name), SCREEN_COLUMNS - 5, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

static void add_quota(struct screen *screen, const struct doctor *doctor)
{
	struct graph_quota_state states[GRAPH_QUOTA_COUNT];

	if (!doctor->http && !*doctor->organization.id)
		return;
	graph_quota_state(doctor->session->graph, states);
	screen_addf(screen, STYLE_BOLD, "\nThe quota of this application\n");
	for (size_t i = 0; i < GRAPH_QUOTA_COUNT; i++) {
		screen_addf(screen, STYLE_PLAIN,
			"  %-26s %6.0f in %3d s, %s; ours %.1f, spent %.0f", states[i].name,
			states[i].limit, (int)(states[i].window_ms / 1000),
			states[i].learned ? "learned" : "published", states[i].share,
			states[i].spent);
		screen_addf(screen, STYLE_PLAIN, "\n");
		if (states[i].used > 0)
			screen_addf(screen, STYLE_YELLOW,
				"  %-26s %6.0f %% of it is used, by everybody\n", "",
				states[i].used * 100);
	}
	screen_addf(screen, STYLE_PLAIN, "  %-26s %6.0f resource units\n", "this examination",
		graph_units_spent(doctor->session->graph));
}

static void add_abilities(struct screen *screen, const struct doctor *doctor)
{
	size_t count;
	const struct ability *all = abilities(&count);

	screen_addf(screen, STYLE_BOLD, "\nWhat can be done now\n");
	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_release)
		struct buf why = BUF_UP_TO(LIST_MAX), text = BUF_UP_TO(LIST_MAX);
		enum mark mark = ability_mark(doctor, &all[i], &why);

		if (mark == MARK_OK)
			buf_add_text(&text, all[i].any_of ? "yes, the token says" : "yes");
		else
			buf_addf(&text, mark == MARK_MISSING ? "lacks %s" : "could not tell: %s",
				buf_text(&why));
		add_row(screen, mark, all[i].name, buf_text(&text));
	}
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_paragraph(screen, STYLE_DIM,
		SPAN_LITERAL("No write was tried: none is harmless. Administrators as targets "
			     "need a directory role besides. Not tried either: what a restore "
			     "answers when a name is taken, and how large a request may be."),
		2);
}

static void add_grants(struct screen *screen, const struct doctor *doctor, bool to_apply)
{
	for (enum grant_id id = GRANT_NONE + 1; id < GRANT_COUNT; id++) {
		const struct grant *grant = grant_of(id);
		enum mark mark = grant_mark(doctor, id);

		if (grant->to_apply != to_apply)
			continue;
		screen_addf(screen, STYLE_PLAIN, "  ");
		screen_text(
			screen, marks[mark].style, span_of(marks[mark].name), MARK_COLUMNS, true);
		screen_addf(screen, STYLE_PLAIN, " %s%s\n", grant->permission,
			grant->needed ? "" : " (wished)");
		screen_addf(screen, STYLE_PLAIN, "%*s", 2 + MARK_COLUMNS + 1 + 2, "");
		screen_paragraph(
			screen, STYLE_DIM, span_of(grant->what_for), 2 + MARK_COLUMNS + 1 + 2);
	}
}

static void add_next(struct screen *screen, const struct doctor *doctor)
{
	CLEANUP(buf_release) struct buf missing = BUF_UP_TO(LIST_MAX), text = BUF_UP_TO(LIST_MAX);

	for (enum grant_id id = GRANT_NONE + 1; id < GRANT_COUNT; id++)
		if (grant_of(id)->needed && !grant_of(id)->to_apply &&
			grant_mark(doctor, id) == MARK_MISSING)
			buf_addf(&missing, "%s%s", missing.length ? ", " : "",
				grant_of(id)->permission);
	if (missing.length)
		buf_addf(&text,
			"Grant %s to the application %s (App registrations, API permissions, "
			"Microsoft Graph, Application permissions, then admin consent), wait a "
			"minute, and run it again.",
			buf_text(&missing),
			doctor->profile->client_id ? doctor->profile->client_id : "that signs in");
	else if (doctor_is_complete(doctor))
		buf_add_text(&text,
			"All that is needed to look is there: unstage snapshot --output "
			"live.jsonl.zst");
	else
		buf_add_text(&text, "See to the rows above that are missing or unknown.");
	screen_addf(screen, STYLE_BOLD, "\nNext\n  ");
	screen_paragraph(screen, STYLE_CYAN, buf_span(&text), 2);
}

void doctor_add_screen(struct screen *screen, const struct doctor *doctor)
{
	bool asked = doctor->session && doctor->trouble.kind == ERROR_NONE;

	screen_addf(screen, STYLE_BOLD, "Can these credentials do the job?\n");
	for (enum section section = 0; section < SECTION_COUNT; section++) {
		add_section(screen, doctor, section);
		if (section == SECTION_AUDIT)
			add_identities(screen, doctor);
	}
	if (!asked) {
		screen_addf(screen, STYLE_BOLD, "\nNext\n  ");
		screen_paragraph(screen, STYLE_CYAN,
			SPAN_LITERAL(
				"Nothing could be asked of the tenant: the last line says why."),
			2);
		return;
	}
	add_quota(screen, doctor);
	add_abilities(screen, doctor);
	screen_addf(screen, STYLE_BOLD, "\nWhat to grant, to look\n");
	add_grants(screen, doctor, false);
	screen_addf(screen, STYLE_BOLD, "\nWhat to grant to a second application, to apply\n");
	add_grants(screen, doctor, true);
	add_next(screen, doctor);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *text_json(const char *text)
{
	CLEANUP(buf_release) struct buf printable = BUF_UP_TO(LIST_MAX);

	if (!text || !*text)
		return json_null();
	text_printable(&printable, span_of(text));
	return json_string(buf_text(&printable));
}

static json_t *moment_json(int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	return ms == TIME_NONE ? json_null() : json_string(time_text(ms, text));
}

static json_t *check_json(const struct check *check)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:o}", "section",
		sections[check->section].name, "name", check->name, "mark", mark_name(check->mark),
		"needed", check->needed, "text", text_json(check->text));

	if (check->grant != GRANT_NONE)
		json_object_set_new(
			json, "permission", json_string(grant_of(check->grant)->permission));
	if (check->needs)
		json_object_set_new(json, "needs", json_string(check->needs));
	if (check->status) {
		json_object_set_new(json, "status", json_integer(check->status));
		json_object_set_new(json, "code", text_json(check->code));
		json_object_set_new(json, "request_id", text_json(check->request_id));
	}
	return json;
}

static json_t *checks_json(const struct doctor *doctor)
{
	json_t *all = json_array();

	for (size_t i = 0; i < doctor->count; i++)
		json_array_append_new(all, check_json(&doctor->checks[i]));
	return all;
}

static json_t *identities_json(const struct doctor *doctor)
{
	json_t *all = json_array();

	for (size_t i = 0; i < doctor->identity_count; i++) {
		const struct seen_identity *identity = &doctor->identities[i];

		json_array_append_new(all,
			json_pack("{s:o, s:o, s:o, s:b, s:b, s:I, s:b, s:o}", "name",
				text_json(identity->name), "server", text_json(identity->server),
				"role", text_json(role_of(doctor, identity)), "application",
				identity->application, "may_synchronise", identity->granted,
				"records", (json_int_t)identity->records, "more", identity->more,
				"last", moment_json(identity->last_ms)));
	}
	return all;
}

static json_t *abilities_json(const struct doctor *doctor)
{
	json_t *all = json_array();
	size_t count;
	const struct ability *ability = abilities(&count);

	for (const struct ability *end = ability + count; ability < end; ability++) {
		CLEANUP(buf_release) struct buf why = BUF_UP_TO(LIST_MAX);
		enum mark mark = ability_mark(doctor, ability, &why);
		json_t *json = json_pack("{s:s, s:s, s:o}", "name", ability->name, "mark",
			mark_name(mark), "why", text_json(buf_text(&why)));

		if (ability->method) {
			json_object_set_new(json, "least",
				json_stringn(ability->any_of, strcspn(ability->any_of, " ")));
			json_object_set_new(json, "needs",
				json_string(graph_permission(ability->method, ability->url)));
		}
		json_array_append_new(all, json);
	}
	return all;
}

static json_t *grants_json(const struct doctor *doctor)
{
	json_t *all = json_array();

	for (enum grant_id id = GRANT_NONE + 1; id < GRANT_COUNT; id++) {
		const struct grant *grant = grant_of(id);

		json_array_append_new(all,
			json_pack("{s:s, s:s, s:b, s:s, s:s}", "permission", grant->permission,
				"for", grant->what_for, "needed", grant->needed, "to",
				grant->to_apply ? "apply" : "look", "mark",
				mark_name(grant_mark(doctor, id))));
	}
	return all;
}

static json_t *quota_json(const struct doctor *doctor)
{
	struct graph_quota_state states[GRAPH_QUOTA_COUNT];
	json_t *all = json_array();

	graph_quota_state(doctor->session->graph, states);
	for (size_t i = 0; i < GRAPH_QUOTA_COUNT; i++)
		json_array_append_new(all,
			json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:b}", "name",
				states[i].name, "window_ms", (json_int_t)states[i].window_ms,
				"published", states[i].published, "limit", states[i].limit, "share",
				states[i].share, "spent", states[i].spent, "used", states[i].used,
				"learned", states[i].learned));
	return all;
}

static json_t *trouble_json(const struct error *trouble)
{
	if (trouble->kind == ERROR_NONE)
		return json_null();
	return json_pack("{s:s, s:i, s:o}", "kind", error_kind_name(trouble->kind), "status",
		(int)trouble->kind, "text", text_json(trouble->text));
}

void doctor_add_json(struct screen *screen, const struct doctor *doctor)
{
	json_t *json = json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "format",
		"unstage-doctor/1", "complete", doctor_is_complete(doctor), "checks",
		checks_json(doctor), "identities", identities_json(doctor), "abilities",
		abilities_json(doctor), "grants", grants_json(doctor), "token_says",
		text_json(doctor->permissions), "trouble", trouble_json(&doctor->trouble));

	json_object_set_new(json, "profile",
		text_json(doctor->profile ? doctor->profile->name : doctor->profile_name));
	json_object_set_new(json, "tenant",
		*doctor->organization.id ? json_pack("{s:s, s:o}", "id", doctor->organization.id,
						   "name", text_json(doctor->organization.name))
					 : json_null());
	if (doctor->session)
		json_object_set_new(json, "quota", quota_json(doctor));
	json_add(&screen->text, json);
	buf_add_byte(&screen->text, '\n');
	json_decref(json);
}
