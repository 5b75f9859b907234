/*
 * Reads Graph's error body. It may be missing, HTML from an edge, or spell innerError either
 * way: nothing in it is needed to decide, because the status always is enough.
 */
#include "graph/graph_internal.h"

#include "base/json.h"
#include "base/text.h"

void copy_printable(char *out, size_t size, struct span text)
{
	CLEANUP(buf_release) struct buf printable = BUF_UP_TO(64 << 10);
	size_t length;

	/* What is cut below need not be made printable first; a byte becomes six at most. */
	if (text.length > 8 << 10)
		text.length = 8 << 10;
	text_printable(&printable, text);
	length = printable.length < size ? printable.length : size - 1;
	while (length < printable.length && length > 0 &&
		((unsigned char)printable.data[length] & 0xc0) == 0x80)
		length--;
	if (length)
		memcpy(out, printable.data, length);
	out[length] = '\0';
}

/* Looks at details[]: an ObjectConflict decides like a code; ConflictingObjects name the holders.
 */
static bool read_details(struct failure *failure, const json_t *details)
{
	CLEANUP(buf_release) struct buf holders = BUF_UP_TO(4 << 10);
	bool conflict = false;
	size_t i;
	json_t *detail;

	json_array_foreach(details, i, detail)
	{
		const char *code = json_text_or_null(detail, "code");
		const char *target = json_text_or_null(detail, "target");

		if (!code)
			continue;
		conflict |= strcmp(code, "ObjectConflict") == 0;
		if (strcmp(code, "ConflictingObjects") == 0 && target)
			buf_addf(&holders, "%s%s", holders.length ? ", " : "", target);
	}
	copy_printable(failure->holders, sizeof(failure->holders), buf_span(&holders));
	return conflict;
}

/* Returns the code to decide by. */
static const char *read_error(struct failure *failure, const json_t *error)
{
	const json_t *inner = json_object_get(error, "innerError");
	const char *code = json_text_or_null(error, "code");
	const char *message = json_text_or_null(error, "message");
	const char *request_id;

	if (!inner)
		inner = json_object_get(error, "innererror");
	request_id = json_text_or_null(inner, "request-id");
	if (code)
		copy_printable(failure->code, sizeof(failure->code), span_of(code));
	if (message)
		copy_printable(failure->message, sizeof(failure->message), span_of(message));
	if (request_id)
		copy_printable(
			failure->request_id, sizeof(failure->request_id), span_of(request_id));
	return read_details(failure, json_object_get(error, "details")) ? "ObjectConflict"
									: failure->code;
}

void failure_read(struct failure *failure, long status, struct span body, struct span request_id)
{
	CLEANUP(json_freep) json_t *json = NULL;
	struct error ignored = { 0 };
	const char *code = NULL;

	*failure = (struct failure){ .status = status };
	if (body.length)
		json = json_parse(body, GRAPH_ERROR_BODY_MAX, &ignored);
	if (json)
		code = read_error(failure, json_object_get(json, "error"));
	if (!*failure->request_id)
		copy_printable(failure->request_id, sizeof(failure->request_id), request_id);
	failure->ruling = ruling_find(status, code);
}

/* The message, who holds the value, which permission is missing, what to do. */
void failure_describe(
	const struct failure *failure, const char *method, const char *path, struct buf *out)
{
	const char *permission = failure->status == 403 ? permission_for(method, path) : NULL;
	const char *hint = ruling_hint(failure->message);

	if (*failure->message)
		buf_addf(out, "%s ", failure->message);
	if (*failure->holders)
		buf_addf(out, "(held by %s) ", failure->holders);
	if (permission)
		buf_addf(out, "(needs %s) ", permission);
	buf_addf(out, "%s%s", out->length ? "– " : "", hint ? hint : failure->ruling->advice);
}

bool failure_set(
	const struct failure *failure, const char *method, const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4 << 10);

	failure_describe(failure, method, path, &text);
	return error_set(err, failure->ruling->kind, "%ld%s%s (request-id %s): %s", failure->status,
		*failure->code ? " " : "", failure->code,
		*failure->request_id ? failure->request_id : "none", buf_text(&text));
}
