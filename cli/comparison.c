/* What find, diff and plan begin with: two snapshots, the evidence, the findings. */
#include <string.h>

#include "base/memory.h"
#include "cli/names.h"
#include "cli/program.h"

static struct reconcile_options options_of(const struct comparison *comparison,
	const struct comparison_arguments *arguments, const struct profile *profile)
{
	struct reconcile_options options = {
		.base = comparison->base,
		.live = comparison->live,
		.evidence = comparison->evidence,
		.decisions = comparison->decisions,
		.staging = arguments->staging,
		.production = arguments->production,
		.progress = talk(),
	};

	if (!options.staging && profile)
		options.staging = profile->staging;
	if (!options.production && profile)
		options.production = profile->production;
	if (!options.evidence)
		options.staging = NULL;
	else if (!options.staging)
		progress_warn(talk(),
			"nobody is named as the staging server, so nothing is put back: --staging; "
			"unstage find --evidence FILE lists who synchronises");
	return options;
}

static bool asked_for(const struct snapshot *snapshot, const char *extension)
{
	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++)
		if (snapshot_asked_for_extension(
			    snapshot, kind, attribute_find(kind_get(kind), span_of(extension))))
			return true;
	return false;
}

/* Takes the profile's marker apart, where there is one. */
static bool take_marker(struct comparison *comparison, struct reconcile_options *options,
	const struct profile *profile, struct error *err)
{
	char *marker = profile ? profile->marker : NULL,
	     *equals = marker ? strchr(marker, '=') : NULL;
	const struct attribute *attribute;

	if (!marker || !options->evidence)
		return true;
	if (equals) {
		memory_free(comparison->marker);
		comparison->marker = memory_text(marker);
		comparison->marker[equals - marker] = '\0';
	}
	attribute = equals ? attribute_find(kind_get(KIND_USER), span_of(comparison->marker))
			   : NULL;
	if (!attribute || !attribute_is_extension(attribute) || !equals[1])
		return error_set(err, ERROR_USAGE,
			"[%s] marker = %s: expected extension_<application>_<name>=<value>",
			profile->name, marker);
	options->marker_name = comparison->marker;
	options->marker_value = comparison->marker + (equals - marker) + 1;
	if (!asked_for(comparison->live, comparison->marker))
		progress_warn(talk(),
			"LIVE was not asked for %s: what carries the marker can't be told",
			comparison->marker);
	return true;
}

static bool reconcile_all(struct comparison *comparison,
	const struct comparison_arguments *arguments, const struct profile *profile,
	const struct findings_listener *listener, struct error *err)
{
	struct reconcile_options options = options_of(comparison, arguments, profile);

	if (!take_marker(comparison, &options, profile, err))
		return false;
	comparison->findings = listener ? findings_tell(&options, listener, err)
					: findings_new(&options, err);
	return comparison->findings != NULL;
}

/* Lines that did nothing: somebody believes that they do. */
static void warn_of_decisions(const struct findings *findings)
{
	size_t count;
	const struct decision_result *results = findings_decisions(findings, &count);

	for (size_t i = 0; i < count; i++) {
		const struct decision *decision = results[i].decision;

		if (results[i].text)
			progress_warn(talk(), "decisions: line %zu (byte %zu): %s: %s: no effect",
				decision->line, decision->byte, decision_kind_name(decision->kind),
				results[i].text);
	}
}

static struct snapshot *open_operand(const char *word, const char *profile_name, struct error *err)
{
	return names_is_live(word) ? program.take_live(word, profile_name, err)
				   : names_open(word, profile_name, err);
}

/* Two operands, by the order in which they were named. */
enum { BASE, LIVE, OPERANDS };

struct operands {
	const char *const *words;
	const char *profile_name;
	bool files; /* opened beforehand, both at once: nothing of it needs a secret */
	struct snapshot_opening openings[OPERANDS];
};

static void operands_open_files(struct operands *operands)
{
	operands->files = !names_is_name(operands->words[BASE]) &&
		!names_is_name(operands->words[LIVE]);
	if (!operands->files)
		return;
	for (int i = 0; i < OPERANDS; i++)
		operands->openings[i].path = operands->words[i];
	snapshot_open_all(operands->openings, OPERANDS, snapshot_workers());
}

static void operands_release(struct operands *operands)
{
	for (int i = 0; i < OPERANDS; i++)
		snapshot_close(operands->openings[i].snapshot);
}

/* NULL: as if it had been opened only now. */
static struct snapshot *operands_take(struct operands *operands, int which, struct error *err)
{
	struct snapshot_opening *opening = &operands->openings[which];

	if (!operands->files)
		return open_operand(operands->words[which], operands->profile_name, err);
	if (!opening->snapshot)
		*err = opening->err;
	return TAKE(opening->snapshot);
}

/* BASE is a snapshot that somebody took. */
static bool open_base(
	struct comparison *comparison, const char *key, struct operands *both, struct error *err)
{
	comparison->base = operands_take(both, BASE, err);
	/* A statement that does not verify is an alarm, and not the same as none. */
	return comparison->base &&
		statement_verify(&comparison->base_statement, comparison->base, key, false, err);
}

/* It is made of the evidence, when that is there. */
static bool make_base(struct comparison *comparison, const struct comparison_arguments *arguments,
	const struct profile *profile, struct error *err)
{
	struct reconcile_options options = options_of(comparison, arguments, profile);
	char moment[TIME_TEXT_BYTES];

	if (!options.evidence)
		return error_set(err, ERROR_USAGE,
			"audit: a base is made of evidence: name it with --evidence FILE");
	comparison->base = base_rebuild(&options, err);
	if (!comparison->base)
		return error_prefix(err, "audit");
	progress_warn(talk(),
		"there is no snapshot: the base is what the evidence knows of %s UTC; what others "
		"changed can't be told",
		screen_time(snapshot_header(comparison->base)->taken_until_ms, moment));
	return true;
}

bool comparison_open(struct comparison *comparison, const struct comparison_arguments *arguments,
	const char *profile_name, const char *const *operands,
	const struct findings_listener *listener, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	CLEANUP(operands_release)
	struct operands both = { .words = operands, .profile_name = profile_name };
	const char *key = arguments->key;
	bool audit = names_is_audit(operands[BASE]);

	if (!profile_load_if_any(&profile, profile_name, err))
		return false;
	operands_open_files(&both);
	if (!key && profile)
		key = profile->key;
	if (audit ? !names_check(operands[BASE], err) : !open_base(comparison, key, &both, err))
		return false;
	comparison->live = operands_take(&both, LIVE, err);
	if (!comparison->live)
		return false;
	/* Here are files, and no secrets. */
	if (comparison->base)
		snapshot_use_workers(comparison->base, snapshot_workers());
	snapshot_use_workers(comparison->live, snapshot_workers());
	if (arguments->evidence) {
		comparison->evidence = evidence_load(arguments->evidence, err);
		if (!comparison->evidence)
			return false;
	}
	if (audit && !make_base(comparison, arguments, profile, err))
		return false;
	if (arguments->decisions) {
		comparison->decisions = decisions_load(arguments->decisions, err);
		if (!comparison->decisions)
			return false;
	}
	if (!reconcile_all(comparison, arguments, profile, listener, err))
		return false;
	warn_of_decisions(comparison->findings);
	return true;
}

void comparison_close(struct comparison *comparison)
{
	findings_free(comparison->findings);
	decisions_free(comparison->decisions);
	evidence_free(comparison->evidence);
	snapshot_close(comparison->live);
	snapshot_close(comparison->base);
	memory_free(comparison->marker);
}
