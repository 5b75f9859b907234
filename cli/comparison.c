/* What find, diff and plan begin with: two snapshots, the evidence, the findings. */
#include <string.h>

#include "cli/names.h"
#include "cli/taking.h"

static bool reconcile_all(struct comparison *comparison,
	const struct comparison_arguments *arguments, const struct profile *profile,
	const struct findings_listener *listener, struct error *err)
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
	else if (!options.staging)
		progress_warn(talk(),
			"nobody is named as the staging server, so nothing is put back: --staging; "
			"unstage find --evidence FILE lists who synchronises");
	comparison->findings = listener ? findings_tell(&options, listener, err)
					: findings_new(&options, err);
	return comparison->findings != NULL;
}

static struct snapshot *open_operand(const char *word, const char *profile_name, struct error *err)
{
	return names_is_live(word) ? take_live(word, profile_name, err)
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

bool comparison_open(struct comparison *comparison, const struct comparison_arguments *arguments,
	const char *profile_name, const char *const *operands,
	const struct findings_listener *listener, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	CLEANUP(operands_release)
	struct operands both = { .words = operands, .profile_name = profile_name };
	const char *key = arguments->key;

	if (!profile_load_if_any(&profile, profile_name, err))
		return false;
	operands_open_files(&both);
	comparison->base = operands_take(&both, BASE, err);
	if (!comparison->base)
		return false;
	if (!key && profile)
		key = profile->key;
	/* A statement that does not verify is an alarm, and not the same as none. */
	if (!statement_verify(&comparison->base_statement, comparison->base, key, false, err))
		return false;
	comparison->live = operands_take(&both, LIVE, err);
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
	return reconcile_all(comparison, arguments, profile, listener, err);
}

void comparison_close(struct comparison *comparison)
{
	findings_free(comparison->findings);
	evidence_free(comparison->evidence);
	snapshot_close(comparison->live);
	snapshot_close(comparison->base);
}
