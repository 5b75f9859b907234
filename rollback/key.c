/*
 * Key files, exactly as minisign has them, so that keys of either program serve both.
 *
 *	public   untrusted comment: minisign public key <id>
 *	         base64(struct public_key)
 *	secret   untrusted comment: minisign encrypted secret key
 *	         base64(struct secret_key), its core XORed with scrypt(password, salt)
 *
 * A secret key is used only after its public half was derived again from its seed: signing with
 * a pair that does not match gives the seed away.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "rollback/signature_internal.h"

#define KEY_DERIVATION         "Sc"
#define KEY_CHECKSUM_ALGORITHM "B2"

static const uint8_t no_derivation[2];
static const uint8_t no_checksum[32];

bool signature_library(struct error *err)
{
	if (sodium_init() < 0)
		return error_set(err, ERROR_SYSTEM, "libsodium can't start on this machine");
	return true;
}

bool signature_line(struct span *rest, struct span *line)
{
	const char *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;

	if (!end)
		return false;
	*line = (struct span){ rest->data, (size_t)(end - rest->data) };
	*rest = (struct span){ end + 1, rest->length - line->length - 1 };
	return true;
}

/*
 * libsodium's decoder takes the byte 0xaf for "/", so what was decoded is written again and
 * compared: one spelling means one.
 */
bool signature_decode(struct span text, void *bytes, size_t size)
{
	char again[sodium_base64_ENCODED_LEN(
		sizeof(struct secret_key), sodium_base64_VARIANT_ORIGINAL)];
	size_t decoded = 0;
	bool same;

	assert(size <= sizeof(struct secret_key));
	if (!text.data ||
		sodium_base642bin(bytes, size, text.data, text.length, NULL, &decoded, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0 ||
		decoded != size)
		return false;
	sodium_bin2base64(again, sizeof(again), bytes, size, sodium_base64_VARIANT_ORIGINAL);
	same = span_equal(text, span_of(again));
	sodium_memzero(again, sizeof(again));
	return same;
}

void signature_encode(struct buf *out, const void *bytes, size_t size)
{
	size_t with_nul = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *room = buf_room(out, with_nul);

	if (!room)
		return;
	sodium_bin2base64(room, with_nul, bytes, size, sodium_base64_VARIANT_ORIGINAL);
	buf_grew(out, with_nul - 1);
}

char *key_number_text(
	const uint8_t number[static KEY_NUMBER_BYTES], char text[static KEY_NUMBER_TEXT])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < KEY_NUMBER_BYTES; i++) {
		uint8_t byte = number[KEY_NUMBER_BYTES - 1 - i];

		text[2 * i] = digits[byte >> 4];
		text[2 * i + 1] = digits[byte & 15];
	}
	text[KEY_NUMBER_TEXT - 1] = '\0';
	return text;
}

static bool starts_with(struct span text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

/* The base64 line of a key file: below its comment, or alone where `alone` allows it. */
static bool key_line(struct span content, bool alone, struct span *line)
{
	struct span rest = content;

	if (!signature_line(&rest, line))
		return false;
	if (alone && !rest.length)
		return true;
	return starts_with(*line, COMMENT_UNTRUSTED) && signature_line(&rest, line) && !rest.length;
}

/* ---- public keys ------------------------------------------------------------------------ */

bool public_key_load(const char *path, struct public_key *key, struct error *err)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(KEY_FILE_MAX);
	struct public_key found;
	struct span line;

	if (!file_load(path, KEY_FILE_MAX, &content, err))
		return error_prefix(err, "public key");
	if (!key_line(buf_span(&content), true, &line) ||
		!signature_decode(line, &found, sizeof(found)) ||
		memcmp(found.algorithm, KEY_ALGORITHM, sizeof(found.algorithm)) != 0)
		return error_set(err, ERROR_FORMAT,
			"%s: not a minisign public key (a comment line "
			"and a line of base64, or the second line alone)",
			path);
	*key = found;
	return true;
}

bool key_read_public(const char *path, char key_id[static KEY_ID_BYTES], struct error *err)
{
	struct public_key key;

	if (!public_key_load(path, &key, err))
		return false;
	key_number_text(key.number, key_id);
	return true;
}

/* ---- secret keys ------------------------------------------------------------------------ */

static struct secret_key *secret_key_new(struct error *err)
{
	struct secret_key *key = memory_new(sizeof(*key));

	/* Checked here because sodium_malloc() stays silent about a lock that failed [T21]. */
	if (sodium_mlock(key, sizeof(*key)) != 0) {
		error_errno(err, "locking memory for a secret key (see ulimit -l)");
		memory_free(key);
		return NULL;
	}
	return key;
}

void secret_key_free(struct secret_key *key)
{
	if (!key)
		return;
	/* Wiped apart from unlocking, which may fail. */
	sodium_memzero(key, sizeof(*key));
	sodium_munlock(key, sizeof(*key));
	memory_free(key);
}

static void checksum_of(const struct secret_key *key, uint8_t checksum[static 32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, key->algorithm, sizeof(key->algorithm));
	crypto_generichash_update(&state, key->core.number, sizeof(key->core.number));
	crypto_generichash_update(&state, key->core.key, sizeof(key->core.key));
	crypto_generichash_final(&state, checksum, 32);
	sodium_memzero(&state, sizeof(state));
}

static uint64_t number_from(const uint8_t bytes[static 8])
{
	uint64_t number = 0;

	for (size_t i = 8; i > 0; i--)
		number = number << 8 | bytes[i - 1];
	return number;
}

static void number_into(uint8_t bytes[static 8], uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
}

/* Encrypts and decrypts: XOR with a stream as long as the core. */
static bool crypt_core(struct secret_key *key, struct span password, struct error *err)
{
	uint64_t operations = number_from(key->operations), memory = number_from(key->memory);
	uint8_t stream[sizeof(key->core)];
	uint8_t *core = (uint8_t *)&key->core;

	/* The file's word is not taken for how much memory to use [T28]. */
	if (operations > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE ||
		memory > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE)
		return error_set(err, ERROR_REFUSED,
			"the key file asks for more memory or time to "
			"derive a key than minisign ever does");
	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password.data,
		    password.length, key->salt, operations, (size_t)memory) != 0)
		return error_set(err, ERROR_SYSTEM,
			"deriving a key from the password needs %llu MiB "
			"of memory, which could not be had",
			(unsigned long long)(memory >> 20));
	for (size_t i = 0; i < sizeof(stream); i++)
		core[i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
	return true;
}

static bool is_encrypted(const struct secret_key *key)
{
	return memcmp(key->derivation, no_derivation, sizeof(no_derivation)) != 0;
}

/* Reads the file; what a password hides is still hidden. */
static struct secret_key *secret_key_read(const char *path, struct error *err)
{
	CLEANUP(buf_wipe) struct buf content = BUF_UP_TO(KEY_FILE_MAX);
	CLEANUP(secret_key_freep) struct secret_key *key = secret_key_new(err);
	struct span line;

	if (!key || !file_load_secret(path, KEY_FILE_MAX, &content, err)) {
		error_prefix(err, "secret key");
		return NULL;
	}
	if (!key_line(buf_span(&content), false, &line) ||
		!signature_decode(line, key, sizeof(*key)) ||
		memcmp(key->algorithm, KEY_ALGORITHM, sizeof(key->algorithm)) != 0 ||
		memcmp(key->checksum_algorithm, KEY_CHECKSUM_ALGORITHM, 2) != 0 ||
		(is_encrypted(key) && memcmp(key->derivation, KEY_DERIVATION, 2) != 0)) {
		error_set(err, ERROR_FORMAT, "%s: not a minisign secret key", path);
		return NULL;
	}
	return TAKE(key);
}

/* minisign -W writes a checksum of zeros; we write a real one, and take both. */
static bool checksum_holds(const struct secret_key *key)
{
	uint8_t checksum[32];

	checksum_of(key, checksum);
	return sodium_memcmp(checksum, key->core.checksum, sizeof(checksum)) == 0 ||
		(!is_encrypted(key) &&
			memcmp(key->core.checksum, no_checksum, sizeof(no_checksum)) == 0);
}

static bool halves_match(const struct secret_key *key)
{
	uint8_t public_half[crypto_sign_PUBLICKEYBYTES], whole[crypto_sign_SECRETKEYBYTES];
	bool match;

	crypto_sign_seed_keypair(public_half, whole, key->core.key);
	match = sodium_memcmp(whole, key->core.key, sizeof(whole)) == 0;
	sodium_memzero(whole, sizeof(whole));
	return match;
}

struct secret_key *secret_key_load(const char *path, struct span password, struct error *err)
{
	CLEANUP(secret_key_freep) struct secret_key *key = secret_key_read(path, err);

	if (!key)
		return NULL;
	if (is_encrypted(key) && !password.data) {
		error_set(err, ERROR_AUTH, "%s: the key is encrypted and no password was given",
			path);
		return NULL;
	}
	if (is_encrypted(key) && !crypt_core(key, password, err)) {
		error_prefix(err, "%s", path);
		return NULL;
	}
	if (!checksum_holds(key)) {
		if (is_encrypted(key))
			error_set(err, ERROR_AUTH, "%s: wrong password", path);
		else
			error_set(err, ERROR_FORMAT, "%s: the key's checksum is wrong", path);
		return NULL;
	}
	if (!halves_match(key)) {
		error_set(err, ERROR_REFUSED,
			"%s: the public half of this key does not belong to its "
			"secret half; signing with it would give the key away",
			path);
		return NULL;
	}
	return TAKE(key);
}

bool key_wants_password(const char *secret_key_path, bool *wants, struct error *err)
{
	CLEANUP(secret_key_freep) struct secret_key *key = NULL;

	if (!signature_library(err))
		return false;
	key = secret_key_read(secret_key_path, err);
	if (!key)
		return false;
	*wants = is_encrypted(key);
	return true;
}

/* ---- a new pair ------------------------------------------------------------------------- */

static bool write_all(int descriptor, struct span content)
{
	while (content.length) {
		ssize_t written = write(descriptor, content.data, content.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		content.data += written;
		content.length -= (size_t)written;
	}
	return fsync(descriptor) == 0;
}

/*
 * Not file_save(), whose rename would replace what stands there: a key that was overwritten
 * in a race is lost for good. A file cut short by a crash is refused by every reader.
 */
static bool create_only(const char *path, mode_t mode, struct span content, struct error *err)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	bool whole;

	if (descriptor < 0 && errno == EEXIST)
		return error_set(err, ERROR_USAGE, "%s exists; a key is never overwritten", path);
	if (descriptor < 0)
		return error_errno(err, "%s", path);
	whole = write_all(descriptor, content);
	if (!whole)
		error_errno(err, "writing %s", path);
	if (close(descriptor) != 0 && whole)
		whole = error_errno(err, "writing %s", path);
	if (!whole)
		unlink(path);
	return whole;
}

static bool must_be_new(const char *path, struct error *err)
{
	struct stat found;

	if (lstat(path, &found) == 0)
		return error_set(err, ERROR_USAGE, "%s exists; a key is never overwritten", path);
	return true;
}

static bool secret_key_fill(struct secret_key *key, struct public_key *public_half,
	struct span password, struct error *err)
{
	memcpy(key->algorithm, KEY_ALGORITHM, sizeof(key->algorithm));
	memcpy(key->checksum_algorithm, KEY_CHECKSUM_ALGORITHM, sizeof(key->checksum_algorithm));
	randombytes_buf(key->core.number, sizeof(key->core.number));
	crypto_sign_keypair(public_half->key, key->core.key);
	checksum_of(key, key->core.checksum);
	memcpy(public_half->algorithm, KEY_ALGORITHM, sizeof(public_half->algorithm));
	memcpy(public_half->number, key->core.number, sizeof(public_half->number));
	if (!password.data)
		return true;
	memcpy(key->derivation, KEY_DERIVATION, sizeof(key->derivation));
	randombytes_buf(key->salt, sizeof(key->salt));
	number_into(key->operations, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE);
	number_into(key->memory, crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE);
	return crypt_core(key, password, err);
}

bool key_generate(
	const char *public_path, const char *secret_path, struct span password, struct error *err)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_UP_TO(KEY_FILE_MAX);
	CLEANUP(buf_release) struct buf open = BUF_UP_TO(KEY_FILE_MAX);
	CLEANUP(secret_key_freep) struct secret_key *key = NULL;
	struct public_key public_half;
	char number[KEY_NUMBER_TEXT];

	/* Asked first, so that nobody waits for scrypt to learn it. */
	if (!must_be_new(public_path, err) || !must_be_new(secret_path, err) ||
		!signature_library(err))
		return false;
	key = secret_key_new(err);
	if (!key || !secret_key_fill(key, &public_half, password, err))
		return error_prefix(err, "new key");
	buf_addf(&open, COMMENT_UNTRUSTED "minisign public key %s\n",
		key_number_text(public_half.number, number));
	signature_encode(&open, &public_half, sizeof(public_half));
	buf_add_byte(&open, '\n');
	buf_addf(&secret, COMMENT_UNTRUSTED "minisign %ssecret key\n",
		password.data ? "encrypted " : "");
	signature_encode(&secret, key, sizeof(*key));
	buf_add_byte(&secret, '\n');
	if (!create_only(secret_path, 0600, buf_span(&secret), err))
		return false;
	if (create_only(public_path, 0644, buf_span(&open), err))
		return true;
	unlink(secret_path); /* half a pair serves nobody */
	return false;
}
