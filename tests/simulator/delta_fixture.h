/*
 * A client of delta for tests: it follows a chain to its deltaLink and keeps a mirror of what it
 * was told, merged as contract 2.9 asks: last one wins, members add up, @removed takes away.
 */
#pragma once

#include "tests/simulator/tenant_fixture.h"

struct mirror {
	struct tenant *tenant;
	json_t *objects; /* id → what was told; "members": {id: true} */
	json_t *last;    /* the items of the last round, in order */
	char link[1024]; /* path of the next call */
	unsigned pages, told;
	bool minimal;
};

static inline void mirror_release(struct mirror *mirror)
{
	json_decref(mirror->objects);
	json_decref(mirror->last);
}

static inline struct mirror mirror_of(struct tenant *tenant, const char *path)
{
	struct mirror mirror = { .tenant = tenant, .objects = json_object(), .last = json_array() };

	snprintf(mirror.link, sizeof(mirror.link), "%s", path);
	return mirror;
}

static inline struct reply get_minimal(struct tenant *tenant, const char *path)
{
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = "GET",
			.path = path,
			.authorization = span_of(tenant->authorization),
			.prefer = SPAN_LITERAL("return=minimal"),
		});
}

/* The path behind a link of this Graph; fails where there is none. */
static inline const char *path_of(const struct reply *reply, const char *name)
{
	const char *link = json_text_or_null(reply->body, name);

	assert_non_null(link);
	assert_int_equal(strncmp(link, TEST_GRAPH, strlen(TEST_GRAPH)), 0);
	return link + strlen(TEST_GRAPH);
}

static inline void merge_references(json_t *object, const char *relation, const json_t *told)
{
	json_t *kept = json_object_get(object, relation);

	if (!kept) {
		kept = json_object();
		json_object_set_new(object, relation, kept);
	}
	for (size_t i = 0; i < json_array_size(told); i++) {
		const json_t *reference = json_array_get(told, i);
		const char *id = json_text_or_null(reference, "id");

		assert_non_null(id);
		assert_non_null(json_text_or_null(reference, "@odata.type"));
		if (json_object_get(reference, "@removed"))
			json_object_del(kept, id);
		else
			json_object_set_new(kept, id, json_true());
	}
}

static inline void merge_item(struct mirror *mirror, json_t *item)
{
	const char *id = json_text_or_null(item, "id"), *name;
	json_t *kept = json_object_get(mirror->objects, id), *value;

	assert_non_null(id);
	if (json_object_get(item, "@removed")) {
		json_object_del(mirror->objects, id);
		return;
	}
	if (!kept) {
		kept = json_object();
		json_object_set_new(mirror->objects, id, kept);
	}
	json_object_foreach(item, name, value)
	{
		if (strcmp(name, "members@delta") == 0)
			merge_references(kept, "members", value);
		else if (strcmp(name, "manager@delta") == 0)
			merge_references(kept, "manager", value);
		else
			json_object_set(kept, name, value);
	}
}

/* One page; true while the round goes on. Exactly one link stands in it, and before `value`. */
static inline bool follow_page(struct mirror *mirror)
{
	CLEANUP(reply_release)
	struct reply reply = mirror->minimal ? get_minimal(mirror->tenant, mirror->link)
					     : get(mirror->tenant, mirror->link);
	bool more = json_object_get(reply.body, "@odata.nextLink") != NULL;
	const json_t *value = json_object_get(reply.body, "value");

	if (reply.status != 200)
		fail_msg("%s: %d %s", mirror->link, reply.status, error_message(&reply));
	assert_true(more != (json_object_get(reply.body, "@odata.deltaLink") != NULL));
	assert_true(json_is_array(value));
	snprintf(mirror->link, sizeof(mirror->link), "%s",
		path_of(&reply, more ? "@odata.nextLink" : "@odata.deltaLink"));
	mirror->pages++;
	for (size_t i = 0; i < json_array_size(value); i++) {
		merge_item(mirror, json_array_get(value, i));
		json_array_append(mirror->last, json_array_get(value, i));
	}
	return more;
}

/* A round to its end. */
static inline void follow(struct mirror *mirror)
{
	json_array_clear(mirror->last);
	mirror->pages = 0;
	while (follow_page(mirror))
		assert_true(mirror->pages < 10000);
	mirror->told = (unsigned)json_array_size(mirror->last);
}

static inline json_t *told(const struct mirror *mirror, const char *id)
{
	for (size_t i = 0; i < json_array_size(mirror->last); i++) {
		json_t *item = json_array_get(mirror->last, i);

		if (strcmp(json_text_or_null(item, "id"), id) == 0)
			return item;
	}
	return NULL;
}

static inline void assert_told(const struct mirror *mirror, const char *id, const char *wanted)
{
	CLEANUP(json_freep) json_t *json = json_loads(wanted, 0, NULL);
	CLEANUP(json_freep) json_t *found = json_copy(told(mirror, id));

	assert_non_null(json);
	assert_non_null(found);
	json_object_del(found, "id");
	if (!json_equal(found, json)) {
		char *text = json_dumps(found, JSON_COMPACT);

		fail_msg("%s instead of %s", text, wanted);
	}
}

/* ---- playing by hand --------------------------------------------------------------------------- */

static inline void hand_set(
	struct tenant *tenant, const char *id, const char *name, const char *value)
{
	struct error err = { 0 };

	if (!simulator_hand_set(tenant->simulator, id, name, span_of(value), &err))
		fail_msg("%s", err.text);
}

static inline void hand_link(
	struct tenant *tenant, const char *id, const char *relation, const char *target, bool there)
{
	struct error err = { 0 };

	if (!simulator_hand_link(tenant->simulator, id, relation, target, there, &err))
		fail_msg("%s", err.text);
}

static inline void hand_life(struct tenant *tenant,
	bool (*change)(struct simulator *, const char *, struct error *), const char *id)
{
	struct error err = { 0 };

	if (!change(tenant->simulator, id, &err))
		fail_msg("%s", err.text);
}
