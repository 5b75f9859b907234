#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum {
	BUF_FIRST = 256,
	BUF_WIPED_MAX = 1 << 20, /* no secret is larger */
};

/* What is small may be a secret: when it moves, nothing of it stays where it was. */
static char *moved(const struct buf *buf, size_t capacity)
{
	char *data;

	if (!buf->data || buf->capacity > BUF_WIPED_MAX)
		return memory_resize(buf->data, capacity, 1);
	data = memory_resize(NULL, capacity, 1);
	memcpy(data, buf->data, buf->length + 1);
	explicit_bzero(buf->data, buf->capacity);
	memory_free(buf->data);
	return data;
}

char *buf_room(struct buf *buf, size_t length)
{
	size_t need, capacity;

	assert(buf->limit <= PTRDIFF_MAX);
	if (buf->overflowed || length > buf->limit - buf->length) {
		buf->overflowed = true;
		return NULL;
	}
	need = buf->length + length + 1;
	if (need > buf->capacity) {
		capacity = buf->capacity ? buf->capacity : BUF_FIRST;
		while (capacity < need)
			capacity *= 2;
		buf->data = moved(buf, capacity);
		buf->capacity = capacity;
	}
	return buf->data + buf->length;
}

void buf_grew(struct buf *buf, size_t length)
{
	assert(buf->length + length < buf->capacity);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_add_growing(struct buf *buf, const void *data, size_t length)
{
	char *room = buf_room(buf, length);

	if (!room)
		return;
	if (length)
		memcpy(room, data, length);
	buf_grew(buf, length);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	int length;
	char *room;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	assert(length >= 0);
	room = buf_room(buf, (size_t)length);
	if (!room)
		return;
	va_start(arguments, format);
	vsnprintf(room, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buf_grew(buf, (size_t)length);
}

void buf_add_hex(struct buf *buf, const uint8_t *data, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *room = buf_room(buf, 2 * length);

	if (!room)
		return;
	for (size_t i = 0; i < length; i++) {
		*room++ = digits[data[i] >> 4];
		*room++ = digits[data[i] & 15];
	}
	buf_grew(buf, 2 * length);
}

void buf_cut(struct buf *buf, size_t length)
{
	if (length < buf->length) {
		buf->length = length;
		buf->data[length] = '\0';
	}
	if (!length)
		buf->overflowed = false;
}

void buf_release(struct buf *buf)
{
	memory_free(buf->data);
	*buf = (struct buf)BUF_UP_TO(buf->limit);
}

void buf_wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	buf_release(buf);
}

struct span buf_span(const struct buf *buf)
{
	return (struct span){ buf_text(buf), buf->length };
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

bool buf_check(const struct buf *buf, const char *what, struct error *err)
{
	if (!buf->overflowed)
		return true;
	return error_set(err, ERROR_FORMAT, "%s is larger than %zu bytes", what, buf->limit);
}

char *buf_detach(struct buf *buf)
{
	char *text = buf->data ? buf->data : memory_text("");

	*buf = (struct buf)BUF_UP_TO(buf->limit);
	return text;
}
