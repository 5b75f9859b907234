/*
 * What in a plan pretends to be something else. Texts that look alike have a key in common; they are
 * sorted by it, and within it by what they are without regard to case: so a text finds another one
 * that is not the same in one step, however many there are.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "directory/directory.h"
#include "report/looks.h"

/* A text that names somebody, where it stands. */
struct naming {
	struct span key, folded, text;
	const char *id;
	size_t item;
	enum mark_place place;
};

struct namings {
	struct naming *items;
	size_t count, capacity;
};

struct search {
	const struct plan *plan;
	struct looks *looks;
	struct marks *marks;
	struct namings namings[LOOKS_KEYS];
	/* One text of a plan after the other. */
	struct buf text, made;
};

static void search_release(struct search *search)
{
	for (unsigned i = 0; i < LOOKS_KEYS; i++)
		memory_free(search->namings[i].items);
	looks_free(search->looks);
	marks_free(search->marks);
	buf_release(&search->text);
	buf_release(&search->made);
}

void marks_free(struct marks *marks)
{
	if (!marks)
		return;
	for (size_t i = 0; i < marks->text_count; i++)
		memory_free(marks->texts[i]);
	memory_free(marks->texts);
	memory_free(marks->items);
	memory_free(marks);
}

/* A copy that lives as long as the marks, with a NUL behind it. */
static struct span keep(struct marks *marks, struct span text)
{
	MEMORY_GROW(marks->texts, marks->text_count, marks->text_capacity);
	marks->texts[marks->text_count] = memory_text_span(text.data, text.length);
	return (struct span){ marks->texts[marks->text_count++], text.length };
}

static void add_mark(struct marks *marks, struct mark mark)
{
	MEMORY_GROW(marks->items, marks->count, marks->capacity);
	marks->items[marks->count++] = mark;
}

/* ---- one text ---------------------------------------------------------------------------- */

static bool is_hidden(struct search *search, struct span text)
{
	buf_cut(&search->made, 0);
	text_printable(&search->made, text);
	return !span_equal(buf_span(&search->made), text);
}

/* What a text is by itself. */
static bool look_at(struct search *search, struct span text, size_t item, enum mark_place place,
	struct error *err)
{
	struct mark mark = { .item = item, .place = place, .kind = MARK_HIDDEN };

	if (text.length && is_hidden(search, text))
		add_mark(search->marks, mark);
	buf_cut(&search->made, 0);
	if (!looks_add_scripts(search->looks, &search->made, text, err))
		return false;
	if (search->made.length) {
		mark.kind = MARK_SCRIPTS;
		mark.text = keep(search->marks, buf_span(&search->made)).data;
		add_mark(search->marks, mark);
	}
	return true;
}

/* A text that names somebody, to be compared with all the others. */
static bool add_naming(struct search *search, struct span text, const char *id, size_t item,
	enum mark_place place, struct error *err)
{
	struct naming naming = { .id = id, .item = item, .place = place };

	if (!text.length)
		return true;
	if (text.length > LOOKS_TEXT_MAX) {
		add_mark(search->marks,
			(struct mark){ .item = item, .place = place, .kind = MARK_TOO_LONG });
		return true;
	}
	naming.text = keep(search->marks, text);
	buf_cut(&search->made, 0);
	text_add_folded(&search->made, text);
	naming.folded = keep(search->marks, buf_span(&search->made));
	for (unsigned i = 0; i < LOOKS_KEYS; i++) {
		struct namings *namings = &search->namings[i];

		buf_cut(&search->made, 0);
		if (!looks_add_key(search->looks, &search->made, text, i, err))
			return false;
		naming.key = keep(search->marks, buf_span(&search->made));
		MEMORY_GROW(namings->items, namings->count, namings->capacity);
		namings->items[namings->count++] = naming;
	}
	return true;
}

/* ---- the texts of a plan ----------------------------------------------------------------- */

/* By which people and mail are told apart. */
static const char *const naming_attributes[] = { "displayName", "mail", "mailNickname",
	"onPremisesSamAccountName", "onPremisesUserPrincipalName", "otherMails", "proxyAddresses",
	"uniqueName", "userPrincipalName" };

static bool is_naming(const struct attribute *attribute)
{
	for (size_t i = 0; attribute && i < COUNT_OF(naming_attributes); i++)
		if (strcmp(attribute->name, naming_attributes[i]) == 0)
			return true;
	return false;
}

static bool add_string(struct search *search, struct span string, size_t item,
	enum mark_place place, struct error *err)
{
	const struct plan_step *step = &search->plan->steps[item];
	struct address address;

	buf_cut(&search->text, 0);
	scan_text(string, &search->text);
	if (!look_at(search, buf_span(&search->text), item, place, err))
		return false;
	if (!is_naming(step->attribute))
		return true;
	address = address_parse(buf_span(&search->text));
	return add_naming(search, address.smtp ? address.value : buf_span(&search->text), step->id,
		item, place, err);
}

/* NOLINTNEXTLINE(misc-no-recursion): a plan's text has at most SCAN_DEPTH_MAX levels */
static bool add_value(struct search *search, struct span value, size_t item, enum mark_place place,
	struct error *err)
{
	struct scan scan;
	struct span key, inner;
	enum scan_type type = value.data ? scan_type(value) : SCAN_NOTHING;

	if (type == SCAN_STRING)
		return add_string(search, value, item, place, err);
	if (type != SCAN_ARRAY && type != SCAN_OBJECT)
		return true;
	scan = scan_open(value);
	while (type == SCAN_ARRAY ? scan_element(&scan, &inner) : scan_member(&scan, &key, &inner))
		if (!add_value(search, inner, item, place, err))
			return false;
	return true;
}

static void meet_case(struct search *search, size_t item)
{
	const struct plan_step *step = &search->plan->steps[item];

	if (step->from.data && step->to.data && scan_type(step->from) == SCAN_STRING &&
		scan_type(step->to) == SCAN_STRING && !span_equal(step->from, step->to) &&
		text_compare_caseless(step->from, step->to) == 0)
		add_mark(search->marks,
			(struct mark){ .item = item, .place = PLACE_TO, .kind = MARK_ONLY_CASE });
}

static bool add_name(
	struct search *search, const char *name, const char *id, size_t item, struct error *err)
{
	return look_at(search, span_of(name), item, PLACE_NAME, err) &&
		add_naming(search, span_of(name), id, item, PLACE_NAME, err);
}

static bool collect(struct search *search, struct error *err)
{
	const struct plan *plan = search->plan;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		meet_case(search, i);
		if (!add_name(search, step->name, step->id, i, err) ||
			!add_value(search, step->from, i, PLACE_FROM, err) ||
			!add_value(search, step->to, i, PLACE_TO, err))
			return error_prefix(err, "step %zu", step->number);
	}
	for (size_t i = 0; i < plan->blocked_count; i++)
		if (!add_name(search, plan->blocked[i].name, plan->blocked[i].id,
			    plan->step_count + i, err))
			return false;
	return true;
}

/* ---- texts that look alike ----------------------------------------------------------------- */

/* By key, then by what is the same but for case; there the names first, by whose they are. */
static int by_looks(const void *a, const void *b)
{
	const struct naming *left = a, *right = b;
	int order = span_compare(left->key, right->key);

	if (!order)
		order = span_compare(left->folded, right->folded);
	if (!order)
		order = (left->place != PLACE_NAME) - (right->place != PLACE_NAME);
	if (!order)
		order = strcmp(left->id, right->id);
	return order ? order : (left->item > right->item) - (left->item < right->item);
}

static void add_pair(struct search *search, const struct naming *naming, const struct naming *other,
	enum mark_kind kind)
{
	const struct plan *plan = search->plan;
	struct mark mark = { .item = naming->item,
		.kind = kind,
		.place = naming->place,
		.text = other->text.data,
		.other_place = other->place };

	if (other->item < plan->step_count)
		mark.other.step = &plan->steps[other->item];
	else
		mark.other.blocked = &plan->blocked[other->item - plan->step_count];
	add_mark(search->marks, mark);
}

static size_t run_end(const struct naming *items, size_t from, size_t count, bool by_folded)
{
	size_t end = from + 1;

	while (end < count && span_equal(items[end].key, items[from].key) &&
		(!by_folded || span_equal(items[end].folded, items[from].folded)))
		end++;
	return end;
}

/* Names of different objects among what is the same but for case. */
static void meet_same_names(struct search *search, const struct naming *items, size_t count)
{
	size_t names = 0;

	while (names < count && items[names].place == PLACE_NAME)
		names++;
	if (!names || strcmp(items[0].id, items[names - 1].id) == 0)
		return;
	for (size_t i = 0; i < names; i++)
		add_pair(search, &items[i],
			strcmp(items[i].id, items[0].id) == 0 ? &items[names - 1] : &items[0],
			MARK_SAME_NAME);
}

static void meet_looks(struct search *search, const struct namings *namings, bool tell_same)
{
	const struct naming *items = namings->items;

	for (size_t group = 0, group_end; group < namings->count; group = group_end) {
		group_end = run_end(items, group, namings->count, false);
		for (size_t run = group, end; run < group_end; run = end) {
			end = run_end(items, run, group_end, true);
			if (tell_same)
				meet_same_names(search, items + run, end - run);
			for (size_t i = run; i < end && (run > group || end < group_end); i++)
				add_pair(search, &items[i], &items[run > group ? group : end],
					MARK_LOOKS_LIKE);
		}
	}
}

static int by_item(const void *a, const void *b)
{
	const struct mark *left = a, *right = b;

	if (left->item != right->item)
		return left->item < right->item ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return strcmp(left->text ? left->text : "", right->text ? right->text : "");
}

/* Both keys may find the same pair, and an element may stand in a set with others like it. */
static void sort_marks(struct marks *marks)
{
	size_t kept = 0;

	if (marks->count)
		qsort(marks->items, marks->count, sizeof(*marks->items), by_item);
	for (size_t i = 0; i < marks->count; i++)
		if (!kept || by_item(&marks->items[kept - 1], &marks->items[i]) != 0)
			marks->items[kept++] = marks->items[i];
	marks->count = kept;
}

struct marks *marks_new(const struct plan *plan, struct error *err)
{
	CLEANUP(search_release)
	struct search search = { .plan = plan,
		.looks = looks_new(err),
		.marks = memory_new(sizeof(*search.marks)),
		.text = BUF_UP_TO(DIRECTORY_LINE_MAX),
		.made = BUF_UP_TO(PLAN_FILE_MAX) };

	if (!search.looks || !collect(&search, err))
		return NULL;
	for (unsigned i = 0; i < LOOKS_KEYS; i++) {
		if (search.namings[i].count)
			qsort(search.namings[i].items, search.namings[i].count,
				sizeof(*search.namings[i].items), by_looks);
		/* What is the same but for case has the same key 1, too. */
		meet_looks(&search, &search.namings[i], i == 1);
	}
	sort_marks(search.marks);
	return TAKE(search.marks);
}

const struct mark *marks_of(const struct marks *marks, size_t item, size_t *count)
{
	size_t low = 0, high = marks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (marks->items[middle].item < item)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < marks->count && marks->items[low + *count].item == item;)
		++*count;
	return *count ? &marks->items[low] : NULL;
}

static const char *const kind_names[MARK_KIND_COUNT] = {
	[MARK_LOOKS_LIKE] = "looks-like",
	[MARK_SAME_NAME] = "same-name",
	[MARK_ONLY_CASE] = "only-case",
	[MARK_SCRIPTS] = "mixed-scripts",
	[MARK_HIDDEN] = "hidden-characters",
	[MARK_TOO_LONG] = "too-long-to-compare",
};

const char *mark_kind_name(enum mark_kind kind)
{
	return kind_names[kind];
}

const char *mark_place_name(enum mark_place place)
{
	static const char *const names[] = {
		[PLACE_NAME] = "name",
		[PLACE_FROM] = "from",
		[PLACE_TO] = "to",
	};

	return names[place];
}
