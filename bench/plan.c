/*
 * Plans from a snapshot's own values, for ./dev bench: people pass who they are on in rings (sign-in
 * name, addresses, mail), others have a department to put back; and checks the plan. Who they are is
 * scattered over the directory, as it is after an export.
 *
 *	bench_plan SNAPSHOT STEPS MOVES
 *
 * Writes the seconds of planning and of checking, by the clock and of processor time, and what the plan
 * has, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/scan.h"
#include "rollback/check.h"
#include "rollback/plan_internal.h"

enum { RING_LONGEST = 7, STEPS_OF_ONE = 3, FINDINGS_OF_ONE = 8 };

struct bench {
	struct snapshot *live;
	size_t steps, moves;               /* that are wanted */
	size_t stride, passed;             /* every so manieth object is taken; objects so far */
	struct object *ring[RING_LONGEST]; /* whose values are passed on */
	size_t ring_count, ring_length, moved, planned;
	struct finding *findings;
	const struct finding **pointers;
	size_t count;
	struct plan *texts; /* memory for the findings */
};

static struct finding *add_finding(
	struct bench *bench, const struct object *object, const char *attribute, enum door door)
{
	struct finding *finding = &bench->findings[bench->count];

	*finding = (struct finding){
		.verdict = VERDICT_REVERT,
		.change = CHANGE_VALUE,
		.door = door,
		.kind = object_kind(object),
		.id = plan_keep_value(bench->texts, object_id(object)),
		.name = plan_keep_value(bench->texts, object_name(object)),
		.attribute = attribute_find(object_kind(object), span_of(attribute)),
		.reason = "the staging server wrote it last",
	};
	finding->live.known = finding->before.known = true;
	bench->pointers[bench->count++] = finding;
	return finding;
}

static void find_value(struct bench *bench, const struct object *object,
	const struct object *before, const char *attribute, enum door door)
{
	struct finding *finding = add_finding(bench, object, attribute, door);

	finding->live.value = plan_keep_value(bench->texts, object_get(object, finding->attribute));
	finding->before.value = plan_keep_value(
		bench->texts, object_get(before, finding->attribute));
}

/* One set becomes another: an element goes, or comes. */
static void find_elements(
	struct bench *bench, const struct object *object, const struct object *other, bool comes)
{
	const struct attribute *attribute = attribute_find(
		object_kind(object), SPAN_LITERAL("proxyAddresses"));
	struct span set = object_get(other, attribute), element;
	struct scan scan = scan_open(set);

	while (set.data && scan_element(&scan, &element)) {
		CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
		struct finding *finding = add_finding(
			bench, object, "proxyAddresses", DOOR_EXCHANGE);

		element_add_key(&key, attribute, element);
		finding->change = CHANGE_ELEMENT;
		finding->element = plan_keep_value(bench->texts, buf_span(&key));
		*(comes ? &finding->before : &finding->live) = (struct known_value){ true,
			plan_keep_value(bench->texts, element) };
	}
}

/* Everybody in the ring should have what the next one has. */
static void close_ring(struct bench *bench)
{
	for (size_t i = 0; i < bench->ring_count; i++) {
		const struct object *object = bench->ring[i];
		const struct object *next = bench->ring[(i + 1) % bench->ring_count];

		find_value(bench, object, next, "userPrincipalName", DOOR_GRAPH);
		find_value(bench, object, next, "mail", DOOR_GRAPH);
		find_elements(bench, object, object, false);
		find_elements(bench, object, next, true);
	}
	bench->moved += 2 * bench->ring_count;
	bench->planned += STEPS_OF_ONE * bench->ring_count;
	for (size_t i = 0; i < bench->ring_count; i++)
		object_free(bench->ring[i]);
	bench->ring_count = 0;
	bench->ring_length = bench->ring_length == RING_LONGEST ? 2 : bench->ring_length + 1;
}

static bool take_object(void *context, struct span lines, struct error *err)
{
	struct bench *bench = context;
	struct object *object;

	if (bench->planned >= bench->steps || bench->passed++ % bench->stride)
		return true;
	object = object_parse(lines, err);
	if (!object)
		return false;
	if (bench->moved < bench->moves) {
		bench->ring[bench->ring_count++] = object;
		if (bench->ring_count == bench->ring_length)
			close_ring(bench);
		return true;
	}
	find_value(bench, object, object, "department", DOOR_GRAPH);
	bench->findings[bench->count - 1].before.value = SPAN_LITERAL("\"Before\"");
	bench->planned++;
	object_free(object);
	return true;
}

static bool visit_live(void *context, const struct snapshot_visitor *visitor, struct error *err)
{
	const struct bench *bench = context;

	return snapshot_visit(bench->live, visitor, err);
}

struct moment {
	double wall, processor;
};

static struct moment now(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_MONOTONIC, &wall);
	return (struct moment){ .wall = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9,
		.processor = (double)clock() / CLOCKS_PER_SEC };
}

static struct moment since(struct moment start)
{
	struct moment end = now();

	return (struct moment){ end.wall - start.wall, end.processor - start.processor };
}

static void tell(const struct plan *plan, struct moment planning, struct moment checking)
{
	size_t parked = 0;

	for (size_t i = 0; i < plan->step_count; i++)
		parked += plan->steps[i].until != 0;
	printf("{\"planning\":%.3f,\"planningProcessor\":%.3f,\"checking\":%.3f,"
	       "\"checkingProcessor\":%.3f,\"steps\":%zu,\"parked\":%zu}\n",
		planning.wall, planning.processor, checking.wall, checking.processor,
		plan->step_count, parked);
}

static bool run(struct bench *bench, struct error *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_begin();
	struct plan_input input = { .findings = bench->pointers,
		.count = bench->count,
		.visit = visit_live,
		.context = bench };
	struct check_live live = { visit_live, bench };
	struct moment planning, start = now();

	if (!plan_add_steps(plan, &input, err))
		return false;
	planning = since(start);
	start = now();
	if (!plan_check(plan, &live, err))
		return false;
	tell(plan, planning, since(start));
	return true;
}

/* Each person of a ring has three steps, everybody else one. */
static size_t stride_of(const struct bench *bench)
{
	size_t people = bench->steps - bench->moves / 2 * (STEPS_OF_ONE - 1);
	size_t users = snapshot_header(bench->live)->objects[KIND_USER];

	return people && users > people ? users / people : 1;
}

int main(int argc, char **argv)
{
	struct bench bench = { .ring_length = 2 };
	struct error err = { 0 };

	if (argc != 4) {
		fprintf(stderr, "bench_plan SNAPSHOT STEPS MOVES\n");
		return ERROR_USAGE;
	}
	bench.steps = strtoul(argv[2], NULL, 10);
	bench.moves = strtoul(argv[3], NULL, 10);
	bench.texts = plan_begin();
	bench.findings = memory_array(
		bench.steps * FINDINGS_OF_ONE + RING_LONGEST * 16, sizeof(*bench.findings));
	bench.pointers = memory_array(
		bench.steps * FINDINGS_OF_ONE + RING_LONGEST * 16, sizeof(*bench.pointers));
	bench.live = snapshot_open(argv[1], &err);
	if (bench.live) {
		snapshot_use_workers(bench.live, snapshot_workers());
		bench.stride = stride_of(&bench);
	}
	if (!bench.live || !snapshot_each(bench.live, take_object, &bench, &err) ||
		!run(&bench, &err)) {
		fprintf(stderr, "bench_plan: %s\n", err.text);
		return (int)err.kind;
	}
	snapshot_close(bench.live);
	plan_free(bench.texts);
	memory_free(bench.findings);
	memory_free(bench.pointers);
	return 0;
}
