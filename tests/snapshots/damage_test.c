/*
 * Damage: every flipped bit, every cut, everything appended is found and placed. Then files that
 * somebody made on purpose, whose digests are right and whose content is not.
 */
#include "snapshots_testing.h"

#include "snapshots/snapshots_internal.h"

static void load(const char *path, struct buf *bytes)
{
	struct error err = { 0 };

	assert_true(file_load(path, FILE_MAX, bytes, &err));
}

static void store(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void expect_damage(const char *path, const char *place)
{
	struct error err = { 0 };

	assert_false(open_and_check(path, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, place))
		fail_msg("\"%s\" does not name \"%s\"", err.text, place);
}

/* What a message must name for damage at `offset`. */
static void place_of(struct snapshot *snapshot, uint64_t offset, char place[static 64])
{
	snprintf(place, 64, "index: ");
	for (uint32_t i = 0; i < snapshot->entry_count; i++) {
		struct entry entry = snapshot_entry(snapshot, i);

		if (offset < entry.offset || offset >= entry.offset + entry.packed)
			continue;
		if (i)
			snprintf(place, 64, "bucket %u at offset %llu: ", entry.bucket,
				(unsigned long long)entry.offset);
		else
			snprintf(place, 64, "header at offset 0: ");
	}
}

static void every_flipped_bit_is_found_and_placed(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "flipped");
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	CLEANUP(snapshot_closep) struct snapshot *whole = opened(TINY);

	load(TINY, &bytes);
	for (size_t i = 0; i < bytes.length; i++) {
		char place[64];

		place_of(whole, i, place);
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
			store(path, bytes.data, bytes.length);
			expect_damage(path, place);
			bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
		}
	}
}

static void every_truncation_is_found(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "cut");
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);

	load(TINY, &bytes);
	for (size_t length = 0; length < bytes.length; length++) {
		store(path, bytes.data, length);
		expect_damage(path, "index: ");
	}
}

static void everything_appended_is_found(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "longer");
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	size_t length;

	load(TINY, &bytes);
	length = bytes.length;
	for (int byte = 0; byte < 256; byte++) {
		buf_cut(&bytes, length);
		buf_add_byte(&bytes, (char)byte);
		store(path, bytes.data, bytes.length);
		expect_damage(path, "index: ");
	}
	/* A whole second snapshot behind the first: its footer is right, and names another place.
	 */
	buf_cut(&bytes, length);
	for (size_t i = 0; i < length; i++)
		buf_add_byte(&bytes, bytes.data[i]);
	store(path, bytes.data, bytes.length);
	expect_damage(path, "index: ");
}

static void write_users(const char *path, size_t count)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
	struct snapshot_writer *writer = writer_open(path);

	for (size_t i = 0; i < count; i++) {
		buf_cut(&lines, 0);
		add_user(&lines, i, "Hugo");
		writer_add(writer, buf_span(&lines));
	}
	writer_finish(writer);
}

static void damage_names_its_bucket_and_leaves_the_others_readable(void **state)
{
	CLEANUP(memory_freep) char *whole_path = file_path(*state, "whole");
	CLEANUP(memory_freep) char *path = file_path(*state, "broken");
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(FILE_MAX);
	CLEANUP(snapshot_closep) struct snapshot *whole = NULL;

	write_users(whole_path, 400);
	whole = opened(whole_path);
	assert_int_equal(whole->entry_count, 1 + 8);
	load(whole_path, &bytes);
	for (uint32_t i = 1; i < whole->entry_count; i++) {
		struct entry entry = snapshot_entry(whole, i);
		CLEANUP(snapshot_closep) struct snapshot *broken = NULL;
		size_t readable = 0;
		char place[64];

		place_of(whole, entry.offset, place);
		bytes.data[entry.offset + entry.packed / 2] ^= 0x10;
		store(path, bytes.data, bytes.length);
		expect_damage(path, place);
		broken = opened(path);
		for (size_t number = 0; number < 400; number++) {
			CLEANUP(buf_release) struct buf lines = BUF_UP_TO(FILE_MAX);
			char id[ID_BYTES + 1];
			struct error err = { 0 };

			if (snapshot_object(broken, span_of(test_id(number, id)), &lines, &err))
				readable++;
		}
		assert_int_equal(readable, 400 - entry.lines);
		bytes.data[entry.offset + entry.packed / 2] ^= 0x10;
	}
}

static void a_file_that_shrinks_while_open_is_an_error(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "shrinking");
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct error err = { 0 };

	write_users(path, 10);
	snapshot = opened(path);
	assert_int_equal(truncate(path, (off_t)snapshot_entry(snapshot, 1).offset + 3), 0);
	assert_false(snapshot_check(snapshot, NULL, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- files made on purpose ------------------------------------------------------------------- */

#define ID_A     "10000000-1111-4111-8111-111111111111"
#define ID_B     "90000000-1111-4111-8111-111111111111"
#define USER(id) "{\"id\":\"" id "\",\"kind\":\"user\"}\n"
#define HEADER                                                                                     \
	"{\"cloud\":\"global\",\"format\":\"unstage-snapshot/1\",\"source\":\"graph\","            \
	"\"takenFrom\":\"2026-03-04T02:17:41Z\",\"tenant\":\"11111111-2222-4333-8444-"             \
	"555555555555\"}\n"

enum { CRAFTED_FRAMES = 4 };

/* How a crafted frame is not what our writer makes. */
enum oddity {
	ODD_NOTHING,
	ODD_NO_CHECKSUM,
	ODD_NO_LENGTH,
	ODD_TWICE,     /* two zstd frames under one entry */
	ODD_SKIPPABLE, /* a skippable frame */
	ODD_GARBAGE,   /* no zstd at all */
	ODD_GAP,       /* a byte before the frame that no entry names */
	ODD_PLAIN_DIGEST,
	ODD_LINES,
	ODD_LONGER,
	ODD_HUGE,
	ODD_WINDOW,
	ODD_BOMB, /* says the length of its text, and unpacks to 64 MiB */
};

struct crafted {
	const char *name, *text; /* `text`: what the message must say */
	struct {
		uint32_t bucket;
		const char *plain;
		enum oddity oddity;
	} frames[CRAFTED_FRAMES];
	const char *header, *magic, *meta; /* NULL: as it should be */
	const char *behind;                /* behind the entries */
	unsigned bits, users;
	enum oddity header_oddity;
};

static void compress(const char *plain, enum oddity oddity, struct buf *out)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t length = strlen(plain), bound = ZSTD_compressBound(length), packed;
	char *room = buf_room(out, bound);

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, oddity != ODD_NO_CHECKSUM);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, oddity != ODD_NO_LENGTH);
	packed = ZSTD_compress2(zstd, room, bound, plain, length);
	assert_false(ZSTD_isError(packed));
	buf_grew(out, packed);
	ZSTD_freeCCtx(zstd);
}

/* One raw block in a frame that asks for a window of 2^28 bytes. */
static void ask_for_a_large_window(const char *plain, struct buf *out)
{
	uint32_t length = (uint32_t)strlen(plain), block = length << 3 | 1;

	buf_add(out, "\x28\xb5\x2f\xfd\x84\x90", 6);
	put_u32(out, length);
	buf_add(out, &block, 3);
	buf_add_text(out, plain);
	put_u32(out, 0); /* the checksum, which nobody comes to check */
}

/* Blocks of one repeated byte, 128 KiB each, behind a header that promises a few bytes. */
static void add_bomb(const char *plain, struct buf *out)
{
	enum { BLOCK = 128 << 10, BLOCKS = 512, REPEATED = 1 };

	buf_add(out, "\x28\xb5\x2f\xfd\x84\x38", 6); /* a window of 128 KiB, a length of 4 bytes */
	put_u32(out, (uint32_t)strlen(plain));
	for (uint32_t i = 1; i <= BLOCKS; i++) {
		uint32_t block = (uint32_t)BLOCK << 3 | REPEATED << 1 | (i == BLOCKS);

		buf_add(out, &block, 3);
		buf_add_byte(out, '\n');
	}
	put_u32(out, 0);
}

static void add_frame(struct buf *file, struct buf *entries, uint32_t bucket, const char *plain,
	enum oddity oddity)
{
	CLEANUP(buf_release) struct buf frame = BUF_UP_TO(FILE_MAX);
	struct entry entry = { .bucket = bucket, .plain = (uint32_t)strlen(plain) };

	if (oddity == ODD_GAP)
		buf_add_byte(file, 0);
	if (oddity == ODD_SKIPPABLE)
		buf_add(&frame, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
	else if (oddity == ODD_GARBAGE)
		buf_add_text(&frame, "garbage");
	else if (oddity == ODD_WINDOW)
		ask_for_a_large_window(plain, &frame);
	else if (oddity == ODD_BOMB)
		add_bomb(plain, &frame);
	else
		compress(plain, oddity, &frame);
	if (oddity == ODD_TWICE)
		compress(plain, oddity, &frame);
	entry.offset = file->length;
	entry.packed = (uint32_t)frame.length;
	entry.lines = line_count(span_of(plain)) + (oddity == ODD_LINES);
	digest_of(entry.plain_digest, plain, strlen(plain));
	digest_of(entry.packed_digest, frame.data, frame.length);
	entry.plain += oddity == ODD_LONGER;
	if (oddity == ODD_HUGE)
		entry.plain = SNAPSHOT_BUCKET_MAX + 1;
	entry.plain_digest[0] ^= oddity == ODD_PLAIN_DIGEST;
	put_entry(entries, &entry);
	buf_add_span(file, buf_span(&frame));
}

static void add_index(
	struct buf *file, const struct crafted *crafted, const struct buf *entries, size_t bytes)
{
	CLEANUP(buf_release) struct buf index = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf meta = BUF_UP_TO(FILE_MAX);
	struct footer footer;

	buf_addf(&meta,
		"{\"bits\":%u,\"bytes\":%zu,\"deleted\":0,\"objects\":{\"contact\":0,\"group\":0,"
		"\"user\":%u},\"takenUntil\":\"2026-03-04T02:18:09Z\"}",
		crafted->bits, bytes, crafted->users);
	if (crafted->meta) {
		buf_cut(&meta, 0);
		buf_add_text(&meta, crafted->meta);
	}
	buf_add_text(&index, crafted->magic ? crafted->magic : INDEX_MAGIC);
	put_u32(&index, (uint32_t)meta.length);
	buf_add_span(&index, buf_span(&meta));
	put_u32(&index, (uint32_t)(entries->length / ENTRY_BYTES));
	buf_add_span(&index, buf_span(entries));
	if (crafted->behind)
		buf_add_text(&index, crafted->behind);
	else
		put_u32(&index, 0);
	put_u32(file, SKIPPABLE_MAGIC);
	put_u32(file, (uint32_t)(index.length + FOOTER_BYTES));
	footer = (struct footer){ .offset = file->length, .length = index.length };
	digest_of(footer.digest, index.data, index.length);
	buf_add_span(file, buf_span(&index));
	put_footer(file, &footer);
}

static void craft(const char *path, const struct crafted *crafted)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf entries = BUF_UP_TO(FILE_MAX);
	size_t bytes = 0;

	add_frame(&file, &entries, 0, crafted->header ? crafted->header : HEADER,
		crafted->header_oddity);
	for (size_t i = 0; i < CRAFTED_FRAMES && crafted->frames[i].plain; i++) {
		add_frame(&file, &entries, crafted->frames[i].bucket, crafted->frames[i].plain,
			crafted->frames[i].oddity);
		bytes += strlen(crafted->frames[i].plain);
		bytes += crafted->frames[i].oddity == ODD_LONGER;
	}
	add_index(&file, crafted, &entries, bytes);
	store(path, file.data, file.length);
}

static void a_file_crafted_as_it_should_be_is_accepted(void **state)
{
	static const struct crafted good = {
		.bits = 1,
		.users = 2,
		.frames = { { 0, USER(ID_A), 0 }, { 1, USER(ID_B), 0 } },
	};
	CLEANUP(memory_freep) char *path = file_path(*state, "good");
	struct error err = { 0 };
	bool accepted;

	craft(path, &good);
	accepted = open_and_check(path, &err);
	assert_string_equal(err.text, "");
	assert_true(accepted);
}

static const struct crafted crafted_rows[] = {
	{ "order", "objects out of order", .frames = { { 0, USER(ID_B) USER(ID_A), 0 } } },
	{ "order over frames", "objects out of order",
		.frames = { { 0, USER(ID_B), 0 }, { 0, USER(ID_A), 0 } } },
	{ "foreign bucket", "another bucket", .frames = { { 0, USER(ID_B), 0 } }, .bits = 1 },
	{ "no id", "without the id", .frames = { { 0, "{\"kind\":\"user\"}\n", 0 } } },
	{ "nested id", "without the id",
		.frames = { { 0, "{\"a\":{\"id\":\"" ID_A "\"}}\n", 0 } } },
	{ "no JSON", "without the id", .frames = { { 0, "}}}{{\"\\\n\n\n", 0 } } },
	{ "unknown kind", "no known kind",
		.frames = { { 0, "{\"id\":\"" ID_A "\",\"kind\":\"printer\"}\n", 0 } } },
	{ "no newline", "does not end", .frames = { { 0, "{\"id\":\"" ID_A "\"}", 0 } } },
	{ "counts", "not as many", .frames = { { 0, USER(ID_A), 0 } }, .users = 2 },
	{ "descending buckets", "buckets do not ascend",
		.frames = { { 1, USER(ID_B), 0 }, { 0, USER(ID_A), 0 } }, .bits = 1 },
	{ "bucket beyond bits", "buckets do not ascend", .frames = { { 1, USER(ID_B), 0 } } },
	{ "no checksum", "of a kind", .frames = { { 0, USER(ID_A), ODD_NO_CHECKSUM } } },
	{ "no length", "length is not the index's",
		.frames = { { 0, USER(ID_A), ODD_NO_LENGTH } } },
	{ "two frames in one", "not exactly one", .frames = { { 0, USER(ID_A), ODD_TWICE } } },
	{ "skippable", "of a kind", .frames = { { 0, USER(ID_A), ODD_SKIPPABLE } } },
	{ "garbage", "not exactly one", .frames = { { 0, USER(ID_A), ODD_GARBAGE } } },
	{ "window", "of a kind", .frames = { { 0, USER(ID_A), ODD_WINDOW } } },
	{ "bomb", "can't unpack", .frames = { { 0, USER(ID_A), ODD_BOMB } } },
	{ "header among objects", "without the id",
		.frames = { { 0, USER(ID_A), 0 }, { 0, HEADER, 0 } } },
	{ "object twice", "there twice", .frames = { { 0, USER(ID_A) USER(ID_A), 0 } } },
	{ "object twice over frames", "there twice",
		.frames = { { 0, USER(ID_A), 0 }, { 0, USER(ID_A), 0 } } },
	{ "object again behind another", "out of order",
		.frames = { { 0, USER(ID_A) USER(ID_B) USER(ID_A), 0 } } },
	{ "part without object", "begins with a part",
		.frames = { { 0,
			"{\"id\":\"" ID_A "\",\"kind\":\"group\",\"part\":\"members:00\"}\n",
			0 } } },
	{ "invalid UTF-8", "object " ID_A ": byte ",
		.frames = { { 0, "{\"city\":\"\xc3(\",\"id\":\"" ID_A "\",\"kind\":\"user\"}\n",
			0 } } },
	{ "duplicate key", "object " ID_A ": byte ",
		.frames = { { 0, "{\"id\":\"" ID_A "\",\"kind\":\"user\",\"kind\":\"user\"}\n",
			0 } } },
	{ "gap", "one behind the other", .frames = { { 0, USER(ID_A), ODD_GAP } } },
	{ "plain digest", "not those the index names",
		.frames = { { 0, USER(ID_A), ODD_PLAIN_DIGEST } } },
	{ "lines", "number of lines", .frames = { { 0, USER(ID_A), ODD_LINES } } },
	{ "longer", "length is not the index's", .frames = { { 0, USER(ID_A), ODD_LONGER } } },
	{ "huge", "outside the limits", .frames = { { 0, USER(ID_A), ODD_HUGE } } },
	{ "newer header", "unstage-snapshot/2", .header = "{\"format\":\"unstage-snapshot/2\"}\n" },
	{ "newer index", "a newer unstage", .magic = "unstage-index/2\n" },
	{ "other index", "no index", .magic = "something else\n\n" },
	{ "header without tenant", "tenant",
		.header = "{\"cloud\":\"global\",\"format\":\"unstage-snapshot/1\"}\n" },
	{ "header twice", "header at offset 0", .header = HEADER HEADER },
	{ "no meta", "index", .meta = "" },
	{ "meta without counts", "index", .meta = "{\"bits\":0}" },
	{ "too many bits", "bits", .meta = "{\"bits\":17}" },
	{ "negative bits", "bits", .meta = "{\"bits\":-1}" },
	{ "bits as text", "bits", .meta = "{\"bits\":\"0\"}" },
	{ "too long", "its length", .behind = "\x01???????????????????" },
	{ "ids cut off", "its length", .behind = "????" },
};

static void files_made_on_purpose_are_refused(void **state)
{
	CLEANUP(memory_freep) char *path = file_path(*state, "crafted");

	for (size_t i = 0; i < COUNT_OF(crafted_rows); i++) {
		const struct crafted *row = &crafted_rows[i];
		struct crafted crafted = *row;

		/* Rows speak of one thing; the number of users is right where they don't name it.
		 */
		for (size_t frame = 0; !row->users && frame < CRAFTED_FRAMES; frame++)
			crafted.users += row->frames[frame].plain != NULL;
		craft(path, &crafted);
		print_message("          %s\n", row->name);
		expect_damage(path, row->text);
	}
}

static bool take_any(void *context, struct span lines, struct error *err)
{
	(void)err;
	*(size_t *)context += lines.length;
	return true;
}

/* Ordinary reading rests on the frame's digest; the lines' own is for who checks everything. */
static void an_index_that_lies_about_its_lines_is_found_by_checking(void **state)
{
	static const struct crafted lying = {
		.frames = { { 0, USER(ID_A), ODD_PLAIN_DIGEST } },
		.users = 1,
	};
	CLEANUP(memory_freep) char *path = file_path(*state, "lying");
	CLEANUP(snapshot_closep) struct snapshot *snapshot = NULL;
	struct error err = { 0 };
	size_t length = 0;

	craft(path, &lying);
	snapshot = opened(path);
	assert_true(snapshot_each(snapshot, take_any, &length, &err));
	assert_int_equal(length, strlen(USER(ID_A)));
	assert_false(snapshot_check(snapshot, NULL, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "bucket 0 at offset"));
	assert_non_null(strstr(err.text, "not those the index names"));
}

static void the_header_line_must_have_its_digest(void **state)
{
	static const struct crafted lying = { .header_oddity = ODD_PLAIN_DIGEST };
	CLEANUP(memory_freep) char *path = file_path(*state, "header");

	craft(path, &lying);
	expect_damage(path, "header at offset 0: the unpacked lines");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(every_flipped_bit_is_found_and_placed),
		IN_FOLDER(every_truncation_is_found),
		IN_FOLDER(everything_appended_is_found),
		IN_FOLDER(damage_names_its_bucket_and_leaves_the_others_readable),
		IN_FOLDER(a_file_that_shrinks_while_open_is_an_error),
		IN_FOLDER(a_file_crafted_as_it_should_be_is_accepted),
		IN_FOLDER(files_made_on_purpose_are_refused),
		IN_FOLDER(an_index_that_lies_about_its_lines_is_found_by_checking),
		IN_FOLDER(the_header_line_must_have_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
