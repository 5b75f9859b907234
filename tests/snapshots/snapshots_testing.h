/*
 * What the tests of this folder share: a folder of its own for each test, lines made from a number,
 * and files as bytes.
 */
#pragma once

#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "snapshots/snapshots.h"

#define TINY TEST_DATA "/snapshots/tiny.jsonl.zst"

enum { FILE_MAX = 64 << 20 };

static const struct snapshot_header test_header = {
	.tenant = (char[]){ "11111111-2222-4333-8444-555555555555" },
	.cloud = (char[]){ "global" },
	.source = (char[]){ "graph" },
	.taken_from_ms = INT64_C(1772590661551), /* 2026-03-04T02:17:41.551Z */
};

enum { TEST_UNTIL_MS = 1000 };

/* A generator with a fixed seed: a failing round is the same round again. */
struct random {
	uint64_t state;
};

static UNUSED uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static UNUSED int folder_make(void **state)
{
	char *folder = memory_text("/tmp/unstage-snapshots-XXXXXX");

	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

/* How many names the folder holds. */
static UNUSED size_t folder_count(const char *folder)
{
	DIR *names = opendir(folder);
	size_t count = 0;

	assert_non_null(names);
	while (readdir(names))
		count++;
	closedir(names);
	return count - 2; /* . and .. */
}

static UNUSED int folder_remove(void **state)
{
	DIR *names = opendir(*state);
	struct dirent *entry;

	while (names && (entry = readdir(names))) {
		char *path = file_path(*state, entry->d_name);

		if (remove(path) < 0 && entry->d_name[0] != '.')
			perror(path);
		memory_free(path);
	}
	closedir(names);
	rmdir(*state);
	memory_free(*state);
	return 0;
}

/* The id of object `number`; numbers are spread over all buckets. */
static UNUSED const char *test_id(uint64_t number, char text[static ID_BYTES + 1])
{
	struct random high = { number }, low = { ~number };
	uint64_t a = random_next(&high), b = random_next(&low);

	snprintf(text, ID_BYTES + 1, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
		(unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 48 & 0xfff),
		(unsigned long long)(b & 0xffffffffffff));
	return text;
}

static UNUSED void add_user(struct buf *out, uint64_t number, const char *name)
{
	char id[ID_BYTES + 1];

	buf_addf(out,
		"{\"accountEnabled\":true,\"displayName\":\"%s\",\"id\":\"%s\",\"kind\":\"user\"}\n",
		name, test_id(number, id));
}

/* A group with `parts` part lines of `members` each, made from `seed`. */
static UNUSED void add_group(struct buf *out, uint64_t number, const char *name, unsigned parts,
	unsigned members, uint64_t seed)
{
	char id[ID_BYTES + 1], member[ID_BYTES + 1];

	test_id(number, id);
	buf_addf(out, "{\"displayName\":\"%s\",\"id\":\"%s\",\"kind\":\"group\"}\n", name, id);
	for (unsigned part = 0; part < parts; part++) {
		buf_addf(out, "{\"id\":\"%s\",\"kind\":\"group\",\"members\":[", id);
		for (unsigned i = 0; i < members; i++)
			buf_addf(out, "%s\"%s\"", i ? "," : "",
				test_id(seed + part * members + i, member));
		buf_addf(out, "],\"part\":\"members:%02x\"}\n", part);
	}
}

static UNUSED struct snapshot_writer *writer_open(const char *path)
{
	struct error err = { 0 };
	struct snapshot_writer *writer = snapshot_writer_open(path, &test_header, &err);

	assert_string_equal(err.text, "");
	assert_non_null(writer);
	return writer;
}

static UNUSED void writer_add(struct snapshot_writer *writer, struct span lines)
{
	struct error err = { 0 };

	assert_true(snapshot_writer_add(writer, lines, &err));
	assert_string_equal(err.text, "");
}

static UNUSED void writer_finish(struct snapshot_writer *writer)
{
	struct error err = { 0 };
	bool finished = snapshot_writer_finish(writer, TEST_UNTIL_MS, &err);

	assert_string_equal(err.text, "");
	assert_true(finished);
}

static UNUSED struct snapshot *opened(const char *path)
{
	struct error err = { 0 };
	struct snapshot *snapshot = snapshot_open(path, &err);

	assert_string_equal(err.text, "");
	assert_non_null(snapshot);
	return snapshot;
}

/* Appends the lines of every object. */
static UNUSED bool collect(void *context, struct span lines, struct error *err)
{
	(void)err;
	buf_add_span(context, lines);
	return true;
}

static UNUSED bool open_and_check(const char *path, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = snapshot_open(path, err);

	return snapshot && snapshot_check(snapshot, NULL, err);
}
