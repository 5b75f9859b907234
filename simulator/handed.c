#include "simulator/handed.h"

#include <sodium.h>

#include "base/file.h"
#include "base/memory.h"

static const char block_begin[] = "\nInvoke-Plan @'\n";
static const char block_end[] = "\n'@\n";

void handed_release(struct handed *handed)
{
	json_decref(handed->plan);
	json_decref(handed->items);
	buf_release(&handed->text);
}

/* ---- the block of data ------------------------------------------------------------------------ */

/* T36 is a promise about every byte. */
static bool check_ascii(const struct buf *text, const char *path, struct error *err)
{
	for (size_t i = 0; i < text->length; i++) {
		if (text->data[i] != '\n' && (text->data[i] < ' ' || text->data[i] > '~'))
			return error_set(
				err, ERROR_FORMAT, "%s: byte %zu is not printable ASCII", path, i);
	}
	return true;
}

static bool find_block(
	const struct buf *text, const char *path, struct span *block, struct error *err)
{
	const char *begin = strstr(buf_text(text), block_begin), *end;

	if (!begin)
		return error_set(err, ERROR_FORMAT, "%s: no block of data", path);
	begin += sizeof(block_begin) - 1;
	end = strstr(begin, block_end);
	if (!end || end[sizeof(block_end) - 1])
		return error_set(err, ERROR_FORMAT, "%s: the block of data has no end", path);
	*block = (struct span){ begin, (size_t)(end - begin) };
	return true;
}

static bool decode(struct span block, const char *path, struct buf *data, struct error *err)
{
	size_t room = block.length / 4 * 3 + 3, length = 0;
	CLEANUP(memory_freep) char *bytes = memory_array(room, 1);

	if (sodium_base642bin((unsigned char *)bytes, room, block.data, block.length, "\n", &length,
		    NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return error_set(err, ERROR_FORMAT, "%s: the block of data is no base64", path);
	buf_add(data, bytes, length);
	return true;
}

static bool read_lines(
	struct handed *handed, const struct buf *data, const char *path, struct error *err)
{
	struct span rest = buf_span(data);

	handed->items = json_array();
	while (rest.length) {
		const char *end = memchr(rest.data, '\n', rest.length);
		size_t length = end ? (size_t)(end - rest.data) : rest.length;
		json_t *line = json_loadb(rest.data, length, JSON_REJECT_DUPLICATES, NULL);

		if (!json_is_object(line)) {
			json_decref(line);
			return error_set(err, ERROR_FORMAT, "%s: data that is no JSON", path);
		}
		if (handed->plan)
			json_array_append_new(handed->items, line);
		else
			handed->plan = line;
		length += end != NULL;
		rest = (struct span){ rest.data + length, rest.length - length };
	}
	if (!handed->plan ||
		json_integer_value(json_object_get(handed->plan, "items")) !=
			(json_int_t)json_array_size(handed->items))
		return error_set(err, ERROR_FORMAT, "%s: the data is not whole", path);
	return true;
}

static bool check_plan(const struct simulator *simulator, const struct handed *handed,
	const char *path, struct error *err)
{
	const char *tenant = handed_text(handed->plan, "tenant");
	const char *expires = handed_text(handed->plan, "expires");
	int64_t expires_ms;

	if (!tenant || strcmp(tenant, simulator_tenant(simulator)) != 0)
		return error_set(err, ERROR_REFUSED, "%s: connected to another tenant", path);
	if (!expires || !time_parse(span_of(expires), &expires_ms))
		return error_set(err, ERROR_FORMAT, "%s: no time of expiry", path);
	return simulator_now_ms(simulator) < expires_ms ||
		error_set(err, ERROR_REFUSED, "%s: this plan has expired", path);
}

bool handed_load(
	struct simulator *simulator, const char *path, struct handed *handed, struct error *err)
{
	CLEANUP(buf_release) struct buf data = BUF_UP_TO(HANDED_MAX);
	struct span block;

	*handed = (struct handed){ .text = BUF_UP_TO(HANDED_MAX) };
	return file_load(path, HANDED_MAX, &handed->text, err) &&
		check_ascii(&handed->text, path, err) &&
		find_block(&handed->text, path, &block, err) && decode(block, path, &data, err) &&
		read_lines(handed, &data, path, err) && check_plan(simulator, handed, path, err);
}

/* ---- what is in it ---------------------------------------------------------------------------- */

static const char *unmarked(const json_t *text)
{
	const char *marked = json_string_value(text);

	return marked && *marked == '=' ? marked + 1 : NULL;
}

const char *handed_text(const json_t *object, const char *key)
{
	return unmarked(json_object_get(object, key));
}

json_t *handed_texts(const json_t *object, const char *key)
{
	json_t *list = json_array(), *text;
	size_t index;

	json_array_foreach(json_object_get(object, key), index, text)
	{
		if (unmarked(text))
			json_array_append_new(list, json_string(unmarked(text)));
	}
	return list;
}

bool handed_row(const struct handed *handed, const char *name, const char *key, struct buf *value)
{
	CLEANUP(buf_release) struct buf table = BUF_UP_TO(256), row = BUF_UP_TO(1024);
	const char *begin, *end, *found;

	buf_addf(&table, "\n$%s = @{\n", name);
	buf_addf(&row, "\n    '%s' = '", key);
	begin = strstr(buf_text(&handed->text), buf_text(&table));
	end = begin ? strstr(begin, "\n}\n") : NULL;
	found = begin ? strstr(begin, buf_text(&row)) : NULL;
	if (!end || !found || found > end)
		return false;
	found += row.length;
	buf_add(value, found, strcspn(found, "'"));
	return true;
}

/* ---- running it --------------------------------------------------------------------------------- */

void handed_count(struct simulator_played *played, enum handed_end end, const struct error *why)
{
	size_t *const counters[] = { &played->changed, &played->already, &played->stale,
		&played->failed };

	++*counters[end];
	if (end >= HANDED_STALE && !played->first_trouble[0])
		snprintf(played->first_trouble, sizeof(played->first_trouble), "%.*s",
			(int)sizeof(played->first_trouble) - 1, why->text);
}

static bool is_held(const json_t *item, const json_t *open)
{
	size_t index;
	json_t *number;

	json_array_foreach(json_object_get(item, "after"), index, number)
	{
		char key[24];

		snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(number));
		if (json_object_get(open, key))
			return true;
	}
	return false;
}

static void play_items(struct simulator *simulator, const struct handed *handed,
	handed_function *play, struct simulator_played *played)
{
	CLEANUP(json_freep) json_t *open = json_object();
	size_t index;
	json_t *item;

	json_array_foreach(handed->items, index, item)
	{
		struct error why = { 0 };
		enum handed_end end;
		char key[24];

		if (is_held(item, open)) {
			error_set(&why, ERROR_STALE, "a step that comes first is not done");
			end = HANDED_STALE;
		} else {
			end = play(simulator, handed, item, &why);
		}
		snprintf(key, sizeof(key), "%lld",
			(long long)json_integer_value(json_object_get(item, "number")));
		if (end >= HANDED_STALE)
			json_object_set_new(open, key, json_true());
		handed_count(played, end, &why);
	}
}

bool handed_play(struct simulator *simulator, const char *path, handed_function *play,
	struct simulator_played *played, struct error *err)
{
	CLEANUP(handed_release) struct handed handed = { 0 };
	bool done;

	*played = (struct simulator_played){ 0 };
	if (!handed_load(simulator, path, &handed, err))
		return false;
	simulator_lock(simulator);
	done = simulator_begin(simulator, err);
	if (done) {
		play_items(simulator, &handed, play, played);
		done = simulator_commit(simulator, err);
	}
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}
