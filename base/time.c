#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	MS_A_SECOND = 1000,
	TICKS_A_SECOND = 10000000,
	TICK_DIGITS = 7,
	SECONDS_A_DAY = 86400,
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * MS_A_SECOND + now.tv_nsec / 1000000;
}

int64_t time_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t time_monotonic_ms(void)
{
	/* It goes on while the machine is suspended: plans and tokens expire then, too. */
	return clock_ms(CLOCK_BOOTTIME);
}

void time_sleep_ms(int64_t duration_ms)
{
	struct timespec duration = {
		.tv_sec = duration_ms / MS_A_SECOND,
		.tv_nsec = duration_ms % MS_A_SECOND * 1000000,
	};

	if (duration_ms > 0)
		nanosleep(&duration, NULL);
}

/* Days since 1970-01-01 of a Gregorian date (Howard Hinnant's days_from_civil). */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t era, y = year - (month <= 2);
	unsigned of_era, of_year;

	era = (y >= 0 ? y : y - 399) / 400;
	of_era = (unsigned)(y - era * 400);
	of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) -
		719468;
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Reads exactly `digits` digits and moves on; false where one is missing. */
static bool read_digits(struct span *text, unsigned digits, unsigned *number)
{
	*number = 0;
	if (text->length < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		char byte = text->data[i];

		if (byte < '0' || byte > '9')
			return false;
		*number = *number * 10 + (unsigned)(byte - '0');
	}
	text->data += digits;
	text->length -= digits;
	return true;
}

static bool read_byte(struct span *text, char byte)
{
	if (!text->length || text->data[0] != byte)
		return false;
	text->data++;
	text->length--;
	return true;
}

static bool read_date(struct span *text, int64_t *seconds)
{
	unsigned year, month, day;

	if (!read_digits(text, 4, &year) || !read_byte(text, '-') ||
		!read_digits(text, 2, &month) || !read_byte(text, '-') ||
		!read_digits(text, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return false;
	*seconds = days_of(year, month, day) * SECONDS_A_DAY;
	return true;
}

/* hh:mm; the seconds are whoever's next. */
static bool read_minutes(struct span *text, int64_t *seconds)
{
	unsigned hour, minute;

	if (!read_digits(text, 2, &hour) || !read_byte(text, ':') || !read_digits(text, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*seconds += hour * 3600 + minute * 60;
	return true;
}

/* :ss, where 60 is a leap second. */
static bool read_seconds(struct span *text, int64_t *seconds)
{
	unsigned second;

	if (!read_byte(text, ':') || !read_digits(text, 2, &second) || second > 60)
		return false;
	*seconds += second;
	return true;
}

/* The digits behind the point, as 100 ns units; what is finer is dropped. */
static bool read_fraction(struct span *text, int64_t *ticks)
{
	unsigned digits = 0;

	*ticks = 0;
	if (!read_byte(text, '.'))
		return true;
	while (text->length && text->data[0] >= '0' && text->data[0] <= '9') {
		if (digits < TICK_DIGITS)
			*ticks = *ticks * 10 + (text->data[0] - '0');
		digits++;
		text->data++;
		text->length--;
	}
	if (!digits)
		return false;
	for (; digits < TICK_DIGITS; digits++)
		*ticks *= 10;
	return true;
}

/* hh:mm[:ss[.fraction]]: OData lets the seconds out, too. */
static bool read_clock(struct span *text, int64_t *seconds, int64_t *fraction)
{
	*fraction = 0;
	if (!read_minutes(text, seconds))
		return false;
	if (!text->length || text->data[0] != ':')
		return true;
	return read_seconds(text, seconds) && read_fraction(text, fraction);
}

static bool read_zone(struct span *text, int64_t *seconds)
{
	unsigned hours, minutes;
	int sign;

	if (read_byte(text, 'Z') || read_byte(text, 'z'))
		return true;
	sign = read_byte(text, '+') ? -1 : read_byte(text, '-') ? 1 : 0;
	if (!sign || !read_digits(text, 2, &hours) || !read_byte(text, ':') ||
		!read_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds += sign * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

bool time_parse_ticks(struct span text, int64_t *ticks)
{
	int64_t seconds, fraction = 0;

	if (!read_date(&text, &seconds))
		return false;
	if (text.length) {
		if (!read_byte(&text, 'T') && !read_byte(&text, 't') && !read_byte(&text, ' '))
			return false;
		if (!read_clock(&text, &seconds, &fraction) || !read_zone(&text, &seconds) ||
			text.length)
			return false;
	}
	*ticks = seconds * TICKS_A_SECOND + fraction;
	return true;
}

bool time_parse(struct span text, int64_t *ms)
{
	const int64_t ticks_a_ms = TICKS_A_SECOND / MS_A_SECOND;
	int64_t ticks, whole;

	if (!time_parse_ticks(text, &ticks))
		return false;
	whole = ticks / ticks_a_ms;
	*ms = whole - (ticks < 0 && ticks % ticks_a_ms);
	return true;
}

static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };
static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static bool read_word(struct span *text, const char *const *words, unsigned count, unsigned *index)
{
	for (*index = 0; *index < count; ++*index) {
		if (text->length >= 3 && memcmp(text->data, words[*index], 3) == 0) {
			text->data += 3;
			text->length -= 3;
			return true;
		}
	}
	return false;
}

bool time_parse_http(const char *text, int64_t *ms)
{
	struct span rest = span_of(text);
	unsigned weekday, day, month, year;
	int64_t seconds;

	if (!read_word(&rest, day_names, 7, &weekday) || !read_byte(&rest, ',') ||
		!read_byte(&rest, ' ') || !read_digits(&rest, 2, &day) || !read_byte(&rest, ' ') ||
		!read_word(&rest, month_names, 12, &month) || !read_byte(&rest, ' ') ||
		!read_digits(&rest, 4, &year) || !read_byte(&rest, ' '))
		return false;
	if (day < 1 || day > days_in(year, month + 1))
		return false;
	seconds = days_of(year, month + 1, day) * SECONDS_A_DAY;
	if (!read_minutes(&rest, &seconds) || !read_seconds(&rest, &seconds) ||
		!span_is(rest, " GMT"))
		return false;
	*ms = seconds * MS_A_SECOND;
	return true;
}

/* The broken-down UTC time, and what is left in milliseconds. */
static int split(int64_t ms, struct tm *parts)
{
	int rest = (int)(ms % MS_A_SECOND);
	time_t seconds = (time_t)(ms / MS_A_SECOND) - (rest < 0);

	gmtime_r(&seconds, parts);
	return rest < 0 ? rest + MS_A_SECOND : rest;
}

/* Behind it: the place for what follows. */
static char *put_digits(char *at, unsigned number, unsigned digits)
{
	for (unsigned i = digits; i--; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + digits;
}

static char *put_part(char *at, char before, int number)
{
	*at = before;
	return put_digits(at + 1, (unsigned)number, 2);
}

/* Digit by digit: a file of evidence has an instant a line, and printf() would take longest of all. */
char *time_text(int64_t ms, char text[static TIME_TEXT_BYTES])
{
	struct tm parts;
	int rest = split(ms, &parts), year = parts.tm_year + 1900;
	char *at = year >= 0 && year <= 9999 ? put_digits(text, (unsigned)year, 4)
					     : text + snprintf(text, TIME_TEXT_BYTES, "%d", year);

	at = put_part(at, '-', parts.tm_mon + 1);
	at = put_part(at, '-', parts.tm_mday);
	at = put_part(at, 'T', parts.tm_hour);
	at = put_part(at, ':', parts.tm_min);
	at = put_part(at, ':', parts.tm_sec);
	if (rest) {
		*at = '.';
		at = put_digits(at + 1, (unsigned)rest, 3);
	}
	memcpy(at, "Z", 2);
	return text;
}

char *time_text_http(int64_t ms, char text[static TIME_TEXT_BYTES])
{
	struct tm parts;

	split(ms, &parts);
	snprintf(text, TIME_TEXT_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT",
		day_names[(unsigned)parts.tm_wday % 7], (unsigned)parts.tm_mday % 100,
		month_names[(unsigned)parts.tm_mon % 12], (unsigned)(parts.tm_year + 1900) % 10000,
		(unsigned)parts.tm_hour % 100, (unsigned)parts.tm_min % 100,
		(unsigned)parts.tm_sec % 100);
	return text;
}
