/*
 * The receipt: what a plan did, readable years later without the directory
 * (docs/FORMAT-journal.md). Written again by every run from the plan and the journal, whole or
 * not at all.
 */
#include "rollback/apply_internal.h"

enum { RECEIPT_MAX = 1 << 30 };

struct receipt {
	const struct apply *apply;
	struct buf out;
	struct buf attempts; /* of the step at `next` */
	size_t next;         /* index of the step to be written next */
};

static void receipt_release(struct receipt *receipt)
{
	buf_release(&receipt->out);
	buf_release(&receipt->attempts);
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, "\"%s\":", key);
	if (text)
		scan_quote(span_of(text), out);
	else
		buf_add_text(out, "null");
}

static void add_time(struct buf *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	add_text(out, key, ms == TIME_NONE ? NULL : time_text(ms, text));
}

static void add_value(struct buf *out, const char *key, struct span value)
{
	buf_addf(out, "\"%s\":", key);
	buf_add_span(out, value.data ? value : SPAN_LITERAL("null"));
}

static void add_step(struct receipt *receipt)
{
	const struct plan_step *step = &receipt->apply->plan->steps[receipt->next];
	const struct step_record *record = &receipt->apply->records[receipt->next];
	struct buf *out = &receipt->out;

	buf_addf(out, "%s\n{\"number\":%zu,", receipt->next ? "," : "", step->number);
	add_text(out, "operation", graph_operation_name(step->operation));
	buf_add_byte(out, ',');
	add_text(out, "kind", step->kind->name);
	buf_add_byte(out, ',');
	add_text(out, "id", step->id);
	buf_add_byte(out, ',');
	add_text(out, "name", step->name);
	buf_add_byte(out, ',');
	add_text(out, "door", door_name(step->door));
	buf_add_byte(out, ',');
	add_text(out, "attribute", step->attribute ? step->attribute->name : NULL);
	buf_add_byte(out, ',');
	add_text(out, "target", step->target);
	buf_add_byte(out, ',');
	add_text(out, "state", step_state_name(record->state));
	buf_add_byte(out, ',');
	add_text(out, "text", record->text);
	buf_add_byte(out, ',');
	add_value(out, "from", step->from);
	buf_add_byte(out, ',');
	add_value(out, "to", step->to);
	buf_add_byte(out, ',');
	add_value(out, "before", span_of(record->before));
	buf_add_byte(out, ',');
	add_value(out, "after", span_of(record->after));
	buf_add_text(out, ",\"attempts\":[");
	buf_add_span(out, buf_span(&receipt->attempts));
	buf_add_text(out, "]}");
	buf_cut(&receipt->attempts, 0);
	receipt->next++;
}

static bool add_attempt(void *context, const struct journal_attempt *attempt, struct error *err)
{
	struct receipt *receipt = context;
	struct buf *out = &receipt->attempts;

	if (attempt->number < 1 || attempt->number > receipt->apply->plan->step_count)
		return error_set(err, ERROR_FORMAT, "step %zu is not in the plan", attempt->number);
	while (receipt->next + 1 < attempt->number)
		add_step(receipt);
	buf_addf(out, "%s{\"attempt\":%u,", out->length ? "," : "", attempt->attempt);
	add_time(out, "begun", attempt->begun_ms);
	buf_add_byte(out, ',');
	add_time(out, "answered", attempt->answered_ms);
	buf_add_byte(out, ',');
	add_text(out, "outcome", attempt->outcome);
	buf_addf(out, ",\"status\":%ld,", attempt->status);
	add_text(out, "code", attempt->code);
	buf_add_byte(out, ',');
	add_text(out, "request_id", attempt->request_id);
	buf_add_byte(out, ',');
	add_text(out, "text", attempt->text);
	buf_add_byte(out, '}');
	return buf_check(out, "the attempts of a step", err);
}

static void add_signer(struct buf *out, const struct signature_facts *signature)
{
	buf_add_text(out, ",\n\"signer\":");
	if (!signature) {
		buf_add_text(out, "null");
		return;
	}
	buf_add_byte(out, '{');
	add_text(out, "key_id", signature->key_id);
	buf_add_byte(out, ',');
	add_text(out, "comment", signature->comment);
	buf_add_byte(out, '}');
}

static bool add_head(struct receipt *receipt, const char *hash, struct error *err)
{
	const struct apply *apply = receipt->apply;
	struct buf *out = &receipt->out;
	int64_t begun_ms, ended_ms;

	if (!journal_times(apply->journal, &begun_ms, &ended_ms, err))
		return false;
	buf_add_text(out, "{\"format\":\"unstage-receipt/1\",\n\"plan\":{");
	add_text(out, "id", apply->plan->id);
	buf_add_byte(out, ',');
	add_text(out, "hash", hash);
	buf_add_text(out, "},\n");
	add_text(out, "tenant", apply->plan->tenant);
	buf_add_text(out, ",\n");
	add_text(out, "tool", "unstage " UNSTAGE_VERSION);
	add_signer(out, apply->options->signature);
	buf_add_text(out, ",\n");
	add_time(out, "begun", begun_ms);
	buf_add_text(out, ",\n");
	add_time(out, "ended", ended_ms);
	buf_addf(out, ",\n\"interrupted\":%s,\n\"stopped\":%s,\n",
		apply->result->interrupted ? "true" : "false",
		apply->result->stopped ? "true" : "false");
	add_text(out, "why", apply->result->why[0] ? apply->result->why : NULL);
	buf_add_text(out, ",\n\"counts\":{");
	for (int i = 0; i < STEP_STATE_COUNT; i++)
		buf_addf(out, "%s\"%s\":%zu", i ? "," : "", step_state_name((enum step_state)i),
			apply->result->by_state[i]);
	buf_add_text(out, "},\n\"steps\":[");
	return true;
}

bool receipt_write(const struct apply *apply, const char *hash, struct error *err)
{
	CLEANUP(receipt_release)
	struct receipt receipt = {
		.apply = apply,
		.out = BUF_UP_TO(RECEIPT_MAX),
		.attempts = BUF_UP_TO(APPLY_VALUE_MAX),
	};

	if (!add_head(&receipt, hash, err) ||
		!journal_attempts(apply->journal, add_attempt, &receipt, err))
		return error_prefix(err, "receipt");
	while (receipt.next < apply->plan->step_count)
		add_step(&receipt);
	buf_add_text(&receipt.out, "\n]}\n");
	if (!buf_check(&receipt.out, "the receipt", err))
		return false;
	return file_save(apply->options->receipt_path, buf_span(&receipt.out), err) ||
		error_prefix(err, "receipt");
}
