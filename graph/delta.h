/* The changes of one kind (delta.c). */
#pragma once

#include "graph/list.h"

/* The changes of one kind on their way; `link` is borrowed until its flow is over. */
struct delta {
	bool kept;       /* set before it begins: the link is from an earlier run */
	bool lost;       /* the link is too old or unknown */
	char *next_link; /* at the end, unless lost */
	/* its own */
	const struct kind *kind;
	graph_change_function *change;
	void *context;
	struct buf path;
	struct list_job job;
	struct list list;
};
MUST_CHECK bool delta_begin(struct delta *delta, struct flow *flow, const struct kind *kind,
	const char *link, graph_change_function *change, void *context, struct error *err);
void delta_release(struct delta *delta);
