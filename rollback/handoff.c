/*
 * The files beside a plan for those who can do what Graph refuses. Values of the directory are
 * data in all of them: printable text, a quoted cell, or base64.
 *
 * Each is a function of the plan's steps and head. The plan carries their digests, so that whoever
 * signs it signs them too; they hold its id and never its hash, which would depend on them.
 */
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "rollback/handoff_internal.h"

/* ---- text --------------------------------------------------------------------------------- */

void handoff_add_printable(struct buf *out, const char *text)
{
	text_printable(out, span_of(text));
}

void handoff_add_title(struct buf *out, const struct plan *plan, const char *title)
{
	buf_addf(out, "%s\n\nPlan ", title);
	handoff_add_printable(out, plan->id);
	buf_add_text(out, ", tenant ");
	handoff_add_printable(out, plan->tenant);
	if (plan->tenant_name && *plan->tenant_name) {
		buf_add_text(out, " (");
		handoff_add_printable(out, plan->tenant_name);
		buf_add_text(out, ")");
	}
	buf_add_byte(out, '\n');
}

/* ---- which there are ------------------------------------------------------------------------ */

static const struct handoff {
	const char *name;
	enum door door;
	bool with_blocked; /* written for these alone, too */
	void (*add)(struct buf *out, const struct plan *plan);
} handoffs[] = {
	{ "adsync.csv", DOOR_ADSYNC, false, handoff_add_adsync },
	{ "directory.ldif", DOOR_DIRECTORY, false, handoff_add_ldif },
	{ "directory.ps1", DOOR_DIRECTORY, false, handoff_add_directory },
	{ "exchange.ps1", DOOR_EXCHANGE, false, handoff_add_exchange },
	{ "manual.txt", DOOR_MANUAL, true, handoff_add_manual },
	{ "sync.txt", DOOR_SYNC, false, handoff_add_sync },
};

static bool is_wanted(const struct handoff *handoff, const struct plan *plan)
{
	return plan->by_door[handoff->door] || (handoff->with_blocked && plan->blocked_count);
}

/* The one at a place among those that the plan's doors want; NULL past the last. */
static const struct handoff *wanted_at(const struct plan *plan, size_t place)
{
	for (size_t i = 0; i < COUNT_OF(handoffs); i++) {
		if (is_wanted(&handoffs[i], plan) && !place--)
			return &handoffs[i];
	}
	return NULL;
}

const char *plan_wanted_file(const struct plan *plan, size_t place)
{
	const struct handoff *handoff = wanted_at(plan, place);

	return handoff ? handoff->name : NULL;
}

static size_t count_wanted(const struct plan *plan)
{
	size_t count = 0;

	while (wanted_at(plan, count))
		count++;
	return count;
}

/* ---- their digests -------------------------------------------------------------------------- */

static void digest_text(struct span content, char text[static PLAN_DIGEST_TEXT])
{
	uint8_t digest[crypto_generichash_BYTES];

	crypto_generichash(
		digest, sizeof(digest), (const uint8_t *)content.data, content.length, NULL, 0);
	sodium_bin2hex(text, PLAN_DIGEST_TEXT, digest, sizeof(digest));
}

bool plan_seal_files(struct plan *plan, struct error *err)
{
	size_t count = count_wanted(plan);
	struct plan_handoff *files = plan_room(plan, count, sizeof(*files));

	for (size_t i = 0; i < count; i++) {
		const struct handoff *handoff = wanted_at(plan, i);
		CLEANUP(buf_release) struct buf content = BUF_UP_TO(HANDOFF_MAX);

		handoff->add(&content, plan);
		if (!buf_check(&content, handoff->name, err))
			return error_prefix(err, "hand-off file");
		files[i].name = handoff->name;
		digest_text(buf_span(&content), files[i].digest);
	}
	plan->files = files;
	plan->file_count = count;
	return true;
}

bool plan_check_sealed(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		const struct handoff *handoff = wanted_at(plan, i);
		CLEANUP(buf_release) struct buf content = BUF_UP_TO(HANDOFF_MAX);
		char digest[PLAN_DIGEST_TEXT];

		handoff->add(&content, plan);
		if (!buf_check(&content, handoff->name, err))
			return error_prefix(err, "hand-off file");
		digest_text(buf_span(&content), digest);
		if (strcmp(digest, plan->files[i].digest) != 0)
			return error_set(err, ERROR_REFUSED,
				"hand-off file %s: its digest is not that of what this program makes of "
				"the plan's steps: the plan is of another version (it says %s), or "
				"somebody altered it; make it again",
				handoff->name, plan->tool);
	}
	return true;
}

/* ---- beside the plan -------------------------------------------------------------------------- */

static struct span stem_of(const char *plan_path)
{
	struct span path = span_of(plan_path), ending = SPAN_LITERAL(".json");

	if (path.length > ending.length &&
		memcmp(path.data + path.length - ending.length, ending.data, ending.length) == 0)
		path.length -= ending.length;
	return path;
}

static bool add_path(struct buf *path, const char *plan_path, const char *name, struct error *err)
{
	buf_addf(path, "%.*s-%s", SPAN_FORMAT(stem_of(plan_path)), name);
	return buf_check(path, "file name", err);
}

static bool save(
	const struct handoff *handoff, const struct plan *plan, const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(HANDOFF_MAX);

	handoff->add(&content, plan);
	return buf_check(&content, path, err) && file_save(path, buf_span(&content), err);
}

static bool digest_file(const char *path, char digest[static PLAN_DIGEST_TEXT], struct error *err)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(HANDOFF_MAX);

	if (!file_load(path, HANDOFF_MAX, &content, err))
		return false;
	digest_text(buf_span(&content), digest);
	return true;
}

/* The plan whose place is taken; NULL: there is none, or it can't be read. */
static struct plan *plan_replaced(const char *plan_path)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_FILE_MAX);
	struct error ignored = { 0 };

	if (access(plan_path, F_OK) != 0 || !file_load(plan_path, PLAN_FILE_MAX, &bytes, &ignored))
		return NULL;
	return plan_parse(buf_span(&bytes), &ignored);
}

static bool is_file_of(const struct plan *plan, const char *name, const char *path)
{
	struct error ignored = { 0 };
	char digest[PLAN_DIGEST_TEXT];

	for (size_t i = 0; plan && i < plan->file_count; i++)
		if (strcmp(plan->files[i].name, name) == 0)
			return digest_file(path, digest, &ignored) &&
				strcmp(digest, plan->files[i].digest) == 0;
	return false;
}

/*
 * What an earlier plan of this name left there would pass for this one's: a script, a list of deletions. It
 * goes with its plan, where that is `replaced` and says that it is its own and as it was; all else stays, and
 * is an error.
 */
static bool clear_others(const struct plan *plan, const char *plan_path,
	const struct plan *replaced, bool remove, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(handoffs); i++) {
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(64 << 10);
		struct stat facts;

		if (is_wanted(&handoffs[i], plan))
			continue;
		if (!add_path(&path, plan_path, handoffs[i].name, err))
			return false;
		if (lstat(buf_text(&path), &facts) != 0)
			continue;
		if (!is_file_of(replaced, handoffs[i].name, buf_text(&path)))
			return error_set(err, ERROR_REFUSED,
				"%s: it is of another plan, and this one has no such file: take it "
				"away, and do not use it with this plan",
				buf_text(&path));
		if (remove && unlink(buf_text(&path)) != 0)
			return error_errno(err, "%s: can't take it away", buf_text(&path));
	}
	return true;
}

bool plan_write_hand_offs(const struct plan *plan, const char *plan_path,
	void (*written)(void *context, const char *path), void *context, struct error *err)
{
	CLEANUP(plan_freep) struct plan *replaced = plan_replaced(plan_path);
	const struct handoff *handoff;

	if (!clear_others(plan, plan_path, replaced, false, err))
		return error_prefix(err, "hand-off file");
	for (size_t i = 0; (handoff = wanted_at(plan, i)); i++) {
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(64 << 10);

		if (!add_path(&path, plan_path, handoff->name, err) ||
			!save(handoff, plan, buf_text(&path), err))
			return error_prefix(err, "hand-off file");
		if (written)
			written(context, buf_text(&path));
	}
	return clear_others(plan, plan_path, replaced, true, err) ||
		error_prefix(err, "hand-off file");
}

static bool check_one(const struct plan_handoff *file, const char *path, struct error *err)
{
	char digest[PLAN_DIGEST_TEXT];

	if (access(path, F_OK) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s: missing; it belongs to the plan: copy it beside, or make the plan again",
			path);
	if (!digest_file(path, digest, err))
		return false;
	return strcmp(digest, file->digest) == 0 ||
		error_set(err, ERROR_REFUSED,
			"%s: altered: its BLAKE2b-256 is %s, the plan says %s; do not use it", path,
			digest, file->digest);
}

bool plan_check_hand_offs(const struct plan *plan, const char *plan_path, struct error *err)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		CLEANUP(buf_release) struct buf path = BUF_UP_TO(64 << 10);

		if (!add_path(&path, plan_path, plan->files[i].name, err) ||
			!check_one(&plan->files[i], buf_text(&path), err))
			return error_prefix(err, "hand-off file");
	}
	return clear_others(plan, plan_path, NULL, false, err) ||
		error_prefix(err, "hand-off file");
}
