/* unstage show DECISIONS: what people decided, line by line, and which lines are over by now. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { VALUE_COLUMNS = 60, BEGINNING = 256 };

/* The file is written by people: the first key of its header may be any. */
bool decisions_file_is_one(const char *path)
{
	char beginning[BEGINNING + 1] = { 0 };
	/* Without waiting for the other end of a pipe. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t length = descriptor >= 0 ? read(descriptor, beginning, BEGINNING) : 0;

	if (descriptor >= 0)
		close(descriptor);
	return length > 0 && beginning[0] == '{' &&
		strstr(beginning, "\"unstage-decisions/") != NULL;
}

static bool is_over(const struct decision *decision, int64_t now_ms)
{
	return decision->kind == DECISION_KEEP && decision->until_ms <= now_ms;
}

static void add_label(struct screen *screen, const char *label)
{
	screen_addf(screen, STYLE_DIM, "      %-9s", label);
}

static void add_value(struct screen *screen, const char *label, struct known_value value)
{
	if (!value.known)
		return;
	add_label(screen, label);
	if (value.value.data)
		screen_text(screen, STYLE_PLAIN, value.value, VALUE_COLUMNS, false);
	else
		screen_addf(screen, STYLE_PLAIN, "nothing");
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_names(
	struct screen *screen, const char *label, const char *const *names, size_t count)
{
	if (!count)
		return;
	add_label(screen, label);
	for (size_t i = 0; i < count; i++) {
		screen_addf(screen, STYLE_PLAIN, i ? "\n%15s" : "%.0s", "");
		screen_text(screen, STYLE_PLAIN, span_of(names[i]), VALUE_COLUMNS, false);
	}
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_target(struct screen *screen, const struct decision *decision)
{
	if (decision->by_fingerprint) {
		add_label(screen, "finding");
		buf_add_hex(&screen->text, decision->fingerprint, FINGERPRINT_BYTES);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	if (!decision->id.data)
		return;
	add_label(screen, "object");
	screen_addf(screen, STYLE_PLAIN, "%.*s\n", SPAN_FORMAT(decision->id));
	add_label(screen, decision->attribute.data ? "attribute" : "change");
	screen_text(screen, STYLE_PLAIN,
		decision->attribute.data ? decision->attribute : decision->change, VALUE_COLUMNS,
		false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	if (decision->element.data) {
		add_label(screen, "element");
		screen_text(screen, STYLE_PLAIN, decision->element, VALUE_COLUMNS, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

static void add_window(struct screen *screen, const struct decision *decision)
{
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	if (decision->kind != DECISION_BASE_IS_BEFORE)
		return;
	add_label(screen, "window");
	screen_addf(screen, STYLE_PLAIN, "%s to %s UTC\n", screen_time(decision->from_ms, from),
		screen_time(decision->to_ms, until));
	add_names(screen, "kinds", decision->kinds, decision->kind_count);
	add_names(screen, "attributes", decision->attributes, decision->attribute_count);
	add_names(screen, "ids", decision->ids, decision->id_count);
}

static void add_decision(struct screen *screen, const struct decision *decision, int64_t now_ms)
{
	char until[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "\n%4zu  %s", decision->line,
		decision_kind_name(decision->kind));
	if (decision->kind == DECISION_KEEP)
		screen_addf(screen, STYLE_PLAIN, " until %s UTC",
			screen_time(decision->until_ms, until));
	if (is_over(decision, now_ms))
		screen_addf(screen, STYLE_YELLOW, "  expired: it has no effect any more");
	screen_addf(screen, STYLE_PLAIN, "\n");
	add_target(screen, decision);
	add_window(screen, decision);
	add_value(screen, "live", decision->live);
	add_value(screen, "before", decision->before);
	add_label(screen, "because");
	screen_paragraph(screen, STYLE_PLAIN, span_of(decision->because), 15);
	if (decision->by) {
		add_label(screen, "by");
		screen_text(screen, STYLE_PLAIN, span_of(decision->by), VALUE_COLUMNS, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	if (decision->on) {
		add_label(screen, "on");
		screen_text(screen, STYLE_PLAIN, span_of(decision->on), VALUE_COLUMNS, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

static void add_text(struct screen *screen, const struct decisions *decisions, int64_t now_ms)
{
	size_t count = decisions_count(decisions);

	screen_addf(screen, STYLE_BOLD, "%zu decision%s", count, count == 1 ? "" : "s");
	screen_addf(screen, STYLE_PLAIN, " for tenant %s\n  digest    %s\n",
		decisions_tenant(decisions), decisions_digest(decisions));
	for (size_t i = 0; i < count; i++)
		add_decision(screen, decisions_get(decisions, i), now_ms);
}

static void add_json(struct screen *screen, const struct decisions *decisions, int64_t now_ms)
{
	size_t count = decisions_count(decisions);
	bool first = true;

	screen_addf(screen, STYLE_PLAIN,
		"{\"format\":\"unstage-show/1\",\"decisions\":%zu,\"digest\":\"%s\",\"expired\":[",
		count, decisions_digest(decisions));
	for (size_t i = 0; i < count; i++) {
		const struct decision *decision = decisions_get(decisions, i);

		if (!is_over(decision, now_ms))
			continue;
		screen_addf(screen, STYLE_PLAIN, "%s%zu", first ? "" : ",", decision->line);
		first = false;
	}
	screen_addf(screen, STYLE_PLAIN, "],\"tenant\":\"%s\"}\n", decisions_tenant(decisions));
}

bool decisions_show(struct screen *screen, const char *path, bool json, struct error *err)
{
	CLEANUP(decisions_freep) struct decisions *decisions = decisions_load(path, err);

	if (!decisions)
		return false;
	(json ? add_json : add_text)(screen, decisions, time_now_ms());
	return true;
}
