/*
 * Steps of a plan file. The same rules that made a step (plan_rules.c) decide whether it may be
 * read: a plan that was signed is still only a plan.
 */
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"
#include "rollback/plan_read.h"

static const char *const step_keys[] = { "number", "operation", "door", "kind", "id", "name",
	"attribute", "target", "from", "to", "why", "references", "after", "until", "mastery",
	"next", "next_value", "manual", "source_anchor", "distinguished_name",
	"security_identifier", NULL };

/* ---- what it does ----------------------------------------------------------------------- */

static bool read_operation(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const char *name;

	if (!read_text(reader, object, "operation", &name, err))
		return false;
	for (enum graph_operation at = 0; at < GRAPH_OPERATION_COUNT; at++) {
		if (strcmp(name, graph_operation_name(at)) == 0) {
			step->operation = at;
			return true;
		}
	}
	return error_set(err, ERROR_FORMAT, "no such operation: %s", name);
}

static bool read_door(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const char *name;

	if (!read_text(reader, object, "door", &name, err))
		return false;
	return find_door(span_of(name), &step->door) ||
		error_set(err, ERROR_FORMAT, "no such door in a plan: %s", name);
}

/* A key that belongs to this step must be there; one that does not must not. */
static bool check_presence(struct span object, const char *key, bool wanted, struct error *err)
{
	bool there = scan_find(object, key).data != NULL;

	if (there == wanted)
		return true;
	return error_set(err, ERROR_FORMAT,
		wanted ? "\"%s\" is missing" : "\"%s\" has no place in this operation or door",
		key);
}

static bool check_shape(struct span object, const struct plan_step *step, struct error *err)
{
	const struct step_rule *rule = step_rule(step->operation);

	return check_presence(object, "attribute", rule->value, err) &&
		check_presence(object, "from", rule->value, err) &&
		check_presence(object, "to", rule->value, err) &&
		check_presence(object, "target", rule->target, err) &&
		check_presence(object, "manual", step->door == DOOR_MANUAL, err) &&
		check_presence(object, "source_anchor", step->door == DOOR_ADSYNC, err) &&
		check_presence(object, "distinguished_name", step->door == DOOR_DIRECTORY, err) &&
		check_presence(object, "security_identifier", step->door == DOOR_DIRECTORY, err);
}

/* ---- values ----------------------------------------------------------------------------- */

static bool is_reference_attribute(const struct attribute *attribute)
{
	return attribute->source == SOURCE_RELATION || reference_rule(attribute);
}

static bool read_attribute(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const struct step_rule *rule = step_rule(step->operation);
	const char *name;

	if (!read_text(reader, object, "attribute", &name, err))
		return false;
	step->attribute = attribute_find(step->kind, span_of(name));
	if (!step->attribute)
		return error_set(
			err, ERROR_FORMAT, "no such attribute of a %s: %s", step->kind->name, name);
	if (rule->attribute ? strcmp(rule->attribute, name) != 0
			    : is_reference_attribute(step->attribute))
		return error_set(err, ERROR_FORMAT, "%s is not for %s",
			graph_operation_name(step->operation), name);
	return true;
}

/* One value, or one element of a list. */
static bool has_type(enum attribute_type type, struct span value)
{
	static const enum scan_type types[][4] = {
		[TYPE_TEXT] = { SCAN_STRING },
		[TYPE_BOOLEAN] = { SCAN_TRUE, SCAN_FALSE },
		[TYPE_INSTANT] = { SCAN_STRING },
		[TYPE_COMPLEX] = { SCAN_OBJECT },
		[TYPE_REFERENCE] = { SCAN_STRING },
		[TYPE_EXTENSION] = { SCAN_STRING, SCAN_NUMBER, SCAN_TRUE, SCAN_FALSE },
	};
	enum scan_type found = scan_type(value);

	for (size_t i = 0; i < COUNT_OF(types[type]); i++)
		if (found == types[type][i] && found != SCAN_NOTHING)
			return true;
	return false;
}

static bool fits(const struct attribute *attribute, struct span value)
{
	struct scan scan;
	struct span element;

	if (attribute->shape == SHAPE_ONE &&
		!(attribute_is_extension(attribute) && scan_type(value) == SCAN_ARRAY))
		return has_type(attribute->type, value);
	if (scan_type(value) != SCAN_ARRAY)
		return false;
	scan = scan_open(value);
	while (scan_element(&scan, &element)) {
		if (!has_type(attribute->type, element))
			return false;
	}
	return true;
}

static bool read_value(struct plan_reader *reader, struct span object, const char *key,
	const struct attribute *attribute, struct span *out, struct error *err)
{
	CLEANUP(buf_release) struct buf canonical = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct span value = scan_find(object, key);

	if (scan_type(value) == SCAN_NULL) {
		*out = SPAN_NONE;
		return true;
	}
	if (!fits(attribute, value))
		return error_set(
			err, ERROR_FORMAT, "\"%s\" is no value of %s", key, attribute->name);
	if (!value_add_canonical(&canonical, attribute, value, err))
		return error_prefix(err, "\"%s\"", key);
	if (!buf_check(&canonical, key, err))
		return false;
	if (!span_equal(buf_span(&canonical), value))
		return error_set(err, ERROR_FORMAT, "\"%s\" is not in canonical form", key);
	*out = plan_keep_value(reader->plan, value);
	return true;
}

/* One reference, also of an attribute that has many: its id, or nothing. */
static bool read_reference(struct plan_reader *reader, struct span object, const char *key,
	struct span *out, struct error *err)
{
	struct span value = scan_find(object, key);
	const char *id;

	if (scan_type(value) == SCAN_NULL) {
		*out = SPAN_NONE;
		return true;
	}
	if (!read_guid(reader, object, key, &id, err))
		return false;
	*out = plan_keep_value(reader->plan, value);
	return true;
}

/* True when `value` is the canonical form of exactly this id, or nothing where `id` is NULL. */
static bool is_reference_to(struct span value, const char *id)
{
	if (!id)
		return !value.data;
	return value.length == ID_BYTES + 2 && memcmp(value.data + 1, id, ID_BYTES) == 0;
}

static bool check_values(const struct plan_step *step, struct error *err)
{
	struct span from = step->from, to = step->to;
	bool good = true;

	switch (step->operation) {
	case GRAPH_ADD_MEMBER:
	case GRAPH_ADD_OWNER:
		good = !from.data && is_reference_to(to, step->target);
		break;
	case GRAPH_REMOVE_MEMBER:
	case GRAPH_REMOVE_OWNER:
		good = is_reference_to(from, step->target) && !to.data;
		break;
	case GRAPH_SET_MANAGER:
		good = is_reference_to(to, step->target);
		break;
	case GRAPH_CLEAR_MANAGER:
		good = from.data && !to.data;
		break;
	default:
		break;
	}
	if (!good)
		return error_set(err, ERROR_FORMAT, "\"from\" and \"to\" do not say what %s does",
			graph_operation_name(step->operation));
	if (step_rule(step->operation)->attribute ? span_equal(from, to)
						  : attribute_equal(step->attribute, from, to))
		return error_set(err, ERROR_FORMAT, "\"from\" and \"to\" are the same");
	return true;
}

static bool read_values(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const struct step_rule *rule = step_rule(step->operation);

	if (!rule->value)
		return true;
	if (!read_attribute(reader, object, step, err) ||
		(rule->target && !read_guid(reader, object, "target", &step->target, err)))
		return false;
	if (rule->attribute)
		return read_reference(reader, object, "from", &step->from, err) &&
			read_reference(reader, object, "to", &step->to, err) &&
			check_values(step, err);
	return read_value(reader, object, "from", step->attribute, &step->from, err) &&
		read_value(reader, object, "to", step->attribute, &step->to, err) &&
		check_values(step, err);
}

/* ---- lists ------------------------------------------------------------------------------ */

static bool read_references(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	struct span array, element;
	struct scan scan;
	const char **references;

	if (!read_array(object, "references", &array, err))
		return false;
	references = plan_room(reader->plan, count_elements(array), sizeof(*references));
	step->references = references;
	scan = scan_open(array);
	while (scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCAN_STRING_MAX);

		if (scan_type(element) != SCAN_STRING)
			return error_set(
				err, ERROR_FORMAT, "\"references\" has something that is no text");
		scan_text(element, &text);
		if (text.length && memchr(text.data, '\0', text.length))
			return error_set(err, ERROR_FORMAT, "\"references\" has a NUL in it");
		references[step->reference_count++] = plan_keep_span(reader->plan, buf_span(&text));
	}
	return true;
}

/* A step waits for earlier ones, each named once, in their order. */
static bool read_after(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	struct span array, element;
	struct scan scan;
	size_t *after, last = 0;

	if (!read_array(object, "after", &array, err))
		return false;
	after = plan_room(reader->plan, count_elements(array), sizeof(*after));
	step->after = after;
	scan = scan_open(array);
	while (scan_element(&scan, &element)) {
		size_t number;

		if (!read_count(element, &number))
			return error_set(err, ERROR_FORMAT,
				"\"after\" has something that is no step number");
		if (number >= step->number)
			return error_set(err, ERROR_FORMAT,
				"\"after\" names step %zu, which does not "
				"come before it",
				number);
		if (number <= last)
			return error_set(err, ERROR_FORMAT,
				"\"after\" is not a rising list of step numbers");
		after[step->after_count++] = last = number;
	}
	return true;
}

/* ---- parking ---------------------------------------------------------------------------- */

/* Present where the step parks a value, and only where there is one to park. */
static bool read_until(struct span object, struct plan_step *step, struct error *err)
{
	if (!scan_find(object, "until").data)
		return true;
	if (step->operation != GRAPH_SET)
		return error_set(err, ERROR_FORMAT, "\"until\" has no place in this operation");
	if (!read_number(object, "until", &step->until, err))
		return false;
	return step->until > step->number ||
		error_set(err, ERROR_FORMAT,
			"\"until\" names step %zu, which does not come after it", step->until);
}

static bool waits_for(const struct plan_step *step, size_t number)
{
	for (size_t i = 0; i < step->after_count; i++)
		if (step->after[i] == number)
			return true;
	return false;
}

/* What is parked is taken up again, from where it stands. */
static bool check_parking(
	struct plan_step *steps, size_t count, const struct plan_step *step, struct error *err)
{
	struct plan_step *last;

	if (!step->until)
		return true;
	last = step->until <= count ? &steps[step->until - 1] : NULL;
	if (!last || last->operation != GRAPH_SET || last->until ||
		strcmp(last->id, step->id) != 0 || last->attribute != step->attribute ||
		!span_equal(last->from, step->to) || !waits_for(last, step->number))
		return error_set(err, ERROR_FORMAT,
			"step %zu: \"until\" names step %zu, which does not go on from where this one ends",
			step->number, step->until);
	last->parked_by = step->number;
	return true;
}

/* ---- who masters it ----------------------------------------------------------------------- */

/* Of what comes back out of deleted items: whoever undoes it has to know. */
static bool read_mastery(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const char *name;

	if (!check_presence(object, "mastery", step->operation == GRAPH_RESTORE, err))
		return false;
	if (step->operation != GRAPH_RESTORE)
		return true;
	if (!read_text(reader, object, "mastery", &name, err))
		return false;
	for (int mastery = MASTERY_SYNCED; mastery <= MASTERY_UNKNOWN; mastery++)
		if (strcmp(name, mastery_name((enum mastery)mastery)) == 0) {
			step->mastery = (enum mastery)mastery;
			return true;
		}
	return error_set(err, ERROR_FORMAT, "no such mastery: %s", name);
}

/* ---- what production does ----------------------------------------------------------------- */

/* Said of what goes through production alone, and there where its connector space tells it. */
static bool read_next(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const struct step_rule *rule = step_rule(step->operation);
	const char *name;

	if (scan_find(object, "next").data) {
		if (step->door != DOOR_SYNC)
			return error_set(err, ERROR_FORMAT, "\"next\" has no place in this door");
		if (!read_text(reader, object, "next", &name, err))
			return false;
		if (!foreseen_find(name, &step->next) || step->next == FORESEEN_NOTHING)
			return error_set(err, ERROR_FORMAT, "\"next\" can't be %s", name);
	}
	if (!check_presence(object, "next_value", step->next == FORESEEN_OTHER, err))
		return false;
	if (step->next != FORESEEN_OTHER)
		return true;
	if (!rule->value)
		return error_set(err, ERROR_FORMAT, "\"next_value\" of what has no value");
	return rule->attribute
		? read_reference(reader, object, "next_value", &step->next_value, err)
		: read_value(reader, object, "next_value", step->attribute, &step->next_value, err);
}

/* ---- one step --------------------------------------------------------------------------- */

static bool read_for_people(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	if (!read_text(reader, object, "name", &step->name, err) ||
		!read_text(reader, object, "why", &step->why, err))
		return false;
	if (step->door == DOOR_MANUAL && !read_text(reader, object, "manual", &step->manual, err))
		return false;
	if (step->door == DOOR_DIRECTORY)
		return read_text(reader, object, "distinguished_name", &step->distinguished_name,
			       err) &&
			read_text_or_null(reader, object, "security_identifier",
				&step->security_identifier, err);
	return step->door != DOOR_ADSYNC ||
		read_text(reader, object, "source_anchor", &step->source_anchor, err);
}

static bool read_step(
	struct plan_reader *reader, struct span object, struct plan_step *step, struct error *err)
{
	const char *refusal;
	size_t number;

	if (scan_type(object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "not an object");
	if (!check_keys(object, step_keys, err) || !read_number(object, "number", &number, err))
		return false;
	if (number != step->number)
		return error_set(err, ERROR_FORMAT, "\"number\" is %zu", number);
	if (!read_operation(reader, object, step, err) || !read_door(reader, object, step, err) ||
		!read_kind(reader, object, &step->kind, err) ||
		!read_guid(reader, object, "id", &step->id, err) ||
		!check_shape(object, step, err) || !read_values(reader, object, step, err) ||
		!read_references(reader, object, step, err) ||
		!read_after(reader, object, step, err) || !read_until(object, step, err) ||
		!read_mastery(reader, object, step, err) || !read_next(reader, object, step, err) ||
		!read_for_people(reader, object, step, err))
		return false;
	refusal = step_refusal(step);
	return !refusal ||
		error_set(err, ERROR_FORMAT, "%s %s by the door %s: %s",
			graph_operation_name(step->operation),
			step->attribute ? step->attribute->name : step->kind->name,
			door_name(step->door), refusal);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* Members and owners are a value each; a manager, a plain value and the object are one. */
static const char *value_of_its_own(const struct plan_step *step)
{
	return step->attribute && step->attribute->source == SOURCE_RELATION ? step->target : NULL;
}

static int by_value(const void *a, const void *b)
{
	const struct plan_step *left = *(const struct plan_step *const *)a;
	const struct plan_step *right = *(const struct plan_step *const *)b;
	int order = strcmp(left->id, right->id);

	if (!order)
		order = compare_texts(left->attribute ? left->attribute->name : NULL,
			right->attribute ? right->attribute->name : NULL);
	return order ? order : compare_texts(value_of_its_own(left), value_of_its_own(right));
}

static int by_value_and_number(const void *a, const void *b)
{
	const struct plan_step *left = *(const struct plan_step *const *)a;
	const struct plan_step *right = *(const struct plan_step *const *)b;
	int order = by_value(a, b);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

static bool check_doubles(struct plan_step *steps, size_t count, struct error *err)
{
	CLEANUP(memory_freep)
	const struct plan_step **sorted = memory_array(count + 1, sizeof(*sorted));

	for (size_t i = 0; i < count; i++)
		sorted[i] = &steps[i];
	qsort(sorted, count, sizeof(*sorted), by_value_and_number);
	for (size_t i = 0; i < count; i++) {
		if (!check_parking(steps, count, &steps[i], err))
			return false;
		if (i && by_value(&sorted[i - 1], &sorted[i]) == 0 &&
			sorted[i - 1]->until != sorted[i]->number)
			return error_set(err, ERROR_FORMAT,
				"steps %zu and %zu are about the same value", sorted[i - 1]->number,
				sorted[i]->number);
	}
	return true;
}

bool read_steps(struct plan_reader *reader, struct span head, struct error *err)
{
	struct span array, element;
	struct scan scan;
	struct plan_step *steps;
	size_t count, done = 0;

	if (!read_array(head, "steps", &array, err))
		return false;
	count = count_elements(array);
	if (count > PLAN_STEPS_MAX)
		return error_set(err, ERROR_FORMAT, "%zu steps; a plan has at most %d", count,
			PLAN_STEPS_MAX);
	steps = plan_room(reader->plan, count, sizeof(*steps));
	scan = scan_open(array);
	while (scan_element(&scan, &element)) {
		struct plan_step *step = &steps[done++];

		step->number = done;
		if (!read_step(reader, element, step, err))
			return error_prefix(err, "line %zu: step %zu",
				line_of(reader->bytes, element.data), done);
	}
	reader->plan->steps = steps;
	reader->plan->step_count = count;
	return check_doubles(steps, count, err);
}
