/*
 * What production's next export leaves of a value, where its connector space was imported: it holds every
 * value for right that it shows at the top of its tower (facts 3.2), whether that is pending, sent, or
 * read back. Once it has read what the staging server wrote, it writes that again (facts 7.4).
 *
 * It is as old as the file. Where another sync server wrote the value since, production may hold
 * something else by now, and nothing is foreseen.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

static bool same_server(const char *a, const char *b)
{
	return a && b && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

static bool is_production(const struct reconciling *reconciling, const char *server)
{
	const char *named = reconciling->options->production;

	return !server || !named || same_server(named, server);
}

/* Of the newest file alone: all that it tells, it tells of one moment. */
static bool tells(const struct reconciling *reconciling, const struct fact *fact,
	const struct attribute *attribute)
{
	return fact->source == FROM_PRODUCTION_FORECAST &&
		fact->when_ms == reconciling->findings->summary.production_ms &&
		fact_class(reconciling, fact) == WRITER_OTHER &&
		is_production(reconciling, fact->who->server) &&
		(fact->attribute == attribute ||
			(!fact->attribute && fact->operation == FACT_DELETE));
}

/* A sync server other than staging wrote it: production, perhaps. */
static bool is_news(const struct reconciling *reconciling, const struct fact *fact,
	const struct attribute *attribute, int64_t since_ms)
{
	return fact->attribute == attribute && fact->when_ms > since_ms && fact_is_write(fact) &&
		fact->who->server && fact_class(reconciling, fact) != WRITER_STAGING;
}

struct foresight foresee(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	struct foresight foresight = { 0 };
	const struct fact *const *facts;
	const struct fact *fact = NULL;
	size_t count;

	if (!reconciling->findings->summary.production_space)
		return foresight;
	facts = evidence_of(reconciling->options->evidence, subject->id, &count);
	for (size_t i = 0; i < count; i++)
		if (tells(reconciling, facts[i], attribute))
			fact = facts[i];
	for (size_t i = 0; fact && i < count; i++)
		if (is_news(reconciling, facts[i], attribute, fact->when_ms))
			fact = NULL;
	if (!fact)
		return foresight;
	foresight.fact = fact;
	foresight.deletes = !fact->attribute;
	foresight.value = (struct known_value){ fact->new_known, fact->new_value };
	return foresight;
}

enum foreseen foreseen_of(const struct question *question, const struct answer *answer)
{
	const struct foresight *next = &question->next;

	if (next->deletes)
		return FORESEEN_DELETE;
	if (!next->value.known || !answer->before.known)
		return FORESEEN_UNKNOWN;
	if (question->same(question->attribute, next->value.value, answer->before.value))
		return FORESEEN_BEFORE;
	if (question->live.known &&
		question->same(question->attribute, next->value.value, question->live.value))
		return FORESEEN_NOTHING;
	return FORESEEN_OTHER;
}

static bool counts(const struct reconciling *reconciling, const struct evidence_source *source)
{
	return source->pending_known && is_production(reconciling, source->server) &&
		!(source->server && server_is_staging(reconciling, source->server));
}

/* Files of two servers, and none is named: nobody is taken for production. */
void foresee_begin(struct reconciling *reconciling)
{
	struct findings_summary *summary = &reconciling->findings->summary;
	size_t count = 0;
	const struct evidence_source *sources = reconciling->options->evidence
		? evidence_sources(reconciling->options->evidence, &count)
		: NULL;
	const struct evidence_source *newest = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!counts(reconciling, &sources[i]))
			continue;
		if (newest && newest->server && sources[i].server &&
			!same_server(newest->server, sources[i].server))
			return;
		if (!newest || sources[i].pending_ms > newest->pending_ms)
			newest = &sources[i];
	}
	if (!newest)
		return;
	summary->production_space = true;
	summary->production_ms = newest->pending_ms;
	summary->pending_deletes = newest->pending_deletes;
}

static const char *const names[FORESEEN_COUNT] = {
	[FORESEEN_BEFORE] = "before",
	[FORESEEN_OTHER] = "other",
	[FORESEEN_NOTHING] = "nothing",
	[FORESEEN_DELETE] = "delete",
};

const char *foreseen_name(enum foreseen foreseen)
{
	return names[foreseen];
}

bool foreseen_find(const char *name, enum foreseen *foreseen)
{
	for (size_t i = FORESEEN_UNKNOWN + 1; i < FORESEEN_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			*foreseen = (enum foreseen)i;
			return true;
		}
	return false;
}
