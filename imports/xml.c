/*
 * expat reads, and does no input or output of its own. What it lacks is limits: an unfinished token
 * grows in its buffer, and each new name of an element or attribute stays in its tables until the
 * parser is freed. So what it holds back is measured after each chunk, and names are counted.
 * Since 2.6.0 (in Debian since 2.5.0-1+deb12u2) it looks at an unfinished token again only when twice as
 * much of it is there: up to then it knows no place, and holds back twice what it must.
 *
 * After XML_StopParser() some calls may still come: each asks first whether reading has ended.
 */
#include "imports/xml.h"

#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
	CHUNK_BYTES = 128 << 10,
	NAME_SLOTS = 256, /* names seen lately, so that the sorted ones are rarely asked */
};

struct xml {
	XML_Parser parser;
	const char *file;
	const struct xml_events *events;
	void *context;
	struct error *err;
	struct buf text;
	uint64_t fed;
	XML_Index place; /* of what it looked at last */
	unsigned depth;
	bool ended;
	bool in_leaf;                   /* no tag since the start of the element */
	const char *recent[NAME_SLOTS]; /* borrowed from `names` */
	const char *known[NAME_SLOTS];  /* attributes' names as expat holds them */
	char **names;                   /* sorted */
	size_t name_count, name_capacity;
};

static void xml_release(struct xml *xml)
{
	if (xml->parser)
		XML_ParserFree(xml->parser);
	for (size_t i = 0; i < xml->name_count; i++)
		memory_free(xml->names[i]);
	memory_free(xml->names);
	buf_release(&xml->text);
}

/* ---- the end of reading ------------------------------------------------------------- */

static void end_reading(struct xml *xml)
{
	xml->ended = true;
	XML_StopParser(xml->parser, XML_FALSE);
}

static XML_Index place_now(struct xml *xml)
{
	XML_Index at = XML_GetCurrentByteIndex(xml->parser);

	if (at >= 0)
		xml->place = at;
	return xml->place;
}

static void add_place(struct xml *xml)
{
	error_prefix(xml->err, "%s: line %lu, byte %ld", xml->file,
		XML_GetCurrentLineNumber(xml->parser), (long)place_now(xml));
}

/* A call said no. */
static void end_by_call(struct xml *xml)
{
	if (xml->err->kind != ERROR_NONE)
		add_place(xml);
	end_reading(xml);
}

static void refuse(struct xml *xml, const char *what)
{
	error_set(xml->err, ERROR_FORMAT, "%s", what);
	end_by_call(xml);
}

static void refuse_length(struct xml *xml, const char *what, size_t most)
{
	error_set(xml->err, ERROR_FORMAT, "%s of more than %zu bytes", what, most);
	end_by_call(xml);
}

/* ---- names -------------------------------------------------------------------------- */

static size_t name_place(const struct xml *xml, const char *name, bool *there)
{
	size_t low = 0, high = xml->name_count;

	*there = false;
	while (low < high && !*there) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(xml->names[middle], name);

		*there = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}

static const char *name_add(struct xml *xml, const char *name, size_t length)
{
	bool there;
	size_t place = name_place(xml, name, &there);

	if (there)
		return xml->names[place];
	if (length > XML_NAME_MAX) {
		refuse_length(xml, "a name", XML_NAME_MAX);
		return NULL;
	}
	if (xml->name_count == XML_NAMES_MAX) {
		refuse(xml, "too many different names of elements and attributes");
		return NULL;
	}
	MEMORY_GROW(xml->names, xml->name_count, xml->name_capacity);
	memmove(xml->names + place + 1, xml->names + place,
		(xml->name_count - place) * sizeof(*xml->names));
	xml->names[place] = memory_text(name);
	xml->name_count++;
	return xml->names[place];
}

static inline bool name_allowed(struct xml *xml, const char *name)
{
	size_t length = strlen(name);
	unsigned slot = ((unsigned char)name[0] * 7U + (unsigned char)name[length / 2] * 31U +
				(unsigned)length * 13U) %
		NAME_SLOTS;

	if (!xml->recent[slot] || strcmp(xml->recent[slot], name) != 0)
		xml->recent[slot] = name_add(xml, name, length);
	return xml->recent[slot] != NULL;
}

/* Of one name of attributes expat has one copy, which it keeps as long as itself. */
static inline bool attribute_allowed(struct xml *xml, const char *name)
{
	const char **known = &xml->known[(uintptr_t)name / sizeof(void *) % NAME_SLOTS];

	if (*known == name)
		return true;
	if (!name_allowed(xml, name))
		return false;
	*known = name;
	return true;
}

/* ---- what expat tells --------------------------------------------------------------- */

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *xml = data;
	bool allowed = !xml->ended && name_allowed(xml, name);

	for (size_t i = 0; allowed && attributes[i]; i += 2)
		allowed = attribute_allowed(xml, attributes[i]);
	if (!allowed)
		return;
	if (XML_GetCurrentByteCount(xml->parser) > XML_TOKEN_MAX) {
		refuse_length(xml, "a tag", XML_TOKEN_MAX);
		return;
	}
	if (xml->depth == XML_DEPTH_MAX) {
		refuse(xml, "elements lie too deep in one another");
		return;
	}
	xml->depth++;
	xml->in_leaf = true;
	buf_cut(&xml->text, 0);
	if (!xml->events->start(
		    xml->context, xml->depth, name, (const char *const *)attributes, xml->err))
		end_by_call(xml);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct xml *xml = data;

	if (xml->ended)
		return;
	if (!xml->events->end(xml->context, xml->depth, name, buf_span(&xml->text), xml->err)) {
		end_by_call(xml);
		return;
	}
	buf_cut(&xml->text, 0);
	xml->in_leaf = false;
	xml->depth--;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
	struct xml *xml = data;

	/* Behind the end of an element stand the blanks before the next one, half of all calls. */
	if (xml->ended || !xml->in_leaf)
		return;
	buf_add(&xml->text, text, (size_t)length);
	if (xml->text.overflowed)
		refuse_length(xml, "a text", XML_TEXT_MAX);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system,
	const XML_Char *public, int has_internal)
{
	struct xml *xml = data;

	(void)name, (void)system, (void)public, (void)has_internal;
	if (!xml->ended)
		refuse(xml, "a document type declaration; these files have none, and none is read");
}

static void XMLCALL on_entity(void *data, const XML_Char *name, int is_parameter,
	const XML_Char *value, int value_length, const XML_Char *base, const XML_Char *system,
	const XML_Char *public, const XML_Char *notation)
{
	struct xml *xml = data;

	(void)name, (void)is_parameter, (void)value, (void)value_length, (void)base, (void)system;
	(void)public, (void)notation;
	if (!xml->ended)
		refuse(xml, "an entity declaration; these files have none, and none is read");
}

/* ---- feeding ------------------------------------------------------------------------ */

static bool xml_init(struct xml *xml)
{
	xml->text.limit = XML_TEXT_MAX;
	/*
	 * What a declaration says was true of the text before somebody saved it: WMI's "utf-16" stands
	 * in files of UTF-8. A byte order mark still wins.
	 */
	xml->parser = XML_ParserCreate("UTF-8");
	if (!xml->parser)
		return error_set(
			xml->err, ERROR_SYSTEM, "%s: the XML parser can't start", xml->file);
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, on_start, on_end);
	XML_SetCharacterDataHandler(xml->parser, on_text);
	XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
	XML_SetEntityDeclHandler(xml->parser, on_entity);
	return true;
}

static const char *fault(enum XML_Error code)
{
	switch (code) {
	case XML_ERROR_NO_ELEMENTS:
	case XML_ERROR_UNCLOSED_TOKEN:
	case XML_ERROR_UNCLOSED_CDATA_SECTION:
	case XML_ERROR_PARTIAL_CHAR:
		return "the file is incomplete";
	default:
		return XML_ErrorString(code);
	}
}

static bool parsed(struct xml *xml, enum XML_Status status)
{
	uint64_t held = xml->fed - (uint64_t)place_now(xml);

	if (xml->ended)
		return xml->err->kind == ERROR_NONE;
	if (status == XML_STATUS_ERROR && XML_GetErrorCode(xml->parser) == XML_ERROR_NO_MEMORY)
		return error_set(xml->err, ERROR_SYSTEM, "%s: no memory for its XML", xml->file);
	if (status == XML_STATUS_ERROR)
		refuse(xml, fault(XML_GetErrorCode(xml->parser)));
	else if (held > 2 * XML_TOKEN_MAX + CHUNK_BYTES)
		refuse_length(xml, "a tag or comment", XML_TOKEN_MAX);
	return xml->err->kind == ERROR_NONE;
}

/* Bytes from the descriptor into the parser's own buffer; 0 at the end, -1 after an error. */
static ssize_t fill(struct xml *xml, int descriptor, void *room)
{
	ssize_t got;

	do
		got = read(descriptor, room, CHUNK_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		error_errno(xml->err, "%s: can't read byte %llu", xml->file,
			(unsigned long long)xml->fed);
	return got;
}

static bool feed_descriptor(struct xml *xml, int descriptor)
{
	ssize_t got = 1;

	while (got > 0 && !xml->ended) {
		void *room = XML_GetBuffer(xml->parser, CHUNK_BYTES);

		if (!room)
			return error_set(
				xml->err, ERROR_SYSTEM, "%s: no memory for its XML", xml->file);
		got = fill(xml, descriptor, room);
		if (got < 0)
			return false;
		xml->fed += (uint64_t)got;
		if (!parsed(xml, XML_ParseBuffer(xml->parser, (int)got, got == 0)))
			return false;
	}
	return true;
}

static bool feed_text(struct xml *xml, struct span text)
{
	bool last = false;

	while (!last && !xml->ended) {
		size_t length = text.length < CHUNK_BYTES ? text.length : CHUNK_BYTES;

		last = length == text.length;
		xml->fed += length;
		if (!parsed(xml,
			    XML_Parse(xml->parser, text.data ? text.data : "", (int)length, last)))
			return false;
		text.data += length;
		text.length -= length;
	}
	return true;
}

bool xml_read_descriptor(int descriptor, const char *name, const struct xml_events *events,
	void *context, struct error *err)
{
	CLEANUP(xml_release)
	struct xml xml = { .file = name, .events = events, .context = context, .err = err };

	return xml_init(&xml) && feed_descriptor(&xml, descriptor);
}

bool xml_read_text(struct span text, const char *name, const struct xml_events *events,
	void *context, struct error *err)
{
	CLEANUP(xml_release)
	struct xml xml = { .file = name, .events = events, .context = context, .err = err };

	return xml_init(&xml) && feed_text(&xml, text);
}

bool xml_read(const char *path, const struct xml_events *events, void *context, struct error *err)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	bool read;

	if (descriptor < 0)
		return error_errno(err, "%s: can't open", path);
	read = xml_read_descriptor(descriptor, path, events, context, err);
	close(descriptor);
	return read;
}

const char *xml_attribute(const char *const *attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (attributes[0][0] == name[0] && strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}
