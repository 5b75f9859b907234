/*
 * The snapshots that are kept in a profile's state folder, and which of them is pinned. A file's name
 * is its time and how its identity begins: 20261128T111230Z-83f71dbf50bdd170.jsonl.zst. What has
 * another name in that folder (journals, receipts, locks) is never met here.
 *
 * The folder is ours, nobody else may write to it, and what lies in it is opened below its descriptor
 * without following links [T38].
 */
#pragma once

#include "cli/cli.h"

enum { STORED_NAME_BYTES = 48, STORED_ID_TEXT = 17 };

struct stored {
	char name[STORED_NAME_BYTES];
	char id[STORED_ID_TEXT]; /* how the identity begins */
	int64_t taken_ms;        /* when its last page came, to the second */
	bool pinned;
};

struct shelf;

/*
 * Opens the folder of `profile` and lists it. One that is not there is made (`make`), or has nothing
 * in it. ERROR_REFUSED: it is a link, another user's, or others may write to it.
 */
MUST_CHECK struct shelf *shelf_open(const struct profile *profile, bool make, struct error *err);
void shelf_close(struct shelf *shelf);
DEFINE_CLEANUP(struct shelf *, shelf_close);

const char *shelf_folder(const struct shelf *shelf);
/* Newest first; borrowed until the shelf changes. */
size_t shelf_count(const struct shelf *shelf);
const struct stored *shelf_get(const struct shelf *shelf, size_t number);
/* The identity that is pinned, or NULL; and its file, NULL where it is gone. */
const char *shelf_pin_identity(const struct shelf *shelf);
const struct stored *shelf_pinned(const struct shelf *shelf);

/* "<folder>/<name>", to be freed. */
char *shelf_path(const struct shelf *shelf, const struct stored *stored);
/* ERROR_REFUSED: what is in the file is not what its name says. */
MUST_CHECK struct snapshot *shelf_open_snapshot(
	const struct shelf *shelf, const struct stored *stored, struct error *err);

/* A path in the folder for a snapshot that is being written, to be freed. */
char *shelf_room(const struct shelf *shelf);
/* Gives what was written there its name. Borrowed, or NULL. */
MUST_CHECK const struct stored *shelf_add(struct shelf *shelf, const char *room, struct error *err);
/*
 * The same snapshot in the folder: itself where it lies there, else a copy, checked to the last
 * bucket, with its statement and signature. Borrowed, or NULL.
 */
MUST_CHECK const struct stored *shelf_adopt(
	struct shelf *shelf, const struct snapshot *snapshot, struct error *err);

/* From now on `production` is this one. */
MUST_CHECK bool shelf_pin(struct shelf *shelf, const struct stored *stored, struct error *err);

/* A descriptor to close, or -1: what is listed stays, as long as others ask for this lock too. */
MUST_CHECK int shelf_lock(const struct shelf *shelf, struct error *err);
/* Deletes its signature, its statement and it. The listing stays as it is. */
MUST_CHECK bool shelf_remove(
	const struct shelf *shelf, const struct stored *stored, struct error *err);
