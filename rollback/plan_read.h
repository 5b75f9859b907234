/* What reading a plan needs in both of its parts: plan_parse.c (the head), plan_step_read.c (the
 * steps). */
#pragma once

#include "rollback/plan_internal.h"

struct plan_reader {
	struct span bytes; /* checked text */
	struct plan *plan;
};

/* The line, from 1, in which `at` lies. */
size_t line_of(struct span bytes, const char *at);

/* Every key is one of `keys` (ended by NULL). */
MUST_CHECK bool check_keys(struct span object, const char *const *keys, struct error *err);
/* The value at `key` has this type; ERROR_FORMAT names the key. */
MUST_CHECK bool read_object(
	struct span object, const char *key, struct span *value, struct error *err);
MUST_CHECK bool read_array(
	struct span object, const char *key, struct span *value, struct error *err);
MUST_CHECK bool read_number(struct span object, const char *key, size_t *number, struct error *err);
/* A whole number of at most nine digits. */
MUST_CHECK bool read_count(struct span value, size_t *number);
size_t count_elements(struct span array);
MUST_CHECK bool read_boolean(struct span object, const char *key, bool *boolean, struct error *err);
MUST_CHECK bool read_text(struct plan_reader *reader, struct span object, const char *key,
	const char **text, struct error *err);
MUST_CHECK bool read_text_or_null(struct plan_reader *reader, struct span object, const char *key,
	const char **text, struct error *err);
MUST_CHECK bool read_guid(struct plan_reader *reader, struct span object, const char *key,
	const char **guid, struct error *err); /* in lower case */
MUST_CHECK bool read_instant(struct plan_reader *reader, struct span object, const char *key,
	int64_t *ms, struct error *err);

bool find_door(struct span name, enum door *door); /* of those a plan has */

MUST_CHECK bool read_kind(struct plan_reader *reader, struct span object, const struct kind **kind,
	struct error *err);
/* The digests of exactly those files that the plan's doors want, in their order. */
MUST_CHECK bool read_files(struct plan_reader *reader, struct span head, struct error *err);
MUST_CHECK bool read_blocked(struct plan_reader *reader, struct span head, struct error *err);
/* Reads the steps and checks each by itself, and that no two are about the same value. */
MUST_CHECK bool read_steps(struct plan_reader *reader, struct span head, struct error *err);
