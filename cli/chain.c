/* Whether a snapshot follows the one it was made from, where that one is at hand [T13]. */
#include "cli/chain.h"

#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/names.h"

enum { LOOK_MAX = 4096 }; /* files beside a snapshot that are looked into */

static bool is_it(const struct snapshot *snapshot, const char *identity)
{
	return snapshot && strcmp(snapshot_identity(snapshot), identity) == 0;
}

static struct snapshot *find_kept(const struct shelf *shelf, const char *identity)
{
	for (size_t i = 0; shelf && i < shelf_count(shelf); i++) {
		const struct stored *stored = shelf_get(shelf, i);
		struct error ignored = { 0 };
		CLEANUP(snapshot_closep) struct snapshot *found = NULL;

		if (strncmp(stored->id, identity, STORED_ID_TEXT - 1) != 0)
			continue;
		found = shelf_open_snapshot(shelf, stored, &ignored);
		if (is_it(found, identity))
			return TAKE(found);
	}
	return NULL;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t length = strlen(name), wanted = strlen(ending);

	return length > wanted && strcmp(name + length - wanted, ending) == 0;
}

/* What can't be read is another file, and may be anything. */
static struct snapshot *find_in(DIR *names, const char *folder, const char *identity)
{
	struct dirent *entry;

	for (int i = 0; i < LOOK_MAX && (entry = readdir(names));) {
		CLEANUP(memory_freep) char *path = NULL;
		CLEANUP(snapshot_closep) struct snapshot *found = NULL;
		struct error ignored = { 0 };

		if (!has_ending(entry->d_name, ".zst"))
			continue;
		i++;
		path = file_path(folder, entry->d_name);
		found = snapshot_open(path, &ignored);
		if (is_it(found, identity))
			return TAKE(found);
	}
	return NULL;
}

static struct snapshot *find_beside(const char *path, const char *identity)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(memory_freep)
	char *folder = slash ? memory_text_span(path, (size_t)(slash - path) + 1)
			     : memory_text(".");
	DIR *names = opendir(folder);
	struct snapshot *found = names ? find_in(names, folder, identity) : NULL;

	if (names)
		closedir(names);
	return found;
}

static struct snapshot *find(
	const struct snapshot *snapshot, const char *profile_name, const char *identity)
{
	/* Without a profile there is no state folder to look into. */
	struct error ignored = { 0 };
	CLEANUP(profile_freep) struct profile *profile = profile_load(profile_name, &ignored);
	CLEANUP(shelf_closep)
	struct shelf *shelf = profile ? shelf_open(profile, false, &ignored) : NULL;
	struct snapshot *found = find_kept(shelf, identity);

	return found ? found : find_beside(snapshot_path(snapshot), identity);
}

bool chain_verify(enum chain_state *state, const struct snapshot *snapshot,
	const char *profile_name, struct error *err)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	CLEANUP(snapshot_closep) struct snapshot *previous = NULL;

	*state = CHAIN_FIRST;
	if (!header->previous[0])
		return true;
	*state = CHAIN_NOT_AT_HAND;
	previous = find(snapshot, profile_name, header->previous);
	if (!previous)
		return true;
	*state = CHAIN_FOLLOWS;
	return snapshot_follows(snapshot, previous, err);
}

static const struct {
	const char *name, *text;
	enum style style;
} states[] = {
	[CHAIN_FIRST] = { "first", "the first of its chain", STYLE_PLAIN },
	[CHAIN_NOT_AT_HAND] = { "not-at-hand",
		"the one before it is not at hand, so its place was not checked", STYLE_YELLOW },
	[CHAIN_FOLLOWS] = { "follows", "follows the one before it", STYLE_GREEN },
};

void chain_add(struct screen *screen, enum chain_state state, const struct snapshot *snapshot)
{
	const struct snapshot_header *header = snapshot_header(snapshot);

	screen_addf(screen, states[state].style, "number %llu, %s",
		(unsigned long long)header->sequence, states[state].text);
	if (header->previous[0])
		screen_addf(screen, STYLE_PLAIN, " (%.16s…)", header->previous);
}

const char *chain_state_name(enum chain_state state)
{
	return states[state].name;
}
