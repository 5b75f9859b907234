/* A folder with a key pair and a signed plan, for the tests of keys and signatures. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "rollback/signature_internal.h"

#define PLAN_TEXT                                                                                  \
	"{\"format\":\"unstage-plan/1\",\"tenant\":\"d0000000-0000-4000-8000-000000000001\"}\n"
#define STATEMENT_TEXT "{\"format\":\"unstage-snapshot-statement/1\",\"tenant\":\"d\"}\n"
#define NO_PASSWORD    SPAN_NONE

/* A folder of its own for each test, with a key without a password and a signed plan. */
struct bench {
	char folder[64];
	char plan[96], signature[112], public_key[96], secret_key[96];
};

static inline void in_folder(const struct bench *bench, char path[static 96], const char *name)
{
	snprintf(path, 96, "%s/%s", bench->folder, name);
}

static inline void save(const char *path, struct span content)
{
	struct error err = { 0 };

	if (!file_save(path, content, &err))
		fail_msg("%s", err.text);
}

/* Reads the file and signs what was read. */
static inline bool sign_file(const char *path, enum signature_purpose purpose,
	const char *secret_key, struct span password, const char *comment, struct error *err)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_FILE_MAX);

	return file_load(path, PLAN_FILE_MAX, &bytes, err) &&
		signature_make(path, buf_span(&bytes), purpose, secret_key, password, comment, err);
}

static inline void sign_plan(const struct bench *bench)
{
	struct error err = { 0 };

	if (!sign_file(bench->plan, SIGNATURE_PLAN, bench->secret_key, NO_PASSWORD,
		    "2 steps, tenant Example", &err))
		fail_msg("%s", err.text);
}

static inline int set_up(void **state)
{
	struct bench *bench = memory_new(sizeof(*bench));
	struct error err = { 0 };

	strcpy(bench->folder, "/tmp/unstage-signature-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	in_folder(bench, bench->plan, "plan.json");
	snprintf(bench->signature, sizeof(bench->signature), "%s.minisig", bench->plan);
	in_folder(bench, bench->public_key, "unstage.pub");
	in_folder(bench, bench->secret_key, "unstage.key");
	save(bench->plan, SPAN_LITERAL(PLAN_TEXT));
	if (!key_generate(bench->public_key, bench->secret_key, NO_PASSWORD, &err))
		fail_msg("%s", err.text);
	sign_plan(bench);
	*state = bench;
	return 0;
}

static inline int remove_entry(
	const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int tear_down(void **state)
{
	struct bench *bench = *state;

	nftw(bench->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	memory_free(bench);
	return 0;
}

static inline bool verify(const struct bench *bench, struct span bytes,
	struct signature_facts *facts, struct error *err)
{
	return signature_verify(
		bytes, SIGNATURE_PLAN, bench->signature, bench->public_key, facts, err);
}

static inline void assert_refused(const struct bench *bench, struct span bytes, const char *says)
{
	struct signature_facts facts = { 0 };
	struct error err = { 0 };

	assert_false(verify(bench, bytes, &facts, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" does not say %s", err.text, says);
	assert_int_equal(facts.key_id[0], '\0');
}

static inline void load(const char *path, struct buf *out)
{
	struct error err = { 0 };

	if (!file_load(path, SIGNATURE_FILE_MAX, out, &err))
		fail_msg("%s", err.text);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
