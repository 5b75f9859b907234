/*
 * Any bytes as a line whose addresses are looked for without checking it: nothing but an error comes of
 * what is no line, and of what is one, exactly the claims that the parsed object makes.
 */
#include <assert.h>
#include <stdint.h>

#include "base/scan.h"
#include "reconcile/claimants_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOLD_MAX = 64 << 20 };

static void add_claim(struct buf *out, enum claim_place place, struct span key)
{
	buf_addf(out, "%d ", (int)place);
	buf_add_span(out, key);
	buf_add_byte(out, '\n');
}

static void tell(void *context, enum claim_place place, struct span key)
{
	if (!(BIT(place) & PLACES_WAITING))
		add_claim(context, place, key);
}

static enum claim_place place_of(const char *name, struct span text)
{
	if (strcmp(name, "mail") == 0)
		return CLAIM_MAIL;
	if (strcmp(name, "userPrincipalName") == 0)
		return CLAIM_SIGN_IN;
	if (strcmp(name, "otherMails") == 0)
		return CLAIM_OTHER_MAIL;
	return address_parse(text).primary ? CLAIM_PRIMARY : CLAIM_PROXY;
}

static void tell_text(struct buf *out, const char *name, struct span string)
{
	struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX), key = BUF_UP_TO(CLAIM_KEY_MAX);

	scan_text(string, &text);
	claim_add_key(&key, buf_span(&text), strcmp(name, "proxyAddresses") == 0);
	if (key.length)
		add_claim(out, place_of(name, buf_span(&text)), buf_span(&key));
	buf_release(&text);
	buf_release(&key);
}

static void tell_object(struct buf *out, const struct object *object)
{
	static const char *const names[] = { "proxyAddresses", "mail", "userPrincipalName",
		"otherMails" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct span value = object_get_named(object, names[i]), element;
		struct scan scan;

		if (value.data && scan_type(value) == SCAN_STRING)
			tell_text(out, names[i], value);
		if (!value.data || scan_type(value) != SCAN_ARRAY)
			continue;
		for (scan = scan_open(value); scan_element(&scan, &element);)
			tell_text(out, names[i], element);
	}
}

static void try_object(struct claim_room *room, const struct kind *kind, struct span item)
{
	struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX), told = BUF_UP_TO(TOLD_MAX),
		   wanted = BUF_UP_TO(TOLD_MAX);
	struct error err = { 0 };
	struct object *object = NULL;

	if (line_add_object(&line, kind, item, false, NULL, 0, &err)) {
		object = object_parse(buf_span(&line), &err);
		assert(object);
		/* imAddresses have a rule of their own. */
		if (!object_get_named(object, "imAddresses").data) {
			assert(claims_of_line(room, buf_span(&line), tell, &told, &err));
			tell_object(&wanted, object);
			assert(span_equal(buf_span(&told), buf_span(&wanted)));
		}
	}
	object_free(object);
	buf_release(&line);
	buf_release(&told);
	buf_release(&wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct buf told = BUF_UP_TO(TOLD_MAX);
	struct claim_room room;
	struct error err = { 0 };
	bool good;

	claim_room_init(&room);
	good = claims_of_line(&room, text, tell, &told, &err);
	assert(good || err.kind == ERROR_FORMAT);
	for (int i = 0; i < KIND_COUNT; i++)
		try_object(&room, kind_get((enum kind_id)i), text);
	buf_release(&told);
	claim_room_release(&room);
	return 0;
}
