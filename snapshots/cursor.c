/*
 * Walking objects over frames. An object is a run of lines with the same id; nearly always it
 * lies in one frame and is handed out where it stands. Only a group too large for one frame goes
 * over several frames of its bucket, and is put together in `carried`.
 *
 * Ids must ascend and belong to their bucket: comparing rests on that, so a file that breaks it
 * is damaged, whatever its digests say.
 */
#include <endian.h>

#include "snapshots/snapshots_internal.h"

void cursor_init(struct cursor *cursor, struct snapshot *snapshot)
{
	*cursor = (struct cursor){
		.snapshot = snapshot,
		.unpacker = &snapshot->unpacker,
		.plain = BUF_UP_TO(SNAPSHOT_BUCKET_MAX),
		.carried = BUF_UP_TO(SNAPSHOT_OBJECT_MAX),
	};
}

void cursor_release(struct cursor *cursor)
{
	buf_release(&cursor->plain);
	buf_release(&cursor->carried);
}

void cursor_seek(struct cursor *cursor, uint32_t first, uint32_t end)
{
	bool is_loaded = cursor->plain.length && cursor->loaded == first && end == first + 1;

	cursor->next = is_loaded ? end : first;
	cursor->end = end;
	cursor->at = 0;
	cursor->id_at = SPAN_NONE;
	if (!is_loaded)
		buf_cut(&cursor->plain, 0);
}

uint32_t bucket_end(const struct snapshot *snapshot, uint32_t first, unsigned bits)
{
	unsigned shift = snapshot->bits - bits;
	uint32_t prefix = snapshot_entry_bucket(snapshot, first) >> shift, end = first + 1;

	while (end < snapshot->entry_count &&
		snapshot_entry_bucket(snapshot, end) >> shift == prefix)
		end++;
	return end;
}

static struct span rest_of(const struct cursor *cursor)
{
	return (struct span){ buf_text(&cursor->plain) + cursor->at,
		cursor->plain.length - cursor->at };
}

bool cursor_fill(struct cursor *cursor, struct error *err)
{
	if (cursor->at < cursor->plain.length || cursor->next == cursor->end)
		return true;
	cursor->loaded = cursor->next++;
	cursor->at = 0;
	cursor->id_at = SPAN_NONE;
	return frame_read(
		       cursor->snapshot, cursor->unpacker, cursor->loaded, &cursor->plain, err) &&
		(!cursor->thorough ||
			frame_check_lines(
				cursor->snapshot, cursor->loaded, buf_span(&cursor->plain), err));
}

/* True where the object that ends with this frame may go on in the next one. */
static bool may_go_on(const struct cursor *cursor)
{
	const struct snapshot *snapshot = cursor->snapshot;

	return cursor->next < cursor->end &&
		snapshot_entry_bucket(snapshot, cursor->next) ==
		snapshot_entry_bucket(snapshot, cursor->loaded);
}

static void look_at(struct cursor *cursor, struct span rest)
{
	cursor->line_at = line_first(rest);
	cursor->id_at = line_id(cursor->line_at);
}

/* Moves over the lines with this id and returns them. */
static struct span pass_lines(struct cursor *cursor, struct span id)
{
	struct span rest = rest_of(cursor);
	const char *begin = rest.data;

	if (!cursor->id_at.data)
		look_at(cursor, rest);
	while (rest.length && span_equal(cursor->id_at, id)) {
		rest = line_behind(rest, cursor->line_at);
		look_at(cursor, rest);
	}
	cursor->at = cursor->plain.length - rest.length;
	return (struct span){ begin, (size_t)(rest.data - begin) };
}

/* The object whose first lines ended with their frame: they, and what follows in the next ones. */
static bool carry_on(struct cursor *cursor, struct span id, struct span *lines, struct error *err)
{
	char text[ID_BYTES];

	/* Both spans point into the frame that is about to be replaced. */
	memcpy(text, id.data, sizeof(text));
	id = (struct span){ text, sizeof(text) };
	buf_cut(&cursor->carried, 0);
	buf_add_span(&cursor->carried, *lines);
	while (cursor->at == cursor->plain.length && may_go_on(cursor)) {
		if (!cursor_fill(cursor, err))
			return false;
		buf_add_span(&cursor->carried, pass_lines(cursor, id));
	}
	if (cursor->carried.overflowed)
		return frame_damaged(
			cursor->snapshot, cursor->loaded, err, "an object larger than any may be");
	*lines = buf_span(&cursor->carried);
	return true;
}

/* What is wrong with this id here; NULL when nothing is. */
static const char *id_fault(struct cursor *cursor, struct span text)
{
	const struct snapshot *snapshot = cursor->snapshot;
	uint8_t id[ID_BINARY_BYTES];

	if (!id_parse(text, id))
		return "a line without the id of an object";
	if (bucket_of(id, snapshot->bits) != snapshot_entry_bucket(snapshot, cursor->loaded))
		return "an object of another bucket";
	if (cursor->started && memcmp(cursor->id, id, sizeof(id)) >= 0)
		return "objects out of order";
	memcpy(cursor->id, id, sizeof(id));
	cursor->started = true;
	return NULL;
}

bool cursor_next(struct cursor *cursor, struct span *lines, struct error *err)
{
	const char *fault;
	struct span id;

	*lines = SPAN_NONE;
	if (!cursor_fill(cursor, err))
		return false;
	if (cursor->at == cursor->plain.length)
		return true;
	if (!cursor->id_at.data)
		look_at(cursor, rest_of(cursor));
	id = cursor->id_at;
	fault = id_fault(cursor, id);
	if (fault)
		return frame_damaged(cursor->snapshot, cursor->loaded, err, fault);
	*lines = pass_lines(cursor, id);
	if (cursor->at < cursor->plain.length || !may_go_on(cursor))
		return true;
	return carry_on(cursor, id, lines, err);
}

/* ---- passing over what is equal ---------------------------------------------------------- */

/* The first of eight bytes that differ, by the lowest one that is set. */
static size_t first_difference(const char *a, const char *b)
{
	uint64_t a_word, b_word;

	memcpy(&a_word, a, sizeof(a_word));
	memcpy(&b_word, b, sizeof(b_word));
	a_word = le64toh(a_word ^ b_word);
	return a_word ? (size_t)__builtin_ctzll(a_word) / 8 : sizeof(a_word);
}

static size_t common_length(struct span a, struct span b)
{
	enum { STRIDE = 256, WORD = 8 };
	size_t shorter = a.length < b.length ? a.length : b.length, at = 0, equal = WORD;

	while (shorter - at >= STRIDE && memcmp(a.data + at, b.data + at, STRIDE) == 0)
		at += STRIDE;
	for (; equal == WORD && shorter - at >= WORD; at += equal)
		equal = first_difference(a.data + at, b.data + at);
	while (at < shorter && a.data[at] == b.data[at])
		at++;
	return at;
}

/* The start of the line that holds the byte before `end`; 0 when there is no byte before. */
static size_t line_start(const char *text, size_t end)
{
	const char *newline = end > 1 ? memrchr(text, '\n', end - 1) : NULL;

	return newline ? (size_t)(newline - text) + 1 : 0;
}

/* True where the object with this id may have another line at `at`. */
static bool goes_on(const struct cursor *cursor, size_t at, struct span id)
{
	struct span rest = rest_of(cursor);

	if (at == rest.length)
		return may_go_on(cursor);
	rest = (struct span){ rest.data + at, rest.length - at };
	return span_equal(line_id(line_first(rest)), id);
}

/* Where the object begins whose line begins at `at`. */
static size_t object_start(const char *text, size_t at, struct span id)
{
	while (at) {
		size_t before = line_start(text, at);

		if (!span_equal(line_id((struct span){ text + before, at - before - 1 }), id))
			break;
		at = before;
	}
	return at;
}

static void skip(struct cursor *cursor, size_t length)
{
	cursor->at += length;
	cursor->id_at = SPAN_NONE;
}

/*
 * Both texts are compared as one piece, so that equal objects cost a memcmp and no look inside.
 * Where they part, the line belongs to an object whose first lines may be equal: those are not
 * passed over, since an object is handed out whole.
 */
void cursor_skip_equal(struct cursor *a, struct cursor *b)
{
	struct span text = rest_of(a), id;
	size_t common = common_length(text, rest_of(b)), last;

	if (!common)
		return;
	if (text.data[common - 1] != '\n')
		common = line_start(text.data, common);
	if (!common)
		return;
	last = line_start(text.data, common);
	id = line_id((struct span){ text.data + last, common - last - 1 });
	if (goes_on(a, common, id) || goes_on(b, common, id))
		common = object_start(text.data, last, id);
	if (!common)
		return;
	skip(a, common);
	skip(b, common);
}
