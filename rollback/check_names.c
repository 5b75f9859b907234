/* Ids and addresses as numbers: each text once, whatever its case. */
#include "rollback/check_internal.h"

enum { TABLE_FIRST = 1024 };

void check_names_release(struct check_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		memory_free((char *)names->texts[i].data);
	memory_free(names->texts);
	memory_free(names->table);
	*names = (struct check_names){ 0 };
}

/* FNV-1a. Whoever chooses texts to collide makes the check slow, not wrong. */
static uint64_t hash(struct span text)
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < text.length; i++)
		value = (value ^ (uint8_t)text.data[i]) * UINT64_C(1099511628211);
	return value;
}

/* The place of a folded text in the table: where it stands, or a free one. */
static size_t place_of(const struct check_names *names, struct span folded)
{
	size_t at = hash(folded) % names->table_size;

	while (names->table[at] && !span_equal(names->texts[names->table[at] - 1], folded))
		at = (at + 1) % names->table_size;
	return at;
}

static void grow(struct check_names *names)
{
	names->table_size = names->table_size ? names->table_size * 2 : TABLE_FIRST;
	memory_free(names->table);
	names->table = memory_array(names->table_size, sizeof(*names->table));
	for (size_t i = 0; i < names->count; i++)
		names->table[place_of(names, names->texts[i])] = (uint32_t)i + 1;
}

uint32_t check_name_find(const struct check_names *names, struct span text)
{
	CLEANUP(buf_release) struct buf folded = BUF_UP_TO(2 * DIRECTORY_LINE_MAX);
	size_t at;

	if (!names->count)
		return CHECK_NONE;
	text_add_folded(&folded, text);
	at = place_of(names, buf_span(&folded));
	return names->table[at] ? names->table[at] - 1 : CHECK_NONE;
}

uint32_t check_name_add(struct check_names *names, struct span text)
{
	CLEANUP(buf_release) struct buf folded = BUF_UP_TO(2 * DIRECTORY_LINE_MAX);
	struct span key;
	size_t at;

	if (2 * names->count >= names->table_size)
		grow(names);
	text_add_folded(&folded, text);
	key = buf_span(&folded);
	at = place_of(names, key);
	if (names->table[at])
		return names->table[at] - 1;
	MEMORY_GROW(names->texts, names->count, names->capacity);
	names->texts[names->count++] = (struct span){ memory_text_span(key.data, key.length),
		key.length };
	names->table[at] = (uint32_t)names->count;
	return (uint32_t)names->count - 1;
}
