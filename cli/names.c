#include "cli/names.h"

#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

typedef const struct stored *finder(const struct shelf *shelf, const char *word, struct error *err);

/* What there is, and what to run. Returns NULL. */
static const struct stored *nothing(const struct shelf *shelf, const char *word, const char *why,
	const char *advice, struct error *err)
{
	size_t count = shelf_count(shelf);
	char newest[TIME_TEXT_BYTES], oldest[TIME_TEXT_BYTES];

	if (!count)
		error_set(err, ERROR_USAGE,
			"%s: %s has no snapshot yet; take one with: unstage snapshot --pin production",
			word, shelf_folder(shelf));
	else
		error_set(err, ERROR_USAGE, "%s: %s; %s has %zu, complete from %s to %s: %s", word,
			why, shelf_folder(shelf), count,
			time_text(shelf_get(shelf, count - 1)->taken_ms, oldest),
			time_text(shelf_get(shelf, 0)->taken_ms, newest), advice);
	return NULL;
}

static const struct stored *find_production(
	const struct shelf *shelf, const char *word, struct error *err)
{
	const struct stored *pinned = shelf_pinned(shelf);
	const char *identity = shelf_pin_identity(shelf);

	if (pinned)
		return pinned;
	if (!identity)
		return nothing(shelf, word, "nothing is pinned",
			"pin a good one with unstage snapshot --pin production @WHEN", err);
	error_set(err, ERROR_USAGE,
		"%s: %.16s… is pinned, and it is not in %s any more; pin another: unstage snapshot --pin "
		"production SNAPSHOT",
		word, identity, shelf_folder(shelf));
	return NULL;
}

static const struct stored *find_latest(
	const struct shelf *shelf, const char *word, struct error *err)
{
	return shelf_count(shelf) ? shelf_get(shelf, 0)
				  : nothing(shelf, word, "there is none", "", err);
}

static const struct stored *find_live(
	const struct shelf *shelf, const char *word, struct error *err)
{
	(void)shelf;
	error_set(err, ERROR_USAGE,
		"%s: taken only where two are compared (find, diff, plan); the newest one that is kept is "
		"latest",
		word);
	return NULL;
}

static const struct stored *find_audit(
	const struct shelf *shelf, const char *word, struct error *err)
{
	(void)shelf;
	error_set(err, ERROR_USAGE,
		"%s: made of evidence, and only where BASE is compared with LIVE (find, diff, plan)",
		word);
	return NULL;
}

static const struct stored *find_moment(
	const struct shelf *shelf, const char *word, struct error *err)
{
	int64_t moment_ms;

	if (!moment_parse(word + 1, time_now_ms(), &moment_ms, err))
		return NULL;
	for (size_t i = 0; i < shelf_count(shelf); i++) {
		if (shelf_get(shelf, i)->taken_ms <= moment_ms)
			return shelf_get(shelf, i);
	}
	return nothing(shelf, word, "none was complete then", "see unstage show snapshots", err);
}

static const struct name {
	const char *word;
	finder *find;
} names[] = {
	{ "production", find_production },
	{ "latest", find_latest },
	{ "live", find_live },
	{ "audit", find_audit },
};

/* NULL: a file's, or a moment. */
static const struct name *name_of(const char *word)
{
	word += word[0] == '@';
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(names[i].word, word) == 0)
			return &names[i];
	}
	return NULL;
}

bool names_is_name(const char *word)
{
	return word[0] == '@' || name_of(word);
}

bool names_is_live(const char *word)
{
	const struct name *name = name_of(word);

	return name && name->find == find_live;
}

bool names_is_audit(const char *word)
{
	const struct name *name = name_of(word);

	return name && name->find == find_audit;
}

bool names_check(const char *word, struct error *err)
{
	struct stat facts;

	if (word[0] == '@' || !name_of(word) || lstat(word, &facts) < 0)
		return true;
	return error_set(err, ERROR_USAGE,
		"'%s' is a name, and there is a file of that name here: write ./%s for the file, or @%s "
		"for the name",
		word, word, word);
}

static struct snapshot *open_in(const struct shelf *shelf, const char *word, struct error *err)
{
	const struct name *name = name_of(word);
	const struct stored *stored;

	stored = name ? name->find(shelf, word, err) : find_moment(shelf, word, err);
	return stored ? shelf_open_snapshot(shelf, stored, err) : NULL;
}

struct snapshot *names_open(const char *word, const char *profile_name, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = NULL;
	CLEANUP(shelf_closep) struct shelf *shelf = NULL;

	if (!names_is_name(word))
		return snapshot_open(word, err);
	if (!names_check(word, err))
		return NULL;
	profile = profile_load(profile_name, err);
	shelf = profile ? shelf_open(profile, false, err) : NULL;
	return shelf ? open_in(shelf, word, err) : NULL;
}
