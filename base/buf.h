/*
 * A buffer of bytes that grows up to a limit. Overflow is sticky: what came after
 * it is dropped, and the one who takes the result asks once. The bytes are always
 * followed by a NUL that does not count.
 *
 *	CLEANUP(buf_release) struct buf line = BUF_UP_TO(PLAN_LINE_MAX);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/span.h"

struct buf {
	char *data; /* NULL while nothing was added */
	size_t length, capacity, limit;
	bool overflowed;
};

#define BUF_UP_TO(bytes)                                                                           \
	{                                                                                          \
		.limit = (bytes)                                                                   \
	}

void buf_add_growing(struct buf *buf, const void *data, size_t length);

/* Here, since most of what is added is a few bytes that fit: a call would cost more than they do. */
static inline void buf_add(struct buf *buf, const void *data, size_t length)
{
	if (length < buf->capacity - buf->length && length <= buf->limit - buf->length && data &&
		!buf->overflowed) {
		memcpy(buf->data + buf->length, data, length);
		buf->length += length;
		buf->data[buf->length] = '\0';
	} else {
		buf_add_growing(buf, data, length);
	}
}

static inline void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

static inline void buf_add_span(struct buf *buf, struct span span)
{
	buf_add(buf, span.data, span.length);
}

static inline void buf_add_byte(struct buf *buf, char byte)
{
	buf_add(buf, &byte, 1);
}

void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_add_hex(struct buf *buf, const uint8_t *data, size_t length); /* lower case */

/* Room for `length` more bytes, to be written by the caller and claimed by buf_grew(); NULL past
 * the limit. */
char *buf_room(struct buf *buf, size_t length);
void buf_grew(struct buf *buf, size_t length);

void buf_cut(struct buf *buf, size_t length); /* to at most `length`; forgets an overflow when 0 */
void buf_release(struct buf *buf);            /* frees; the limit stays */
void buf_wipe(struct buf *buf);               /* overwrites, then frees: for secrets */

/* What is in it, borrowed until the next change; "" and 0 when empty. */
struct span buf_span(const struct buf *buf);
const char *buf_text(const struct buf *buf);

/* ERROR_FORMAT when more was added than the limit allows; `what` names the content. */
MUST_CHECK bool buf_check(const struct buf *buf, const char *what, struct error *err);

/* The text, to be freed with memory_free(); the buffer is empty afterwards. Never NULL. */
char *buf_detach(struct buf *buf);
