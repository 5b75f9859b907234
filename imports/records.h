/*
 * The objects of a file that ConvertTo-Json wrote, one after the other: an array of them, one
 * alone, several one behind the other, and the form {"value":[…],"Count":2} that Windows
 * PowerShell gives to some arrays. Memory is that of the largest one.
 */
#pragma once

#include "base/scan.h"
#include "imports/encoding.h"

struct records;

MUST_CHECK struct records *records_open(const char *path, struct error *err);
void records_close(struct records *records);
DEFINE_CLEANUP(struct records *, records_close);

/*
 * The next object, checked (base/scan.h); absent behind the last one. Borrowed until the next call.
 *   ERROR_SYSTEM  can't be read
 *   ERROR_FORMAT  not such a file: names it, the line, the byte
 */
MUST_CHECK bool records_next(struct records *records, struct span *record, struct error *err);

/* "runs.json: line 12, byte 345: " before the text of an error about the last record. */
bool records_place(const struct records *records, struct error *err);
