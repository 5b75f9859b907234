/*
 * Answers and errors in Graph's shapes (contract 5.3, 5.8) and with its headers.
 */
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/token.h"

const char SYNC_MASTERED_TEXT[] =
	"Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
const char EXTERNAL_SERVICE_TEXT[] =
	"Unable to update the specified properties for objects that have originated within an external service.";
const char MAIL_GROUP_TEXT[] =
	"Cannot Update a mail-enabled security groups and or distribution list.";

bool exchange_answer_take(struct exchange *exchange, int status, json_t *body)
{
	json_decref(exchange->answer.body);
	exchange->answer.status = status;
	exchange->answer.body = body;
	return true;
}

void exchange_add_header(struct exchange *exchange, const char *name, const char *format, ...)
{
	va_list arguments;

	if (!exchange->answer.headers)
		exchange->answer.headers = json_object();
	va_start(arguments, format);
	json_object_set_new(exchange->answer.headers, name, json_vsprintf(format, arguments));
	va_end(arguments);
}

/* Without an id of the client's own, Graph hands out its own as both. */
static json_t *client_id_of(const struct exchange *exchange)
{
	struct span id = exchange->client_request_id;

	return id.length > 0 && text_is_guid(id) ? json_stringn(id.data, id.length)
						 : json_string(exchange->request_id);
}

static json_t *inner_error(struct exchange *exchange)
{
	char text[TIME_TEXT_BYTES], date[TIME_TEXT_BYTES];

	/* Without a zone, as the service writes it. */
	time_text(exchange->simulator->now_ms / 1000 * 1000, text);
	snprintf(date, sizeof(date), "%.19s", text);
	return json_pack("{s:s, s:s, s:o}", "date", date, "request-id", exchange->request_id,
		"client-request-id", client_id_of(exchange));
}

static void put_error(struct exchange *exchange, int status, const char *code, const char *message,
	json_t *details)
{
	json_t *error = json_pack("{s:s, s:s}", "code", code, "message", message);

	if (details)
		json_object_set_new(error, "details", details);
	json_object_set_new(error, "innerError", inner_error(exchange));
	exchange_answer_take(exchange, status, json_pack("{s:o}", "error", error));
}

bool exchange_refuse(
	struct exchange *exchange, int status, const char *code, const char *format, ...)
{
	CLEANUP(buf_release) struct buf message = BUF_UP_TO(PATH_MAX_BYTES);
	char piece[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	/* What a client sent may have been cut in the middle of a character, or be none at all. */
	text_printable(&message, span_of(piece));
	put_error(exchange, status, code, buf_text(&message), NULL);
	return true;
}

bool exchange_refuse_absent(struct exchange *exchange, const char *id)
{
	return exchange_refuse(exchange, 404, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.",
		id);
}

bool exchange_refuse_synced(struct exchange *exchange)
{
	return exchange_refuse(exchange, 400, "Request_BadRequest", "%s", SYNC_MASTERED_TEXT);
}

bool exchange_refuse_denied(struct exchange *exchange)
{
	return exchange_refuse(exchange, 403, "Authorization_RequestDenied",
		"Insufficient privileges to complete the operation.");
}

bool exchange_refuse_conflict(struct exchange *exchange, const char *property, const char *holder)
{
	CLEANUP(object_row_release) struct object_row row = { 0 };
	char message[256], conflicting[128];
	json_t *details;

	snprintf(message, sizeof(message),
		"Another object with the same value for property %s already exists.", property);
	snprintf(conflicting, sizeof(conflicting), "%s_%s",
		object_load(exchange->simulator, holder, &row) ? schema_of(row.kind)->resource
							       : "DirectoryObject",
		holder);
	details = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "code", "ObjectConflict",
		"message", message, "target", property, "code", "ConflictingObjects", "message",
		"The conflicting object.", "target", conflicting);
	exchange->simulator->quota.usage.conflicts++;
	put_error(exchange, 400, "Request_BadRequest", message, details);
	return true;
}

static int dump_chunk(const char *chunk, size_t length, void *out)
{
	buf_add(out, chunk, length);
	return 0;
}

void json_dump_to(struct buf *out, const json_t *json)
{
	json_dump_callback(
		json, dump_chunk, out, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
}

static const char *content_type(const struct exchange *exchange)
{
	if (fault_content_type(exchange))
		return fault_content_type(exchange);
	if (exchange->answer.type)
		return exchange->answer.type;
	if (exchange->answer.text)
		return "text/plain";
	return strncmp(exchange->target, "/v1.0/", strlen("/v1.0/")) == 0 || exchange->is_item
		? "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
		: "application/json; charset=utf-8";
}

void exchange_write_response(struct exchange *exchange, struct simulator_response *response)
{
	CLEANUP(json_freep) json_t *client_id = client_id_of(exchange);
	struct answer *answer = &exchange->answer;
	char date[TIME_TEXT_BYTES];
	const char *name;
	json_t *value;

	response->status = answer->status;
	buf_addf(&response->headers, "Date: %s\r\n",
		time_text_http(exchange->is_signin ? signin_now_ms(exchange->simulator)
						   : exchange->simulator->now_ms,
			date));
	buf_addf(&response->headers, "request-id: %s\r\nclient-request-id: %s\r\n",
		exchange->request_id, json_string_value(client_id));
	buf_add_text(&response->headers,
		"x-ms-ags-diagnostic: {\"ServerInfo\":{\"DataCenter\":\"Simulator\",\"Slice\":\"E\",\"Ring\":\"5\",\"ScaleUnit\":\"000\",\"RoleInstance\":\"SIM00000001\"}}\r\n");
	buf_add_text(&response->headers, "Cache-Control: no-cache\r\n");
	json_object_foreach(answer->headers, name, value)
		buf_addf(&response->headers, "%s: %s\r\n", name, json_string_value(value));
	if (answer->status == 401)
		buf_addf(&response->headers,
			"WWW-Authenticate: Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"\r\n");
	if (!answer->body && !answer->text)
		return;
	buf_addf(&response->headers, "Content-Type: %s\r\n", content_type(exchange));
	if (answer->text)
		buf_add_text(&response->body, answer->text);
	else
		json_dump_to(&response->body, answer->body);
	fault_change_bytes(exchange, response);
}

void exchange_item_response(struct exchange *exchange, json_t *item)
{
	struct answer *answer = &exchange->answer;
	json_t *headers = json_object();

	json_object_set_new(headers, "Cache-Control", json_string("no-cache"));
	json_object_set_new(headers, "request-id", json_string(exchange->request_id));
	if (answer->body || answer->text)
		json_object_set_new(headers, "Content-Type", json_string(content_type(exchange)));
	json_object_update(headers, answer->headers);
	json_object_set_new(item, "status", json_integer(answer->status));
	json_object_set_new(item, "headers", headers);
	if (answer->text)
		json_object_set_new(item, "body", json_string(answer->text));
	else if (answer->body)
		json_object_set(item, "body", answer->body);
}
