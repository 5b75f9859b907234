/*
 * Who holds a role: the accounts and applications that may synchronise whatever their name is
 * (facts 2), and everybody else with a role of the directory. Said by the directory when evidence was
 * collected, and kept with it, so that the files alone tell what was known.
 *
 * In the file, behind the runs:
 *
 *	{"holders":"roles","read":true}
 *	{"holders":"sync","read":false,"why":"403 Authorization_RequestDenied"}
 *	{"holder":ID,"holds":"sync-role","role":ID,"app":ID,"name":TEXT}
 *
 * A list that nobody asked for has no line. A list that was refused says so: its absent holders are
 * unknown, and not none.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/evidence_internal.h"

struct holders {
	struct evidence_holder *at;
	size_t count, capacity;
	bool settled;
	enum list_state lists[HOLDER_LISTS];
	const char *why[HOLDER_LISTS];
};

static const char *const holding_names[HOLDING_COUNT] = {
	[HOLDING_SYNC_ROLE] = "sync-role",
	[HOLDING_SYNC_APPLICATION] = "sync-application",
	[HOLDING_ROLE] = "role",
};

static const char *const list_names[HOLDER_LISTS] = {
	[HOLDERS_OF_ROLES] = "roles",
	[HOLDERS_OF_SYNC] = "sync",
};

static struct holders *holders_of(struct evidence *evidence)
{
	if (!evidence->holders)
		evidence->holders = memory_new(sizeof(*evidence->holders));
	return evidence->holders;
}

void holders_free(struct holders *holders)
{
	if (!holders)
		return;
	memory_free(holders->at);
	memory_free(holders);
}

/* ---- collecting ------------------------------------------------------------------------ */

void evidence_add_holder(struct evidence *evidence, const struct evidence_holder *holder)
{
	struct holders *holders = holders_of(evidence);
	struct evidence_holder kept = {
		.holding = holder->holding,
		.id = evidence_keep(evidence, span_of(holder->id)).data,
		.role = evidence_keep(evidence, span_of(holder->role)).data,
		.app_id = evidence_keep(evidence, span_of(holder->app_id)).data,
		.name = evidence_keep(evidence, span_of(holder->name)).data,
	};

	MEMORY_GROW(holders->at, holders->count, holders->capacity);
	holders->at[holders->count++] = kept;
	holders->settled = false;
	evidence->settled = false;
}

void evidence_set_list(
	struct evidence *evidence, enum holder_list list, enum list_state state, const char *why)
{
	struct holders *holders = holders_of(evidence);

	holders->lists[list] = state;
	holders->why[list] = state == LIST_NOT_READ ? evidence_keep(evidence, span_of(why)).data
						    : NULL;
	evidence->settled = false;
}

enum list_state evidence_list(
	const struct evidence *evidence, enum holder_list list, const char **why)
{
	const struct holders *holders = evidence->holders;

	if (why)
		*why = holders ? holders->why[list] : NULL;
	return holders ? holders->lists[list] : LIST_NOT_ASKED;
}

/* What one collection read, the other need not have read; what neither did stays unknown. */
void holders_merge(struct evidence *into, struct evidence *from)
{
	size_t count;
	const struct evidence_holder *holders = evidence_holders(from, &count);

	for (size_t i = 0; i < count; i++)
		evidence_add_holder(into, &holders[i]);
	for (int list = 0; list < HOLDER_LISTS; list++) {
		const char *why;
		enum list_state state = evidence_list(from, (enum holder_list)list, &why);
		enum list_state here = evidence_list(into, (enum holder_list)list, NULL);

		if (state == LIST_READ || (state != LIST_NOT_ASKED && here == LIST_NOT_ASKED))
			evidence_set_list(into, (enum holder_list)list, state, why);
	}
}

/* ---- looking --------------------------------------------------------------------------- */

static int compare_holders(const void *left, const void *right)
{
	const struct evidence_holder *a = left, *b = right;
	int order = evidence_compare_numbers(a->holding, b->holding);

	if (!order)
		order = evidence_compare_texts(a->id, b->id);
	if (!order)
		order = evidence_compare_texts(a->role, b->role);
	if (!order)
		order = evidence_compare_texts(a->app_id, b->app_id);
	return order ? order : evidence_compare_texts(a->name, b->name);
}

static void settle(struct holders *holders)
{
	size_t kept = 0;

	if (holders->settled)
		return;
	holders->settled = true;
	if (holders->count)
		qsort(holders->at, holders->count, sizeof(*holders->at), compare_holders);
	for (size_t i = 0; i < holders->count; i++)
		if (!kept || compare_holders(&holders->at[kept - 1], &holders->at[i]) != 0)
			holders->at[kept++] = holders->at[i];
	holders->count = kept;
}

const struct evidence_holder *evidence_holders(struct evidence *evidence, size_t *count)
{
	*count = 0;
	if (!evidence->holders)
		return NULL;
	settle(evidence->holders);
	*count = evidence->holders->count;
	return evidence->holders->at;
}

bool evidence_holds(struct evidence *evidence, enum holding holding, struct span id)
{
	size_t count, low = 0, high;
	const struct evidence_holder *holders = evidence_holders(evidence, &count);

	for (high = count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = evidence_compare_numbers(holders[middle].holding, holding);

		if (!order)
			order = span_compare(span_of(holders[middle].id), id);
		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const char *holder_app_id(struct evidence *evidence, const char *given)
{
	size_t count;
	const struct evidence_holder *holders = evidence_holders(evidence, &count);

	for (size_t i = 0; given && i < count; i++)
		if (holders[i].app_id &&
			text_compare_caseless(span_of(holders[i].id), span_of(given)) == 0)
			return holders[i].app_id;
	return given;
}

/* ---- in the file ----------------------------------------------------------------------- */

static void add_member(struct buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	buf_addf(out, ",\"%s\":", key);
	scan_quote(span_of(text), out);
}

static void add_holder_line(struct buf *out, const struct evidence_holder *holder)
{
	buf_add_text(out, "{\"holder\":");
	scan_quote(span_of(holder->id), out);
	add_member(out, "holds", holding_names[holder->holding]);
	add_member(out, "role", holder->role);
	add_member(out, "app", holder->app_id);
	add_member(out, "name", holder->name);
	buf_add_text(out, "}\n");
}

void holders_add_lines(struct buf *out, struct evidence *evidence)
{
	size_t count;
	const struct evidence_holder *holders = evidence_holders(evidence, &count);

	for (int list = 0; list < HOLDER_LISTS; list++) {
		const char *why;
		enum list_state state = evidence_list(evidence, (enum holder_list)list, &why);

		if (state == LIST_NOT_ASKED)
			continue;
		buf_addf(out, "{\"holders\":\"%s\",\"read\":%s", list_names[list],
			state == LIST_READ ? "true" : "false");
		add_member(out, "why", why);
		buf_add_text(out, "}\n");
	}
	for (size_t i = 0; i < count; i++)
		add_holder_line(out, &holders[i]);
}

bool is_holder_line(const json_t *line)
{
	return json_object_get(line, "holder") || json_object_get(line, "holders");
}

/* The place of `name`, or `count`. */
static size_t place_of(const char *const *names, size_t count, const char *name)
{
	size_t place = 0;

	while (place < count && strcmp(names[place], name) != 0)
		place++;
	return place;
}

static bool read_list(struct evidence *evidence, const json_t *line, struct error *err)
{
	const char *name = json_text(line, "holders", err);
	size_t list = name ? place_of(list_names, HOLDER_LISTS, name) : HOLDER_LISTS;

	if (!name)
		return false;
	if (list == HOLDER_LISTS)
		return error_set(err, ERROR_FORMAT, "holders: \"%s\" is unknown", name);
	evidence_set_list(evidence, (enum holder_list)list,
		json_is_true(json_object_get(line, "read")) ? LIST_READ : LIST_NOT_READ,
		json_text_or_null(line, "why"));
	return true;
}

bool holders_read_line(struct evidence *evidence, const json_t *line, struct error *err)
{
	const char *holds;
	struct evidence_holder holder = { 0 };
	size_t holding;

	if (json_object_get(line, "holders"))
		return read_list(evidence, line, err);
	holder.id = json_text(line, "holder", err);
	holder.role = holder.id ? json_text(line, "role", err) : NULL;
	holds = holder.role ? json_text(line, "holds", err) : NULL;
	if (!holds)
		return false;
	holding = place_of(holding_names, HOLDING_COUNT, holds);
	if (holding == HOLDING_COUNT)
		return error_set(err, ERROR_FORMAT, "holds: \"%s\" is unknown", holds);
	holder.holding = (enum holding)holding;
	holder.app_id = json_text_or_null(line, "app");
	holder.name = json_text_or_null(line, "name");
	evidence_add_holder(evidence, &holder);
	return true;
}
