/* What only a person can put back, and what nobody can: "<stem>-manual.txt". */
#include "base/text.h"
#include "rollback/handoff_internal.h"

static void add_blocked(struct buf *out, const struct plan *plan)
{
	if (!plan->blocked_count)
		return;
	buf_addf(out,
		"\nLost, %zu in all: what nobody can put back as it was. These are no steps of the "
		"plan.\n",
		plan->blocked_count);
	for (size_t i = 0; i < plan->blocked_count; i++) {
		const struct plan_blocked *blocked = &plan->blocked[i];
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(HANDOFF_MAX);

		buf_addf(&text, "%s %s ", blocked->kind->name, blocked->id);
		handoff_add_printable(&text, blocked->name);
		buf_addf(&text, "%s%s: ", blocked->attribute ? ", " : "",
			blocked->attribute ? blocked->attribute->name : "");
		handoff_add_printable(&text, blocked->why);
		buf_add_byte(out, '\n');
		text_wrap(out, buf_span(&text), 0, HANDOFF_COLUMNS);
	}
}

void handoff_add_manual(struct buf *out, const struct plan *plan)
{
	handoff_add_title(out, plan, "What only a person can put back");
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_MANUAL)
			continue;
		buf_addf(out, "\nStep %zu", step->number);
		for (size_t j = 0; j < step->after_count; j++)
			buf_addf(out, "%s%zu", j ? ", " : ", after step ", step->after[j]);
		buf_add_byte(out, '\n');
		text_wrap(out, span_of(step->manual), 0, HANDOFF_COLUMNS);
	}
	add_blocked(out, plan);
}
