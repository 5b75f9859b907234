/* The company that the benches are about: person N has the same id and names in every run. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/memory.h"

#define COMPANY_TENANT "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11"

/* When the base was taken; what was changed afterwards was taken so much later. */
#define COMPANY_TAKEN_MS INT64_C(1772600000000)
#define COMPANY_LATER_MS INT64_C(10800000)

#define PICK(array, random) (array)[(random) % COUNT_OF(array)]

/* splitmix64: the same number gives the same person. */
static inline uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline void company_id(uint64_t number, char id[static 37])
{
	uint64_t random = mix(number), more = mix(random);

	snprintf(id, 37, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(random >> 32),
		(unsigned)(random >> 16 & 0xffff), (unsigned)(random & 0xfff),
		(unsigned)(more & 0xfff), (unsigned long long)(more >> 16));
}

static inline const char *company_name(uint64_t number)
{
	static const char *const names[] = { "Anna Müller", "Max Schmidt", "Sofia Rossi",
		"Lukas Weber", "Zoë O'Brien", "Jakub Wójcik", "Yuki Sato", "Priya Patel",
		"Søren Hansen", "Lucía García" };

	return PICK(names, mix(number) >> 8);
}

/* Is `number` one of `of` persons spread among all `users`, counted from `place`? */
static inline bool is_nth(uint64_t number, uint64_t users, uint64_t of, uint64_t place)
{
	return of && number < users && number % (users / of) == place;
}

/* Whose name is changed. */
static inline bool company_changes(uint64_t number, uint64_t users, uint64_t changed)
{
	return is_nth(number, users, changed, 0);
}

/* Who is no longer there. */
static inline bool company_removes(uint64_t number, uint64_t users, uint64_t removed)
{
	return removed && is_nth(number, users, removed, 7 % (users / removed));
}
