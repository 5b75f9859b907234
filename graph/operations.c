/*
 * The operation table: every write is a row, which gives its method and path and is at the
 * same time the guard. What matches no row to the letter is not put into a batch. So a
 * reference is never deleted without "/$ref", which would delete the object [T6], and nothing
 * is ever purged from deleted items.
 */
#include "graph/graph_internal.h"

#include <assert.h>
#include <strings.h>

#include "base/scan.h"
#include "base/text.h"

enum body_rule { BODY_NONE, BODY_GIVEN, BODY_OPTIONAL, BODY_REFERENCE };

static const struct operation {
	const char *name, *method;
	const char *path[KIND_COUNT]; /* by kind; NULL: not on this kind */
	enum body_rule body;
	/* The answer that says that the state was there before us. */
	long already_status;
	const char *already_words;
} operations[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = { "set", "PATCH",
		{ [KIND_USER] = "/users/{id}", [KIND_GROUP] = "/groups/{id}" }, BODY_GIVEN, 0,
		NULL },
	[GRAPH_RESTORE] = { "restore", "POST",
		{ [KIND_USER] = "/directory/deletedItems/{id}/restore",
			[KIND_GROUP] = "/directory/deletedItems/{id}/restore" },
		BODY_OPTIONAL, 0, NULL },
	[GRAPH_REMOVE] = { "remove", "DELETE",
		{ [KIND_USER] = "/users/{id}", [KIND_GROUP] = "/groups/{id}" }, BODY_NONE, 0,
		NULL },
	[GRAPH_ADD_MEMBER] = { "add-member", "POST", { [KIND_GROUP] = "/groups/{id}/members/$ref" },
		BODY_REFERENCE, 400, "already exist" },
	[GRAPH_REMOVE_MEMBER] = { "remove-member", "DELETE",
		{ [KIND_GROUP] = "/groups/{id}/members/{target}/$ref" }, BODY_NONE, 404, NULL },
	[GRAPH_ADD_OWNER] = { "add-owner", "POST", { [KIND_GROUP] = "/groups/{id}/owners/$ref" },
		BODY_REFERENCE, 400, "already exist" },
	[GRAPH_REMOVE_OWNER] = { "remove-owner", "DELETE",
		{ [KIND_GROUP] = "/groups/{id}/owners/{target}/$ref" }, BODY_NONE, 404, NULL },
	[GRAPH_SET_MANAGER] = { "set-manager", "PUT", { [KIND_USER] = "/users/{id}/manager/$ref" },
		BODY_REFERENCE, 0, NULL },
	[GRAPH_CLEAR_MANAGER] = { "clear-manager", "DELETE",
		{ [KIND_USER] = "/users/{id}/manager/$ref" }, BODY_NONE, 404, NULL },
};

const char *graph_operation_name(enum graph_operation operation)
{
	assert(operation < GRAPH_OPERATION_COUNT);
	return operations[operation].name;
}

bool write_guard(const char *method, const char *path, struct error *err)
{
	if (strcmp(method, "GET") == 0 ||
		(strcmp(method, "POST") == 0 && strcmp(path, EXTENSIONS_PATH) == 0))
		return true;
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		for (size_t kind = 0; kind < KIND_COUNT; kind++) {
			const char *pattern = operations[i].path[kind];

			if (pattern && strcmp(operations[i].method, method) == 0 &&
				path_matches(pattern, path, false))
				return true;
		}
	}
	return error_set(err, ERROR_REFUSED,
		"%s %.*s is none of the writes this program may send; nothing was sent", method,
		SPAN_FORMAT(path_without_query(path)));
}

/* ---- from a write to a request ------------------------------------------------------- */

static bool has_target(const struct operation *operation, const char *pattern)
{
	return operation->body == BODY_REFERENCE || strstr(pattern, "{target}");
}

static void add_path(const char *pattern, const struct graph_write *write, struct buf *out)
{
	static const char id[] = "{id}", target[] = "{target}";

	while (*pattern) {
		if (strncmp(pattern, id, sizeof(id) - 1) == 0) {
			buf_add(out, write->id, ID_BYTES);
			pattern += sizeof(id) - 1;
		} else if (strncmp(pattern, target, sizeof(target) - 1) == 0) {
			buf_add(out, write->target, ID_BYTES);
			pattern += sizeof(target) - 1;
		} else {
			buf_add_byte(out, *pattern++);
		}
	}
}

static bool check_body(const struct operation *operation, struct span body, struct error *err)
{
	bool takes = operation->body == BODY_GIVEN || operation->body == BODY_OPTIONAL;

	if (!body.data)
		return operation->body != BODY_GIVEN ||
			error_set(err, ERROR_REFUSED, "there is nothing to set");
	if (!takes)
		return error_set(err, ERROR_REFUSED, "this operation takes no body");
	if (body.length > GRAPH_WRITE_BODY_MAX)
		return error_set(err, ERROR_REFUSED, "a body of %zu bytes; %d is the most",
			body.length, GRAPH_WRITE_BODY_MAX);
	if (!scan_check(body, err))
		return error_prefix(err, "the body");
	if (scan_type(scan_trim(body)) != SCAN_OBJECT)
		return error_set(err, ERROR_REFUSED, "the body is no object");
	return true;
}

/* [T7]: nothing becomes part of a path that is not a GUID. */
static bool check_write(const struct graph_write *write, struct error *err)
{
	const struct operation *operation = &operations[write->operation];
	const char *pattern = operation->path[write->kind->id];

	if (!pattern)
		return error_set(err, ERROR_REFUSED, "Graph offers no such write on a %s",
			write->kind->name);
	if (!text_is_guid(span_of(write->id)))
		return error_set(err, ERROR_REFUSED, "the id is no GUID");
	if (has_target(operation, pattern) && !text_is_guid(span_of(write->target)))
		return error_set(err, ERROR_REFUSED, "the target's id is no GUID");
	return check_body(operation, write->body, err);
}

static bool same_write(const struct graph_write *a, const struct graph_write *b)
{
	return a->operation == b->operation && strcasecmp(a->id, b->id) == 0 &&
		(!has_target(
			 &operations[a->operation], operations[a->operation].path[a->kind->id]) ||
			strcasecmp(a->target, b->target) == 0);
}

bool write_check(const struct graph_write *writes, size_t count, struct error *err)
{
	if (count > GRAPH_BATCH_MAX)
		return error_set(err, ERROR_REFUSED, "%zu writes in one batch; %d is the most",
			count, GRAPH_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *name = graph_operation_name(writes[i].operation);

		if (!check_write(&writes[i], err))
			return error_prefix(err, "%s %s %.36s: nothing was sent", name,
				writes[i].kind->name, writes[i].id);
		for (size_t other = 0; other < i; other++) {
			if (same_write(&writes[i], &writes[other]))
				return error_set(err, ERROR_REFUSED,
					"%s %s %s stands in the batch twice; nothing was sent",
					name, writes[i].kind->name, writes[i].id);
		}
	}
	return true;
}

const char *write_method(const struct graph_write *write)
{
	return operations[write->operation].method;
}

void write_add_request(const struct graph_write *write, const struct graph *graph, struct buf *path,
	struct buf *body)
{
	const struct operation *operation = &operations[write->operation];

	add_path(operation->path[write->kind->id], write, path);
	if (operation->body == BODY_REFERENCE)
		buf_addf(body, "{\"@odata.id\":\"%s/directoryObjects/%s\"}", graph->root,
			write->target);
	else
		buf_add_span(body, write->body);
}

bool write_was_so(const struct graph_write *write, const struct failure *failure)
{
	const struct operation *operation = &operations[write->operation];

	return operation->already_status && failure->status == operation->already_status &&
		(!operation->already_words ||
			strcasestr(failure->message, operation->already_words));
}
