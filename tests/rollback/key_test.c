/* Keys: kept private, never overwritten, never used when their halves do not match. */
#include "tests/rollback/signing.h"

static void keys_are_private_and_never_overwritten(void **state)
{
	struct bench *bench = *state;
	struct stat status;
	struct error err = { 0 };
	char fresh[96];

	assert_int_equal(stat(bench->secret_key, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	in_folder(bench, fresh, "fresh");
	assert_false(key_generate(fresh, bench->secret_key, NO_PASSWORD, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	err = (struct error){ 0 };
	assert_false(key_generate(bench->public_key, fresh, NO_PASSWORD, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_not_equal(access(fresh, F_OK), 0);
	sign_plan(bench);
}

static void dangling_link_is_not_followed(void **state)
{
	struct bench *bench = *state;
	struct error err = { 0 };
	char link[96], target[96], fresh[96];

	in_folder(bench, link, "link");
	in_folder(bench, target, "target");
	in_folder(bench, fresh, "fresh.pub");
	assert_int_equal(symlink(target, link), 0);
	assert_false(key_generate(fresh, link, NO_PASSWORD, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_int_not_equal(access(target, F_OK), 0);
}

static void pair_without_a_folder_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	struct error err = { 0 };
	char fresh[96], nowhere[96];

	in_folder(bench, fresh, "fresh.key");
	in_folder(bench, nowhere, "no/such/unstage.pub");
	assert_false(key_generate(nowhere, fresh, NO_PASSWORD, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_not_equal(access(fresh, F_OK), 0);
}

static void secret_key_that_others_can_read_is_refused(void **state)
{
	struct bench *bench = *state;
	struct error err = { 0 };

	assert_int_equal(chmod(bench->secret_key, 0644), 0);
	assert_false(
		sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD, "", &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

/* Writes the secret key back after `alter` had its way. */
static void alter_secret(const struct bench *bench, void (*alter)(struct secret_key *key))
{
	CLEANUP(buf_release)
	struct buf text = BUF_UP_TO(KEY_FILE_MAX), file = BUF_UP_TO(KEY_FILE_MAX);
	struct secret_key key;
	struct span rest, line;

	load(bench->secret_key, &file);
	rest = buf_span(&file);
	assert_true(signature_line(&rest, &line) && signature_line(&rest, &line));
	assert_true(signature_decode(line, &key, sizeof(key)));
	alter(&key);
	buf_add_text(&text, "untrusted comment: x\n");
	signature_encode(&text, &key, sizeof(key));
	buf_add_byte(&text, '\n');
	save(bench->secret_key, buf_span(&text));
}

static void no_checksum(struct secret_key *key)
{
	memset(key->core.checksum, 0, sizeof(key->core.checksum));
}

static void other_public_half(struct secret_key *key)
{
	no_checksum(key);
	key->core.key[63] ^= 1;
}

static void other_checksum(struct secret_key *key)
{
	key->core.checksum[0] ^= 1;
}

static void other_algorithm(struct secret_key *key)
{
	key->algorithm[0] = 'X';
}

static void other_derivation(struct secret_key *key)
{
	key->derivation[0] = 'X';
}

static void other_checksum_kind(struct secret_key *key)
{
	key->checksum_algorithm[0] = 'X';
}

static void greedy_derivation(struct secret_key *key)
{
	memcpy(key->derivation, "Sc", 2);
	memset(key->memory, 0xff, sizeof(key->memory));
}

static void damaged_secret_keys_sign_nothing(void **state)
{
	static const struct {
		void (*alter)(struct secret_key *key);
		enum error_kind kind;
		const char *says;
	} cases[] = {
		{ other_public_half, ERROR_REFUSED, "does not belong" },
		{ other_checksum, ERROR_FORMAT, "checksum" },
		{ other_algorithm, ERROR_FORMAT, "not a minisign secret key" },
		{ other_derivation, ERROR_FORMAT, "not a minisign secret key" },
		{ other_checksum_kind, ERROR_FORMAT, "not a minisign secret key" },
		{ greedy_derivation, ERROR_REFUSED, "more memory" },
	};
	struct bench *bench = *state;
	CLEANUP(buf_release) struct buf kept = BUF_UP_TO(KEY_FILE_MAX);

	load(bench->secret_key, &kept);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };

		alter_secret(bench, cases[i].alter);
		assert_false(sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key,
			SPAN_LITERAL("password"), "", &err));
		assert_int_equal(err.kind, cases[i].kind);
		assert_non_null(strstr(err.text, cases[i].says));
		save(bench->secret_key, buf_span(&kept));
	}
	alter_secret(bench, no_checksum);
	sign_plan(bench); /* as minisign -W writes them */
}

static void files_that_are_no_keys_are_called_so(void **state)
{
	static const char *const texts[] = {
		"", "\n", "\n\n", "untrusted comment: x\n", "untrusted comment: x\nAAAA\n",
		"comment\nRWSRH7FjuVJDF6RywVwCWAdWv9H5o1eEhYsw5DtqlZNHeutwhzMVwaBo\n",
		"untrusted comment: x\nRWSRH7FjuVJDF6RywVwCWAdWv9H5o1eEhYsw5DtqlZNHeutwhzMVwaBo",
		"untrusted comment: x\nRWSRH7FjuVJDF6RywVwCWAdWv9H5o1eEhYsw5DtqlZNHeutwhzMVwaBo\n\n",
		"untrusted comment: x\nXWSRH7FjuVJDF6RywVwCWAdWv9H5o1eEhYsw5DtqlZNHeutwhzMVwaBo\n"
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct signature_facts facts;
		struct error err = { 0 };
		bool wants;

		save(bench->public_key, span_of(texts[i]));
		assert_false(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		save(bench->secret_key, span_of(texts[i]));
		err = (struct error){ 0 };
		assert_false(key_wants_password(bench->secret_key, &wants, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void password_opens_its_key_and_no_other_does(void **state)
{
	struct bench *bench = *state;
	struct signature_facts facts;
	struct error err = { 0 };
	bool wants = true;

	assert_true(key_wants_password(bench->secret_key, &wants, &err));
	assert_false(wants);
	in_folder(bench, bench->public_key, "locked.pub");
	in_folder(bench, bench->secret_key, "locked.key");
	if (!key_generate(
		    bench->public_key, bench->secret_key, SPAN_LITERAL("correct horse"), &err))
		fail_msg("%s", err.text);
	assert_true(key_wants_password(bench->secret_key, &wants, &err));
	assert_true(wants);
	assert_false(
		sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD, "", &err));
	assert_int_equal(err.kind, ERROR_AUTH);
	err = (struct error){ 0 };
	assert_false(sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key,
		SPAN_LITERAL("correct house"), "", &err));
	assert_int_equal(err.kind, ERROR_AUTH);
	assert_true(sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key,
		SPAN_LITERAL("correct horse"), "", &err));
	assert_true(verify(bench, SPAN_LITERAL(PLAN_TEXT), &facts, &err));
	assert_string_equal(facts.comment, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(keys_are_private_and_never_overwritten),
		WITH_BENCH(dangling_link_is_not_followed),
		WITH_BENCH(pair_without_a_folder_leaves_nothing),
		WITH_BENCH(secret_key_that_others_can_read_is_refused),
		WITH_BENCH(damaged_secret_keys_sign_nothing),
		WITH_BENCH(files_that_are_no_keys_are_called_so),
		WITH_BENCH(password_opens_its_key_and_no_other_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
