/* What find, diff and plan begin with: two snapshots, the evidence, the findings. */
#include <string.h>

#include "cli/names.h"
#include "cli/taking.h"

static bool reconcile_all(struct comparison *comparison,
	const struct comparison_arguments *arguments, const struct profile *profile,
	struct error *err)
{
	struct reconcile_options options = {
		.base = comparison->base,
		.live = comparison->live,
		.evidence = comparison->evidence,
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
	comparison->findings = findings_new(&options, err);
	return comparison->findings != NULL;
}

static struct snapshot *open_operand(const char *word, const char *profile_name, struct error *err)
{
	return names_is_live(word) ? take_live(word, profile_name, err)
				   : names_open(word, profile_name, err);
}

bool comparison_open(struct comparison *comparison, const struct comparison_arguments *arguments,
	const char *profile_name, const char *const *operands, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	const char *key = arguments->key;

	if (!profile_load_if_any(&profile, profile_name, err))
		return false;
	comparison->base = open_operand(operands[0], profile_name, err);
	if (!comparison->base)
		return false;
	if (!key && profile)
		key = profile->key;
	/* A statement that does not verify is an alarm, and not the same as none. */
	if (!statement_verify(&comparison->base_statement, comparison->base, key, false, err))
		return false;
	comparison->live = open_operand(operands[1], profile_name, err);
	if (!comparison->live)
		return false;
	/* Here are files, and no secrets. */
	snapshot_use_workers(comparison->base, snapshot_workers());
	snapshot_use_workers(comparison->live, snapshot_workers());
	if (arguments->evidence) {
		comparison->evidence = evidence_load(arguments->evidence, err);
		if (!comparison->evidence)
			return false;
	}
	return reconcile_all(comparison, arguments, profile, err);
}

void comparison_close(struct comparison *comparison)
{
	findings_free(comparison->findings);
	evidence_free(comparison->evidence);
	snapshot_close(comparison->live);
	snapshot_close(comparison->base);
}
