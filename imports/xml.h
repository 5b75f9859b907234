/*
 * XML from somewhere else, streamed: what a connector space of gigabytes, a run history and a
 * server's configuration are read with. Memory does not grow with the file [T29].
 *
 * Refused, each with its place: a document type or entity of any kind, depth, a tag or a text
 * beyond the limits below, too many different names, what is no XML. UTF-8 and UTF-16 are read (the
 * latter with a byte order mark); what arrives is UTF-8.
 */
#pragma once

#include "base/error.h"
#include "base/span.h"

enum {
	XML_DEPTH_MAX = 64,
	XML_TOKEN_MAX = 1
		<< 20, /* a tag with its attributes; twice as much of a comment or instruction */
	XML_TEXT_MAX = 8 << 20, /* the text between two tags */
	XML_NAME_MAX = 256,     /* the name of an element or attribute */
	XML_NAMES_MAX = 1024,   /* different names of one file: the parser remembers each */
};

/*
 * What a reader is told. Everything is borrowed during the call. `depth` of the root is 1. A call
 * that returns false ends the reading: with an error of its own, which gets its place; or without
 * one (ERROR_NONE), when it has seen enough.
 */
struct xml_events {
	/* `attributes`: names and values in turn, ended by NULL; see xml_attribute(). */
	bool (*start)(void *context, unsigned depth, const char *name,
		const char *const *attributes, struct error *err);
	/* `text`: of an element without elements in it all its text; of others nothing. */
	bool (*end)(void *context, unsigned depth, const char *name, struct span text,
		struct error *err);
};

/*
 * Reads one document to its end. `err` comes empty.
 *   ERROR_SYSTEM  the file can't be read
 *   ERROR_FORMAT  "FILE: line 3, byte 152: …"; bytes are counted from 0, as they lie in the file
 * and whatever a call set, at the place where it stood.
 */
MUST_CHECK bool xml_read(
	const char *path, const struct xml_events *events, void *context, struct error *err);

/* The same of what is left in a descriptor (a pipe, too), and of a text; `name` is for errors. */
MUST_CHECK bool xml_read_descriptor(int descriptor, const char *name,
	const struct xml_events *events, void *context, struct error *err);
MUST_CHECK bool xml_read_text(struct span text, const char *name, const struct xml_events *events,
	void *context, struct error *err);

/* The value of an attribute, or NULL. */
const char *xml_attribute(const char *const *attributes, const char *name);
