/*
 * One harmless question, to find out what these credentials may do: a GET whose refusal is as good
 * an answer as its success. Unlike a list it gives up soon: nobody wants to wait for hours to hear
 * that a service is busy.
 */
#include "graph/graph_internal.h"

#include "base/scan.h"

enum {
	PROBE_TRIES = 2,
	PROBE_WAIT_MAX_MS = 30 * 1000, /* a Retry-After that asks for more is the answer */
	PROBE_BODY_MAX = 8 << 20,
};

void graph_probe_init(struct graph_probe *probe, const char *path)
{
	*probe = (struct graph_probe){ .path = path, .body = BUF_UP_TO(PROBE_BODY_MAX) };
}

void graph_probe_release(struct graph_probe *probe)
{
	buf_release(&probe->body);
}

/* No answer, or none that can be used. */
static void set_trouble(struct graph_probe *probe, const struct error *err)
{
	probe->kind = err->kind;
	copy_printable(probe->text, sizeof(probe->text), span_of(err->text));
}

static void take_refusal(struct graph_probe *probe, const struct net_response *response)
{
	struct failure failure;

	failure_read(&failure, response->status, buf_span(&response->body),
		net_response_header(response, "request-id"));
	probe->kind = failure.ruling->kind;
	memcpy(probe->code, failure.code, sizeof(probe->code));
	memcpy(probe->request_id, failure.request_id, sizeof(probe->request_id));
	memcpy(probe->text, failure.message, sizeof(failure.message));
}

static void take_success(struct graph_probe *probe, const struct net_response *response)
{
	struct span body = buf_span(&response->body);
	struct error err = { 0 };

	copy_printable(probe->request_id, sizeof(probe->request_id),
		net_response_header(response, "request-id"));
	if (!graph_check_json(response, &err) || !scan_check(body, &err) ||
		(scan_type(scan_trim(body)) != SCAN_OBJECT &&
			!error_set(&err, ERROR_FORMAT, "the answer is no object"))) {
		set_trouble(probe, &err);
		return;
	}
	buf_add_span(&probe->body, scan_trim(body));
	if (!buf_check(&probe->body, "the answer", &err))
		set_trouble(probe, &err);
}

static void take(struct graph_probe *probe, const struct net_response *response)
{
	probe->status = response->status;
	probe->http = response->version;
	copy_printable(probe->retry_after, sizeof(probe->retry_after),
		net_response_header(response, "retry-after"));
	if (response->status / 100 == 2)
		take_success(probe, response);
	else
		take_refusal(probe, response);
}

/* Whether a second try is worth its while, and when. */
static bool is_worth_again(const struct graph *graph, const struct net_response *response,
	bool answered, int64_t *pause_ms)
{
	struct retry retry = { .deadline_ms = graph->deadline_ms, .clock_ms = graph->clock_ms };
	const struct ruling *ruling = ruling_find(answered ? response->status : 0, NULL);
	struct error ignored = { 0 };

	if (ruling->read != READING_AGAIN && ruling->read != READING_AGAIN_FEW)
		return false;
	return retry_pause(&retry, net_response_header(response, "retry-after"), ruling->meaning,
		       pause_ms, &ignored) &&
		*pause_ms <= PROBE_WAIT_MAX_MS;
}

/*
 * A few questions are below any limit, so the share of the quota is not waited for; but where the
 * service asked all of us to wait, all wait.
 */
static void wait_for_hold(const struct graph *graph)
{
	int64_t left_ms = graph->quota.held_until_ms - graph->clock_ms();

	graph_sleep(graph, left_ms < PROBE_WAIT_MAX_MS ? left_ms : PROBE_WAIT_MAX_MS,
		graph->quota.held_by);
}

bool graph_probe(struct graph *graph, struct graph_probe *probe)
{
	CLEANUP(buf_release) struct buf url = BUF_UP_TO(NET_URL_MAX);
	CLEANUP(net_response_release) struct net_response response;
	struct graph_request request = {
		.method = "GET",
		.cost = cost_of("GET", probe->path),
		.advanced = strstr(probe->path, "$count=true") != NULL,
	};

	net_response_init(&response);
	buf_addf(&url, "%s%s", graph->root, probe->path);
	request.url = buf_text(&url);
	for (unsigned tries = 1;; tries++) {
		struct error err = { 0 };
		int64_t pause_ms;
		bool answered;

		wait_for_hold(graph);
		answered = graph_send(graph, &request, &response, &err);
		if (!answered && err.kind != ERROR_NETWORK) {
			set_trouble(probe, &err);
			return false;
		}
		if (tries == PROBE_TRIES || interrupted() ||
			!is_worth_again(graph, &response, answered, &pause_ms)) {
			if (answered)
				take(probe, &response);
			else
				set_trouble(probe, &err);
			return answered;
		}
		graph_sleep(graph, pause_ms, ruling_find(response.status, NULL)->meaning);
	}
}

struct span graph_probe_value(const struct graph_probe *probe)
{
	struct span value = probe->body.length ? scan_find(buf_span(&probe->body), "value")
					       : SPAN_NONE;

	return scan_type(value) == SCAN_ARRAY ? value : SPAN_NONE;
}
