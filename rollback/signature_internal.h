/*
 * What keys and signatures share: minisign's binary layouts and a secret key at work.
 *
 * Each structure is written as one line of base64, below a comment line. All are arrays of
 * bytes, so that the layout in memory is the layout in the file.
 */
#pragma once

#include <sodium.h>

#include "rollback/rollback.h"

enum {
	KEY_NUMBER_BYTES = 8,
	KEY_NUMBER_TEXT = 2 * KEY_NUMBER_BYTES + 1,
	KEY_FILE_MAX = 4096,
	SIGNATURE_FILE_MAX = 16 << 10,
};

#define KEY_ALGORITHM       "Ed" /* of a key, and of a signature over the bytes themselves (legacy) */
#define SIGNATURE_ALGORITHM "ED" /* of a signature over the BLAKE2b-512 of the bytes */
#define COMMENT_UNTRUSTED   "untrusted comment: "
#define COMMENT_TRUSTED     "trusted comment: "

struct public_key {
	uint8_t algorithm[2];
	uint8_t number[KEY_NUMBER_BYTES]; /* the key id, least significant byte first */
	uint8_t key[crypto_sign_PUBLICKEYBYTES];
};

/* The part of a secret key file that a password encrypts. */
struct key_core {
	uint8_t number[KEY_NUMBER_BYTES];
	uint8_t key[crypto_sign_SECRETKEYBYTES]; /* the seed, then the public key */
	uint8_t checksum[32];                    /* BLAKE2b-256 of algorithm, number and key */
};

struct secret_key {
	uint8_t algorithm[2];
	uint8_t derivation[2]; /* "Sc", or two zeros: not encrypted */
	uint8_t checksum_algorithm[2];
	uint8_t salt[crypto_pwhash_scryptsalsa208sha256_SALTBYTES];
	uint8_t operations[8], memory[8]; /* scrypt's limits, least significant byte first */
	struct key_core core;
};

struct signature {
	uint8_t algorithm[2];
	uint8_t number[KEY_NUMBER_BYTES];
	uint8_t bytes[crypto_sign_BYTES];
};

_Static_assert(sizeof(struct public_key) == 42, "as minisign writes it");
_Static_assert(sizeof(struct secret_key) == 158, "as minisign writes it");
_Static_assert(sizeof(struct signature) == 74, "as minisign writes it");

/* ERROR_SYSTEM where the library can't start. Every entry calls it: it costs nothing twice. */
MUST_CHECK bool signature_library(struct error *err);

/* Cuts one line, ended by LF, off the front of `rest`. False where there is none. */
bool signature_line(struct span *rest, struct span *line);

/* Strict base64 of exactly `size` bytes: nothing ignored, nothing missing, no second spelling. */
bool signature_decode(struct span text, void *bytes, size_t size);
void signature_encode(struct buf *out, const void *bytes, size_t size);

/* The key id as minisign prints it: sixteen hexadecimal digits, upper case. Returns `text`. */
char *key_number_text(
	const uint8_t number[static KEY_NUMBER_BYTES], char text[static KEY_NUMBER_TEXT]);

MUST_CHECK bool public_key_load(const char *path, struct public_key *key, struct error *err);

/*
 * Loads, decrypts and checks a secret key into locked memory.
 *   ERROR_AUTH     it wants a password, or this one is wrong
 *   ERROR_FORMAT   not a secret key
 *   ERROR_REFUSED  its halves do not match, or others can read the file
 */
MUST_CHECK struct secret_key *secret_key_load(
	const char *path, struct span password, struct error *err);
void secret_key_free(struct secret_key *key); /* wipes; NULL is fine */
DEFINE_CLEANUP(struct secret_key *, secret_key_free);
