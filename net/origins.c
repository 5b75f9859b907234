/*
 * The one table of origins: scheme, host, port, which secret may go there, and the path below
 * which requests stay [T20]. The gate and the protocols libcurl may speak are read from it.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/net_internal.h"

struct net_origins {
	struct net_origin *rows;
	size_t count, capacity;
};

struct net_origins *net_origins_new(void)
{
	return memory_new(sizeof(struct net_origins));
}

/* The rows own their texts; the struct calls them const for everybody else. */
static void row_release(struct net_origin *row)
{
	memory_free((void *)(uintptr_t)row->scheme);
	memory_free((void *)(uintptr_t)row->host);
	memory_free((void *)(uintptr_t)row->root);
}

void net_origins_free(struct net_origins *origins)
{
	if (!origins)
		return;
	for (size_t i = 0; i < origins->count; i++)
		row_release(&origins->rows[i]);
	memory_free(origins->rows);
	memory_free(origins);
}

size_t origins_count(const struct net_origins *origins)
{
	return origins->count;
}

const struct net_origin *origins_row(const struct net_origins *origins, size_t row)
{
	return &origins->rows[row];
}

static bool host_is_loopback(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0;
}

/* "169.254.x.y" in plain decimal: anything else would be a name, and asked of a resolver. */
static bool host_is_link_local(const char *host)
{
	struct in_addr address;

	return strncmp(host, "169.254.", strlen("169.254.")) == 0 &&
		inet_pton(AF_INET, host, &address) == 1;
}

bool origin_is_direct(const struct net_origin *origin)
{
	return host_is_loopback(origin->host) ||
		(origin->secret == NET_SECRET_IDENTITY && host_is_link_local(origin->host));
}

/* The rule that an origin breaks which would be a fine URL, or NULL. */
static const char *origin_trouble(const struct url_parts *parts, enum net_secret secret)
{
	bool near = host_is_loopback(parts->host) ||
		(secret == NET_SECRET_IDENTITY && host_is_link_local(parts->host));

	if (strcmp(parts->path, "/") != 0 || parts->has_query)
		return "an origin is scheme, host and port, without a path";
	if (parts->port == 0)
		return "port 0 can't be dialled";
	if (secret == NET_SECRET_IDENTITY && !near)
		return "a managed identity endpoint is on the literal 127.0.0.1, [::1] or 169.254.x.y";
	if (strcmp(parts->scheme, "https") == 0)
		return NULL;
	if (strcmp(parts->scheme, "http") != 0)
		return "only https is spoken";
	/* A name such as localhost may resolve to anything. */
	if (!near)
		return "plain http is for a simulator on the literal 127.0.0.1 or [::1] only";
	return NULL;
}

static bool root_is_good(const char *root)
{
	return root[0] == '/' && root[strlen(root) - 1] == '/' && !url_path_trouble(root);
}

static char *lowered(const char *text)
{
	char *copy = memory_text(text);

	for (char *at = copy; *at; at++)
		*at = text_lower(*at);
	return copy;
}

bool net_origins_add(struct net_origins *origins, const char *url, enum net_secret secret,
	const char *root, struct error *err)
{
	CLEANUP(url_parts_release) struct url_parts parts = { 0 };
	const char *trouble = url_parts_read(&parts, url);

	if (!trouble)
		trouble = origin_trouble(&parts, secret);
	if (!trouble && !root_is_good(root))
		trouble = "its root path must begin and end with a slash";
	if (trouble) {
		CLEANUP(buf_release) struct buf host = BUF_UP_TO(512);

		url_add_host_shown(&host, url);
		return error_set(err, ERROR_USAGE,
			"origin \"%s\": %s. Write it as https://host[:port]", buf_text(&host),
			trouble);
	}
	MEMORY_GROW(origins->rows, origins->count, origins->capacity);
	origins->rows[origins->count++] = (struct net_origin){
		.scheme = memory_text(parts.scheme),
		.host = lowered(parts.host),
		.port = parts.port,
		.secret = secret,
		.root = memory_text(root),
	};
	return true;
}
