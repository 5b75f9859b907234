/* What find, diff and plan begin with: two snapshots, the evidence, the findings. */
#include <string.h>

#include "cli/cli.h"

static bool reconcile_all(struct comparison *comparison,
	const struct comparison_arguments *arguments, const char *profile_name, struct error *err)
{
	/* Without a configuration there is just nothing to fall back to. */
	struct error no_profile = { 0 };
	CLEANUP(profile_freep)
	struct profile *profile = profile_name ? profile_load(profile_name, err)
					       : profile_load(NULL, &no_profile);
	struct reconcile_options options = {
		.base = comparison->base,
		.live = comparison->live,
		.evidence = comparison->evidence,
		.staging = arguments->staging,
		.production = arguments->production,
		.progress = talk(),
	};

	if (profile_name && !profile)
		return false;
	if (!options.staging && profile)
		options.staging = profile->staging;
	if (!options.production && profile)
		options.production = profile->production;
	if (!options.evidence)
		options.staging = NULL;
	comparison->findings = findings_new(&options, err);
	return comparison->findings != NULL;
}

bool comparison_open(struct comparison *comparison, const struct comparison_arguments *arguments,
	const char *profile_name, const char *const *operands, struct error *err)
{
	comparison->base = snapshot_open(operands[0], err);
	if (!comparison->base)
		return false;
	comparison->live = snapshot_open(operands[1], err);
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
	return reconcile_all(comparison, arguments, profile_name, err);
}

void comparison_close(struct comparison *comparison)
{
	findings_free(comparison->findings);
	evidence_free(comparison->evidence);
	snapshot_close(comparison->live);
	snapshot_close(comparison->base);
}
