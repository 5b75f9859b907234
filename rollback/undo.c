/*
 * The inverse of what was applied: the steps that we did, in the opposite order, each back to what was
 * really read before it was written. Every state on the way back stood there on the way forth, so what
 * could be done in that order can be undone in the opposite one.
 *
 * What other doors did is theirs to undo, and what stood there already was never done by us. What was
 * sent and became of nobody knows what is a paragraph for a person.
 */
#include "rollback/apply_internal.h"
#include "rollback/plan_internal.h"

enum { UNDO_WHY_MAX = 256 };

static const char unknown_cause[] =
	"it was sent, and whether it was done is not known: look first at what stands there.";

struct undoing {
	const struct plan *done; /* the plan that was applied */
	struct step_record *records;
	struct plan *plan; /* the inverse */
	size_t *number;    /* by index of the plan that was applied: the inverse step; 0: none */
};

/*
 * What became of it nobody knows, or it had no effect as long as replicas were waited for: to leave it
 * out would say that it was never done.
 */
static bool is_unknown(const struct undoing *undoing, size_t index)
{
	const struct step_record *record = &undoing->records[index];

	return record->state == STEP_UNKNOWN ||
		(record->state == STEP_OPEN && step_may_be_our_work(record));
}

static bool may_be_ours(const struct undoing *undoing, size_t index)
{
	return undoing->done->steps[index].door == DOOR_GRAPH &&
		(undoing->records[index].state == STEP_DONE || is_unknown(undoing, index));
}

static bool check_settled(const struct undoing *undoing, struct error *err)
{
	for (size_t i = 0; i < undoing->done->step_count; i++)
		if (step_in_flight(&undoing->records[i]))
			return error_set(err, ERROR_REFUSED,
				"what became of step %zu is not known: apply the plan again first, "
				"which reads it",
				undoing->done->steps[i].number);
	return true;
}

/* ---- one step ------------------------------------------------------------------------------------ */

/* What a journal keeps of a value: JSON, "null" for nothing. Where it was not read, the plan says. */
static struct span recorded(struct plan *plan, const char *text, struct span otherwise)
{
	if (!text)
		return plan_keep_value(plan, otherwise);
	return strcmp(text, "null") == 0 ? SPAN_NONE : plan_keep_value(plan, span_of(text));
}

static const char *id_of(struct plan *plan, struct span reference)
{
	CLEANUP(buf_release) struct buf id = BUF_UP_TO(ID_BYTES);

	value_add_text(&id, reference);
	return plan_keep_span(plan, buf_span(&id));
}

static void undo_set(struct plan *plan, const struct step_record *record,
	const struct plan_step *done, struct plan_step *step)
{
	step->operation = GRAPH_SET;
	step->from = recorded(plan, record->after, done->to);
	step->to = recorded(plan, record->before, done->from);
}

static void undo_object(struct plan *plan, const struct step_record *record,
	const struct plan_step *done, struct plan_step *step)
{
	(void)plan;
	(void)record;
	step->operation = done->operation == GRAPH_RESTORE ? GRAPH_REMOVE : GRAPH_RESTORE;
	/* Graph deleted it, so directory sync did not master it. */
	step->mastery = MASTERY_CLOUD;
}

static void undo_membership(struct plan *plan, const struct step_record *record,
	const struct plan_step *done, struct plan_step *step)
{
	static const enum graph_operation opposites[GRAPH_OPERATION_COUNT] = {
		[GRAPH_ADD_MEMBER] = GRAPH_REMOVE_MEMBER,
		[GRAPH_REMOVE_MEMBER] = GRAPH_ADD_MEMBER,
		[GRAPH_ADD_OWNER] = GRAPH_REMOVE_OWNER,
		[GRAPH_REMOVE_OWNER] = GRAPH_ADD_OWNER,
	};

	(void)record;
	step->operation = opposites[done->operation];
	step->target = plan_keep_text(plan, done->target);
	step->from = plan_keep_value(plan, done->to);
	step->to = plan_keep_value(plan, done->from);
}

static void undo_manager(struct plan *plan, const struct step_record *record,
	const struct plan_step *done, struct plan_step *step)
{
	step->from = recorded(plan, record->after, done->to);
	step->to = recorded(plan, record->before, done->from);
	step->operation = step->to.data ? GRAPH_SET_MANAGER : GRAPH_CLEAR_MANAGER;
	if (step->to.data)
		step->target = id_of(plan, step->to);
}

static void (*const undo[GRAPH_OPERATION_COUNT])(struct plan *plan,
	const struct step_record *record, const struct plan_step *done, struct plan_step *step) = {
	[GRAPH_SET] = undo_set,
	[GRAPH_RESTORE] = undo_object,
	[GRAPH_REMOVE] = undo_object,
	[GRAPH_ADD_MEMBER] = undo_membership,
	[GRAPH_REMOVE_MEMBER] = undo_membership,
	[GRAPH_ADD_OWNER] = undo_membership,
	[GRAPH_REMOVE_OWNER] = undo_membership,
	[GRAPH_SET_MANAGER] = undo_manager,
	[GRAPH_CLEAR_MANAGER] = undo_manager,
};

/*
 * Graph deletes nothing that directory sync masters (facts 7.1), and what goes by another way production's
 * next cycle makes again. A restore is the only step of ours on such an object that has no way back.
 */
static const char synced_stays[] =
	"directory sync masters it, so Graph refuses to delete it. The door that works is sync: take it out "
	"of what the production server synchronises, or delete it in Active Directory, and let production "
	"export. Remove-ADSyncToolsAadObject alone does not: production's next cycle makes it again.";

static const char *refusal_of(const struct plan_step *done, const struct plan_step *step)
{
	if (done->operation == GRAPH_RESTORE && done->mastery == MASTERY_SYNCED)
		return synced_stays;
	return step_refusal(step);
}

static void add_why(struct undoing *undoing, size_t index, struct plan_step *step)
{
	const struct plan_step *done = &undoing->done->steps[index];
	CLEANUP(buf_release) struct buf why = BUF_UP_TO(UNDO_WHY_MAX);
	const char *refusal;

	buf_addf(&why, "undoes step %zu of the plan %s%s", done->number, undoing->done->id,
		done->operation == GRAPH_RESTORE && done->mastery == MASTERY_UNKNOWN
			? "; Graph refuses it where directory sync masters the object by now"
			: "");
	step->why = plan_keep_span(undoing->plan, buf_span(&why));
	refusal = is_unknown(undoing, index) ? unknown_cause : refusal_of(done, step);
	if (!refusal)
		return;
	step->door = DOOR_MANUAL;
	step->manual = manual_paragraph(undoing->plan, step, refusal);
}

/* What had to be done before the step has to be undone after it. */
static void add_after(struct undoing *undoing, size_t index, struct plan_step *step)
{
	const struct plan *done = undoing->done;
	size_t *after = plan_room(undoing->plan, step->number, sizeof(*after));
	size_t count = 0;

	for (size_t later = done->step_count; later-- > index + 1;) {
		const struct plan_step *other = &done->steps[later];

		for (size_t i = 0; undoing->number[later] && i < other->after_count; i++)
			if (other->after[i] == done->steps[index].number)
				after[count++] = undoing->number[later];
	}
	step->after = after;
	step->after_count = count;
}

static void invert(struct undoing *undoing, size_t index, struct plan_step *step)
{
	const struct plan_step *done = &undoing->done->steps[index];
	struct step_record record = undoing->records[index]; /* its texts are borrowed */
	struct plan *plan = undoing->plan;

	/* Where it is not known, and where a value is parked, the plan says what stood there. */
	if (is_unknown(undoing, index) || done->until)
		record.after = NULL;
	if (is_unknown(undoing, index) || done->parked_by)
		record.before = NULL;
	step->door = DOOR_GRAPH;
	step->kind = done->kind;
	step->id = plan_keep_text(plan, done->id);
	step->name = plan_keep_text(plan, done->name);
	step->attribute = done->attribute;
	undo[done->operation](plan, &record, done, step);
	add_after(undoing, index, step);
	add_why(undoing, index, step);
}

/* ---- the plan ------------------------------------------------------------------------------------ */

static struct plan *head_of(const struct plan *done, const struct undo_options *options)
{
	int64_t expires_s = options->expires_s ? options->expires_s : PLAN_EXPIRES_S;
	struct plan *plan = plan_begin();
	char id[GUID_TEXT_BYTES];

	plan->tenant = plan_keep_text(plan, done->tenant);
	plan->tenant_name = plan_keep_text(plan, done->tenant_name);
	plan->cloud = plan_keep_text(plan, done->cloud);
	plan->id = plan_keep_text(plan, text_new_guid(id));
	plan->tool = plan_keep_text(plan, "unstage " UNSTAGE_VERSION);
	plan->staging = plan_keep_text(plan, done->staging);
	plan->base = plan_keep_text(plan, done->base);
	plan->live = plan_keep_text(plan, done->live);
	plan->evidence = plan_keep_text(plan, done->evidence);
	plan->base_signed = done->base_signed;
	plan->rules_server = plan_keep_text(plan, done->rules_server);
	plan->rules_ms = done->rules_ms;
	plan->created_ms = options->now_ms;
	plan->expires_ms = options->now_ms + expires_s * 1000;
	return plan;
}

/* A value that was parked on the way forth is parked at the same place on the way back. */
static void join_halves(struct undoing *undoing, struct plan_step *steps)
{
	const struct plan *done = undoing->done;

	for (size_t i = 0; i < done->step_count; i++) {
		size_t first = done->steps[i].until ? undoing->number[done->steps[i].until - 1] : 0;
		size_t last = undoing->number[i];

		if (!first || !last)
			continue;
		steps[first - 1].until = last;
		steps[last - 1].parked_by = first;
	}
}

static void invert_all(struct undoing *undoing)
{
	const struct plan *done = undoing->done;
	struct plan *plan = undoing->plan;
	struct plan_step *steps = plan_room(plan, done->step_count, sizeof(*steps));
	struct plan_counts counts;

	for (size_t i = done->step_count; i-- > 0;) {
		struct plan_step *step = &steps[plan->step_count];

		if (!may_be_ours(undoing, i))
			continue;
		step->number = undoing->number[i] = ++plan->step_count;
		invert(undoing, i, step);
	}
	join_halves(undoing, steps);
	plan->steps = steps;
	counts = plan_count(plan->steps, plan->step_count);
	plan->limits.steps = counts.steps;
	plan->limits.deletes = counts.deletes;
	plan->limits.member_removals = counts.member_removals;
	plan->limits.objects = counts.objects;
	memcpy(plan->by_door, counts.by_door, sizeof(plan->by_door));
}

/* One that can't be read can't be signed: better told now than when it is needed. */
static bool check_readable(const struct plan *plan, struct error *err)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_FILE_MAX);
	CLEANUP(plan_freep) struct plan *read = NULL;

	plan_add_json(&bytes, plan);
	if (!buf_check(&bytes, "the inverse plan", err))
		return false;
	read = plan_parse(buf_span(&bytes), err);
	return read || error_prefix(err, "the inverse");
}

static void undoing_release(struct undoing *undoing)
{
	step_records_free(undoing->records, undoing->done->step_count);
	memory_free(undoing->number);
	plan_free(undoing->plan);
}

struct plan *plan_undo(
	const struct plan *done, const struct undo_options *options, struct error *err)
{
	CLEANUP(journal_closep) struct journal *journal = NULL;
	CLEANUP(undoing_release)
	struct undoing undoing = { .done = done,
		.records = step_records_new(done),
		.number = memory_array(done->step_count + 1, sizeof(*undoing.number)) };

	if (options->expires_s < 0 || options->expires_s > PLAN_EXPIRES_MAX_S) {
		error_set(err, ERROR_USAGE, "a plan can't live longer than 7 days");
		return NULL;
	}
	journal = journal_open_to_read(options->journal_path, done, err);
	if (!journal || !journal_check_bytes(journal, options->plan_bytes, err) ||
		!journal_load(journal, done, undoing.records, err) || !check_settled(&undoing, err))
		return NULL;
	undoing.plan = head_of(done, options);
	invert_all(&undoing);
	if (!plan_seal_files(undoing.plan, err) || !check_readable(undoing.plan, err))
		return NULL;
	return TAKE(undoing.plan);
}
