/*
 * A simulator's life: options, seed, clock, lock, and the identity of the tenant. Everything
 * random comes from the seed, so that a failing story can be told again word by word; a database
 * that is opened again continues with fresh randomness under the identity it was born with.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/token.h"

/* One key for each purpose, so that the secret says nothing about the ids. */
static void derive(uint8_t key[static SIMULATOR_KEY_BYTES], uint64_t seed, const char *purpose,
	uint64_t number)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "unstage-simulator/1 %s %" PRIu64 " %" PRIu64,
		purpose, seed, number);

	crypto_generichash(
		key, SIMULATOR_KEY_BYTES, (const unsigned char *)text, (size_t)length, NULL, 0);
}

static void refill(struct simulator *simulator)
{
	uint8_t seed[randombytes_SEEDBYTES];
	uint8_t number[8];

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(simulator->pool_number >> (8 * i));
	simulator->pool_number++;
	crypto_generichash(
		seed, sizeof(seed), number, sizeof(number), simulator->key, sizeof(simulator->key));
	randombytes_buf_deterministic(simulator->pool, sizeof(simulator->pool), seed);
	simulator->pool_used = 0;
}

uint64_t simulator_random(struct simulator *simulator)
{
	uint64_t value = 0;

	if (simulator->pool_used + sizeof(value) > sizeof(simulator->pool))
		refill(simulator);
	for (size_t i = 0; i < sizeof(value); i++)
		value = value << 8 | simulator->pool[simulator->pool_used++];
	return value;
}

uint64_t simulator_random_below(struct simulator *simulator, uint64_t limit)
{
	/* The bias of the remainder is far below what any story could notice. */
	return limit ? simulator_random(simulator) % limit : 0;
}

void simulator_shuffle(struct simulator *simulator, json_t *array)
{
	for (size_t left = json_array_size(array); left > 1; left--) {
		size_t other = (size_t)simulator_random_below(simulator, left);
		json_t *last = json_incref(json_array_get(array, left - 1));

		json_array_set(array, left - 1, json_array_get(array, other));
		json_array_set_new(array, other, last);
	}
}

static char *guid_text(uint64_t high, uint64_t low, char text[static GUID_TEXT_BYTES])
{
	high = (high & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
	snprintf(text, GUID_TEXT_BYTES, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
		(unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
		low & UINT64_C(0xffffffffffff));
	return text;
}

char *simulator_guid(struct simulator *simulator, char text[static GUID_TEXT_BYTES])
{
	uint64_t high = simulator_random(simulator), low = simulator_random(simulator);

	return guid_text(high, low, text);
}

char *simulator_fixed_guid(
	const struct simulator *simulator, const char *purpose, char text[static GUID_TEXT_BYTES])
{
	uint64_t halves[2];

	crypto_generichash((unsigned char *)halves, sizeof(halves), (const unsigned char *)purpose,
		strlen(purpose), (const unsigned char *)simulator->tenant_id,
		strlen(simulator->tenant_id));
	return guid_text(halves[0], halves[1], text);
}

/* As Entra shapes them: 40 characters, a "Q~" after the first four. */
static void new_secret(struct simulator *simulator)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~";

	for (size_t i = 0; i < SIMULATOR_SECRET_CHARACTERS; i++)
		simulator->secret[i] =
			alphabet[simulator_random_below(simulator, sizeof(alphabet) - 1)];
	simulator->secret[3] = '8';
	simulator->secret[4] = 'Q';
	simulator->secret[5] = '~';
}

static bool keep(
	struct simulator *simulator, const char *name, char *value, size_t size, struct error *err)
{
	CLEANUP(memory_freep) char *kept = store_setting(simulator, name);

	if (!kept)
		return store_set_setting(simulator, name, value, err);
	snprintf(value, size, "%s", kept);
	return true;
}

static bool make_identity(struct simulator *simulator, struct error *err)
{
	derive(simulator->page_key, simulator->options.seed, "pages", 0);
	derive(simulator->key, simulator->options.seed, "identity", 0);
	refill(simulator);
	simulator_guid(simulator, simulator->tenant_id);
	simulator_guid(simulator, simulator->client_id);
	simulator_guid(simulator, simulator->principal_id);
	new_secret(simulator);
	simulator_guid(simulator, simulator->identity_header);
	if (simulator->options.tenant_id)
		snprintf(simulator->tenant_id, sizeof(simulator->tenant_id), "%s",
			simulator->options.tenant_id);
	return keep(simulator, "tenant", simulator->tenant_id, sizeof(simulator->tenant_id), err) &&
		keep(simulator, "client", simulator->client_id, sizeof(simulator->client_id),
			err) &&
		keep(simulator, "principal", simulator->principal_id,
			sizeof(simulator->principal_id), err) &&
		keep(simulator, "secret", simulator->secret, sizeof(simulator->secret), err);
}

/* A database opened again must not draw the ids it drew before. */
static bool start_randomness(struct simulator *simulator, struct error *err)
{
	CLEANUP(memory_freep) char *kept = store_setting(simulator, "opened");
	uint64_t opened = kept ? strtoull(kept, NULL, 10) + 1 : 1;
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, opened);
	derive(simulator->key, simulator->options.seed, "story", opened);
	simulator->pool_number = 0;
	refill(simulator);
	return store_set_setting(simulator, "opened", text, err);
}

static void copy_options(struct simulator *simulator, const struct simulator_options *options)
{
	simulator->options = *options;
	simulator->options.database = memory_text(options->database);
	simulator->options.tenant_id = memory_text(options->tenant_id);
	simulator->options.graph_url = memory_text(options->graph_url);
	simulator->options.deny = memory_text(options->deny);
	simulator->options.grant = memory_text(options->grant);
	simulator->options.fail_code = memory_text(options->fail_code);
	simulator->options.page_fault_list = memory_text(options->page_fault_list);
	simulator->now_ms = options->now_ms;
}

static void init_lock(struct simulator *simulator)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&simulator->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

struct simulator *simulator_open(const struct simulator_options *options, struct error *err)
{
	CLEANUP(simulator_closep) struct simulator *simulator = memory_new(sizeof(*simulator));

	init_lock(simulator);
	simulator->trust = trust_new();
	copy_options(simulator, options);
	if (sodium_init() < 0) {
		error_set(err, ERROR_SYSTEM, "simulator: libsodium can't start");
		return NULL;
	}
	if (options->tenant_id && !text_is_guid(span_of(options->tenant_id))) {
		error_set(err, ERROR_USAGE, "simulator: tenant %s is no GUID", options->tenant_id);
		return NULL;
	}
	if (!faults_check(options, err) || !store_open(simulator, err) ||
		!make_identity(simulator, err) || !start_randomness(simulator, err))
		return NULL;
	return TAKE(simulator);
}

void simulator_close(struct simulator *simulator)
{
	if (!simulator)
		return;
	store_close(simulator);
	json_decref(simulator->audit.targets);
	json_decref(simulator->audit.properties);
	json_decref(simulator->audit.initiated_by);
	memory_free((char *)simulator->options.database);
	memory_free((char *)simulator->options.tenant_id);
	memory_free((char *)simulator->options.graph_url);
	memory_free((char *)simulator->options.deny);
	memory_free((char *)simulator->options.grant);
	memory_free((char *)simulator->options.fail_code);
	memory_free((char *)simulator->options.page_fault_list);
	memory_free(simulator->faults.loop[0]);
	memory_free(simulator->faults.loop[1]);
	trust_free(simulator->trust);
	pthread_mutex_destroy(&simulator->lock);
	memory_free(simulator);
}

void simulator_lock(struct simulator *simulator)
{
	pthread_mutex_lock(&simulator->lock);
}

void simulator_unlock(struct simulator *simulator)
{
	pthread_mutex_unlock(&simulator->lock);
}

const char *simulator_tenant(const struct simulator *simulator)
{
	return simulator->tenant_id;
}

const char *simulator_client_id(const struct simulator *simulator)
{
	return simulator->client_id;
}

const char *simulator_client_secret(const struct simulator *simulator)
{
	return simulator->secret;
}

const char *simulator_identity_header(const struct simulator *simulator)
{
	return simulator->identity_header;
}

int64_t simulator_now_ms(const struct simulator *simulator)
{
	return simulator->now_ms;
}

void simulator_set_now_ms(struct simulator *simulator, int64_t now_ms)
{
	simulator_lock(simulator);
	simulator->now_ms = now_ms;
	simulator->set_at_ms = time_monotonic_ms();
	simulator_unlock(simulator);
}

const struct simulator_options *simulator_settings(const struct simulator *simulator)
{
	return &simulator->options;
}

sqlite3 *simulator_database(struct simulator *simulator)
{
	return simulator->database;
}

struct actor simulator_actor_us(const struct simulator *simulator)
{
	return (struct actor){
		.role = ACTOR_APP_US,
		.is_app = true,
		.id = simulator->principal_id,
		.app_id = simulator->client_id,
		.name = "unstage",
		.door = "graph",
	};
}
