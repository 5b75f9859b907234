/*
 * Several batches under way, each on its own way: read, compared, sent between INTENT and OUTCOME,
 * read again until it is settled. One thread; while one waits for its answer the others go on.
 *
 * It begins with one, and each that comes back as planned lets one more go, up to APPLY_BATCHES_MAX. Whatever
 * is not as planned (a refusal, a lost answer, a service that asks for patience, also of a reading) is
 * a setback: what was not sent yet goes back, and it is one again once the others have landed. So what
 * may be in doubt at a time is what has been earned, and nothing leaves after the first sign of trouble.
 *
 * Steps under way together never wait for each other, nor touch an object that another names: batches
 * beside each other are as one larger batch, whose items run in any order.
 */
#include <assert.h>

#include "rollback/apply_internal.h"

struct fleet {
	struct apply *apply;
	struct batch *batches[APPLY_BATCHES_MAX]; /* in the order in which they began */
	size_t count;
	size_t width;      /* so many may be under way */
	unsigned setbacks; /* so far */
	unsigned troubles; /* of the service, that were seen */
	unsigned slow;     /* readings in a row that took too long */
	bool landing;      /* nothing new leaves */
	bool looked;       /* nothing was ready when so many steps had left a batch: */
	size_t looked_at;
	int64_t opens_ms;     /* when the quota lets the next go; INT64_MAX: it is not waited for */
	struct error failure; /* the first; the others land before it is told */
};

static void fleet_init(struct fleet *fleet, struct apply *apply)
{
	*fleet = (struct fleet){
		.apply = apply,
		.width = 1,
		.troubles = graph_troubles(apply->options->graph),
		.opens_ms = INT64_MAX,
	};
}

static void fleet_release(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		batch_free(fleet->apply, fleet->batches[i]);
	fleet->count = 0;
}

static void fleet_fail(struct fleet *fleet, const struct error *failure)
{
	if (!fleet->failure.kind)
		fleet->failure = *failure;
	fleet->landing = true;
}

/* ---- setbacks -------------------------------------------------------------------------------- */

static bool is_unsent(const struct batch *batch)
{
	return batch->stage == BATCH_READING || batch->stage == BATCH_READY;
}

/* Takes out the unsent ones, but for the oldest where `spare` and nothing else is under way. */
static void drop_unsent(struct fleet *fleet, bool spare)
{
	size_t kept = 0;

	for (size_t i = 0; i < fleet->count; i++)
		spare = spare && is_unsent(fleet->batches[i]);
	for (size_t i = 0; i < fleet->count; i++) {
		if (!is_unsent(fleet->batches[i]) || (spare && i == 0))
			fleet->batches[kept++] = fleet->batches[i];
		else
			batch_free(fleet->apply, fleet->batches[i]);
	}
	fleet->count = kept;
}

static void set_back(struct fleet *fleet)
{
	fleet->setbacks++;
	fleet->width = 1;
	drop_unsent(fleet, true);
}

/* Of the service itself, and of what batches brought. */
static bool has_trouble(struct fleet *fleet)
{
	unsigned troubles = graph_troubles(fleet->apply->options->graph);
	bool any = troubles != fleet->troubles;

	fleet->troubles = troubles;
	for (size_t i = 0; i < fleet->count; i++) {
		const struct batch *batch = fleet->batches[i];

		any = any || (batch->troubled && batch->setbacks == fleet->setbacks);
	}
	return any;
}

/* ---- what came back -------------------------------------------------------------------------- */

static bool has_come(const struct batch *batch, enum batch_stage stage)
{
	return batch->stage == stage && batch->task && graph_task_is_done(batch->task);
}

static bool take_outcomes(struct fleet *fleet, struct error *err)
{
	struct batch *come[APPLY_BATCHES_MAX];
	struct error unsent = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < fleet->count; i++)
		if (has_come(fleet->batches[i], BATCH_WRITING))
			come[count++] = fleet->batches[i];
	if (!count)
		return true;
	if (!batches_note(fleet->apply, come, count, &unsent, err))
		return false;
	if (unsent.kind)
		fleet_fail(fleet, &unsent);
	for (size_t i = 0; i < count; i++)
		batch_settle(fleet->apply, come[i]);
	return true;
}

/* What could not be read stays in flight, for the next run to settle. */
static void leave_in_flight(struct fleet *fleet, size_t at)
{
	batch_free(fleet->apply, fleet->batches[at]);
	fleet->count--;
	for (size_t i = at; i < fleet->count; i++)
		fleet->batches[i] = fleet->batches[i + 1];
}

static void take_readings(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		struct batch *batch = fleet->batches[i];
		struct error failure = { 0 };
		bool good = true;

		if (has_come(batch, BATCH_READING))
			good = batch_compare(fleet->apply, batch, &failure);
		else if (has_come(batch, BATCH_SETTLING))
			good = batch_judge(fleet->apply, batch, &failure);
		if (good)
			continue;
		/* Nobody waits any more for what was only to be compared. */
		if (!is_unsent(batch) || apply_may_send(fleet->apply))
			fleet_fail(fleet, &failure);
		leave_in_flight(fleet, i--);
	}
}

/* ---- going on -------------------------------------------------------------------------------- */

/* A set that names its elements one by one overwrites nothing, however long ago it was read. */
static bool keep_if_fresh(struct apply *apply, struct batch *batch, struct flight *flight)
{
	return step_sets_element(flight->step) ||
		apply_clock_ms(apply) - batch->read_ms <= APPLY_FRESH_MS;
}

static void fail_slow(struct fleet *fleet, size_t number)
{
	struct error failure = { 0 };

	error_set(&failure, ERROR_NETWORK,
		"reading before step %zu takes longer than %d s each time, and nothing is written on "
		"what was read so long ago: run again when the directory answers faster",
		number, APPLY_FRESH_MS / 1000);
	fleet_fail(fleet, &failure);
}

/* What was read too long ago goes back, to be read again. */
static void keep_fresh(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		struct batch *batch = fleet->batches[i];
		size_t before = batch->count;

		if (batch->stage != BATCH_READY || !before)
			continue;
		batch_keep(fleet->apply, batch, keep_if_fresh);
		batch->troubled = batch->count < before;
		if (batch->count)
			fleet->slow = 0;
		else if (++fleet->slow == APPLY_READINGS_MAX)
			fail_slow(fleet, batch->flights[0].step->number);
	}
}

static bool intend_ready(struct fleet *fleet, struct error *err)
{
	struct batch *ready[APPLY_BATCHES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		struct batch *batch = fleet->batches[i];

		if (batch->stage == BATCH_READY && batch->count)
			ready[count++] = batch;
	}
	if (fleet->landing || (count && !apply_may_send(fleet->apply))) {
		drop_unsent(fleet, false);
		return true;
	}
	return !count || batches_intend(fleet->apply, ready, count, err);
}

/* What was intended leaves, and what waited for replicas long enough is read again. */
static void leave(struct fleet *fleet)
{
	int64_t now_ms = apply_clock_ms(fleet->apply);

	for (size_t i = 0; i < fleet->count; i++) {
		struct batch *batch = fleet->batches[i];

		if (batch->stage == BATCH_INTENDED)
			batch_leave(fleet->apply, batch);
		else if (batch->stage == BATCH_SETTLING && !batch->task && batch->count &&
			now_ms >= batch->again_ms)
			batch_look_again(fleet->apply, batch);
	}
}

/* Takes out what is decided to its last step; one that came back as planned lets one more go. */
static void retire(struct fleet *fleet)
{
	size_t kept = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		struct batch *batch = fleet->batches[i];

		if (batch->count) {
			fleet->batches[kept++] = batch;
			continue;
		}
		if (!batch->unplanned && !batch->troubled && batch->setbacks == fleet->setbacks &&
			fleet->width < APPLY_BATCHES_MAX)
			fleet->width++;
		batch_free(fleet->apply, batch);
	}
	fleet->count = kept;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static bool has_canary(const struct fleet *fleet)
{
	return fleet->count == 1 && fleet->batches[0]->flights[0].canary;
}

static bool may_begin(struct fleet *fleet)
{
	struct apply *apply = fleet->apply;

	fleet->opens_ms = INT64_MAX;
	if (fleet->landing || fleet->count >= fleet->width || has_canary(fleet) ||
		!apply_may_send(apply))
		return false;
	if (!fleet->count)
		return true; /* whatever has to be waited for */
	if (fleet->looked && fleet->looked_at == apply->let_go)
		return false;
	fleet->opens_ms = apply_clock_ms(apply) + graph_write_wait_ms(apply->options->graph);
	return fleet->opens_ms <= apply_clock_ms(apply);
}

/* False when nothing more is to be sent: with the error set, or by a signal or an expiry. */
static bool pause_for_writes(struct apply *apply, const struct batch *batch, struct error *err)
{
	if (graph_write_pause(apply->options->graph, err))
		return true;
	if (apply_may_send(apply))
		return error_prefix(err, "before step %zu", batch->flights[0].step->number);
	*err = (struct error){ 0 };
	return false;
}

static void begin(struct fleet *fleet, struct batch *batch)
{
	batch->setbacks = fleet->setbacks;
	batch->reserved = true;
	graph_write_reserve(fleet->apply->options->graph);
	fleet->batches[fleet->count++] = batch;
	batch_look(fleet->apply, batch);
}

static bool begin_one(struct fleet *fleet, bool *more, struct error *err)
{
	struct apply *apply = fleet->apply;
	struct batch *batch = batch_new();

	batch_pick(apply, batch);
	fleet->looked = !batch->count;
	fleet->looked_at = apply->let_go;
	*more = apply_save(apply, err) && batch->count && apply_may_send(apply);
	if (*more)
		progress_step(apply->options->progress, "steps",
			apply->plan->step_count - apply->open, apply->plan->step_count);
	*more = *more && (fleet->count || pause_for_writes(apply, batch, err));
	if (*more) {
		begin(fleet, batch);
	} else {
		fleet->opens_ms = INT64_MAX; /* not the quota is waited for */
		batch_free(apply, batch);
	}
	return err->kind == ERROR_NONE;
}

static bool begin_more(struct fleet *fleet, struct error *err)
{
	bool more = true;

	while (more && may_begin(fleet))
		if (!begin_one(fleet, &more, err))
			return false;
	return true;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* False where an answer is there already. */
static bool must_wait(const struct fleet *fleet, bool *under_way, int64_t *until_ms)
{
	*until_ms = fleet->opens_ms;
	*under_way = false;
	for (size_t i = 0; i < fleet->count; i++) {
		const struct batch *batch = fleet->batches[i];

		if (batch->task && graph_task_is_done(batch->task))
			return false;
		*under_way |= batch->task != NULL;
		if (!batch->task && batch->again_ms < *until_ms)
			*until_ms = batch->again_ms;
	}
	return fleet->count > 0;
}

static void fleet_wait(struct fleet *fleet)
{
	struct apply *apply = fleet->apply;
	int64_t until_ms, wait_ms;
	bool under_way;

	if (!must_wait(fleet, &under_way, &until_ms))
		return;
	assert(under_way || until_ms != INT64_MAX);
	wait_ms = until_ms == INT64_MAX ? INT32_MAX : until_ms - apply_clock_ms(apply);
	if (under_way)
		graph_wait(apply->options->graph, wait_ms);
	else
		apply_sleep(apply, wait_ms,
			interrupted() ? "for the directory's replicas; nothing new is sent"
				      : "for the directory's replicas");
}

/* What came, what it means, and what leaves next. */
static bool record_turn(struct fleet *fleet, struct error *err)
{
	if (!take_outcomes(fleet, err))
		return false;
	take_readings(fleet);
	keep_fresh(fleet);
	if (!apply_record(fleet->apply, err))
		return false;
	if (has_trouble(fleet))
		set_back(fleet);
	return intend_ready(fleet, err);
}

/* A disk takes milliseconds for each transaction, so a turn has one: nothing leaves before it is durable. */
static bool fleet_turn(struct fleet *fleet, struct error *err)
{
	struct apply *apply = fleet->apply;

	journal_together(apply->journal);
	if (!record_turn(fleet, err) || !journal_commit(apply->journal, err))
		return false;
	apply_tell_recorded(apply);
	leave(fleet);
	retire(fleet);
	return begin_more(fleet, err);
}

static bool fleet_run(struct fleet *fleet, struct error *err)
{
	do {
		if (!fleet_turn(fleet, err))
			return false;
		fleet_wait(fleet);
	} while (fleet->count);
	if (!fleet->failure.kind)
		return true;
	*err = fleet->failure;
	return false;
}

bool fleet_apply(struct apply *apply, struct error *err)
{
	CLEANUP(fleet_release) struct fleet fleet;

	fleet_init(&fleet, apply);
	return fleet_run(&fleet, err);
}

/* ---- what an earlier run left ---------------------------------------------------------------- */

static void fill(struct batch *batch, struct apply *apply, size_t *next)
{
	for (; *next < apply->plan->step_count && batch->count < GRAPH_BATCH_MAX; ++*next)
		if (step_in_flight(&apply->records[*next]))
			batch_add(apply, batch, *next, false);
}

bool fleet_settle(struct apply *apply, struct error *err)
{
	CLEANUP(fleet_release) struct fleet fleet;
	size_t next = 0;

	fleet_init(&fleet, apply);
	fleet.landing = true;
	while (next < apply->plan->step_count) {
		while (fleet.count < APPLY_BATCHES_MAX && next < apply->plan->step_count) {
			struct batch *batch = batch_new();

			fill(batch, apply, &next);
			fleet.batches[fleet.count++] = batch;
			batch_settle(apply, batch);
		}
		if (!fleet_run(&fleet, err))
			return false;
	}
	return true;
}
