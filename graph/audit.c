/*
 * The directory audit log between two instants. Instants have seven decimals there and three
 * here: the end is asked for with the last ten-thousandth of its millisecond, so that both ends
 * are included.
 */
#include "graph/list.h"

#include "base/time.h"

enum { SECONDS_LENGTH = sizeof("2026-03-04T02:17:41") - 1 };

static void add_instant(struct buf *out, int64_t ms, const char *rest)
{
	char text[TIME_TEXT_BYTES];
	int64_t milliseconds = (ms % 1000 + 1000) % 1000;

	time_text(ms - milliseconds, text);
	buf_addf(out, "%.*s.%03d%sZ", SECONDS_LENGTH, text, (int)milliseconds, rest);
}

bool audit_path(const struct graph_audit_window *window, struct buf *path, struct error *err)
{
	CLEANUP(buf_release) struct buf filter = BUF_UP_TO(256);

	buf_add_text(&filter, "activityDateTime ge ");
	add_instant(&filter, window->from_ms, "0000");
	buf_add_text(&filter, " and activityDateTime le ");
	add_instant(&filter, window->until_ms, "9999");
	buf_add_text(path, "/auditLogs/directoryAudits?$filter=");
	path_add_encoded(path, buf_span(&filter));
	buf_addf(path, "&$top=%d", GRAPH_PAGE_TOP);
	return buf_check(path, "the request for audit records", err);
}

bool graph_audits(struct graph *graph, int64_t from_ms, int64_t until_ms,
	graph_item_function *record, void *context, struct error *err)
{
	const struct graph_audit_window window = { from_ms, until_ms, record, context };
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(1024);
	struct list_job job = {
		.what = "audit records",
		.bulk = true,
		.item = record,
		.context = context,
	};

	if (!audit_path(&window, &path, err))
		return false;
	job.path = buf_text(&path);
	return list_run(graph, &job, err);
}
