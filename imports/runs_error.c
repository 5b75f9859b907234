/*
 * Lists of errors. The two parties of a conflict stand in one of three places, as JSON inside of the
 * text (facts 4.2):
 *	[{"Key":"ObjectIdInConflict","Value":["…"]},{"Key":"AttributeConflictName","Value":["…"]}]
 */
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "imports/runs_internal.h"
#include "imports/xml.h"

enum { DETAIL_MAX = 64 << 10 };

static const char *const kind_names[] = {
	[RUN_ERROR_EXPORT] = "export-error",
	[RUN_ERROR_IMPORT] = "import-error",
	[RUN_ERROR_SYNC] = "synchronization-error",
};

const char *run_error_kind_name(enum run_error_kind kind)
{
	return kind_names[kind];
}

/* Members of the error, below its element. */
static const struct member members[] = {
	{ "date-occurred", MEMBER_INSTANT, offsetof(struct run_error, when_ms) },
	{ "first-occurred", MEMBER_INSTANT, offsetof(struct run_error, first_ms) },
	{ "retry-count", MEMBER_NUMBER, offsetof(struct run_error, retries) },
	{ "error-type", MEMBER_TEXT, offsetof(struct run_error, type) },
	{ "cd-error/error-name", MEMBER_TEXT, offsetof(struct run_error, name) },
	{ "cd-error/error-code", MEMBER_TEXT, offsetof(struct run_error, code) },
	{ "cd-error/error-literal", MEMBER_TEXT, offsetof(struct run_error, literal) },
	{ "cd-error/server-error-detail", MEMBER_TEXT, offsetof(struct run_error, detail) },
	{ "cd-error/extra-error-details", MEMBER_TEXT, offsetof(struct run_error, extra) },
};

static const struct member cs_id = { "cs-guid", MEMBER_GUID, offsetof(struct run_error, cs_id) };

/* ---- the parties of a conflict ------------------------------------------------------------ */

static const struct member conflict_members[] = {
	{ "ObjectId", MEMBER_GUID, offsetof(struct run_error, object) },
	{ "ObjectIdInConflict", MEMBER_GUID, offsetof(struct run_error, other) },
	{ "AttributeConflictName", MEMBER_TEXT, offsetof(struct run_error, attribute) },
	{ "AttributeConflictValues", MEMBER_TEXT, offsetof(struct run_error, value) },
};

/* {"Key":"ObjectId","Value":["…"]}. What is in no form that is known adds nothing. */
static void read_pair(struct kept *kept, struct run_error *error, struct span pair)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DETAIL_MAX);
	struct span key = scan_find(pair, "Key"), value = scan_find(pair, "Value");
	struct error ignored = { 0 };
	struct scan values;

	if (scan_type(value) == SCAN_ARRAY) {
		values = scan_open(value);
		if (!scan_element(&values, &value))
			return;
	}
	if (scan_type(key) != SCAN_STRING || scan_type(value) != SCAN_STRING)
		return;
	scan_text(value, &text);
	for (size_t i = 0; i < COUNT_OF(conflict_members); i++) {
		const struct member *member = &conflict_members[i];
		struct span name = { member->name, strlen(member->name) };

		if (scan_compare(key, name) == 0 &&
			!member_read(kept, member, error, buf_span(&text), &ignored))
			return;
	}
}

static void read_conflict(struct kept *kept, struct run_error *error, struct span text)
{
	const char *list = text.data ? memmem(text.data, text.length, "[{", 2) : NULL;
	struct error ignored = { 0 };
	struct span details;
	struct scan pairs;
	size_t taken;

	if (!list ||
		!scan_prefix((struct span){ list, text.length - (size_t)(list - text.data) }, NULL,
			NULL, &taken, &ignored) ||
		!taken)
		return;
	pairs = scan_open((struct span){ list, taken });
	while (scan_element(&pairs, &details))
		if (scan_type(details) == SCAN_OBJECT)
			read_pair(kept, error, details);
}

/* ---- the list --------------------------------------------------------------------------- */

static bool open_error(struct error_list *list, const char *path, const char *const *attributes)
{
	const char *dn = xml_attribute(attributes, "dn"),
		   *id = xml_attribute(attributes, "cs-guid");
	struct error ignored = { 0 };

	for (size_t kind = 0; kind < COUNT_OF(kind_names); kind++) {
		if (strcmp(path, kind_names[kind]) != 0)
			continue;
		list->at = (struct run_error){ .kind = (enum run_error_kind)kind,
			.file = list->history->files[list->history->file_count - 1].name,
			.number = -1,
			.step = list->step,
			.retries = -1,
			.when_ms = TIME_NONE,
			.first_ms = TIME_NONE,
			.dn = kept_add(&list->history->kept, span_of(dn)) };
		/* An id in a form that is not known is no reason to lose the error. */
		if (id &&
			!member_read(
				&list->history->kept, &cs_id, &list->at, span_of(id), &ignored))
			list->at.cs_id = NULL;
		return true;
	}
	return false;
}

void error_list_start(struct error_list *list, const char *path, const char *const *attributes)
{
	static const char change[] = "import-error/change-not-reimported/delta/attr";
	const char *name = xml_attribute(attributes, "name");

	if (!open_error(list, path, attributes) && strcmp(path, change) == 0 && !list->at.attribute)
		list->at.attribute = kept_add(&list->history->kept, span_of(name));
}

static void close_error(struct error_list *list)
{
	struct run_history *history = list->history;

	if (history->listed_count == RUN_ERRORS_MAX) {
		history->more_errors++;
		return;
	}
	MEMORY_GROW(history->listed, history->listed_count, history->listed_capacity);
	history->listed[history->listed_count++] = (struct listed_error){ .run_id = list->run_id,
		.error = list->at };
}

/* The parties of a conflict are taken from the whole text, of which the beginning is kept. */
static bool end_member(
	struct error_list *list, const struct member *member, struct span text, struct error *err)
{
	struct kept *kept = &list->history->kept;

	if (list->history->listed_count == RUN_ERRORS_MAX)
		return true;
	if (member->type == MEMBER_TEXT && !list->at.other)
		read_conflict(kept, &list->at, text);
	if (member->type == MEMBER_TEXT)
		text.length = text_whole(text, RUN_DETAIL_MAX);
	return member_read(kept, member, &list->at, text, err);
}

bool error_list_end(struct error_list *list, const char *path, struct span text, struct error *err)
{
	const char *kind = kind_names[list->at.kind];
	const char *below = path + strlen(kind);

	if (strncmp(path, kind, strlen(kind)) != 0)
		return true;
	if (!*below) {
		close_error(list);
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (*below == '/' && strcmp(below + 1, members[i].name) == 0)
			return end_member(list, &members[i], text, err);
	return true;
}

/* ---- a document of its own ---------------------------------------------------------------- */

struct list_document {
	struct error_list *list;
	struct buf path; /* below the root */
};

static bool on_start(void *context, unsigned depth, const char *name, const char *const *attributes,
	struct error *err)
{
	struct list_document *document = context;

	if (depth == 1)
		return strcmp(name, "synchronization-errors") == 0 ||
			error_set(err, ERROR_FORMAT,
				"'%s' where a list of errors (synchronization-errors) begins",
				name);
	xml_path_down(&document->path, name);
	error_list_start(document->list, buf_text(&document->path), attributes);
	return true;
}

static bool on_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	struct list_document *document = context;

	if (depth == 1)
		return true;
	if (!error_list_end(document->list, buf_text(&document->path), text, err))
		return false;
	xml_path_up(&document->path, name);
	return true;
}

bool error_list_read(struct error_list *list, struct span xml, struct error *err)
{
	static const struct xml_events events = { .start = on_start, .end = on_end };
	struct list_document document = { .list = list, .path = BUF_UP_TO(XML_PATH_MAX) };
	bool read = xml_read_text(xml, "its list of errors", &events, &document, err);

	buf_release(&document.path);
	return read;
}
