/*
 * Which snapshots are kept: restic's rules, for people who know them. From the newest on, each rule
 * keeps the first snapshot it meets of each period, until it has as many as it was told; a rule that
 * has some left at the end keeps the oldest as well, so that history is as long as it can be. A
 * snapshot that no rule keeps may go.
 *
 * Periods are those of UTC, as is every time that is printed; weeks are ISO 8601's.
 */
#include <string.h>
#include <time.h>

#include "snapshots/snapshots.h"

enum { MS_A_SECOND = 1000, DAYS_A_WEEK = 7, NO_PERIOD = -1 };

static const int64_t ms_an_hour = INT64_C(3600000), ms_a_day = INT64_C(86400000);

static struct tm parts_of(int64_t taken_ms)
{
	time_t seconds = (time_t)(taken_ms / MS_A_SECOND);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	return parts;
}

/* ---- the period that a snapshot falls into, as a number ------------------------------------ */

static int64_t itself(int64_t taken_ms, size_t number)
{
	(void)taken_ms;
	return (int64_t)number;
}

static int64_t hour_of(int64_t taken_ms, size_t number)
{
	(void)number;
	return taken_ms / ms_an_hour;
}

static int64_t day_of(int64_t taken_ms, size_t number)
{
	(void)number;
	return taken_ms / ms_a_day;
}

/* 1970-01-01 was a Thursday, and ISO's weeks begin on Mondays, across the turn of a year too. */
static int64_t week_of(int64_t taken_ms, size_t number)
{
	(void)number;
	return (taken_ms / ms_a_day + 3) / DAYS_A_WEEK;
}

static int64_t month_of(int64_t taken_ms, size_t number)
{
	struct tm parts = parts_of(taken_ms);

	(void)number;
	return (int64_t)parts.tm_year * 12 + parts.tm_mon;
}

static int64_t year_of(int64_t taken_ms, size_t number)
{
	(void)number;
	return parts_of(taken_ms).tm_year;
}

static const struct {
	const char *name;
	int64_t (*period)(int64_t taken_ms, size_t number);
} rules[KEEP_RULES] = {
	[KEEP_LAST] = { "last", itself },
	[KEEP_HOURLY] = { "hourly", hour_of },
	[KEEP_DAILY] = { "daily", day_of },
	[KEEP_WEEKLY] = { "weekly", week_of },
	[KEEP_MONTHLY] = { "monthly", month_of },
	[KEEP_YEARLY] = { "yearly", year_of },
};

const char *keep_rule_name(enum keep_rule rule)
{
	return rules[rule].name;
}

/* ---- --keep-within --------------------------------------------------------------------------- */

bool keep_span_parse(const char *text, struct keep_span *span)
{
	static const struct {
		char letter;
		size_t offset;
	} units[] = { { 'y', offsetof(struct keep_span, years) },
		{ 'm', offsetof(struct keep_span, months) },
		{ 'd', offsetof(struct keep_span, days) },
		{ 'h', offsetof(struct keep_span, hours) } };
	struct keep_span read = { 0 };
	size_t unit = 0;

	if (!*text)
		return false;
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		int number = 0;

		/* Six digits are centuries of hours, and never overflow. */
		if (!digits || digits > 6)
			return false;
		for (size_t i = 0; i < digits; i++)
			number = number * 10 + (text[i] - '0');
		text += digits;
		while (unit < COUNT_OF(units) && units[unit].letter != *text)
			unit++;
		if (unit == COUNT_OF(units))
			return false;
		*(int *)(void *)((char *)&read + units[unit++].offset) = number;
		text++;
	}
	*span = read;
	return read.years || read.months || read.days || read.hours;
}

/* That long before: months and years by the calendar, where February 31 is in March. */
static int64_t before(int64_t taken_ms, const struct keep_span *span)
{
	struct tm parts = parts_of(taken_ms);
	int64_t ms = taken_ms % MS_A_SECOND;

	parts.tm_year -= span->years;
	parts.tm_mon -= span->months;
	parts.tm_mday -= span->days;
	parts.tm_hour -= span->hours;
	return (int64_t)timegm(&parts) * MS_A_SECOND + ms;
}

static bool is_empty(const struct keep_span *span)
{
	return !span->years && !span->months && !span->days && !span->hours;
}

bool keep_policy_is_empty(const struct keep_policy *policy)
{
	for (int rule = 0; rule < KEEP_RULES; rule++) {
		if (policy->counts[rule])
			return false;
	}
	return is_empty(&policy->within);
}

/* A clock that was wrong once must not make everything else look old. */
static int64_t newest_of(const int64_t *taken_ms, size_t count, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++) {
		if (taken_ms[i] <= now_ms)
			return taken_ms[i];
	}
	return 0;
}

static void keep_within(const struct keep_policy *policy, const int64_t *taken_ms, size_t count,
	int64_t now_ms, struct keep_reasons *reasons)
{
	int64_t since_ms = before(newest_of(taken_ms, count, now_ms), &policy->within);

	for (size_t i = 0; i < count; i++)
		reasons[i].within = taken_ms[i] > since_ms;
}

static void keep_by_rule(enum keep_rule rule, int64_t left, const int64_t *taken_ms, size_t count,
	struct keep_reasons *reasons)
{
	int64_t last = NO_PERIOD;

	for (size_t i = 0; i < count && left; i++) {
		int64_t period = rules[rule].period(taken_ms[i], i);

		if (period == last && i + 1 < count)
			continue;
		reasons[i].oldest[rule] = period == last;
		reasons[i].rules[rule] = period != last;
		last = period;
		left -= left > 0;
	}
}

void snapshots_keep(const struct keep_policy *policy, const int64_t *taken_ms, size_t count,
	int64_t now_ms, struct keep_reasons *reasons)
{
	for (size_t i = 0; i < count; i++)
		reasons[i] = (struct keep_reasons){ 0 };
	if (!is_empty(&policy->within))
		keep_within(policy, taken_ms, count, now_ms, reasons);
	for (int rule = 0; rule < KEEP_RULES; rule++)
		keep_by_rule(rule, policy->counts[rule], taken_ms, count, reasons);
}

bool keep_reasons_any(const struct keep_reasons *reasons)
{
	for (int rule = 0; rule < KEEP_RULES; rule++) {
		if (reasons->rules[rule] || reasons->oldest[rule])
			return true;
	}
	return reasons->within;
}
