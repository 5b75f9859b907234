/*
 * Readings and writings beside each other: each has a flow of its own, so that what ends one of them
 * ends no other, and all go on while somebody waits for any. What they share is the quota, the token
 * and the connections.
 */
#include "graph/tasks.h"

struct graph_task {
	struct graph_task *next;
	struct graph *graph;
	struct flow flow;
	struct reader *reader; /* one of the two */
	struct writer *writer;
	bool done, good;
	struct error error; /* when it is done and not good */
};

/* ---- one of them --------------------------------------------------------------------- */

static void task_end(struct graph_task *task, bool good)
{
	task->done = true;
	task->good = good;
	flow_release(&task->flow);
}

/* Begins, settles, and ends what is through. `any`: something happened. */
static void task_turn(struct graph_task *task, int64_t *next_ms, bool *any)
{
	*next_ms = INT64_MAX;
	*any = false;
	if (!flow_turn(&task->flow, next_ms, any, &task->error)) {
		task_end(task, false);
		return;
	}
	if (!task->flow.first)
		task_end(task, task->writer || reader_end(task->reader, &task->error));
}

static struct graph_task *task_new(
	struct graph *graph, struct reader *reader, struct writer *writer)
{
	struct graph_task *task = memory_new(sizeof(*task));
	struct graph_task **at = &graph->tasks;
	int64_t next_ms;
	bool any;

	*task = (struct graph_task){ .graph = graph, .reader = reader, .writer = writer };
	while (*at)
		at = &(*at)->next;
	*at = task;
	flow_init(&task->flow, graph);
	if (writer ? writer_begin(writer, &task->flow, &task->error)
		   : reader_begin(reader, &task->flow, &task->error))
		task_turn(task, &next_ms, &any);
	else
		task_end(task, false);
	return task;
}

struct graph_task *graph_begin_reading(struct graph *graph, struct graph_read *reads, size_t count)
{
	return task_new(graph, reader_new(graph, reads, count), NULL);
}

struct graph_task *graph_begin_writing(
	struct graph *graph, struct graph_write *writes, size_t count)
{
	return task_new(graph, NULL, writer_new(graph, writes, count));
}

bool graph_task_is_done(const struct graph_task *task)
{
	return task->done;
}

void graph_task_drop(struct graph_task *task)
{
	struct graph_task **at;

	if (!task)
		return;
	at = &task->graph->tasks;
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	flow_release(&task->flow);
	if (task->good && task->reader)
		reader_forget(task->reader);
	reader_free(task->reader);
	writer_free(task->writer);
	memory_free(task);
}

bool graph_task_finish(struct graph_task *task, struct error *err)
{
	bool good;

	while (!task->done)
		graph_wait(task->graph, FLOW_WAIT_MOST_MS);
	good = task->good;
	if (!good)
		*err = task->error;
	task->good = false; /* what it brought is taken */
	graph_task_drop(task);
	return good;
}

/* ---- all of them --------------------------------------------------------------------- */

/* What a turn of all of them found. */
struct round {
	bool any, ended;
	size_t under_way;
	int64_t next_ms;
	const struct flow *next; /* whose call may leave then */
};

static struct round turn_all(struct graph *graph)
{
	struct round round = { .next_ms = INT64_MAX };

	for (struct graph_task *task = graph->tasks; task; task = task->next) {
		int64_t next_ms;
		bool any;

		if (task->done)
			continue;
		task_turn(task, &next_ms, &any);
		round.any |= any;
		round.ended |= task->done;
		round.under_way += task->flow.under_way;
		if (next_ms >= round.next_ms)
			continue;
		round.next_ms = next_ms;
		round.next = &task->flow;
	}
	return round;
}

/* What is under way is finished; nobody waits to begin more. True when one of them ended. */
static bool end_waiting(struct graph *graph)
{
	bool ended = false;

	for (struct graph_task *task = graph->tasks; task; task = task->next) {
		if (task->done || task->flow.under_way)
			continue;
		error_set(&task->error, ERROR_NETWORK, "interrupted while waiting: %s",
			buf_text(&task->flow.why));
		task_end(task, false);
		ended = true;
	}
	return ended;
}

static void wait_for(struct graph *graph, const struct round *round, int64_t until_ms)
{
	int64_t now_ms = graph->clock_ms();
	int64_t left_ms = (round->next_ms < until_ms ? round->next_ms : until_ms) - now_ms;

	if (!round->under_way)
		graph_sleep(graph, left_ms, round->next ? buf_text(&round->next->why) : "");
	else
		transport_wait(graph->transport,
			left_ms < FLOW_WAIT_MOST_MS ? left_ms : FLOW_WAIT_MOST_MS);
}

void graph_wait(struct graph *graph, int64_t timeout_ms)
{
	int64_t until_ms = graph->clock_ms() + timeout_ms;

	for (;;) {
		struct round round = turn_all(graph);

		if (round.ended)
			return;
		if (round.any)
			continue;
		if (graph->clock_ms() >= until_ms)
			return;
		wait_for(graph, &round, until_ms);
		if (interrupted() && end_waiting(graph))
			return;
	}
}
