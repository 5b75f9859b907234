/* Signatures: ours, minisign's, and everybody else's. */
#include "tests/rollback/signing.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

/* ---- ours ------------------------------------------------------------------------------- */

static void what_was_signed_verifies_and_tells_its_facts(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_FILE_MAX);
	struct signature_facts facts;
	struct error err = { 0 };

	if (!verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err))
		fail_msg("%s", err.text);
	assert_string_equal(facts.comment, "2 steps, tenant Example");
	load(bench->public_key, &key);
	assert_int_equal(strlen(facts.key_id), 16);
	assert_non_null(strstr(buf_text(&key), facts.key_id));
}

static void second_line_of_a_public_key_is_a_public_key(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(KEY_FILE_MAX);
	struct signature_facts facts;
	struct error err = { 0 };

	load(bench->public_key, &key);
	save(bench->public_key, span_of(strchr(buf_text(&key), '\n') + 1));
	assert_true(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
}

static void every_flipped_bit_of_the_plan_is_refused(void **state)
{
	struct bench *bench = *state;
	char bytes[] = PLAN_TEXT;

	for (size_t i = 0; i < 8 * (sizeof(bytes) - 1); i++) {
		bytes[i / 8] ^= (char)(1 << i % 8);
		assert_refused(bench, (struct span){ bytes, sizeof(bytes) - 1 }, "altered");
		bytes[i / 8] ^= (char)(1 << i % 8);
	}
}

static void every_truncation_and_appended_byte_is_refused(void **state)
{
	struct bench *bench = *state;
	char bytes[] = PLAN_TEXT "\n";

	for (size_t i = 0; i < sizeof(PLAN_TEXT) - 1; i++)
		assert_refused(bench, (struct span){ bytes, i }, "altered");
	for (int byte = 0; byte < 256; byte++) {
		bytes[sizeof(PLAN_TEXT) - 1] = (char)byte;
		assert_refused(bench, (struct span){ bytes, sizeof(PLAN_TEXT) }, "altered");
	}
}

static void every_flipped_bit_of_the_signature_file_is_refused(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX);
	size_t protected;

	load(bench->signature, &file);
	/* The untrusted comment is signed by nobody: only its beginning and its end are ours. */
	protected = (size_t)(strchr(file.data, '\n') - file.data);
	for (size_t i = 8 * protected; i < 8 * file.length; i++) {
		file.data[i / 8] ^= (char)(1 << i % 8);
		save(bench->signature, buf_span(&file));
		assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "");
		file.data[i / 8] ^= (char)(1 << i % 8);
	}
}

static void every_truncation_of_the_signature_file_is_refused(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX);

	load(bench->signature, &file);
	for (size_t i = 0; i < file.length; i++) {
		save(bench->signature, (struct span){ file.data, i });
		assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "line");
	}
	buf_add_byte(&file, '\n');
	save(bench->signature, buf_span(&file));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "behind line 4");
}

static void missing_signature_is_a_refusal(void **state)
{
	struct bench *bench = *state;

	unlink(bench->signature);
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "no signature");
}

static void other_key_is_named_with_the_one_that_signed(void **state)
{
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };
	char secret[96];

	assert_true(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
	in_folder(bench, bench->public_key, "other.pub");
	in_folder(bench, secret, "other.key");
	assert_true(key_generate(bench->public_key, secret, NO_PASSWORD, &err));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "this is key");
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), facts.key_id);
}

static void other_key_under_the_same_id_is_refused(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(KEY_FILE_MAX);
	struct public_key right, wrong;
	struct error err = { 0 };
	char public_path[96], secret[96];

	in_folder(bench, public_path, "other.pub");
	in_folder(bench, secret, "other.key");
	assert_true(key_generate(public_path, secret, NO_PASSWORD, &err));
	assert_true(public_key_load(bench->public_key, &right, &err));
	assert_true(public_key_load(public_path, &wrong, &err));
	memcpy(wrong.number, right.number, sizeof(wrong.number));
	signature_encode(&text, &wrong, sizeof(wrong));
	buf_add_byte(&text, '\n');
	save(bench->public_key, buf_span(&text));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "does not fit");
}

static void file_of_another_purpose_is_neither_signed_nor_taken(void **state)
{
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };

	save(bench->plan, SPAN_LITERAL(STATEMENT_TEXT));
	assert_false(
		sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD, "", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	err = (struct error){ 0 };
	assert_true(sign_file(bench->plan, SIGNATURE_SNAPSHOT_STATEMENT, bench->secret_key,
		NO_PASSWORD, "", &err));
	assert_true(signature_verify(SPAN_LITERAL(STATEMENT_TEXT), SIGNATURE_SNAPSHOT_STATEMENT,
		bench->signature, bench->public_key, &facts, &err));
	assert_refused(bench, SPAN_LITERAL(STATEMENT_TEXT), "not as an unstage plan");
}

/* What begins with one purpose, signed for it, is refused for every other. */
static void each_purpose_is_refused_with_each_other_purposes_signature(void **state)
{
	static const struct {
		enum signature_purpose purpose;
		const char *text;
	} files[] = {
		{ SIGNATURE_PLAN, PLAN_TEXT },
		{ SIGNATURE_SNAPSHOT_STATEMENT, STATEMENT_TEXT },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct error err = { 0 };

		save(bench->plan, span_of(files[i].text));
		assert_true(sign_file(
			bench->plan, files[i].purpose, bench->secret_key, NO_PASSWORD, "", &err));
		for (size_t other = 0; other < COUNT_OF(files); other++) {
			struct signature_facts facts;
			bool taken = signature_verify(span_of(files[i].text), files[other].purpose,
				bench->signature, bench->public_key, &facts, &err);

			assert_int_equal(taken, other == i);
			/* Nor is the one signature over the other's bytes. */
			taken = signature_verify(span_of(files[other].text), files[other].purpose,
				bench->signature, bench->public_key, &facts, &err);
			assert_int_equal(taken, other == i);
		}
	}
}

/* The vector of docs/FORMAT-snapshot.md. */
#define TINY TEST_DATA "/snapshots/tiny"

static bool verify_tiny(struct span statement, struct error *err)
{
	struct signature_facts facts;

	return signature_verify(statement, SIGNATURE_SNAPSHOT_STATEMENT,
		TINY ".jsonl.zst.statement.minisig", TINY ".pub", &facts, err);
}

static void assert_tiny_refused(struct span statement)
{
	struct error err = { 0 };

	assert_false(verify_tiny(statement, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void the_frozen_statement_verifies_and_nothing_near_it(void **state)
{
	CLEANUP(buf_release) struct buf statement = BUF_UP_TO(SIGNATURE_FILE_MAX);
	struct error err = { 0 };

	(void)state;
	load(TINY ".jsonl.zst.statement", &statement);
	if (!verify_tiny(buf_span(&statement), &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 8 * statement.length; i++) {
		statement.data[i / 8] ^= (char)(1 << i % 8);
		assert_tiny_refused(buf_span(&statement));
		statement.data[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t i = 0; i < statement.length; i++)
		assert_tiny_refused((struct span){ statement.data, i });
	buf_add_byte(&statement, '\n');
	assert_tiny_refused(buf_span(&statement));
}

static void purpose_is_more_than_a_beginning(void **state)
{
	static const char *const texts[] = { "", "{}", "{\"format\":\"unstage-plan/1",
		"{\"format\":\"unstage-plan/11\",", "{\"format\":\"unstage-plan/2\",",
		" {\"format\":\"unstage-plan/1\"," };
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct error err = { 0 };

		save(bench->plan, span_of(texts[i]));
		assert_false(sign_file(
			bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD, "", &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

/* ---- odd signature files ---------------------------------------------------------------- */

/* Signs the plan as an attacker with a valid key could: any marker, any comment. */
static void forge(
	const struct bench *bench, const char *algorithm, bool prehashed, struct span comment)
{
	CLEANUP(secret_key_freep) struct secret_key *key = NULL;
	CLEANUP(buf_release)
	struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX), global = BUF_UP_TO(SIGNATURE_FILE_MAX);
	struct error err = { 0 };
	struct signature signature;
	uint8_t hash[64], over_comment[64];

	key = secret_key_load(bench->secret_key, NO_PASSWORD, &err);
	assert_non_null(key);
	memcpy(signature.algorithm, algorithm, 2);
	memcpy(signature.number, key->core.number, sizeof(signature.number));
	crypto_generichash(hash, 64, (const uint8_t *)PLAN_TEXT, sizeof(PLAN_TEXT) - 1, NULL, 0);
	crypto_sign_detached(signature.bytes, NULL, prehashed ? hash : (const uint8_t *)PLAN_TEXT,
		prehashed ? sizeof(hash) : sizeof(PLAN_TEXT) - 1, key->core.key);
	buf_add(&global, signature.bytes, sizeof(signature.bytes));
	buf_add_span(&global, comment);
	crypto_sign_detached(
		over_comment, NULL, (const uint8_t *)global.data, global.length, key->core.key);
	buf_add_text(&file, "untrusted comment: x\n");
	signature_encode(&file, &signature, sizeof(signature));
	buf_add_text(&file, "\ntrusted comment: ");
	buf_add_span(&file, comment);
	buf_add_byte(&file, '\n');
	signature_encode(&file, over_comment, sizeof(over_comment));
	buf_add_byte(&file, '\n');
	save(bench->signature, buf_span(&file));
}

static void legacy_kind_is_refused_by_name(void **state)
{
	struct bench *bench = *state;

	forge(bench, "Ed", false, SPAN_LITERAL("x"));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "legacy");
	forge(bench, "Ed", true, SPAN_LITERAL("x"));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "legacy");
	forge(bench, "ED", false, SPAN_LITERAL("x"));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "does not fit");
	forge(bench, "eD", true, SPAN_LITERAL("x"));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "unknown kind");
}

static void odd_trusted_comments_are_refused_though_signed(void **state)
{
	static const char *const comments[] = { "a\rb", "a\x1b[2J", "\x7f", "\xc2\x85", "\xff",
		"a\x08" };
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };
	char longest[600];

	for (size_t i = 0; i < COUNT_OF(comments); i++) {
		forge(bench, "ED", true, span_of(comments[i]));
		assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "control");
	}
	forge(bench, "ED", true, (struct span){ "a\0b", 3 });
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "control");
	memset(longest, 'x', sizeof(longest));
	forge(bench, "ED", true, (struct span){ longest, sizeof(facts.comment) });
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "longer");
	forge(bench, "ED", true, (struct span){ longest, sizeof(facts.comment) - 1 });
	assert_true(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
	forge(bench, "ED", true, SPAN_LITERAL("timestamp:1\tfile:plan.json\thashed"));
	assert_true(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
}

static void odd_comment_is_not_signed(void **state)
{
	static const char *const comments[] = { "two\nlines", "bare\rreturn", "\x1b[2J" };
	struct bench *bench = *state;
	char longest[513];

	memset(longest, 'x', 512);
	longest[512] = '\0';
	for (size_t i = 0; i <= COUNT_OF(comments); i++) {
		struct error err = { 0 };

		assert_false(sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD,
			i < COUNT_OF(comments) ? comments[i] : longest, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void exchanged_comment_is_refused(void **state)
{
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX);
	char *comment;

	load(bench->signature, &file);
	comment = strstr(file.data, "2 steps");
	assert_non_null(comment);
	*comment = '9';
	save(bench->signature, buf_span(&file));
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "trusted comment was altered");
}

static void base64_has_one_spelling(void **state)
{
	static const char *const insertions[] = { " ", "\t", "=", "\r", "A" };
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(SIGNATURE_FILE_MAX);
	char *line;

	load(bench->signature, &file);
	line = strchr(file.data, '\n') + 1;
	for (size_t i = 0; i < COUNT_OF(insertions); i++) {
		CLEANUP(buf_release) struct buf odd = BUF_UP_TO(SIGNATURE_FILE_MAX);
		size_t end = (size_t)(strchr(line, '\n') - file.data);

		buf_add(&odd, file.data, end);
		buf_add_text(&odd, insertions[i]);
		buf_add_text(&odd, file.data + end);
		save(bench->signature, buf_span(&odd));
		assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "line 2");
	}
}

/* ---- minisign's ------------------------------------------------------------------------- */

/* Its exit status, or -1 where there is no such program. Its output goes nowhere. */
static int minisign(const char *const arguments[])
{
	posix_spawn_file_actions_t actions;
	int status, failed;
	pid_t child;

	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), 0);
	assert_int_equal(
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
	failed = posix_spawnp(
		&child, "minisign", &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return -1;
	while (waitpid(child, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define MINISIGN(...) minisign((const char *const[]){ "minisign", __VA_ARGS__, NULL })

static void need_minisign(void)
{
	if (MINISIGN("-v") == 0)
		return;
	print_message("skipped: the minisign program is not here\n");
	skip();
}

static void minisign_verifies_ours(void **state)
{
	struct bench *bench = *state;

	need_minisign();
	assert_int_equal(MINISIGN("-V", "-m", bench->plan, "-p", bench->public_key), 0);
	save(bench->plan, SPAN_LITERAL(PLAN_TEXT " "));
	assert_int_not_equal(MINISIGN("-V", "-m", bench->plan, "-p", bench->public_key), 0);
}

static void ours_verifies_minisigns_and_takes_its_keys(void **state)
{
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };

	need_minisign();
	in_folder(bench, bench->public_key, "mini.pub");
	in_folder(bench, bench->secret_key, "mini.key");
	assert_int_equal(MINISIGN("-G", "-W", "-p", bench->public_key, "-s", bench->secret_key), 0);
	unlink(bench->signature);
	assert_int_equal(MINISIGN("-S", "-m", bench->plan, "-s", bench->secret_key), 0);
	if (!verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err))
		fail_msg("%s", err.text);
	assert_non_null(strstr(facts.comment, "plan.json"));
	assert_int_equal(MINISIGN("-S", "-l", "-m", bench->plan, "-s", bench->secret_key), 0);
	assert_refused(bench, SPAN_LITERAL(PLAN_TEXT), "legacy");
	sign_plan(bench); /* with minisign's key */
	assert_int_equal(MINISIGN("-V", "-m", bench->plan, "-p", bench->public_key), 0);
}

static void minisign_signs_with_our_key(void **state)
{
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };

	need_minisign();
	unlink(bench->signature);
	assert_int_equal(MINISIGN("-S", "-W", "-m", bench->plan, "-s", bench->secret_key), 0);
	if (!verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err))
		fail_msg("%s", err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(what_was_signed_verifies_and_tells_its_facts),
		WITH_BENCH(second_line_of_a_public_key_is_a_public_key),
		WITH_BENCH(every_flipped_bit_of_the_plan_is_refused),
		WITH_BENCH(every_truncation_and_appended_byte_is_refused),
		WITH_BENCH(every_flipped_bit_of_the_signature_file_is_refused),
		WITH_BENCH(every_truncation_of_the_signature_file_is_refused),
		WITH_BENCH(missing_signature_is_a_refusal),
		WITH_BENCH(other_key_is_named_with_the_one_that_signed),
		WITH_BENCH(other_key_under_the_same_id_is_refused),
		WITH_BENCH(file_of_another_purpose_is_neither_signed_nor_taken),
		WITH_BENCH(each_purpose_is_refused_with_each_other_purposes_signature),
		cmocka_unit_test(the_frozen_statement_verifies_and_nothing_near_it),
		WITH_BENCH(purpose_is_more_than_a_beginning),
		WITH_BENCH(legacy_kind_is_refused_by_name),
		WITH_BENCH(odd_trusted_comments_are_refused_though_signed),
		WITH_BENCH(odd_comment_is_not_signed),
		WITH_BENCH(exchanged_comment_is_refused),
		WITH_BENCH(base64_has_one_spelling),
		WITH_BENCH(minisign_verifies_ours),
		WITH_BENCH(ours_verifies_minisigns_and_takes_its_keys),
		WITH_BENCH(minisign_signs_with_our_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
