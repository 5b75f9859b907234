/* What lies in the tiny directory: putting it there, looking at it, keeping it over a kill. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rollback/tiny_graph.h"

const char *tiny_id(size_t number)
{
	static char ids[TINY_IDS][TINY_ID_BYTES];

	assert(number < TINY_IDS);
	snprintf(ids[number], sizeof(ids[number]), "00000000-0000-4000-8000-%012zu", number);
	return ids[number];
}

json_t *tiny_find(const json_t *objects, const char *id)
{
	return json_object_get(objects, id);
}

static json_t *at(const struct tiny_graph *tiny, size_t number)
{
	json_t *object = tiny_find(tiny->objects, tiny_id(number));

	assert(object);
	return object;
}

void tiny_add(struct tiny_graph *tiny, const char *kind, size_t number, const char *properties)
{
	json_t *values = json_loads(properties, 0, NULL);

	assert(values);
	json_object_set_new(tiny->objects, tiny_id(number),
		json_pack("{s:s, s:b, s:o, s:n, s:[], s:[]}", "kind", kind, "deleted", 0,
			"properties", values, "manager", "members", "owners"));
}

void tiny_delete(struct tiny_graph *tiny, size_t number)
{
	json_object_set_new(at(tiny, number), "deleted", json_true());
}

void tiny_set(struct tiny_graph *tiny, size_t number, const char *property, const char *value)
{
	json_object_set_new(json_object_get(at(tiny, number), "properties"), property,
		json_loads(value, JSON_DECODE_ANY, NULL));
}

void tiny_set_manager(struct tiny_graph *tiny, size_t number, size_t manager)
{
	json_object_set_new(at(tiny, number), "manager", json_string(tiny_id(manager)));
}

void tiny_add_reference(struct tiny_graph *tiny, size_t group, const char *relation, size_t id)
{
	json_array_append_new(json_object_get(at(tiny, group), relation), json_string(tiny_id(id)));
}

bool tiny_is_deleted(const struct tiny_graph *tiny, size_t number)
{
	return json_is_true(json_object_get(at(tiny, number), "deleted"));
}

bool tiny_property_is(
	const struct tiny_graph *tiny, size_t number, const char *property, const char *value)
{
	json_t *found = json_object_get(json_object_get(at(tiny, number), "properties"), property);
	json_t *wanted = json_loads(value, JSON_DECODE_ANY, NULL);
	bool same = found ? json_equal(found, wanted) : json_is_null(wanted);

	json_decref(wanted);
	return same;
}

bool tiny_has_manager(const struct tiny_graph *tiny, size_t number, size_t manager)
{
	const char *id = json_string_value(json_object_get(at(tiny, number), "manager"));

	return manager ? id && strcmp(id, tiny_id(manager)) == 0 : !id;
}

size_t tiny_reference_index(const json_t *references, const char *id)
{
	size_t i = 0;

	while (i < json_array_size(references) &&
		strcmp(json_string_value(json_array_get(references, i)), id) != 0)
		i++;
	return i;
}

bool tiny_has_reference(
	const struct tiny_graph *tiny, size_t group, const char *relation, size_t id)
{
	const json_t *references = json_object_get(at(tiny, group), relation);

	return tiny_reference_index(references, tiny_id(id)) < json_array_size(references);
}

void tiny_dump(const struct tiny_graph *tiny)
{
	json_t *state = json_pack("{s:O, s:O}", "objects", tiny->objects, "effects", tiny->effects);

	if (json_dump_file(state, tiny->dump_path, 0))
		abort();
	json_decref(state);
}

void tiny_load(struct tiny_graph *tiny)
{
	json_t *state = json_load_file(tiny->dump_path, 0, NULL);

	assert(state);
	json_decref(tiny->objects);
	json_decref(tiny->effects);
	tiny->objects = json_incref(json_object_get(state, "objects"));
	tiny->effects = json_incref(json_object_get(state, "effects"));
	json_decref(state);
}
