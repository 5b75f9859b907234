#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "imports/runs_internal.h"

enum { INSTANT_LONGEST = 40, GUID_BYTES = GUID_TEXT_BYTES - 1 };

static const char json_date[] = "/Date(";

static bool read_number(struct span text, int64_t *number)
{
	int64_t value = 0;

	if (!text.length || text.length > 18)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (text.data[i] - '0');
	}
	*number = value;
	return true;
}

/* "/Date(1649391053843)/", with an offset that changes nothing: "/Date(1649391053843+0200)/". */
static bool read_json_date(struct span text, int64_t *ms)
{
	struct span digits = { text.data + strlen(json_date), 0 };
	const char *end = text.data + text.length;
	bool negative = digits.data < end && *digits.data == '-';

	digits.data += negative;
	while (digits.data + digits.length < end && digits.data[digits.length] >= '0' &&
		digits.data[digits.length] <= '9')
		digits.length++;
	if (!read_number(digits, ms) || text.data[text.length - 1] != '/')
		return false;
	if (negative)
		*ms = -*ms;
	return true;
}

/* With the "T" and "Z" that are meant. */
static bool read_iso(struct span text, int64_t *ms)
{
	char instant[INSTANT_LONGEST + 2];

	if (time_parse(text, ms))
		return true;
	if (text.length < strlen("2022-04-08T04:10") || text.length > INSTANT_LONGEST)
		return false;
	memcpy(instant, text.data, text.length);
	instant[text.length] = 'Z';
	if (instant[10] == ' ')
		instant[10] = 'T';
	return time_parse((struct span){ instant, text.length + 1 }, ms);
}

static bool read_instant(struct span text, int64_t *ms)
{
	bool is_json = text.length > strlen(json_date) &&
		memcmp(text.data, json_date, strlen(json_date)) == 0;

	if (!text.length) {
		*ms = TIME_NONE;
		return true;
	}
	if (is_json ? !read_json_date(text, ms) : !read_iso(text, ms))
		return false;
	if (*ms < 0)
		*ms = TIME_NONE;
	return true;
}

static const char *read_guid(struct kept *kept, struct span text)
{
	char lower[GUID_TEXT_BYTES];

	if (text.length == GUID_BYTES + 2 && text.data[0] == '{')
		text = (struct span){ text.data + 1, GUID_BYTES };
	if (!text_is_guid(text))
		return NULL;
	for (size_t i = 0; i < GUID_BYTES; i++)
		lower[i] = text_lower(text.data[i]);
	return kept_add(kept, (struct span){ lower, GUID_BYTES });
}

bool member_read(struct kept *kept, const struct member *member, void *into, struct span text,
	struct error *err)
{
	void *place = (char *)into + member->offset;
	bool read = true;

	switch (member->type) {
	case MEMBER_TEXT:
		*(const char **)place = text.length ? kept_add(kept, text) : NULL;
		break;
	case MEMBER_GUID:
		*(const char **)place = read_guid(kept, text);
		read = *(const char **)place != NULL;
		break;
	case MEMBER_NUMBER:
		read = read_number(text, place);
		break;
	case MEMBER_INSTANT:
		read = read_instant(text, place);
		break;
	}
	return read ||
		error_set(err, ERROR_FORMAT, "%s: '%.*s' is not what belongs there", member->name,
			(int)text_whole(text, INSTANT_LONGEST), text.data ? text.data : "");
}
