/*
 * A few members of objects that are alike, as the lines of a directory are: an object is checked to
 * the letter, as scan_check() does it, and its members are found in the same walk.
 */
#pragma once

#include "base/error.h"
#include "base/span.h"

enum { MEMBERS_MOST = 16 };

struct members;

/* `names`, which must outlive it: `count` of them, MEMBERS_MOST at most. */
struct members *members_new(const char *const *names, size_t count);
void members_free(struct members *members);
DEFINE_CLEANUP(struct members *, members_free);

/* ERROR_FORMAT: as scan_check(); or it is no object. */
MUST_CHECK bool members_read(struct members *members, struct span object, struct error *err);

/* Of the object that was read last: the value of a name, by its place; absent where it is not there, or null. */
struct span members_value(const struct members *members, size_t place);
/* Whether it came at all, null too. */
bool members_came(const struct members *members, size_t place);
