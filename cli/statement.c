#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"

static char *beside(const struct snapshot *snapshot, const char *ending)
{
	const char *path = snapshot_path(snapshot);
	struct buf text = BUF_UP_TO(strlen(path) + strlen(ending));

	buf_addf(&text, "%s%s", path, ending);
	return buf_detach(&text);
}

static bool is_there(const char *path)
{
	struct stat facts;

	return lstat(path, &facts) == 0;
}

bool statement_verify(struct statement *statement, const struct snapshot *snapshot, const char *key,
	bool whole_file, struct error *err)
{
	CLEANUP(memory_freep) char *path = beside(snapshot, STATEMENT_ENDING);
	CLEANUP(memory_freep) char *signature = beside(snapshot, STATEMENT_SIGNATURE_ENDING);
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(SNAPSHOT_STATEMENT_MAX);

	*statement = (struct statement){ .state = STATEMENT_NONE };
	if (!is_there(path) || !is_there(signature))
		return true;
	statement->state = STATEMENT_NO_KEY;
	if (!key)
		return true;
	if (!file_load(path, SNAPSHOT_STATEMENT_MAX, &bytes, err) ||
		!signature_verify(buf_span(&bytes), SIGNATURE_SNAPSHOT_STATEMENT, signature, key,
			&statement->signature, err) ||
		!snapshot_statement_check(snapshot, buf_span(&bytes), whole_file, err))
		return false;
	statement->state = STATEMENT_SIGNED;
	return true;
}

static const struct {
	const char *name, *text;
	enum style style;
} states[] = {
	[STATEMENT_NONE] = { "unsigned", "nobody signed it", STYLE_YELLOW },
	[STATEMENT_NO_KEY] = { "no-key", "a signature lies beside it, and no public key was named",
		STYLE_YELLOW },
	[STATEMENT_SIGNED] = { "signed", "signed by key ", STYLE_GREEN },
};

void statement_add(struct screen *screen, const struct statement *statement)
{
	screen_addf(screen, states[statement->state].style, "%s%s", states[statement->state].text,
		statement->state == STATEMENT_SIGNED ? statement->signature.key_id : "");
}

const char *statement_state_name(enum statement_state state)
{
	return states[state].name;
}
