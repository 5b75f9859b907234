/*
 * Shapes: objects of one list have the same members in the same order, nearly always. A shape
 * remembers the keys it has seen as a tree: of each place in a text the list of the keys that
 * objects there have had, all different. Where the next key is the one that came next before,
 * comparing it once settles what it is, that it is well formed, and that it is no duplicate:
 * each key of a list has a bit, and an object that meets a bit twice repeats a key.
 *
 * A shape only remembers. Keys that have no room in it, or have escapes, are judged without it
 * (scan_keys.c), and what it has learned from a text that was refused is true all the same.
 */
#include "base/scan_check.h"

void scan_shape_init(struct scan_shape *shape)
{
	shape->slots = NULL;
	shape->runs = NULL;
	shape->runs_taken = 0;
	shape->count = 1;
	shape->nodes[0] = (struct shape_node){ 0 };
}

struct scan_shape *scan_shape_new(void)
{
	struct scan_shape *shape = memory_new(sizeof(*shape));

	scan_shape_init(shape);
	shape->runs = memory_array(SHAPE_RUNS, sizeof(*shape->runs));
	return shape;
}

void scan_shape_free(struct scan_shape *shape)
{
	if (!shape)
		return;
	memory_free(shape->runs);
	memory_free(shape);
}

static bool is_key(const struct shape_node *node, struct span key)
{
	return node->length == key.length + strlen("\"\":") &&
		memcmp(node->text + 1, key.data, key.length) == 0;
}

/* Behind the last key first: a member that was left out is the likeliest surprise. */
static struct shape_node *find(
	struct scan_shape *shape, const struct members *members, struct span key)
{
	unsigned start = *members->expected, at;

	for (at = start; at; at = shape->nodes[at].next)
		if (is_key(&shape->nodes[at], key))
			return &shape->nodes[at];
	for (at = members->list->first; at != start; at = shape->nodes[at].next)
		if (is_key(&shape->nodes[at], key))
			return &shape->nodes[at];
	return NULL;
}

/* A new node behind that of the last key. */
static struct shape_node *learn(struct check *check, struct members *members, struct span key)
{
	struct scan_shape *shape = check->shape;
	size_t length = key.length + strlen("\"\":");
	struct shape_node *node = &shape->nodes[shape->count];

	if (shape->count == SHAPE_NODES || members->list->count == SHAPE_LIST_MAX ||
		length > SHAPE_TEXT_BYTES)
		return NULL;
	*node = (struct shape_node){
		.next = *members->expected,
		.length = (uint8_t)length,
		.ordinal = (uint8_t)members->list->count++,
		.slot = (uint16_t)scan_slot_of(check, members, key),
	};
	node->text[0] = '"';
	memcpy(node->text + 1, key.data, key.length);
	memcpy(node->text + 1 + key.length, "\":", 2);
	*members->expected = shape->count++;
	return node;
}

struct shape_node *scan_shape_find(struct check *check, struct members *members, struct span key)
{
	struct shape_node *node = find(check->shape, members, key);

	return node ? node : learn(check, members, key);
}
