/*
 * When to try again. The server's wish comes first (Retry-After), then a pause that doubles;
 * both with some chance added, so that many programs that failed together do not come back
 * together, and never less than asked: early retries count against the quota.
 */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "net/net.h"

enum {
	BACKOFF_FIRST_MS = 3000,
	JITTER_DIVISOR = 4,   /* up to a quarter on top */
	RETRY_AFTER_MAX = 64, /* bytes of the header worth reading */
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* "2", "2.5": milliseconds, at most the cap. 0 when it is neither. */
static int64_t seconds_wished(struct span text)
{
	int64_t ms = 0, unit = 1000;
	size_t at = 0;

	for (; at < text.length && is_digit(text.data[at]); at++) {
		ms = ms * 10 + (int64_t)(text.data[at] - '0') * 1000;
		if (ms > NET_RETRY_MAX_MS)
			ms = NET_RETRY_MAX_MS;
	}
	if (at == 0)
		return 0;
	if (at < text.length && text.data[at] == '.') {
		for (at++; at < text.length && is_digit(text.data[at]); at++) {
			unit /= 10;
			ms += (text.data[at] - '0') * unit;
		}
	}
	return at == text.length ? ms : 0;
}

/* How long the server wants us to wait; 0 or less when it did not say so sensibly. */
static int64_t wish_ms(struct span retry_after)
{
	char text[RETRY_AFTER_MAX];
	int64_t wished, date;

	if (!retry_after.length || retry_after.length >= sizeof(text))
		return 0;
	wished = seconds_wished(retry_after);
	if (wished > 0)
		return wished;
	memcpy(text, retry_after.data, retry_after.length);
	text[retry_after.length] = '\0';
	return time_parse_http(text, &date) ? date - time_now_ms() : 0;
}

static int64_t backoff_ms(unsigned tries)
{
	int64_t pause = BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < tries && pause < NET_RETRY_MAX_MS; i++)
		pause *= 2;
	return pause;
}

static int64_t with_jitter(int64_t pause)
{
	if (pause > NET_RETRY_MAX_MS)
		pause = NET_RETRY_MAX_MS;
	pause += randombytes_uniform((uint32_t)(pause / JITTER_DIVISOR) + 1);
	return pause > NET_RETRY_MAX_MS ? NET_RETRY_MAX_MS : pause;
}

void net_sleep_ms(int64_t duration_ms)
{
	int64_t end_ms = time_monotonic_ms() + duration_ms;

	for (int64_t left = duration_ms; left > 0 && !interrupted();
		left = end_ms - time_monotonic_ms())
		time_sleep_ms(left);
}

bool retry_pause(struct retry *retry, struct span retry_after, const char *why, int64_t *pause_ms,
	struct error *err)
{
	int64_t now_ms = retry->clock_ms ? retry->clock_ms() : time_monotonic_ms();
	int64_t pause;

	retry->tries++;
	if (retry->tries >= NET_TRIES_MAX)
		return error_set(
			err, ERROR_NETWORK, "%s: given up after try %u", why, retry->tries);
	pause = wish_ms(retry_after);
	pause = with_jitter(pause > 0 ? pause : backoff_ms(retry->tries));
	if (retry->deadline_ms && now_ms + pause > retry->deadline_ms)
		return error_set(err, ERROR_NETWORK,
			"%s: given up after try %u, since waiting %" PRId64
			" s for the next would exceed the time given to this run",
			why, retry->tries, pause / 1000);
	*pause_ms = pause;
	return true;
}

bool retry_wait(struct retry *retry, struct span retry_after, const char *why,
	const struct progress *progress, struct error *err)
{
	int64_t pause;

	if (!retry_pause(retry, retry_after, why, &pause, err))
		return false;
	progress_wait(progress, why, pause);
	if (retry->sleep_ms)
		retry->sleep_ms(pause);
	else
		net_sleep_ms(pause);
	if (interrupted())
		return error_set(err, ERROR_NETWORK, "%s: interrupted while waiting after try %u",
			why, retry->tries);
	return true;
}
