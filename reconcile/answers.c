/*
 * From an answer to a finding: the door, what else points to the staging server where no record does,
 * the record behind a base that is made of evidence.
 */
#include <string.h>

#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/* The door for what stood there before, or what the base says; `to_directory`: why it is that one. */
static enum door way_back(const struct reconciling *reconciling, const struct subject *subject,
	const struct finding *finding, const struct fact **to_directory)
{
	struct known_value back = finding->before.known ? finding->before : finding->base;
	enum door door = back.known
		? door_of_value(subject->live, finding->attribute, back, reconciling->flows)
		: DOOR_NONE;

	if (door == DOOR_SYNC)
		*to_directory = written_to_directory(reconciling, subject, finding->attribute,
			finding->element, finding->staging);
	return *to_directory ? DOOR_DIRECTORY : door;
}

/* What a rebuilt base says has a source of its own. */
static void add_with_base(struct reconciling *reconciling, const struct subject *subject,
	const struct finding *finding, const struct answer *answer)
{
	const struct event *deciding[COUNT_OF(answer->deciding) + 1];
	struct event source = { 0 };
	struct span value;
	size_t count = answer->deciding_count;

	memcpy(deciding, answer->deciding, count * sizeof(*deciding));
	if (reconciling->times.rebuilt && finding->base.known)
		source.fact = rebuilt_from(subject->facts, subject->fact_count, finding->attribute,
			reconciling->times.base_until, &value);
	if (source.fact)
		deciding[count++] = &source;
	findings_add(reconciling->findings, finding, deciding, count);
}

/* Somebody is known to have written what stands there, or something that no record tells. */
static bool is_told_of(const struct question *question, const struct answer *answer)
{
	const struct event *last = answer->last;

	return answer->last_staging ||
		(last &&
			(!last->new_value.known ||
				question->same(question->attribute, last->new_value.value,
					question->live.value)));
}

/* What points to the staging server without a value, in the reason. */
static void add_touch(struct finding *finding, struct buf *reason, enum touch touch)
{
	if (touch == TOUCH_NONE)
		return;
	if (!touch_is_suspect(touch))
		buf_addf(reason, "%s; ", finding->reason);
	buf_add_text(reason, touch_text(touch));
	finding->reason = buf_text(reason);
}

/* Where the default rules would heal it, and production's own do not. */
static void add_no_flow(struct finding *finding, struct buf *reason,
	const struct server_flows *flows, const struct attribute *attribute)
{
	char when[TIME_TEXT_BYTES] = "";

	if (finding->door != DOOR_MANUAL || finding->mastery != MASTERY_SYNCED ||
		!attribute->sync_name ||
		flows_attribute(flows, finding->kind, attribute) != FLOWING_NOT)
		return;
	if (flows_exported_ms(flows) != TIME_NONE)
		time_text(flows_exported_ms(flows), when);
	buf_addf(reason,
		"%s; no outbound rule of %s flows it (its configuration%s%s), so it stays: add one "
		"there that flows the value that is wanted, let it export, remove the rule; or "
		"switch the object's authority to the cloud",
		finding->reason, flows_server(flows), *when ? " of " : "", when);
	finding->reason = buf_text(reason);
}

static void add_next(
	struct finding *finding, struct buf *reason, const struct foresight *next, const char *text)
{
	char when[TIME_TEXT_BYTES];

	buf_addf(reason, "%s; %s (its connector space of %s, %s)", finding->reason, text,
		time_text(next->fact->when_ms, when), next->fact->reference);
	finding->reason = buf_text(reason);
}

/*
 * Where production has what staging wrote for right, no cycle of it brings before back, and who says that
 * nobody meant it? Active Directory may have been changed to it, by a person. Only its rules can say that it
 * is not theirs.
 */
static void doubt_nothing(struct finding *finding, struct buf *reason, const struct foresight *next)
{
	finding->verdict = VERDICT_SUSPECT;
	finding->door = DOOR_NONE;
	add_next(finding, reason, next,
		"but production holds the staging server's value for right and would write nothing: "
		"Active Directory says the same by now, or no rule flows it");
}

static void add_foreseen(struct finding *finding, struct buf *reason,
	const struct question *question, const struct answer *answer)
{
	const struct foresight *next = &question->next;

	if (finding->way != DOOR_SYNC)
		return;
	finding->next = foreseen_of(question, answer);
	if (finding->next == FORESEEN_NOTHING)
		finding->way = DOOR_MANUAL;
	if (finding->next == FORESEEN_OTHER)
		finding->next_value = finding->attribute->source == SOURCE_RELATION
			? next->value
			: question->next_whole;
	if (finding->verdict != VERDICT_REVERT)
		return;
	if (finding->next == FORESEEN_NOTHING)
		doubt_nothing(finding, reason, next);
	else if (finding->next == FORESEEN_OTHER)
		add_next(finding, reason, next,
			"production's next export writes another value than that of before");
	else if (finding->next == FORESEEN_DELETE)
		add_next(finding, reason, next, "production's next export deletes the object");
}

void findings_add_answer(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute, struct span element, const struct question *question,
	const struct answer *answer)
{
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);
	const struct fact *to_directory = NULL;
	struct finding finding = {
		.verdict = answer->verdict,
		.change = element.data ? CHANGE_ELEMENT : CHANGE_VALUE,
		.kind = subject->kind,
		.id = subject->id,
		.name = object_name(subject->live),
		.mastery = object_mastery(subject->live),
		.attribute = attribute,
		.element = element,
		.base = question->base,
		.before = answer->before,
		.staging = answer->staging,
		.live = question->live,
		.last_writer = answer->last ? answer->last->fact->who : NULL,
		.last_write_ms = answer->last ? answer->last->when_ms : TIME_NONE,
		.staging_write_ms = answer->last_staging ? answer->last_staging->when_ms
							 : TIME_NONE,
		.reason = buf_text(&answer->reason),
		.decision = answer->decision,
		.undecided = VERDICT_SUSPECT,
	};

	if (answer->verdict == VERDICT_REVERT || reconciling->options->decisions)
		finding.way = way_back(reconciling, subject, &finding, &to_directory);
	if (answer->verdict == VERDICT_REVERT)
		finding.door = finding.way;
	add_foreseen(&finding, &reason, question, answer);
	if (answer->verdict == VERDICT_REVERT && !to_directory)
		add_no_flow(&finding, &reason, reconciling->flows, attribute);
	if (to_directory && answer->verdict == VERDICT_REVERT) {
		buf_addf(&reason,
			"%s; it was sent to Active Directory as well, which production would "
			"spread again: correct it there first (%s)",
			finding.reason, to_directory->reference);
		finding.reason = buf_text(&reason);
	}
	if (finding.verdict == VERDICT_DRIFT && !is_told_of(question, answer)) {
		enum touch touch = touch_explains(reconciling, subject, attribute);

		if (touch_is_suspect(touch))
			finding.verdict = VERDICT_SUSPECT;
		add_touch(&finding, &reason, touch);
	}
	add_with_base(reconciling, subject, &finding, answer);
}
