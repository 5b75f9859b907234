/*
 * Runs: what Graph selects and an object does not have it sends as null, dozens of them one behind
 * the other, in nearly every object the same. A run is such a piece of text with what it means to
 * the shape; where it comes again it is compared once, whatever the number of its members.
 *
 * A run is as long as what was null when it was first seen. Where it turns out to be shorter, since
 * one of its members has a value after all, it is cut there for good: a run costs at most its own
 * length more than its members do, and what is left in the end is what is never there.
 */
#include "base/scan_check.h"

static const char null_text[] = "null";
enum { NULL_BYTES = sizeof(null_text) - 1 };

/* How much of the run's text its member takes, with a comma before all but the first one. */
static size_t member_length(const struct scan_shape *shape, const struct shape_run *run, size_t at)
{
	return shape->nodes[run->nodes[at]].length + strlen(null_text) + (at ? 1 : 0);
}

static void add_meaning(struct shape_run *run, const struct shape_node *node)
{
	run->seen |= UINT64_C(1) << node->ordinal;
	if (node->slot != SCAN_NO_SLOT)
		run->slots[node->slot / 64] |= UINT64_C(1) << node->slot % 64;
}

static void add_member(struct scan_shape *shape, struct shape_run *run, struct shape_node *node)
{
	char *at = run->text + run->length;

	if (run->count)
		*at++ = ',';
	memcpy(at, node->text, node->length);
	memcpy(at + node->length, null_text, NULL_BYTES);
	run->nodes[run->count] = (uint16_t)(node - shape->nodes);
	run->length += (uint16_t)member_length(shape, run, run->count);
	run->count++;
	add_meaning(run, node);
}

/* ---- shorter ------------------------------------------------------------------------- */

static size_t common_length(const char *a, const char *b, size_t length)
{
	size_t at = 0;

	while (at < length && a[at] == b[at])
		at++;
	return at;
}

/* Keeps the members that are whole in its first bytes. */
static void keep_first(struct scan_shape *shape, struct shape_run *run, size_t length)
{
	size_t count = run->count;

	run->settled = true;
	run->length = run->count = 0;
	run->seen = 0;
	memset(run->slots, 0, sizeof(run->slots));
	for (size_t i = 0; i < count; i++) {
		size_t more = member_length(shape, run, i);

		if (run->length + more > length)
			break;
		run->length += (uint16_t)more;
		run->count++;
		add_meaning(run, &shape->nodes[run->nodes[i]]);
	}
}

static void forget(struct scan_shape *shape, struct shape_node *node)
{
	shape->runs_taken &= (uint16_t) ~(1U << (node->run - 1));
	node->run = RUN_NEVER;
}

bool scan_run_cut(struct scan_shape *shape, struct shape_node *node, const char *at)
{
	struct shape_run *run = &shape->runs[node->run - 1];
	size_t common = common_length(at, run->text, run->length);

	/* Another key: that says nothing about this one. */
	if (common < node->length)
		return false;
	keep_first(shape, run, common);
	if (run->count > 1)
		return true;
	forget(shape, node);
	return false;
}

/* ---- longer -------------------------------------------------------------------------- */

/* A new run that begins with `node`, or NULL. */
static struct shape_run *begin_run(struct scan_shape *shape, struct shape_node *node)
{
	unsigned free = (unsigned)__builtin_ctz(~(unsigned)shape->runs_taken);
	struct shape_run *run;

	if (node->run || free >= SHAPE_RUNS)
		return NULL;
	shape->runs_taken |= (uint16_t)(1U << free);
	node->run = (uint8_t)(free + 1);
	run = &shape->runs[free];
	*run = (struct shape_run){ 0 };
	add_member(shape, run, node);
	return run;
}

static bool has_room(const struct shape_run *run, const struct shape_node *node)
{
	return !run->settled && run->count < SHAPE_LIST_MAX &&
		run->length + node->length + sizeof(null_text) <= sizeof(run->text);
}

void scan_run_learn(struct check *check, struct members *members, struct shape_node *node,
	const char *begin, const char *end)
{
	struct scan_shape *shape = check->shape;

	if (!members->null_node || members->null_end + 1 != begin) {
		members->growing = NULL;
	} else {
		if (!members->growing)
			members->growing = begin_run(shape, members->null_node);
		if (members->growing && has_room(members->growing, node))
			add_member(shape, members->growing, node);
		else
			members->growing = NULL;
	}
	members->null_node = node;
	members->null_end = end;
}
