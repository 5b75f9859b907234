/*
 * One step against one object: what stands there, whether it may be written, what a PATCH
 * carries. A table says per operation what is compared; nothing here sends anything.
 */
#include <assert.h>
#include <string.h>

#include "rollback/apply_internal.h"

enum compared { COMPARED_VALUE, COMPARED_REFERENCE, COMPARED_ELEMENT, COMPARED_OBJECT };

struct operation_row {
	enum compared compared;
	bool there;           /* wanted: the element in the set, the object alive */
	const char *relation; /* the attribute, where the operation itself says which */
	unsigned read_flags;
};

static const struct operation_row operation_rows[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = { COMPARED_VALUE, true, NULL, 0 },
	[GRAPH_RESTORE] = { COMPARED_OBJECT, true, NULL, 0 },
	[GRAPH_REMOVE] = { COMPARED_OBJECT, false, NULL, 0 },
	[GRAPH_ADD_MEMBER] = { COMPARED_ELEMENT, true, "members", GRAPH_READ_MEMBERS },
	[GRAPH_REMOVE_MEMBER] = { COMPARED_ELEMENT, false, "members", GRAPH_READ_MEMBERS },
	[GRAPH_ADD_OWNER] = { COMPARED_ELEMENT, true, "owners", GRAPH_READ_OWNERS },
	[GRAPH_REMOVE_OWNER] = { COMPARED_ELEMENT, false, "owners", GRAPH_READ_OWNERS },
	[GRAPH_SET_MANAGER] = { COMPARED_REFERENCE, true, "manager", 0 },
	[GRAPH_CLEAR_MANAGER] = { COMPARED_REFERENCE, false, "manager", 0 },
};

/* PATCH replaces these complex values as a whole: a member left out becomes null (contract 2.2). */
static const char *const replaced_whole[] = { "employeeOrgData" };

const struct attribute *step_attribute(const struct plan_step *step)
{
	const char *relation = operation_rows[step->operation].relation;

	return relation ? attribute_find(step->kind, span_of(relation)) : step->attribute;
}

bool step_sets_element(const struct plan_step *step)
{
	return operation_rows[step->operation].compared == COMPARED_ELEMENT;
}

void step_read_init(const struct plan_step *step, bool before_writing, struct graph_read *read)
{
	const struct attribute *attribute = step_attribute(step);

	*read = (struct graph_read){ .kind = step->kind };
	assert(strlen(step->id) == ID_BYTES);
	memcpy(read->id, step->id, ID_BYTES);
	read->flags = operation_rows[step->operation].read_flags;
	if ((before_writing && step->operation != GRAPH_RESTORE) ||
		(attribute && attribute->source == SOURCE_BEHAVIOR))
		read->flags |= GRAPH_READ_BEHAVIOR;
}

static bool lines_parse(const struct graph_read *read, struct object **object, struct error *err)
{
	*object = NULL;
	if (!read->lines)
		return true;
	*object = object_parse(span_of(read->lines), err);
	return *object || error_prefix(err, "%s %s", read->kind->name, read->id);
}

bool objects_take(struct graph_read *reads, size_t count, bool good, struct object **objects,
	struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		objects[i] = NULL;
		good = good && lines_parse(&reads[i], &objects[i], err);
		memory_free(reads[i].lines);
		reads[i].lines = NULL;
	}
	for (size_t i = 0; !good && i < count; i++) {
		object_free(objects[i]);
		objects[i] = NULL;
	}
	return good;
}

bool objects_read(struct graph *graph, struct graph_read *reads, size_t count,
	struct object **objects, struct error *err)
{
	return objects_take(
		reads, count, graph_read_objects(graph, reads, count, err), objects, err);
}

/* ---- comparing -------------------------------------------------------------------------- */

static enum standing object_standing(
	const struct plan_step *step, const struct object *object, struct buf *value)
{
	bool live = object && !object_deleted(object);

	scan_quote(span_of(live ? "live" : object ? "deleted" : "absent"), value);
	if (live == operation_rows[step->operation].there)
		return STANDING_TO;
	/* Gone for good is not what a restore can start from; for a removal it is the end. */
	return object ? STANDING_FROM : STANDING_NEITHER;
}

static void quote_target(const struct plan_step *step, struct buf *out)
{
	scan_quote(span_of(step->target), out);
}

static enum standing element_standing(const struct plan_step *step,
	const struct attribute *attribute, const struct object *object, struct buf *value)
{
	CLEANUP(buf_release) struct buf element = BUF_UP_TO(2 * ID_BYTES);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(2 * ID_BYTES);
	bool there;

	quote_target(step, &element);
	element_add_key(&key, attribute, buf_span(&element));
	there = set_find(attribute, object_get(object, attribute), buf_span(&key)).data != NULL;
	buf_add_text(value, there ? "true" : "false");
	return there == operation_rows[step->operation].there ? STANDING_TO : STANDING_FROM;
}

/* A manager to set is named by the target; what must still be there by `from`. */
static enum standing value_standing(const struct plan_step *step, const struct attribute *attribute,
	const struct object *object, struct buf *value)
{
	CLEANUP(buf_release) struct buf target = BUF_UP_TO(2 * ID_BYTES);
	struct span live = object_get(object, attribute);
	struct span to = step->to;

	if (step->operation == GRAPH_SET_MANAGER) {
		quote_target(step, &target);
		to = buf_span(&target);
	} else if (step->operation == GRAPH_CLEAR_MANAGER) {
		to = SPAN_NONE;
	}
	buf_add_span(value, live.data ? live : SPAN_LITERAL("null"));
	if (attribute_equal(attribute, live, to))
		return STANDING_TO;
	return attribute_equal(attribute, live, step->from) ? STANDING_FROM : STANDING_NEITHER;
}

static enum standing standing_alone(
	const struct plan_step *step, const struct object *object, struct buf *value)
{
	const struct operation_row *row = &operation_rows[step->operation];
	const struct attribute *attribute = step_attribute(step);

	buf_cut(value, 0);
	if (row->compared == COMPARED_OBJECT)
		return object_standing(step, object, value);
	if (!object || object_deleted(object)) {
		scan_quote(span_of(object ? "deleted" : "absent"), value);
		return STANDING_NEITHER;
	}
	if (!attribute || object_unknown(object, attribute))
		return STANDING_UNREADABLE;
	if (row->compared == COMPARED_ELEMENT)
		return element_standing(step, attribute, object, value);
	return value_standing(step, attribute, object, value);
}

/* The other half of a value that is parked; NULL: it is not. Steps lie in order of their numbers. */
static const struct plan_step *other_half(const struct plan_step *step)
{
	size_t number = step->until ? step->until : step->parked_by;

	return number ? step + ((ptrdiff_t)number - (ptrdiff_t)step->number) : NULL;
}

/*
 * Where the second half is done, so was the first. Where the first one's beginning stands, the second
 * has not begun: it waits for the first, and a replica may be behind it.
 */
enum standing step_standing(
	const struct plan_step *step, const struct object *object, struct buf *value)
{
	const struct plan_step *other = other_half(step);
	enum standing alone = standing_alone(step, object, value);
	enum standing counts = step->until ? STANDING_TO : STANDING_FROM;

	if (alone != STANDING_NEITHER || !other || standing_alone(other, object, value) != counts)
		return alone;
	return counts;
}

/* Clocks of the service and of whoever made the plan differ a little. */
enum { DELETED_AGAIN_SLACK_MS = 60 * 1000 };

bool step_deleted_again(
	const struct plan *plan, const struct plan_step *step, const struct object *object)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(2 * TIME_TEXT_BYTES);
	struct span when;
	int64_t when_ms;

	if (step->operation != GRAPH_RESTORE || !object || !object_deleted(object))
		return false;
	when = object_get_named(object, "deletedDateTime");
	if (!when.data || scan_type(when) != SCAN_STRING)
		return false;
	scan_text(when, &text);
	return time_parse(buf_span(&text), &when_ms) &&
		when_ms > plan->created_ms + DELETED_AGAIN_SLACK_MS;
}

/* ---- writing ---------------------------------------------------------------------------- */

/* What stays the cloud's own on an object that directory sync masters. */
static bool is_the_clouds(const struct plan_step *step)
{
	return step->operation == GRAPH_SET && step->attribute->when_synced == MASTER_CLOUD;
}

const char *step_forbidden(const struct plan_step *step, const struct object *object)
{
	/* Entra restores whoever mastered the object, and the link to its source comes back with
	 * it. */
	if (step->operation == GRAPH_RESTORE || is_the_clouds(step))
		return NULL;
	switch (object_mastery(object)) {
	case MASTERY_CLOUD:
		return NULL;
	case MASTERY_SYNCED:
		return "directory sync masters the object now, so Graph refuses to change it: let "
		       "production's cycle run, then plan again";
	case MASTERY_UNKNOWN:
		return "who masters the object is not known, because isCloudManaged can't be read: grant "
		       "the OnPremisesSyncBehavior permission of its kind, then apply again with a new plan";
	}
	return "who masters the object is not known";
}

static void add_value(struct buf *out, const struct attribute *attribute, struct span value)
{
	if (value.data)
		buf_add_span(out, value);
	else
		buf_add_text(out, attribute->shape == SHAPE_ONE ? "null" : "[]");
}

static bool is_replaced_whole(struct span outer)
{
	for (size_t i = 0; i < COUNT_OF(replaced_whole); i++)
		if (span_is(outer, replaced_whole[i]))
			return true;
	return false;
}

/* The member of `outer` that an attribute's name says; NULL: it is no member of it. */
static const char *inner_name(const struct attribute *attribute, struct span outer)
{
	const char *name = attribute->name;

	if (strncmp(name, outer.data, outer.length) != 0 || name[outer.length] != '/')
		return NULL;
	return name + outer.length + 1;
}

static bool add_siblings(struct buf *out, const struct plan_step *step, const struct object *object,
	struct span outer, struct error *err)
{
	for (size_t i = 0; i < step->kind->attribute_count; i++) {
		const struct attribute *sibling = &step->kind->attributes[i];
		const char *inner = inner_name(sibling, outer);

		if (!inner || sibling == step->attribute)
			continue;
		if (object_unknown(object, sibling))
			return error_set(err, ERROR_REFUSED,
				"%s can't be read, and Graph would clear it: grant what reads it",
				sibling->name);
		buf_addf(out, ",\"%s\":", inner);
		add_value(out, sibling, object_get(object, sibling));
	}
	return true;
}

bool step_add_body(struct buf *out, const struct plan_step *step, const struct object *object,
	struct error *err)
{
	const char *name = step->attribute->name, *slash = strchr(name, '/');
	struct span outer = { name, slash ? (size_t)(slash - name) : strlen(name) };

	buf_addf(out, "{\"%.*s\":", SPAN_FORMAT(outer));
	if (slash)
		buf_addf(out, "{\"%s\":", slash + 1);
	add_value(out, step->attribute, step->to);
	if (slash && is_replaced_whole(outer) && !add_siblings(out, step, object, outer, err))
		return false;
	buf_add_text(out, slash ? "}}" : "}");
	return buf_check(out, "the body of a PATCH", err);
}
