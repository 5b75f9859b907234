/* The form that is posted to Entra's token endpoint: the same but for the proof (contract 1.2). */
#include <string.h>

#include "auth/auth_internal.h"

#define FORM_BEGIN "grant_type=client_credentials&client_id="
#define FORM_SCOPE "&scope="
#define FORM_END   "%2F.default"

bool form_begin(struct token_request *request, const struct token_target *target, size_t proof,
	struct error *err)
{
	struct span client = span_of(target->client_id), graph = span_of(target->graph);
	struct locked_text *form = &request->form;
	size_t room = sizeof(FORM_BEGIN FORM_SCOPE FORM_END) + proof +
		locked_text_encoded_max(client.length + graph.length);

	request->method = "POST";
	request->url = target->url;
	request->secret = NET_SECRET_CREDENTIAL;
	request->headers[request->header_count++] = (struct net_header){ "content-type",
		"application/x-www-form-urlencoded" };
	if (!locked_text_init(form, room, "request for a token", err))
		return false;
	locked_text_add(form, SPAN_LITERAL(FORM_BEGIN));
	if (!locked_text_add_encoded(form, client, err))
		return false;
	locked_text_add(form, SPAN_LITERAL(FORM_SCOPE));
	if (!locked_text_add_encoded(form, graph, err))
		return false;
	locked_text_add(form, SPAN_LITERAL(FORM_END));
	return true;
}

void form_add_assertion_head(struct token_request *request)
{
	static const char head[] =
		"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
		"jwt-bearer&client_assertion=";

	_Static_assert(sizeof(head) <= FORM_ASSERTION_HEAD_MAX, "the room that callers reserve");
	locked_text_add(&request->form, ((struct span){ head, sizeof(head) - 1 }));
}
