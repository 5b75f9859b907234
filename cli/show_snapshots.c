/* unstage show snapshots: what the state folder keeps, newest first. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/names.h"

enum { SIZE_TEXT_BYTES = 16, SIGNED_COLUMNS = 8 };

struct listing {
	const struct shelf *shelf;
	const char *key; /* the profile's, or NULL */
	struct screen *screen;
};

/* One of them, as far as it can be read: `trouble` says why not, or what is wrong with its signature. */
struct listed {
	const struct stored *stored;
	struct snapshot *snapshot; /* or NULL */
	uint64_t size;
	struct statement statement;
	struct error trouble;
};

static void listed_release(struct listed *listed)
{
	snapshot_close(listed->snapshot);
}

static void look_at(
	const struct listing *listing, const struct stored *stored, struct listed *listed)
{
	*listed = (struct listed){ .stored = stored };
	listed->snapshot = shelf_open_snapshot(listing->shelf, stored, &listed->trouble);
	if (!listed->snapshot)
		return;
	listed->size = snapshot_size(listed->snapshot);
	/* What does not verify is told, and the list goes on. */
	if (!statement_verify(
		    &listed->statement, listed->snapshot, listing->key, false, &listed->trouble))
		listed->statement.state = STATEMENT_NO_KEY;
}

/* ---- for people ------------------------------------------------------------------------------- */

static const char *size_text(uint64_t bytes, char text[static SIZE_TEXT_BYTES])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < COUNT_OF(units)) {
		size /= 1024;
		unit++;
	}
	snprintf(text, SIZE_TEXT_BYTES, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
	return text;
}

static void add_trouble(struct screen *screen, const struct listed *listed)
{
	screen_addf(screen, STYLE_RED, "  ");
	screen_paragraph(screen, STYLE_RED, span_of(listed->trouble.text), 2);
}

static void add_row(struct screen *screen, const struct listed *listed)
{
	static const struct {
		const char *word;
		enum style style;
	} signatures[] = {
		[STATEMENT_NONE] = { "no", STYLE_YELLOW },
		[STATEMENT_NO_KEY] = { "unknown", STYLE_YELLOW },
		[STATEMENT_SIGNED] = { "yes", STYLE_GREEN },
	};
	const char *pinned = listed->stored->pinned ? " production" : "";
	char when[TIME_TEXT_BYTES], size[SIZE_TEXT_BYTES];
	const struct snapshot_header *header;

	screen_addf(screen, STYLE_BOLD, "%s", screen_time(listed->stored->taken_ms, when));
	if (!listed->snapshot) {
		screen_addf(screen, STYLE_RED, "  can't be read");
		screen_addf(screen, STYLE_CYAN, "%s\n", pinned);
		return;
	}
	header = snapshot_header(listed->snapshot);
	screen_addf(screen, STYLE_PLAIN, "%9llu%8llu%9llu%10s  ",
		(unsigned long long)header->objects[KIND_USER],
		(unsigned long long)header->objects[KIND_GROUP],
		(unsigned long long)header->objects[KIND_CONTACT], size_text(listed->size, size));
	if (listed->trouble.kind)
		screen_addf(screen, STYLE_RED, "%-8s", "WRONG");
	else
		screen_addf(screen, signatures[listed->statement.state].style, "%-8s",
			signatures[listed->statement.state].word);
	screen_addf(screen, STYLE_PLAIN, "%4llu", (unsigned long long)header->sequence);
	screen_addf(screen, STYLE_CYAN, "%s\n", pinned);
}

static void add_listed(struct screen *screen, const struct listed *listed)
{
	add_row(screen, listed);
	if (listed->trouble.kind)
		add_trouble(screen, listed);
}

static void add_heading(const struct listing *listing)
{
	struct screen *screen = listing->screen;

	screen_text(screen, STYLE_BOLD, span_of(shelf_folder(listing->shelf)), 0, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	if (shelf_count(listing->shelf))
		screen_addf(screen, STYLE_DIM,
			"complete at, UTC       users  groups contacts      size  signed  chain\n");
}

static void add_end(const struct listing *listing)
{
	const char *pin = shelf_pin_identity(listing->shelf);
	size_t count = shelf_count(listing->shelf);

	screen_addf(listing->screen, STYLE_PLAIN, "%zu snapshot%s\n", count, count == 1 ? "" : "s");
	if (!count)
		screen_addf(listing->screen, STYLE_PLAIN, "take one with: unstage snapshot\n");
	else if (!pin)
		screen_addf(listing->screen, STYLE_YELLOW,
			"none is pinned as production; pin a good one: unstage snapshot --pin production "
			"@WHEN\n");
	else if (!shelf_pinned(listing->shelf))
		screen_addf(listing->screen, STYLE_RED,
			"%.16s… is pinned as production, and it is not there any more\n", pin);
}

/* ---- JSON lines ------------------------------------------------------------------------------ */

static void add_json(struct screen *screen, const struct listed *listed)
{
	const struct snapshot *snapshot = listed->snapshot;
	const struct snapshot_header *header = snapshot ? snapshot_header(snapshot) : NULL;
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *line = json_pack("{s:s, s:s, s:b}", "file", listed->stored->name, "taken_until",
		time_text(listed->stored->taken_ms, until), "pinned", (int)listed->stored->pinned);
	CLEANUP(buf_release) struct buf trouble = BUF_UP_TO(16 << 10);

	if (listed->trouble.kind) {
		/* A path may be no UTF-8. */
		text_printable(&trouble, span_of(listed->trouble.text));
		json_object_set_new(line, "error", json_string(buf_text(&trouble)));
	}
	if (header) {
		CLEANUP(json_freep)
		json_t *rest = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s*}",
			"identity", snapshot_identity(snapshot), "tenant", header->tenant, "source",
			header->source, "taken_from", time_text(header->taken_from_ms, from),
			"users", (json_int_t)header->objects[KIND_USER], "groups",
			(json_int_t)header->objects[KIND_GROUP], "contacts",
			(json_int_t)header->objects[KIND_CONTACT], "deleted",
			(json_int_t)header->deleted, "size", (json_int_t)listed->size, "sequence",
			(json_int_t)header->sequence, "previous",
			header->previous[0] ? header->previous : NULL);

		json_object_update(line, rest);
		json_object_set_new(line, "signature",
			json_string(listed->trouble.kind
					? "wrong"
					: statement_state_name(listed->statement.state)));
	}
	json_add(&screen->text, line);
	buf_add_byte(&screen->text, '\n');
}

static void add_json_heading(const struct listing *listing)
{
	CLEANUP(buf_release) struct buf folder = BUF_UP_TO(64 << 10);
	CLEANUP(json_freep) json_t *line = NULL;

	text_printable(&folder, span_of(shelf_folder(listing->shelf)));
	line = json_pack("{s:s, s:s, s:s?}", "format", "unstage-snapshots/1", "folder",
		buf_text(&folder), "production", shelf_pin_identity(listing->shelf));
	json_add(&listing->screen->text, line);
	buf_add_byte(&listing->screen->text, '\n');
}

static void add_json_end(const struct listing *listing)
{
	screen_addf(listing->screen, STYLE_PLAIN, "{\"end\":true,\"snapshots\":%zu}\n",
		shelf_count(listing->shelf));
}

/* ---- both ------------------------------------------------------------------------------------- */

bool show_snapshots(struct screen *screen, const struct common *common, struct error *err)
{
	static const struct {
		void (*heading)(const struct listing *listing);
		void (*row)(struct screen *screen, const struct listed *listed);
		void (*end)(const struct listing *listing);
	} forms[] = {
		{ add_heading, add_listed, add_end },
		{ add_json_heading, add_json, add_json_end },
	};
	CLEANUP(profile_freep) struct profile *profile = profile_load(common->profile, err);
	CLEANUP(shelf_closep)
	struct shelf *shelf = profile ? shelf_open(profile, false, err) : NULL;
	struct listing listing = { .shelf = shelf, .screen = screen };

	if (!shelf)
		return false;
	listing.key = profile->key;
	forms[common->json].heading(&listing);
	for (size_t i = 0; i < shelf_count(shelf); i++) {
		CLEANUP(listed_release) struct listed listed;

		look_at(&listing, shelf_get(shelf, i), &listed);
		forms[common->json].row(screen, &listed);
	}
	forms[common->json].end(&listing);
	return true;
}
