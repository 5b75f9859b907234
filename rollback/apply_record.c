/* The record of a step, and the words for its states. */
#include <string.h>

#include "rollback/apply_internal.h"

static const char *const state_names[STEP_STATE_COUNT] = {
	[STEP_OPEN] = "open",
	[STEP_DONE] = "done",
	[STEP_ALREADY] = "already",
	[STEP_STALE] = "stale",
	[STEP_HELD_BACK] = "held-back",
	[STEP_REFUSED] = "refused",
	[STEP_UNKNOWN] = "unknown",
	[STEP_WAITING] = "waiting",
	[STEP_SETTLED] = "settled",
	[STEP_HELD] = "held",
	[STEP_OVERWRITTEN] = "overwritten",
};

const char *step_state_name(enum step_state state)
{
	return state_names[state];
}

bool step_state_find(const char *name, enum step_state *state)
{
	for (int i = 0; name && i < STEP_STATE_COUNT; i++) {
		if (strcmp(state_names[i], name) != 0)
			continue;
		*state = (enum step_state)i;
		return true;
	}
	return false;
}

size_t apply_result_good(const struct apply_result *result)
{
	return result->by_state[STEP_DONE] + result->by_state[STEP_ALREADY] +
		result->by_state[STEP_SETTLED] + result->by_state[STEP_HELD];
}

bool step_is_done(enum step_state state)
{
	return state == STEP_DONE || state == STEP_ALREADY || state == STEP_SETTLED;
}

bool step_in_flight(const struct step_record *record)
{
	return record->settled < record->attempts;
}

/* Graph said of these that nothing was done. */
static bool is_certain(enum graph_outcome outcome)
{
	return outcome == GRAPH_NOT_SENT || outcome == GRAPH_THROTTLED ||
		outcome == GRAPH_CONFLICT || outcome == GRAPH_REFUSED || outcome == GRAPH_DENIED;
}

bool step_may_be_our_work(const struct step_record *record)
{
	return record->doubtful || (record->attempts && !is_certain(record->outcome));
}

void step_record_begin_attempt(struct step_record *record, int64_t begun_ms)
{
	record->doubtful = step_may_be_our_work(record);
	record->attempts++;
	record->outcome = GRAPH_UNKNOWN;
	record->begun_ms = begun_ms;
}

bool step_was_denied(const struct step_record *record)
{
	return record->state == STEP_REFUSED && record->attempts && record->outcome == GRAPH_DENIED;
}

/* Only steps of our door are open to us; the others wait for theirs. */
struct step_record *step_records_new(const struct plan *plan)
{
	struct step_record *records = memory_array(plan->step_count + 1, sizeof(*records));

	for (size_t i = 0; i < plan->step_count; i++)
		records[i].state = plan->steps[i].door == DOOR_GRAPH ? STEP_OPEN : STEP_WAITING;
	return records;
}

void step_records_free(struct step_record *records, size_t count)
{
	for (size_t i = 0; records && i < count; i++) {
		memory_free(records[i].text);
		memory_free(records[i].before);
		memory_free(records[i].after);
	}
	memory_free(records);
}

void step_record_set_text(char **text, struct span value)
{
	memory_free(*text);
	*text = memory_text_span(value.data, value.length);
}

void apply_decide(struct apply *apply, size_t index, enum step_state state, const char *format, ...)
{
	struct step_record *record = &apply->records[index];
	struct error text = { 0 };
	va_list arguments;

	va_start(arguments, format);
	error_set_v(&text, ERROR_NONE, format, arguments);
	va_end(arguments);
	step_record_set_text(&record->text, span_of(text.text));
	apply->open += (size_t)(state == STEP_OPEN) - (size_t)(record->state == STEP_OPEN);
	record->state = state;
	if (state == STEP_DONE)
		apply->proven[apply->plan->steps[index].operation]++;
	MEMORY_GROW(apply->changed, apply->changed_count, apply->changed_capacity);
	apply->changed[apply->changed_count++] = index;
}
