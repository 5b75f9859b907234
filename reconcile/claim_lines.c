/*
 * Which addresses a line claims. Every line of a directory passes here, and nearly none of them has
 * anything to tell, so members are walked over without a check (base/unchecked.h) and only texts that
 * are addresses are read. A line that our writer would not make is left to object_parse().
 *
 * Entra compares addresses without regard to case (facts 4.5); SMTP and SIP addresses are apart from
 * each other, and so are those of every other scheme.
 */
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/unchecked.h"
#include "reconcile/claimants_internal.h"

#define SCHEME_SMTP "smtp:"
#define SCHEME_SIP  "sip:"

void claim_room_init(struct claim_room *room)
{
	*room = (struct claim_room){
		.key = BUF_UP_TO(CLAIM_KEY_MAX),
		.text = BUF_UP_TO(DIRECTORY_LINE_MAX),
		.line = BUF_UP_TO(DIRECTORY_LINE_MAX),
	};
}

void claim_room_release(struct claim_room *room)
{
	buf_release(&room->key);
	buf_release(&room->text);
	buf_release(&room->line);
}

/* ---- keys ------------------------------------------------------------------------------ */

/* Nearly every address is ASCII, and short. */
static bool add_folded_ascii(struct buf *out, struct span text)
{
	char *to = buf_room(out, text.length);
	unsigned char seen = 0;

	for (size_t i = 0; to && i < text.length; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		seen |= byte;
		to[i] = (char)(byte + ((unsigned char)(byte - 'A') < 26 ? 32 : 0));
	}
	if (!to || seen & 0x80)
		return false;
	buf_grew(out, text.length);
	return true;
}

static void add_folded(struct buf *out, struct span text)
{
	if (!add_folded_ascii(out, text))
		text_add_folded(out, text);
}

static void add_key_of(struct buf *out, const char *scheme, struct span value)
{
	if (!value.length)
		return;
	buf_add_text(out, scheme);
	add_folded(out, value);
}

static void add_key_as_told(struct buf *out, struct span text)
{
	struct address address = address_parse(text);

	if (!address.scheme.data) {
		add_key_of(out, SCHEME_SMTP, text);
	} else if (address.smtp) {
		add_key_of(out, SCHEME_SMTP, address.value);
	} else if (text_compare_caseless(address.scheme, SPAN_LITERAL("sip")) == 0) {
		add_key_of(out, SCHEME_SIP, address.value);
	} else if (address.value.length) {
		add_folded(out, address.scheme);
		buf_add_byte(out, ':');
		buf_add_span(out, address.value);
	}
}

void claim_add_key(struct buf *out, struct span text, bool scheme_told)
{
	if (scheme_told)
		add_key_as_told(out, text);
	else
		add_key_of(out, SCHEME_SMTP, text);
}

struct span claim_key_plain(struct span key)
{
	size_t length = strlen(SCHEME_SMTP);

	if (key.length < length || memcmp(key.data, SCHEME_SMTP, length) != 0)
		return key;
	return (struct span){ key.data + length, key.length - length };
}

/* imAddresses come with their scheme or without it. */
static void add_key_of_im(struct buf *out, struct span text)
{
	struct address address = address_parse(text);

	if (address.scheme.data && text_compare_caseless(address.scheme, SPAN_LITERAL("sip")) == 0)
		text = address.value;
	add_key_of(out, SCHEME_SIP, text);
}

/* ---- walking one line --------------------------------------------------------------------- */

struct claiming {
	struct claim_room *room;
	claim_each_function *each;
	void *context;
	struct span id; /* without quotes */
	bool deleted;
	bool has_escapes; /* there may be some: what has none is read where it stands */
};

/* What a string says; absent where it is none. */
static struct span text_of(const struct claiming *claiming, struct span string)
{
	struct claim_room *room = claiming->room;
	struct error err;
	struct span inside;

	if (string.length < 2 || string.data[0] != '"')
		return SPAN_NONE;
	inside = (struct span){ string.data + 1, string.length - 2 };
	if (!claiming->has_escapes || !memchr(inside.data, '\\', inside.length))
		return inside;
	buf_cut(&room->text, 0);
	if (!scan_check(string, &err))
		return SPAN_NONE;
	scan_text(string, &room->text);
	return buf_span(&room->text);
}

static void tell(const struct claiming *claiming, enum claim_place place)
{
	if (claiming->room->key.length)
		claiming->each(claiming->context, place, buf_span(&claiming->room->key));
}

static void claim_plain(const struct claiming *claiming, enum claim_place place, struct span text)
{
	struct buf *key = &claiming->room->key;

	buf_cut(key, 0);
	claim_add_key(key, text, false);
	tell(claiming, place);
}

/* As nearly all are: what address_parse() would say of it. */
static bool is_smtp(struct span text)
{
	return text.length >= strlen(SCHEME_SMTP) && (text.data[0] | 0x20) == 's' &&
		(text.data[1] | 0x20) == 'm' && (text.data[2] | 0x20) == 't' &&
		(text.data[3] | 0x20) == 'p' && text.data[4] == ':';
}

static void claim_proxy(const struct claiming *claiming, struct span text)
{
	struct buf *key = &claiming->room->key;
	size_t scheme = strlen(SCHEME_SMTP);
	bool primary = text.length > scheme && memcmp(text.data, "SMTP:", scheme) == 0;

	buf_cut(key, 0);
	if (is_smtp(text))
		add_key_of(key, SCHEME_SMTP,
			(struct span){ text.data + scheme, text.length - scheme });
	else
		claim_add_key(key, text, true);
	tell(claiming, primary ? CLAIM_PRIMARY : CLAIM_PROXY);
}

static void claim_im(const struct claiming *claiming, struct span text)
{
	struct buf *key = &claiming->room->key;

	buf_cut(key, 0);
	add_key_of_im(key, text);
	tell(claiming, CLAIM_IM);
}

/* In deleted items the id stands before it, without hyphens, so that the name is free. */
static bool is_set_aside(const struct claiming *claiming, struct span text)
{
	size_t at = 0;

	if (!claiming->deleted || text.length <= CLAIM_SET_ASIDE_BYTES)
		return false;
	for (size_t i = 0; i < claiming->id.length; i++)
		if (claiming->id.data[i] != '-' &&
			(at == CLAIM_SET_ASIDE_BYTES ||
				text_lower(text.data[at++]) != claiming->id.data[i]))
			return false;
	return at == CLAIM_SET_ASIDE_BYTES;
}

static void claim_sign_in(const struct claiming *claiming, struct span text)
{
	if (is_set_aside(claiming, text)) {
		text.data += CLAIM_SET_ASIDE_BYTES;
		text.length -= CLAIM_SET_ASIDE_BYTES;
		claim_plain(claiming, CLAIM_FORMER_SIGN_IN, text);
	} else {
		claim_plain(claiming, CLAIM_SIGN_IN, text);
	}
}

static void claim_mail(const struct claiming *claiming, struct span text)
{
	claim_plain(claiming, CLAIM_MAIL, text);
}

static void claim_other_mail(const struct claiming *claiming, struct span text)
{
	claim_plain(claiming, CLAIM_OTHER_MAIL, text);
}

typedef void text_claim_function(const struct claiming *claiming, struct span text);

/* A text, or an array of texts; nothing where it is neither. */
static void each_text(
	const struct claiming *claiming, struct span value, text_claim_function *claim)
{
	const char *at = value.data + 1, *end = value.data + value.length;

	if (value.data[0] == '"')
		claim(claiming, text_of(claiming, value));
	if (value.data[0] != '[')
		return;
	while (at < end && *at == '"') {
		const char *quote = unchecked_string_end(at + 1, end);
		struct span text;

		if (!quote)
			return;
		text = text_of(claiming, (struct span){ at, (size_t)(quote + 1 - at) });
		if (text.data)
			claim(claiming, text);
		at = quote + 1 + (quote + 1 < end && quote[1] == ',');
	}
}

static void claim_quarantined(const struct claiming *claiming, struct span entry)
{
	struct span value = scan_find(entry, "value"),
		    property = scan_find(entry, "propertyCausingError"), text;
	bool is_sign_in;

	if (!value.data || scan_type(value) != SCAN_STRING)
		return;
	is_sign_in = scan_type(property) == SCAN_STRING &&
		text_compare_caseless(
			scan_text_direct(property), SPAN_LITERAL("UserPrincipalName")) == 0;
	text = text_of(claiming, value);
	if (!text.data)
		return;
	buf_cut(&claiming->room->key, 0);
	claim_add_key(&claiming->room->key, text, !is_sign_in);
	tell(claiming, is_sign_in ? CLAIM_QUARANTINED_SIGN_IN : CLAIM_QUARANTINED_PROXY);
}

static void each_quarantined(const struct claiming *claiming, struct span errors)
{
	struct error err;
	struct span entry;
	struct scan scan;

	/* Few objects have any. What lies in deleted items waits for nothing. */
	if (claiming->deleted || !scan_check(errors, &err) || scan_type(errors) != SCAN_ARRAY)
		return;
	for (scan = scan_open(errors); scan_element(&scan, &entry);)
		if (scan_type(entry) == SCAN_OBJECT)
			claim_quarantined(claiming, entry);
}

/* ---- members ---------------------------------------------------------------------------- */

/* The members that are looked for, with their quotes and all; absent: not there. */
enum member {
	MEMBER_ID,
	MEMBER_DELETED,
	MEMBER_PART,
	MEMBER_PROXY_ADDRESSES,
	MEMBER_MAIL,
	MEMBER_SIGN_IN,
	MEMBER_OTHER_MAILS,
	MEMBER_IM_ADDRESSES,
	MEMBER_QUARANTINE,
	MEMBER_COUNT
};

/* A macro, so that the compiler counts the letters. */
#define MEMBER(name, claim)                                                                        \
	{                                                                                          \
		{ name, sizeof(name) - 1 }, claim                                                  \
	}

static const struct {
	struct span name;
	text_claim_function *claim; /* NULL: it claims nothing, or not as a text */
} members[MEMBER_COUNT] = {
	[MEMBER_ID] = MEMBER("id", NULL),
	[MEMBER_DELETED] = MEMBER("deleted", NULL),
	[MEMBER_PART] = MEMBER("part", NULL),
	[MEMBER_PROXY_ADDRESSES] = MEMBER("proxyAddresses", claim_proxy),
	[MEMBER_MAIL] = MEMBER("mail", claim_mail),
	[MEMBER_SIGN_IN] = MEMBER("userPrincipalName", claim_sign_in),
	[MEMBER_OTHER_MAILS] = MEMBER("otherMails", claim_other_mail),
	[MEMBER_IM_ADDRESSES] = MEMBER("imAddresses", claim_im),
	[MEMBER_QUARANTINE] = MEMBER("onPremisesProvisioningErrors", NULL),
};

static enum member member_of(struct span name)
{
	/* A bit for each length that one of these names has. */
	enum {
		LONGEST = 28,
		LENGTHS = 1 << 2 | 1 << 4 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 14 | 1 << 17 |
			1 << LONGEST
	};

	if (name.length > LONGEST || !(LENGTHS >> name.length & 1))
		return MEMBER_COUNT;
	for (int i = 0; i < MEMBER_COUNT; i++)
		if (name.length == members[i].name.length &&
			memcmp(name.data, members[i].name.data, name.length) == 0)
			return (enum member)i;
	return MEMBER_COUNT;
}

/* False: it is no line as our writer makes them. */
static bool find_members(struct span line, bool has_escapes, struct span found[static MEMBER_COUNT])
{
	struct unchecked_walk walk = { .at = line.data, .end = line.data + line.length };

	while (unchecked_walk_read(&walk)) {
		enum member member;

		if (!walk.key.data)
			return true;
		if (has_escapes && memchr(walk.key.data, '\\', walk.key.length))
			return false;
		member = member_of(walk.key);
		if (member != MEMBER_COUNT) {
			if (found[member].data)
				return false;
			found[member] = walk.value;
		}
		walk.at = walk.next;
	}
	return false;
}

static bool find_members_strictly(struct claim_room *room, struct span line,
	struct span found[static MEMBER_COUNT], struct error *err)
{
	if (!scan_check(line, err))
		return false;
	buf_cut(&room->line, 0);
	if (!value_add_canonical(&room->line, NULL, line, err))
		return false;
	memset(found, 0, MEMBER_COUNT * sizeof(*found));
	return find_members(buf_span(&room->line), true, found) ||
		error_set(err, ERROR_FORMAT, "a line is no object");
}

static void claims_of_members(
	struct claiming *claiming, const struct span found[static MEMBER_COUNT])
{
	struct span id = found[MEMBER_ID];

	if (id.length > strlen("\"\""))
		claiming->id = (struct span){ id.data + 1, id.length - strlen("\"\"") };
	claiming->deleted = span_is(found[MEMBER_DELETED], "true");
	for (int i = 0; i < MEMBER_COUNT; i++)
		if (members[i].claim && found[i].length > 1)
			each_text(claiming, found[i], members[i].claim);
	if (found[MEMBER_QUARANTINE].length > 1)
		each_quarantined(claiming, found[MEMBER_QUARANTINE]);
}

bool claims_of_line(struct claim_room *room, struct span line, claim_each_function *each,
	void *context, struct error *err)
{
	struct claiming claiming = { .room = room, .each = each, .context = context };
	struct span found[MEMBER_COUNT] = { 0 };

	claiming.has_escapes = memchr(line.data, '\\', line.length) != NULL;
	if (!find_members(line, claiming.has_escapes, found) &&
		!find_members_strictly(room, line, found, err))
		return false;
	if (!found[MEMBER_PART].data)
		claims_of_members(&claiming, found);
	return true;
}

/* ---- values of facts ---------------------------------------------------------------------- */

bool attribute_claims(const struct attribute *attribute)
{
	enum member member = member_of((struct span){ attribute->name, attribute->name_length });

	return member != MEMBER_COUNT && members[member].claim;
}

void claims_of_value(struct claim_room *room, const struct attribute *attribute, struct span value,
	claim_each_function *each, void *context)
{
	struct claiming claiming = {
		.room = room, .each = each, .context = context, .has_escapes = true
	};
	enum member member = member_of((struct span){ attribute->name, attribute->name_length });

	if (member != MEMBER_COUNT && members[member].claim && value.length > 1)
		each_text(&claiming, value, members[member].claim);
}
