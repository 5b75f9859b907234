/*
 * Signatures, exactly as minisign has them (`minisign -Vm plan.json -p unstage.pub`):
 *
 *	untrusted comment: <anything>
 *	base64("ED", key id, Ed25519 over BLAKE2b-512 of the file)
 *	trusted comment: <text>
 *	base64(Ed25519 over the 64 bytes of the first signature, then <text>)
 *
 * Only the prehashed kind. The marker bytes are not themselves signed, so with the legacy kind
 * ("Ed") allowed, a signature over one kind could be presented as the other.
 *
 * Four lines, each ended by LF, and nothing behind them. The trusted comment decides nothing.
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "rollback/signature_internal.h"

enum { HASH_BYTES = crypto_generichash_BYTES_MAX };

_Static_assert(HASH_BYTES == 64, "BLAKE2b-512");

/* The first bytes of what may be signed [T14]. */
static const struct {
	const char *first_bytes, *name;
} purposes[] = {
	[SIGNATURE_PLAN] = { "{\"format\":\"unstage-plan/1\",", "an unstage plan, version 1" },
	[SIGNATURE_SNAPSHOT_STATEMENT] = { "{\"format\":\"unstage-snapshot-statement/1\",",
		"an unstage snapshot statement, version 1" },
};

static bool has_purpose(struct span bytes, enum signature_purpose purpose)
{
	struct span first = span_of(purposes[purpose].first_bytes);

	return bytes.length >= first.length && memcmp(bytes.data, first.data, first.length) == 0;
}

static void hash_of(struct span bytes, uint8_t hash[static HASH_BYTES])
{
	crypto_generichash(hash, HASH_BYTES, (const uint8_t *)bytes.data, bytes.length, NULL, 0);
}

/*
 * UTF-8 without control characters, carriage returns among them: they let a comment look like
 * another on a terminal. A tab is fine, since minisign's own comment has three of them.
 */
static bool comment_is_plain(struct span comment)
{
	size_t at = 0;

	while (at < comment.length) {
		uint32_t scalar;

		if (!text_scalar(comment, &at, &scalar))
			return false;
		if (scalar != '\t' && (scalar < 0x20 || (scalar >= 0x7f && scalar < 0xa0)))
			return false;
	}
	return true;
}

/* What the second signature covers: the first one, and the trusted comment. */
static void add_global(struct buf *out, const struct signature *signature, struct span comment)
{
	buf_add(out, signature->bytes, sizeof(signature->bytes));
	buf_add_span(out, comment);
}

/* ---- making ----------------------------------------------------------------------------- */

static bool sign(const struct secret_key *key, const void *bytes, size_t length,
	uint8_t signature[static crypto_sign_BYTES], struct error *err)
{
	const uint8_t *public_half = key->core.key + crypto_sign_SEEDBYTES;

	crypto_sign_detached(signature, NULL, bytes, length, key->core.key);
	/* A fault of the machine while signing can give the key away: nothing leaves unverified. */
	if (crypto_sign_verify_detached(signature, bytes, length, public_half) != 0)
		return error_set(err, ERROR_SYSTEM,
			"the new signature does not verify; this machine "
			"computes wrongly");
	return true;
}

static bool add_signature_file(struct buf *out, struct span bytes, const struct secret_key *key,
	struct span comment, struct error *err)
{
	CLEANUP(buf_release) struct buf global = BUF_UP_TO(SIGNATURE_FILE_MAX);
	struct signature signature;
	uint8_t hash[HASH_BYTES], global_signature[crypto_sign_BYTES];
	char number[KEY_NUMBER_TEXT];

	memcpy(signature.algorithm, SIGNATURE_ALGORITHM, sizeof(signature.algorithm));
	memcpy(signature.number, key->core.number, sizeof(signature.number));
	hash_of(bytes, hash);
	if (!sign(key, hash, sizeof(hash), signature.bytes, err))
		return false;
	add_global(&global, &signature, comment);
	if (!sign(key, global.data, global.length, global_signature, err))
		return false;
	buf_addf(out, COMMENT_UNTRUSTED "signature from unstage with key %s\n",
		key_number_text(signature.number, number));
	signature_encode(out, &signature, sizeof(signature));
	buf_addf(out, "\n" COMMENT_TRUSTED "%.*s\n", SPAN_FORMAT(comment));
	signature_encode(out, global_signature, sizeof(global_signature));
	buf_add_byte(out, '\n');
	return buf_check(out, "signature file", err);
}

bool signature_make(const char *path, struct span bytes, enum signature_purpose purpose,
	const char *secret_key_path, struct span password, const char *trusted_comment,
	struct error *err)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX);
	CLEANUP(buf_release) struct buf file_name = BUF_UP_TO(SIGNATURE_FILE_MAX);
	CLEANUP(secret_key_freep) struct secret_key *key = NULL;
	struct span comment = span_of(trusted_comment);

	if (!signature_library(err))
		return false;
	if (!has_purpose(bytes, purpose))
		return error_set(err, ERROR_FORMAT, "%s: not %s, so it is not signed as one", path,
			purposes[purpose].name);
	if (comment.length >= sizeof(((struct signature_facts *)NULL)->comment) ||
		!comment_is_plain(comment))
		return error_set(err, ERROR_USAGE,
			"the trusted comment is too long, or has control "
			"characters");
	key = secret_key_load(secret_key_path, password, err);
	if (!key)
		return false;
	if (!add_signature_file(&file, bytes, key, comment, err))
		return error_prefix(err, "signing %s", path);
	buf_addf(&file_name, "%s.minisig", path);
	return buf_check(&file_name, "file name", err) &&
		file_save(buf_text(&file_name), buf_span(&file), err);
}

/* ---- verifying -------------------------------------------------------------------------- */

struct signature_file {
	struct signature signature;
	struct span comment; /* trusted; borrowed from the file's bytes */
	uint8_t global[crypto_sign_BYTES];
};

static bool cut_prefix(struct span *line, const char *prefix)
{
	size_t length = strlen(prefix);

	if (line->length < length || memcmp(line->data, prefix, length) != 0)
		return false;
	*line = (struct span){ line->data + length, line->length - length };
	return true;
}

static bool signature_file_parse(
	struct span content, struct signature_file *file, struct error *err)
{
	struct span rest = content, untrusted, first, global;

	if (!signature_line(&rest, &untrusted) || !cut_prefix(&untrusted, COMMENT_UNTRUSTED))
		return error_set(err, ERROR_REFUSED, "line 1: not \"" COMMENT_UNTRUSTED "…\"");
	if (!signature_line(&rest, &first) ||
		!signature_decode(first, &file->signature, sizeof(file->signature)))
		return error_set(err, ERROR_REFUSED, "line 2: not the base64 of a signature");
	if (memcmp(file->signature.algorithm, KEY_ALGORITHM, 2) == 0)
		return error_set(err, ERROR_REFUSED,
			"line 2: a signature of the legacy kind, whose "
			"marker is not protected; sign again without -l");
	if (memcmp(file->signature.algorithm, SIGNATURE_ALGORITHM, 2) != 0)
		return error_set(err, ERROR_REFUSED, "line 2: an unknown kind of signature");
	if (!signature_line(&rest, &file->comment) || !cut_prefix(&file->comment, COMMENT_TRUSTED))
		return error_set(err, ERROR_REFUSED, "line 3: not \"" COMMENT_TRUSTED "…\"");
	if (!comment_is_plain(untrusted) || !comment_is_plain(file->comment))
		return error_set(err, ERROR_REFUSED,
			"a comment has control characters, carriage "
			"returns, or is not UTF-8");
	if (!signature_line(&rest, &global) ||
		!signature_decode(global, file->global, sizeof(file->global)))
		return error_set(err, ERROR_REFUSED, "line 4: not the base64 of a signature");
	if (rest.length)
		return error_set(err, ERROR_REFUSED, "%zu bytes behind line 4", rest.length);
	return true;
}

static bool check_key(
	const struct signature_file *file, const struct public_key *key, struct error *err)
{
	char signer[KEY_NUMBER_TEXT], given[KEY_NUMBER_TEXT];

	if (memcmp(file->signature.number, key->number, sizeof(key->number)) == 0)
		return true;
	return error_set(err, ERROR_REFUSED, "signed by key %s, this is key %s",
		key_number_text(file->signature.number, signer),
		key_number_text(key->number, given));
}

static bool check_signatures(const struct signature_file *file, const struct public_key *key,
	struct span bytes, struct error *err)
{
	CLEANUP(buf_release) struct buf global = BUF_UP_TO(SIGNATURE_FILE_MAX);
	uint8_t hash[HASH_BYTES];

	hash_of(bytes, hash);
	if (crypto_sign_verify_detached(file->signature.bytes, hash, sizeof(hash), key->key) != 0)
		return error_set(err, ERROR_REFUSED,
			"the signature does not fit: the file was altered "
			"after it was signed, or the signature was");
	add_global(&global, &file->signature, file->comment);
	if (crypto_sign_verify_detached(
		    file->global, (const uint8_t *)global.data, global.length, key->key) != 0)
		return error_set(
			err, ERROR_REFUSED, "the trusted comment was altered after it was signed");
	return true;
}

/* A signature that can't be read is none: the caller has to refuse either way. */
static bool load_signature(const char *path, struct buf *content, struct error *err)
{
	struct error cause = { 0 };

	if (file_load(path, SIGNATURE_FILE_MAX, content, &cause))
		return true;
	return error_set(err, ERROR_REFUSED, "no signature: %s", cause.text);
}

bool signature_verify(struct span bytes, enum signature_purpose purpose, const char *signature_path,
	const char *public_key_path, struct signature_facts *facts, struct error *err)
{
	CLEANUP(buf_release) struct buf content = BUF_UP_TO(SIGNATURE_FILE_MAX);
	struct public_key key;
	struct signature_file file;

	if (!signature_library(err) || !public_key_load(public_key_path, &key, err) ||
		!load_signature(signature_path, &content, err))
		return false;
	if (!signature_file_parse(buf_span(&content), &file, err) || !check_key(&file, &key, err) ||
		!check_signatures(&file, &key, bytes, err))
		return error_prefix(err, "%s", signature_path);
	if (!has_purpose(bytes, purpose))
		return error_set(err, ERROR_REFUSED, "%s: signed, but not as %s", signature_path,
			purposes[purpose].name);
	if (file.comment.length >= sizeof(facts->comment))
		return error_set(err, ERROR_REFUSED,
			"%s: the trusted comment is longer than %zu bytes", signature_path,
			sizeof(facts->comment) - 1);
	key_number_text(key.number, facts->key_id);
	memcpy(facts->comment, file.comment.data, file.comment.length);
	facts->comment[file.comment.length] = '\0';
	return true;
}
