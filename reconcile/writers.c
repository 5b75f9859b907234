/*
 * Who is who among the writers of the evidence: staging, everybody else, and sync servers
 * whose values prove nothing because they are neither production nor staging.
 *
 * An identity that was named exactly stands for its installation and for no other: a machine
 * that was set up again under the same name may be production by now.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/evidence_internal.h"

static bool is_identity(const struct writer *writer, const char *given)
{
	return same_name(writer->name, given) || same_name(writer->id, given);
}

/* What the accounts of all sync servers are displayed as (facts 2), where a record has no more. */
#define SYNC_ACCOUNT_NAME "On-Premises Directory Synchronization Service Account"

static bool is_anybody(const struct writer *writer)
{
	return same_name(writer->name, SYNC_ACCOUNT_NAME) ||
		same_name(writer->name, NAME_NOT_RECORDED);
}

static bool is_meant(const struct writer *writer, const char *given)
{
	return same_name(writer->server, given) || is_identity(writer, given);
}

static bool same_installation(const struct writer *a, const struct writer *b)
{
	struct span of_a = sync_identity_installation(a->name);
	struct span of_b = sync_identity_installation(b->name);

	return of_a.data && of_b.data && same_name(a->server, b->server) &&
		text_compare_caseless(of_a, of_b) == 0;
}

/* A server's file names the server and no installation: who imported it said whose it is. */
static bool is_of_file(const struct writer *writer, const struct writer *named)
{
	return same_name(writer->server, named->server) && same_name(writer->name, writer->server);
}

static bool refuse_unknown(struct evidence *evidence, const char *staging, struct error *err)
{
	CLEANUP(buf_release) struct buf known = BUF_UP_TO(REASON_MAX);
	size_t count;
	const struct sync_identity *identities = evidence_identities(evidence, &count);

	for (size_t i = 0; i < count; i++)
		buf_addf(&known, "%s%s (%s)", i ? ", " : "",
			identities[i].writer.server ? identities[i].writer.server
						    : identities[i].writer.id,
			identities[i].writer.name);
	if (!evidence_records(evidence))
		buf_addf(&known, "none, and nobody else; there are no records, and %s",
			reach_text(evidence_reach(evidence)));
	else if (!count)
		buf_addf(&known, "none; %s", reach_text(evidence_reach(evidence)));
	return error_set(err, ERROR_USAGE,
		"\"%s\" wrote nothing in the evidence; the sync servers that did: %s", staging,
		buf_text(&known));
}

/* Writers of the same server as an identity of staging that was named exactly. */
static void classify_kin(struct reconciling *reconciling, const struct evidence *evidence,
	const struct writer *named)
{
	for (size_t i = 0; i < evidence_writer_count(evidence); i++) {
		const struct writer *writer = evidence_writer(evidence, i);

		if (reconciling->writers[i] == WRITER_STAGING || !writer->server)
			continue;
		if (same_installation(writer, named) || is_of_file(writer, named))
			reconciling->writers[i] = WRITER_STAGING;
		else if (same_name(writer->server, named->server))
			reconciling->writers[i] = WRITER_DOUBTFUL;
	}
}

/* Records name one account by its sign-in name, or by what it is displayed as, or by its id alone. */
static void classify_same_account(struct reconciling *reconciling, const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence_writer_count(evidence); i++) {
		const struct writer *staging = evidence_writer(evidence, i);

		if (reconciling->writers[i] != WRITER_STAGING || !*staging->id)
			continue;
		for (size_t j = 0; j < evidence_writer_count(evidence); j++)
			if (same_name(evidence_writer(evidence, j)->id, staging->id))
				reconciling->writers[j] = WRITER_STAGING;
	}
	for (size_t i = 0; i < evidence_writer_count(evidence); i++)
		if (reconciling->writers[i] == WRITER_OTHER &&
			is_anybody(evidence_writer(evidence, i)))
			reconciling->writers[i] = WRITER_DOUBTFUL;
}

static bool is_stagings_file(const struct fact *fact)
{
	return fact->source == FROM_STAGING_SPACE || fact->source == FROM_STAGING_ESCROW ||
		fact->source == FROM_DIRECTORY_SPACE || fact->source == FROM_FORECAST;
}

/*
 * Who sent what stands in a staging server's connector space is a staging server: the one that is
 * meant where its file does not say which it is, else one whose values prove nothing.
 */
static bool classify_by_file(struct reconciling *reconciling, const struct fact *fact)
{
	enum writer_class *class = &reconciling->writers[writer_number(fact->who)];

	if (!is_stagings_file(fact) || *class == WRITER_STAGING)
		return false;
	*class = fact->who->server ? WRITER_DOUBTFUL : WRITER_STAGING;
	return *class == WRITER_STAGING;
}

static bool classify_staging(struct reconciling *reconciling, struct error *err)
{
	struct evidence *evidence = reconciling->options->evidence;
	const char *staging = holder_app_id(evidence, reconciling->options->staging);
	bool found = false;

	for (size_t i = 0; i < evidence_writer_count(evidence); i++)
		if (*staging && is_meant(evidence_writer(evidence, i), staging)) {
			reconciling->writers[i] = WRITER_STAGING;
			found = true;
		}
	for (size_t i = 0; i < reconciling->fact_count; i++)
		found = classify_by_file(reconciling, &reconciling->first_fact[i]) || found;
	if (!found)
		return refuse_unknown(evidence, staging, err);
	for (size_t i = 0; i < evidence_writer_count(evidence); i++)
		if (is_identity(evidence_writer(evidence, i), staging))
			classify_kin(reconciling, evidence, evidence_writer(evidence, i));
	classify_same_account(reconciling, evidence);
	return true;
}

static bool classify_production(struct reconciling *reconciling, struct error *err)
{
	struct evidence *evidence = reconciling->options->evidence;
	const char *production = holder_app_id(evidence, reconciling->options->production);

	for (size_t i = 0; production && i < evidence_writer_count(evidence); i++) {
		const struct writer *writer = evidence_writer(evidence, i);

		if (is_meant(writer, production)) {
			if (reconciling->writers[i] == WRITER_STAGING)
				return error_set(err, ERROR_USAGE,
					"\"%s\" is given as production and as staging", production);
			reconciling->writers[i] = WRITER_OTHER;
		} else if (reconciling->writers[i] == WRITER_OTHER &&
			(writer->server || writer_may_sync(evidence, writer))) {
			reconciling->writers[i] = WRITER_DOUBTFUL;
		}
	}
	return true;
}

/* ---- who put whom into what ----------------------------------------------------------------- */

static int compare_links(const void *left, const void *right)
{
	const struct link *a = left, *b = right;
	int order = span_compare(a->id, b->id);

	return order ? order : (a->fact > b->fact) - (a->fact < b->fact);
}

static void links_collect(struct reconciling *reconciling)
{
	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];
		struct link link = { .fact = fact };

		if (!fact_is_write(fact) || !fact->attribute ||
			fact->attribute->compare != COMPARE_REFERENCE || !fact->new_value.data ||
			scan_type(fact->new_value) != SCAN_STRING ||
			fact_class(reconciling, fact) == WRITER_STAGING)
			continue;
		link.id = scan_text_direct(fact->new_value);
		MEMORY_GROW(
			reconciling->links, reconciling->link_count, reconciling->link_capacity);
		reconciling->links[reconciling->link_count++] = link;
	}
	if (reconciling->link_count)
		qsort(reconciling->links, reconciling->link_count, sizeof(*reconciling->links),
			compare_links);
}

const struct fact *link_after(
	const struct reconciling *reconciling, struct span id, int64_t after_ms)
{
	size_t low = 0, high = reconciling->link_count;
	const struct fact *latest = NULL;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(reconciling->links[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < reconciling->link_count && span_equal(reconciling->links[low].id, id); low++)
		if (reconciling->links[low].fact->when_ms >= after_ms)
			latest = reconciling->links[low].fact;
	return latest;
}

bool writers_classify(struct reconciling *reconciling, struct error *err)
{
	struct evidence *evidence = reconciling->options->evidence;

	if (!evidence)
		return true;
	reconciling->fact_count = evidence_count(evidence);
	reconciling->first_fact = reconciling->fact_count ? evidence_fact(evidence, 0) : NULL;
	reconciling->writers = memory_array(
		evidence_writer_count(evidence) + 1, sizeof(*reconciling->writers));
	reconciling->explained = memory_array(
		reconciling->fact_count + 1, sizeof(*reconciling->explained));
	reconciling->doubles = memory_array(
		reconciling->fact_count + 1, sizeof(*reconciling->doubles));
	for (size_t i = 0; i < reconciling->fact_count && !reconciling->has_files; i++)
		reconciling->has_files = reconciling->first_fact[i].source != FROM_AUDIT;
	if (reconciling->options->staging &&
		!(classify_staging(reconciling, err) && classify_production(reconciling, err)))
		return false;
	if (reconciling->options->staging)
		shared_classify(reconciling);
	links_collect(reconciling);
	return true;
}
