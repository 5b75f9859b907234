/*
 * Any bytes as an object of each kind: what becomes a line is canonical (its own line is the same),
 * can be parsed, and is equal to itself in every attribute. A reader makes the same line of it,
 * whatever it has read before, and says nothing before all of it is there.
 */
#include <assert.h>
#include <stdint.h>

#include "base/scan.h"
#include "directory/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_object(struct span line)
{
	struct error err = { 0 };
	struct object *object = object_parse(line, &err);
	const struct kind *kind;

	assert(object);
	kind = object_kind(object);
	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *attribute = &kind->attributes[i];
		struct span value = object_get(object, attribute);

		assert(attribute_equal(attribute, value, value));
		assert(!value.data || attribute->compare == COMPARE_VOLATILE ||
			!attribute_equal(attribute, value, SPAN_NONE));
		assert(!object_unknown(object, attribute));
	}
	assert(object_name(object).data);
	object_mastery(object);
	object_free(object);
}

enum { SPLIT_MAX = 1024 }; /* longer texts are not tried at every byte */

/* `wanted` is the line, or NULL where there is none. */
static void try_reader(const struct kind *kind, struct span text, const struct buf *wanted)
{
	static const char *const selected[] = { "id", NULL };
	const struct line_list list = { .kind = kind, .selected = selected };
	struct line_reader *reader = line_reader_new(&list);
	struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);

	for (int times = 0; times < 2; times++) {
		struct error err = { 0 };
		size_t taken = 0;
		bool good = line_take_object(reader, &line, text, &taken, &err);

		assert(good == (err.kind == ERROR_NONE));
		if (wanted) {
			assert(good && taken && span_equal(buf_span(&line), buf_span(wanted)));
			assert(span_is(scan_text_direct(scan_find(buf_span(wanted), "id")),
				line_reader_object(reader)->id));
		}
		assert((good && taken) || !line.length);
		buf_cut(&line, 0);
		for (size_t cut = 0; wanted && text.length <= SPLIT_MAX && cut < taken; cut++) {
			struct span beginning = { text.data, cut };
			size_t none = 1;

			good = line_take_object(reader, &line, beginning, &none, &err);
			assert(good && !none && !line.length);
		}
	}
	buf_release(&line);
	line_reader_free(reader);
}

static void try_kind(const struct kind *kind, struct span text)
{
	struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX), again = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct error err = { 0 };
	bool good = line_add_object(&line, kind, text, false, NULL, 0, &err);

	assert(good == (err.kind == ERROR_NONE));
	try_reader(kind, text, good ? &line : NULL);
	if (good) {
		good = line_add_object(&again, kind, buf_span(&line), false, NULL, 0, &err) &&
			span_equal(buf_span(&line), buf_span(&again));
		assert(good);
		buf_cut(&again, 0);
		good = line_add_changed(&again, buf_span(&line), NULL, NULL, 0, &err) &&
			span_equal(buf_span(&line), buf_span(&again));
		assert(good);
		try_object(buf_span(&line));
	}
	buf_release(&line);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct error err = { 0 };

	if (!size)
		return 0;
	for (int id = 0; id < KIND_COUNT; id++)
		try_kind(kind_get((enum kind_id)id), text);
	object_free(object_parse(text, &err));
	return 0;
}
