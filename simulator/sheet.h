/*
 * A file as a Windows program writes it, line by line: UTF-8, or UTF-16LE with a byte order mark.
 * What is added waits in `text`, as UTF-8, until sheet_pass(): memory stays flat.
 */
#pragma once

#include "base/buf.h"
#include "base/file.h"

struct sheet {
	struct file *file;
	struct buf text;
	bool wide;
};

/* `text` holds at most what is added between two sheet_pass(). ERROR_SYSTEM. */
MUST_CHECK bool sheet_open(struct sheet *sheet, const char *path, bool wide, struct error *err);
/* Writes what waits once it is enough. ERROR_SYSTEM, ERROR_FORMAT: a single piece is too large. */
MUST_CHECK bool sheet_pass(struct sheet *sheet, struct error *err);
/* The rest, and the file appears. */
MUST_CHECK bool sheet_close(struct sheet *sheet, struct error *err);
void sheet_release(struct sheet *sheet);

/* Character data of XML, in an element or an attribute. */
void markup_text(struct buf *out, const char *text);
/* <name>text</name> on a line of its own, behind `indent` blanks. */
void markup_line(struct buf *out, unsigned indent, const char *name, const char *text);
/* Whether XML 1.0 can hold all of it: it has no form for most control characters. */
bool markup_can_hold(const char *text);

/* A string of JSON as Windows PowerShell 5.1 writes it, with its quotes. */
void shell_text(struct buf *out, const char *text);

/* "2026-03-04 02:17:41.551", UTC: the engine's form of a date. */
enum { ENGINE_TIME_BYTES = 32 };
char *engine_time(int64_t ms, char text[static ENGINE_TIME_BYTES]);
/* {GUID} in upper case. */
enum { BRACED_GUID_BYTES = 39 };
char *braced_guid(const char *guid, char text[static BRACED_GUID_BYTES]);
void add_base64(struct buf *out, const void *data, size_t length);
