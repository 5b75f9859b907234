/*
 * The proof, from the book of every write: the tenant as it is, against the tenant as it would be
 * had the staging server written nothing.
 *
 * The book is read once, in order, into units: one value, one element of a set, one reference,
 * one object's being there. For each unit two histories run side by side: what is, and what
 * would be if staging's rows were left out. Rows of the repair (after the morning, by a door)
 * move what is, never what would be: they can't make themselves right.
 */
#include "base/memory.h"
#include "simulator/story.h"

enum { KEY_MAX = 4096 };

/* Values that say how an object is mastered or when it was synced, and no person's data. */
static const char *const not_data[] = { "onPremisesLastSyncDateTime",
	"onPremisesProvisioningErrors", "onPremisesSyncEnabled", "isCloudManaged",
	"deletedDateTime" };

enum source { SOURCE_LEGITIMATE, SOURCE_STAGING, SOURCE_REPAIR };

struct proof_run {
	struct simulator *simulator;
	struct simulator_proof *proof;
	int64_t morning;
	json_t *units; /* key → {"is", "ideal", "staging", "legitimate", "damaged", "by"} */
};

static enum source source_of(const struct proof_run *run, const struct write_row *row)
{
	if (strcmp(row->role, actor_role_name(ACTOR_STAGING)) == 0)
		return SOURCE_STAGING;
	if (run->morning && row->sequence > run->morning &&
		strcmp(row->door ? row->door : "", "people") != 0)
		return SOURCE_REPAIR;
	return SOURCE_LEGITIMATE;
}

static bool is_data(const char *attribute)
{
	for (size_t i = 0; i < COUNT_OF(not_data); i++) {
		if (strcmp(attribute, not_data[i]) == 0)
			return false;
	}
	return true;
}

static uint64_t *door_counter(struct simulator_proof *proof, const char *door)
{
	if (strcmp(door, "graph") == 0)
		return &proof->put_back_graph;
	if (strcmp(door, "sync") == 0)
		return &proof->put_back_sync;
	if (strcmp(door, "adsync") == 0)
		return &proof->put_back_adsync;
	if (strcmp(door, "exchange") == 0)
		return &proof->put_back_exchange;
	if (strcmp(door, "manual") == 0)
		return &proof->put_back_manual;
	return &proof->put_back_people;
}

/* ---- one write of one unit -------------------------------------------------------------------- */

static json_t *unit_of(struct proof_run *run, const char *key, const json_t *before)
{
	json_t *unit = json_object_get(run->units, key);

	if (unit)
		return unit;
	unit = json_object();
	json_object_set_new(unit, "is", before ? json_deep_copy(before) : json_null());
	json_object_set_new(unit, "ideal", before ? json_deep_copy(before) : json_null());
	json_object_set_new(run->units, key, unit);
	return unit;
}

static bool unit_is_right(const json_t *unit)
{
	return json_equal(json_object_get(unit, "is"), json_object_get(unit, "ideal")) == 1;
}

static void note_unit(struct proof_run *run, const struct write_row *row, const char *key,
	const json_t *before, const json_t *after)
{
	json_t *unit = unit_of(run, key, before);
	enum source source = source_of(run, row);
	bool damaged = json_is_true(json_object_get(unit, "damaged"));

	json_object_set_new(unit, "is", after ? json_deep_copy(after) : json_null());
	if (source == SOURCE_STAGING) {
		json_object_set_new(unit, "staging", json_true());
		if (!damaged && !unit_is_right(unit))
			json_object_set_new(unit, "damaged", json_true());
		return;
	}
	if (source == SOURCE_LEGITIMATE) {
		json_object_set_new(unit, "ideal", after ? json_deep_copy(after) : json_null());
		json_object_set_new(unit, "legitimate", json_true());
		run->proof->legitimate++;
	}
	if (damaged && !json_object_get(unit, "by") && unit_is_right(unit))
		json_object_set_new(unit, "by",
			json_string(source == SOURCE_LEGITIMATE ? "people" : row->door));
}

/* ---- a row of the book: its units --------------------------------------------------------------- */

/* An address is one element whether primary or not: its key is in lower case. */
static void element_key(struct buf *key, const struct write_row *row, const json_t *element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(KEY_MAX);

	json_add(&text, element);
	buf_addf(key, "%s\n%s\n", row->object, row->attribute);
	for (size_t i = 0; i < text.length; i++)
		buf_add_byte(key, text_lower(text.data[i]));
}

static json_t *find_element(const json_t *set, const struct buf *key, const struct write_row *row)
{
	size_t index;
	json_t *element;

	json_array_foreach(set, index, element)
	{
		CLEANUP(buf_release) struct buf other = BUF_UP_TO(KEY_MAX);

		element_key(&other, row, element);
		if (strcmp(buf_text(&other), buf_text(key)) == 0)
			return element;
	}
	return NULL;
}

/* Elements of one side; `only_new`: those the other side lacks, since both were visited otherwise. */
static void note_elements(struct proof_run *run, const struct write_row *row, const json_t *set,
	const json_t *other, bool set_is_after)
{
	size_t index;
	json_t *element;

	json_array_foreach(set, index, element)
	{
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_MAX);
		json_t *twin;

		element_key(&key, row, element);
		twin = find_element(other, &key, row);
		if (set_is_after && !(twin && json_equal(twin, element)))
			note_unit(run, row, buf_text(&key), twin, element);
		else if (!set_is_after && !twin)
			note_unit(run, row, buf_text(&key), element, NULL);
	}
}

static void note_value(struct proof_run *run, const struct write_row *row, const json_t *before,
	const json_t *after)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_MAX);

	if (json_is_array(before) || json_is_array(after)) {
		note_elements(run, row, before, after, false);
		note_elements(run, row, after, before, true);
		return;
	}
	buf_addf(&key, "%s\n%s\n", row->object, row->attribute);
	note_unit(run, row, buf_text(&key), before, after);
}

static void note_reference(
	struct proof_run *run, const struct write_row *row, const json_t *target, bool there)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_MAX);

	element_key(&key, row, target);
	note_unit(run, row, buf_text(&key), there ? NULL : target, there ? target : NULL);
}

static void note_object(struct proof_run *run, const struct write_row *row, bool there)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_MAX);

	buf_addf(&key, "%s\n\n", row->object);
	note_unit(run, row, buf_text(&key), json_boolean(!there), json_boolean(there));
}

static bool visit(void *context, const struct write_row *row, struct error *err)
{
	struct proof_run *run = context;
	CLEANUP(json_freep) json_t *before = json_from_span(span_of(row->old_json));
	CLEANUP(json_freep) json_t *after = json_from_span(span_of(row->new_json));

	(void)err;
	if (strcmp(row->operation, "set") == 0) {
		if (row->attribute && is_data(row->attribute))
			note_value(run, row, before, after);
	} else if (strcmp(row->operation, "add") == 0) {
		note_reference(run, row, after, true);
	} else if (strcmp(row->operation, "remove") == 0) {
		note_reference(run, row, before, false);
	} else if (strcmp(row->operation, "create") == 0 ||
		strcmp(row->operation, "restore") == 0) {
		note_object(run, row, true);
	} else if (strcmp(row->operation, "delete") == 0) {
		note_object(run, row, false);
	}
	return true;
}

/* ---- the tenant itself has the last word ---------------------------------------------------------- */

static json_t *reference_now(
	struct proof_run *run, const char *id, const char *relation, const char *text)
{
	static const enum relation relations[] = { RELATION_MEMBERS, RELATION_OWNERS,
		RELATION_MANAGER };
	CLEANUP(json_freep) json_t *target = json_from_span(span_of(text));

	for (size_t i = 0; i < COUNT_OF(relations); i++) {
		if (strcmp(relation, relation_name(relations[i])) == 0 && json_is_string(target) &&
			tenant_has_reference(
				run->simulator, id, relations[i], json_string_value(target)))
			return json_incref(target);
	}
	return json_null();
}

static bool is_relation(const char *attribute)
{
	return strcmp(attribute, relation_name(RELATION_MEMBERS)) == 0 ||
		strcmp(attribute, relation_name(RELATION_OWNERS)) == 0 ||
		strcmp(attribute, relation_name(RELATION_MANAGER)) == 0;
}

/* What stands in the tenant for a key: a new reference. `key` is cut into its parts. */
static json_t *value_now(struct proof_run *run, char *key)
{
	char *attribute = strchr(key, '\n'), *element;
	enum object_state state = OBJECT_GONE;
	CLEANUP(json_freep) json_t *object = NULL;
	struct write_row place = { 0 };
	CLEANUP(buf_release) struct buf whole = BUF_UP_TO(KEY_MAX);
	json_t *value;

	buf_add_text(&whole, key);
	*attribute++ = '\0';
	element = strchr(attribute, '\n');
	*element++ = '\0';
	object = tenant_get(run->simulator, key, NULL, &state);
	if (!*attribute)
		return json_boolean(object && state == OBJECT_LIVE);
	if (is_relation(attribute))
		return reference_now(run, key, attribute, element);
	value = story_property(object, attribute);
	if (!*element)
		return value ? json_incref(value) : json_null();
	place.object = key;
	place.attribute = attribute;
	value = find_element(value, &whole, &place);
	return value ? json_incref(value) : json_null();
}

static void note_trouble(struct proof_run *run, const char *key, const char *what,
	const json_t *unit, const json_t *now)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);

	if (run->proof->first_trouble[0])
		return;
	buf_addf(&text, "%s: %s is ", what, key);
	json_add(&text, now);
	buf_add_text(&text, ", and would be ");
	json_add(&text, json_object_get(unit, "ideal"));
	snprintf(run->proof->first_trouble, sizeof(run->proof->first_trouble), "%s",
		buf_text(&text));
}

static void judge(struct proof_run *run, const char *key, const json_t *unit)
{
	CLEANUP(memory_freep) char *parts = memory_text(key);
	CLEANUP(json_freep) json_t *now = value_now(run, parts);
	const char *by = json_string_value(json_object_get(unit, "by"));
	bool right = json_equal(now, json_object_get(unit, "ideal")) == 1;

	if (json_is_true(json_object_get(unit, "damaged"))) {
		run->proof->damaged++;
		if (by)
			++*door_counter(run->proof, by);
	}
	if (right)
		return;
	if (json_is_true(json_object_get(unit, "staging"))) {
		run->proof->still_damaged++;
		note_trouble(run, key, "still damaged", unit, now);
	}
	if (json_is_true(json_object_get(unit, "legitimate"))) {
		run->proof->legitimate_lost++;
		note_trouble(run, key, "lost", unit, now);
	}
}

static bool prove(struct proof_run *run, struct error *err)
{
	const char *key;
	json_t *unit;

	if (!writes_each(run->simulator, story_mark(run->simulator, MARK_BASE), visit, run, err))
		return false;
	json_object_foreach(run->units, key, unit) judge(run, key, unit);
	return true;
}

bool simulator_prove(struct simulator *simulator, struct simulator_proof *proof, struct error *err)
{
	CLEANUP(json_freep) json_t *units = json_object();
	struct proof_run run = {
		.simulator = simulator,
		.proof = proof,
		.units = units,
	};
	bool done;

	*proof = (struct simulator_proof){ 0 };
	simulator_lock(simulator);
	run.morning = story_mark(simulator, MARK_MORNING);
	done = prove(&run, err);
	simulator_unlock(simulator);
	return done;
}
