/*
 * One account, two servers (facts 2): a copied database, a cloned machine, a connector edited by hand.
 * The audit log names the account and not the machine, so it can't tell whose a write is. The servers'
 * own connector spaces can: they are by the machine, and are left as they are.
 *
 * Another server's file with the same account is sure. A cycle and a burst besides it are only a hint,
 * and so good for one thing alone: to doubt that what stands in the log is the staging server's.
 */
#include "base/memory.h"
#include "reconcile/evidence_internal.h"

static bool is_of_account(const struct writer *writer, const struct writer *account)
{
	return *writer->id &&
		(same_name(writer->id, account->id) || same_name(writer->name, account->name));
}

static void doubt_account(struct reconciling *reconciling, const struct sync_identity *identity)
{
	const struct evidence *evidence = reconciling->options->evidence;
	struct findings_summary *summary = &reconciling->findings->summary;

	for (size_t i = 0; i < evidence_writer_count(evidence); i++) {
		if (!is_of_account(evidence_writer(evidence, i), &identity->writer))
			continue;
		if (reconciling->writers[i] == WRITER_STAGING) {
			summary->shared = identity->shared;
			summary->other_server = texts_keep(
				reconciling->findings->texts, span_of(identity->other_server))
							.data;
		} else if (identity->shared != SHARED_RHYTHM) {
			/* Production, started by hand, has two rhythms as well. */
			reconciling->writers[i] = WRITER_DOUBTFUL;
		}
	}
}

void shared_classify(struct reconciling *reconciling)
{
	size_t count;
	const struct sync_identity *identities = identities_in_brief(
		reconciling->options->evidence, &count);

	for (size_t i = 0; i < count; i++)
		if (identities[i].shared != SHARED_NOT && *identities[i].writer.id)
			doubt_account(reconciling, &identities[i]);
}

/* ---- findings ------------------------------------------------------------------------------ */

static void add_why(struct buf *reason, const struct findings_summary *summary)
{
	if (summary->shared == SHARED_RHYTHM)
		buf_add_text(reason,
			"; but that account writes in a cycle and besides it, as if two servers used it");
	else
		buf_addf(reason, "; but that account is also used by %s",
			summary->other_server ? summary->other_server : "another server");
	buf_add_text(reason,
		": the log can't tell whose write this is, and the connector spaces of both servers "
		"can: import them without the log");
}

static bool is_proved(const struct finding *finding)
{
	return finding->verdict == VERDICT_REVERT || finding->verdict == VERDICT_BLOCKED;
}

void shared_doubt(struct findings *findings)
{
	const struct findings_summary *summary = &findings->summary;

	for (size_t i = 0; summary->shared != SHARED_NOT && i < findings->count; i++) {
		struct finding *finding = &findings->items[i];
		CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);

		if (!is_proved(finding))
			continue;
		buf_add_text(&reason, finding->reason);
		add_why(&reason, summary);
		finding->verdict = VERDICT_SUSPECT;
		finding->door = DOOR_NONE;
		finding->before = (struct known_value){ 0 };
		finding->reason = texts_keep(findings->texts, buf_span(&reason)).data;
	}
}
