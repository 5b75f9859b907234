/*
 * What delta tells about one object: all of it when it is new, what is selected when something
 * of that changed, only the changed with "Prefer: return=minimal"; @removed once it is deleted.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/delta.h"

const struct change_span *delta_span(const struct delta_page *page, struct change_span *room)
{
	*room = (struct change_span){ page->claim.since, page->claim.until };
	return page->claim.is_first ? NULL : room;
}

/* ---- references -------------------------------------------------------------------------------- */

struct reference_walk {
	json_t *shown;
	size_t left;
	bool more;
	char last[GUID_TEXT_BYTES];
};

static bool take_reference(void *context, const char *target, enum object_kind kind, bool present)
{
	struct reference_walk *walk = context;
	json_t *reference;

	if (walk->left == 0) {
		walk->more = true;
		return false;
	}
	walk->left--;
	reference = json_pack("{s:o, s:s}", "@odata.type",
		json_sprintf("#%s", schema_of(kind)->type), "id", target);
	if (!present)
		json_object_set_new(reference, "@removed", json_pack("{s:s}", "reason", "deleted"));
	json_array_append_new(walk->shown, reference);
	snprintf(walk->last, sizeof(walk->last), "%s", target);
	return true;
}

/* A manager is one, or one who went and one who came: that is never cut in two. */
static size_t references_left(const struct delta_page *page)
{
	return page->query->relation == RELATION_MEMBERS ? page->members_left : DELTA_PAGE_MAX;
}

/* "members@delta" of an object; what does not fit on this page goes on on the next. */
static bool show_references(struct delta_page *page, const char *id, bool is_new, const char *after,
	json_t *item, struct error *err)
{
	const struct delta_query *query = page->query;
	CLEANUP(json_freep) json_t *shown = json_array();
	struct reference_walk walk = { .shown = shown, .left = references_left(page) };
	struct change_span room;
	const struct change_span *span = delta_span(page, &room);
	char name[32];

	if (!changes_targets(page->exchange->simulator, id, query->relation, is_new ? NULL : span,
		    after, walk.left + 1, take_reference, &walk, err))
		return false;
	snprintf(name, sizeof(name), "%s@delta", relation_name(query->relation));
	if (json_array_size(shown) > 0)
		json_object_set(item, name, shown);
	if (query->relation == RELATION_MEMBERS)
		page->members_left = walk.left;
	if (walk.more)
		memcpy(page->claim.member, walk.last, sizeof(page->claim.member));
	return true;
}

/* ---- properties -------------------------------------------------------------------------------- */

static bool is_extension(const char *name)
{
	return strncmp(name, "extension_", strlen("extension_")) == 0;
}

/* A change of one extension tells all of its data type (contract 2.9); ours are all texts. */
static bool has_changed(const struct change_summary *summary, const char *name)
{
	const char *changed;
	json_t *ignored;

	if (!is_extension(name))
		return json_object_get(summary->names, name) != NULL;
	json_object_foreach(
		summary->names, changed, ignored) if (is_extension(changed)) return true;
	return false;
}

static void keep_changed(json_t *item, const struct change_summary *summary)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(item, next, name, value) if (strcmp(name, "id") != 0 &&
		!has_changed(summary, name)) json_object_del(item, name);
}

/* An extension that is unset is absent from lists; here its reset is told. */
static void show_resets(
	json_t *item, const struct delta_query *query, const struct change_summary *summary)
{
	const char *name;
	json_t *ignored;

	json_object_foreach(summary->names, name, ignored) if (is_extension(name) &&
		delta_query_tracks(query, name) && !json_object_get(item, name))
		json_object_set_new(item, name, json_null());
}

static bool is_told(const struct delta_query *query, const struct change_summary *summary)
{
	const char *name;
	json_t *ignored;

	json_object_foreach(
		summary->names, name, ignored) if (delta_query_tracks(query, name)) return true;
	return summary->is_new;
}

static json_t *removed(const struct object_row *row)
{
	return json_pack("{s:s, s:{s:s}}", "id", row->id, "@removed", "reason",
		row->state == OBJECT_DELETED ? "changed" : "deleted");
}

static bool show_live(struct delta_page *page, const struct object_row *row,
	const struct change_summary *summary, const char *after, struct error *err)
{
	const struct delta_query *query = page->query;
	json_t *item = selection_show(&query->selection, page->exchange->simulator, row, false);

	if (!summary->is_new) {
		show_resets(item, query, summary);
		if (page->minimal)
			keep_changed(item, summary);
	}
	json_array_append_new(page->items, item);
	return !query->has_relation ||
		show_references(page, row->id, summary->is_new, after, item, err);
}

/* ---- one object -------------------------------------------------------------------------------- */

/* Who is in deleted items may appear in a first round; this service does so where it replays. */
static bool tells_removed(const struct delta_page *page, const struct object_row *row)
{
	return !page->claim.is_first ||
		(page->exchange->simulator->options.delta_replay_every &&
			row->state == OBJECT_DELETED);
}

static bool show_object(
	struct delta_page *page, const struct object_row *row, const char *after, struct error *err)
{
	CLEANUP(change_summary_release) struct change_summary summary = { 0 };
	struct change_span room;
	const struct change_span *span = delta_span(page, &room);

	if (row->state != OBJECT_LIVE) {
		if (tells_removed(page, row))
			json_array_append_new(page->items, removed(row));
		return true;
	}
	summary.is_new = !span;
	if (span && !changes_summary(page->exchange->simulator, row->id, span, &summary, err))
		return false;
	return !is_told(page->query, &summary) || show_live(page, row, &summary, after, err);
}

bool delta_take(struct delta_page *page, const struct change_place *place, struct error *err)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };

	char after[GUID_TEXT_BYTES];

	memcpy(after, page->claim.member, sizeof(after));
	memset(page->claim.member, 0, sizeof(page->claim.member));
	page->claim.place = *place;
	return !delta_query_wants(page->query, place->id) ||
		!object_load_visible(page->exchange->simulator, place->id, &row) ||
		show_object(page, &row, after, err);
}
