/*
 * A link is input wherever it comes from [T19]: as nextLink of a list, of changes or inside an item
 * of a batch, as deltaLink, or from our own files, where that one is kept. Each URL of
 * tests/data/net/urls.txt comes in each of these ways; only what the gate lets pass is asked for.
 */
#include "tests/graph/script.h"
#include "tests/net/vectors.h"

#define GROUP "cccccccc-0000-4000-8000-000000000001"
#define SINCE ROOT "/users/delta?$deltatoken=1"
#define LAST  "{\"value\":[],\"@odata.deltaLink\":\"" SINCE "\"}"

static bool ignore_item(void *context UNUSED, struct span item UNUSED, struct error *err UNUSED)
{
	return true;
}

static bool ignore_change(
	void *context UNUSED, const struct graph_change *change UNUSED, struct error *err UNUSED)
{
	return true;
}

/* As JSON has it. */
static void add_link(struct buf *out, const char *link)
{
	buf_add_byte(out, '"');
	for (; *link; link++) {
		if ((unsigned char)*link < ' ')
			buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*link);
		else
			buf_addf(out, strchr("\"\\", *link) ? "\\%c" : "%c", *link);
	}
	buf_add_byte(out, '"');
}

/* ---- the ways in ---------------------------------------------------------------------- */

static bool from_a_page(struct graph *graph, const char *link UNUSED, struct error *err)
{
	return graph_list(graph, "/contacts?$select=id", ignore_item, NULL, NULL, err);
}

static bool from_an_item_of_a_batch(struct graph *graph, const char *link UNUSED, struct error *err)
{
	struct graph_read read = {
		.kind = kind_get(KIND_GROUP),
		.id = GROUP,
		.flags = GRAPH_READ_MEMBERS,
	};
	bool done = graph_read_objects(graph, &read, 1, err);

	memory_free(read.lines);
	return done;
}

static bool changes_since(
	struct graph *graph, const char *link, char **next_link, struct error *err)
{
	return graph_delta(graph, kind_get(KIND_USER), link, ignore_change, NULL, next_link, err) ==
		GRAPH_DELTA_TOLD;
}

static bool from_a_page_of_changes(struct graph *graph, const char *link UNUSED, struct error *err)
{
	CLEANUP(memory_freep) char *next = NULL;

	return changes_since(graph, SINCE, &next, err);
}

static bool from_a_delta_link(struct graph *graph, const char *link UNUSED, struct error *err)
{
	CLEANUP(memory_freep) char *next = NULL;
	CLEANUP(memory_freep) char *after = NULL;

	return changes_since(graph, SINCE, &next, err) && changes_since(graph, next, &after, err);
}

static bool from_our_own_files(struct graph *graph, const char *link, struct error *err)
{
	CLEANUP(memory_freep) char *next = NULL;

	return changes_since(graph, link, &next, err);
}

#define PAGE "{\"value\":[],\"@odata.nextLink\":%s}"

static const struct way {
	const char *name;
	bool (*read)(struct graph *graph, const char *link, struct error *err);
	const char *before[2]; /* what is answered until the link is known: "%s" is the link */
} ways[] = {
	{ "a page", from_a_page, { PAGE } },
	{ "an item of a batch", from_an_item_of_a_batch,
		{ "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" GROUP "\"}}]}",
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":" PAGE "}]}" } },
	{ "a page of changes", from_a_page_of_changes, { PAGE } },
	{ "a deltaLink", from_a_delta_link, { "{\"value\":[],\"@odata.deltaLink\":%s}" } },
	{ "our own files", from_our_own_files, { NULL } },
};

/* ---- every URL, every way -------------------------------------------------------------- */

/* Everything that was asked for is ours, and what came last is the link. */
static bool asked_as_expected(const struct script *script, const struct vector *vector)
{
	const struct asked *last = script->used ? &script->asked[script->used - 1] : NULL;

	for (size_t i = 0; i < script->used; i++) {
		bool ours = strncmp(script->asked[i].url, ROOT "/", strlen(ROOT "/")) == 0;

		if (!ours && !(vector->allowed && &script->asked[i] == last))
			return false;
	}
	return !vector->allowed || (last && strcmp(last->url, vector->url) == 0 && last->bearer);
}

/* The reply, with the link in the place of "%s". */
static const char *fill(struct buf *out, const char *reply, const struct buf *link)
{
	const char *mark = strstr(reply, "%s");

	buf_add(out, reply, mark ? (size_t)(mark - reply) : strlen(reply));
	if (mark)
		buf_addf(out, "%s%s", buf_text(link), mark + 2);
	return buf_text(out);
}

static void try_link(const struct way *way, const struct vector *vector)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(buf_release) struct buf link = BUF_UP_TO(8 << 10);
	CLEANUP(buf_release) struct buf first = BUF_UP_TO(16 << 10);
	CLEANUP(buf_release) struct buf second = BUF_UP_TO(16 << 10);
	struct buf *texts[COUNT_OF(way->before)] = { &first, &second };
	struct reply replies[COUNT_OF(way->before) + 1];
	struct error err = { 0 };
	size_t count = 0;
	bool done;

	add_link(&link, vector->url);
	for (; count < COUNT_OF(way->before) && way->before[count]; count++)
		replies[count] = (struct reply){ 200,
			fill(texts[count], way->before[count], &link) };
	if (vector->allowed)
		replies[count++] = (struct reply){ 200, LAST };
	world_init(&world, replies, count);
	net_origins_free(world.origins);
	world.origins = vector_origins();
	world.graph->origins = world.origins;
	done = way->read(world.graph, vector->url, &err);
	/* Bytes that are no UTF-8 are no JSON, either. */
	if (done != vector->allowed || !asked_as_expected(&world.script, vector) ||
		(!done && err.kind != ERROR_REFUSED && err.kind != ERROR_FORMAT))
		fail_msg("%s: %s: %s", way->name, vector->shown, err.text);
	world_is_used_up(&world);
}

static void only_what_the_gate_lets_pass_is_asked_for(void **state UNUSED)
{
	struct vector *vectors;
	size_t count = vectors_load(&vectors), hostile = 0;

	for (size_t i = 0; i < count; i++) {
		hostile += !vectors[i].allowed;
		for (size_t w = 0; w < COUNT_OF(ways); w++)
			try_link(&ways[w], &vectors[i]);
	}
	free(vectors);
	assert_true(hostile >= VECTORS_HOSTILE);
}

static void a_link_that_hides_its_end_behind_a_nul_is_not_followed(void **state UNUSED)
{
	WORLD(world, { 200, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users\\u0000@evil\"}" });
	struct error err = { 0 };

	assert_false(from_a_page(world.graph, NULL, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	world_is_used_up(&world);
}

static void a_link_of_more_than_16_kib_is_not_followed(void **state UNUSED)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);
	struct reply reply = { 200 };
	struct error err = { 0 };

	buf_add_text(&text, "{\"value\":[],\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=");
	for (size_t i = 0; i < NET_URL_MAX; i++)
		buf_add_byte(&text, 'x');
	buf_add_text(&text, "\"}");
	reply.body = buf_text(&text);
	world_init(&world, &reply, 1);
	assert_false(from_a_page(world.graph, NULL, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	world_is_used_up(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_gate_lets_pass_is_asked_for),
		cmocka_unit_test(a_link_that_hides_its_end_behind_a_nul_is_not_followed),
		cmocka_unit_test(a_link_of_more_than_16_kib_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
