/*
 * Directory extensions: attributes that an organisation made itself and that Graph shows under
 * names like "extension_7be1c04d9a314c60…_costCentre" (contract 3). Which exist differs from tenant
 * to tenant, so their rows can't stand in the kinds table. They are made when a name is seen for the
 * first time, and stay: as with the table's own rows, two pointers are equal when the names are.
 */
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "directory/directory_internal.h"

#define PREFIX "extension_"

enum { APP_ID_DIGITS = 32 };

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_word(char byte)
{
	char lower = text_lower(byte);

	return byte == '_' || is_digit(byte) || (lower >= 'a' && lower <= 'z');
}

/* "extension_", the application's id without hyphens, "_", letters, digits and underscores. */
static bool is_name(struct span name)
{
	size_t prefix = sizeof(PREFIX) - 1, own = prefix + APP_ID_DIGITS + 1;

	if (name.length <= own || name.length > EXTENSION_NAME_MAX ||
		memcmp(name.data, PREFIX, prefix) != 0 || name.data[own - 1] != '_')
		return false;
	for (size_t i = prefix; i < own - 1; i++)
		if (!is_digit(name.data[i]) && !(name.data[i] >= 'a' && name.data[i] <= 'f'))
			return false;
	for (size_t i = own; i < name.length; i++)
		if (!is_word(name.data[i]))
			return false;
	return true;
}

static struct attribute *new_row(struct span name)
{
	struct attribute *row = memory_new(sizeof(*row));

	*row = (struct attribute){
		.name = memory_text_span(name.data, name.length),
		.name_length = name.length,
		.type = TYPE_EXTENSION,
		.shape = SHAPE_ONE,
		.compare = COMPARE_EXACT,
		.source = SOURCE_SELECT,
		.when_synced = MASTER_DIRECTORY,
		.when_cloud = MASTER_CLOUD,
		.clearable = true,
	};
	row->sync_name = row->audit_name = row->name;
	return row;
}

const struct attribute *attribute_extension(struct span name)
{
	/* Only ever grows; the rows are as good as constant once they are in it. */
	static struct {
		pthread_mutex_t lock;
		struct attribute *rows[EXTENSIONS_KNOWN_MAX];
		size_t count;
	} known = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct attribute *found = NULL;

	if (!is_name(name))
		return NULL;
	pthread_mutex_lock(&known.lock);
	for (size_t i = 0; i < known.count && !found; i++)
		if (span_is(name, known.rows[i]->name))
			found = known.rows[i];
	if (!found && known.count < EXTENSIONS_KNOWN_MAX)
		found = known.rows[known.count++] = new_row(name);
	pthread_mutex_unlock(&known.lock);
	return found;
}
