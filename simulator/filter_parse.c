/*
 * $filter, as much of its grammar as the documentation promises for directory objects:
 *
 *	or := and { "or" and }     and := term { "and" term }
 *	term := "(" or ")" | "not" term | startsWith(path,'x') | endsWith(path,'x')
 *	      | path/any(v:comparison over v) | path op literal | path in ('x','y')
 *
 * What a property can be compared with, and whether that needs advanced mode, comes from the
 * field function; everything else answers 400 Request_UnsupportedQuery (contract 2.5, 2.6).
 */
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/filter_tree.h"

enum { FILTER_TERMS_MAX = 64, FILTER_LITERAL_MAX = 4096, FILTER_PATH_MAX = 256 };

struct parser {
	struct exchange *exchange;
	filter_field_function *field;
	const void *context;
	const char *at;
	unsigned terms; /* bounds the recursion too */
	/* inside any(v:…): the variable, and what it stands for */
	char variable[32];
	char collection[FILTER_PATH_MAX];
};

static struct filter *parse_or(struct parser *parser);

static struct filter *malformed(struct parser *parser)
{
	exchange_refuse(parser->exchange, 400, "Request_BadRequest",
		"Invalid filter clause: syntax error at '%.64s'.", parser->at);
	return NULL;
}

static struct filter *unsupported(struct parser *parser, const char *path)
{
	exchange_refuse(parser->exchange, 400, "Request_UnsupportedQuery",
		"Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.",
		path, parser->exchange->segments[0]);
	return NULL;
}

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->at, " ");
}

static bool take(struct parser *parser, const char *text)
{
	skip_blanks(parser);
	if (strncmp(parser->at, text, strlen(text)) != 0)
		return false;
	parser->at += strlen(text);
	return true;
}

static bool is_name(char byte)
{
	return (byte >= '0' && byte <= '9') ||
		(text_lower(byte) >= 'a' && text_lower(byte) <= 'z') || byte == '_';
}

/* A word such as "and" with something else behind it. */
static bool take_word(struct parser *parser, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(parser);
	if (strncmp(parser->at, word, length) != 0 || is_name(parser->at[length]))
		return false;
	parser->at += length;
	return true;
}

/* "a/b/c"; the variable of any() is replaced by what it stands for. False: no path here. */
static bool take_path(struct parser *parser, char path[static FILTER_PATH_MAX])
{
	size_t length = 0, variable = strlen(parser->variable);
	const char *from;

	skip_blanks(parser);
	from = parser->at;
	while (is_name(from[length]) ||
		(from[length] == '/' && is_name(from[length + 1]) &&
			strncmp(from + length, "/any(", 5) != 0))
		length++;
	if (length == 0 || length >= FILTER_PATH_MAX)
		return false;
	parser->at += length;
	if (variable > 0 && strncmp(from, parser->variable, variable) == 0 &&
		(length == variable || from[variable] == '/'))
		return snprintf(path, FILTER_PATH_MAX, "%s/*%.*s", parser->collection,
			       (int)(length - variable), from + variable) < FILTER_PATH_MAX;
	snprintf(path, FILTER_PATH_MAX, "%.*s", (int)length, from);
	return variable == 0;
}

/* ---- literals -------------------------------------------------------------------------------- */

/* 'x''y' means x'y. NULL: not a string. */
static json_t *take_string(struct parser *parser)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILTER_LITERAL_MAX);

	if (!take(parser, "'"))
		return NULL;
	for (; *parser->at; parser->at++) {
		if (*parser->at == '\'') {
			if (parser->at[1] != '\'') {
				parser->at++;
				return text.overflowed ? NULL
						       : json_stringn(buf_text(&text), text.length);
			}
			parser->at++;
		}
		buf_add_byte(&text, *parser->at);
	}
	return NULL;
}

static json_t *take_instant(struct parser *parser)
{
	size_t length;
	int64_t ms;

	skip_blanks(parser);
	length = strspn(parser->at, "0123456789-+:.TZtz");
	if (length == 0 || !time_parse((struct span){ parser->at, length }, &ms))
		return NULL;
	parser->at += length;
	return json_stringn(parser->at - length, length);
}

/* The literal must be of the property's type: no quotes around instants, none missing at texts. */
static json_t *take_literal(struct parser *parser, const char *type)
{
	if (take_word(parser, "null"))
		return json_null();
	if (strcmp(type, "Edm.Boolean") == 0) {
		if (take_word(parser, "true"))
			return json_true();
		return take_word(parser, "false") ? json_false() : NULL;
	}
	if (strcmp(type, "Edm.DateTimeOffset") == 0)
		return take_instant(parser);
	return take_string(parser);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum filter_operator op;
	unsigned capability; /* 0: always advanced */
} operators[] = {
	{ "eq", FILTER_EQ, F_EQ },
	{ "in", FILTER_IN, F_EQ },
	{ "ge", FILTER_GE, F_RANGE },
	{ "le", FILTER_LE, F_RANGE },
	{ "ne", FILTER_NE, 0 },
};

static struct filter *filter_new(enum filter_operator op, const char *path, const char *type)
{
	struct filter *filter = memory_new(sizeof(*filter));

	filter->op = op;
	filter->path = memory_text(path);
	filter->type = type;
	return filter;
}

/* Whether this comparison is offered here and now. */
static bool offered(
	const struct parser *parser, unsigned capabilities, unsigned wanted, bool is_null)
{
	bool advanced = exchange_is_advanced(parser->exchange);

	if (is_null)
		return advanced && capabilities & F_NULL << F_ADVANCED;
	if (wanted == 0) /* ne */
		return advanced && (capabilities & F_EQ || capabilities & F_EQ << F_ADVANCED);
	return capabilities & wanted || (advanced && capabilities & wanted << F_ADVANCED);
}

static json_t *take_list(struct parser *parser, const char *type)
{
	CLEANUP(json_freep) json_t *list = json_array();

	if (!take(parser, "("))
		return NULL;
	do {
		json_t *literal = take_literal(parser, type);

		if (!literal)
			return NULL;
		json_array_append_new(list, literal);
	} while (take(parser, ","));
	return take(parser, ")") ? TAKE(list) : NULL;
}

static struct filter *parse_comparison(struct parser *parser, const char *path)
{
	CLEANUP(filter_freep) struct filter *filter = NULL;
	const char *type;
	unsigned capabilities;
	size_t i = 0;

	while (i < COUNT_OF(operators) && !take_word(parser, operators[i].word))
		i++;
	if (i == COUNT_OF(operators))
		return malformed(parser);
	if (!parser->field(
		    parser->context, parser->exchange->simulator, path, &type, &capabilities))
		return unsupported(parser, path);
	filter = filter_new(operators[i].op, path, type);
	filter->value = filter->op == FILTER_IN ? take_list(parser, type)
						: take_literal(parser, type);
	if (!filter->value)
		return malformed(parser);
	if (!offered(parser, capabilities, operators[i].capability, json_is_null(filter->value)))
		return unsupported(parser, path);
	return TAKE(filter);
}

/* startsWith(path,'x') and endsWith(path,'x'), behind the opening parenthesis. */
static struct filter *parse_function(
	struct parser *parser, enum filter_operator op, unsigned capability)
{
	CLEANUP(filter_freep) struct filter *filter = NULL;
	char path[FILTER_PATH_MAX];
	const char *type;
	unsigned capabilities;

	if (!take_path(parser, path))
		return malformed(parser);
	if (!parser->field(
		    parser->context, parser->exchange->simulator, path, &type, &capabilities))
		return unsupported(parser, path);
	filter = filter_new(op, path, type);
	if (!take(parser, ",") || !(filter->value = take_string(parser)) || !take(parser, ")"))
		return malformed(parser);
	if (!offered(parser, capabilities, capability, false))
		return unsupported(parser, path);
	return TAKE(filter);
}

static struct filter *parse_any(struct parser *parser, const char *collection)
{
	CLEANUP(filter_freep) struct filter *filter = NULL;
	size_t length;

	skip_blanks(parser);
	length = strcspn(parser->at, ":");
	if (parser->variable[0] || length == 0 || length >= sizeof(parser->variable) ||
		!parser->at[length])
		return malformed(parser);
	snprintf(parser->variable, sizeof(parser->variable), "%.*s", (int)length, parser->at);
	snprintf(parser->collection, sizeof(parser->collection), "%s", collection);
	parser->at += length + 1;
	filter = parse_or(parser);
	parser->variable[0] = '\0';
	if (!filter)
		return NULL;
	return take(parser, ")") ? TAKE(filter) : malformed(parser);
}

static struct filter *parse_group(struct parser *parser)
{
	CLEANUP(filter_freep) struct filter *filter = parse_or(parser);

	if (!filter)
		return NULL;
	return take(parser, ")") ? TAKE(filter) : malformed(parser);
}

static struct filter *parse_term(struct parser *parser);

static struct filter *parse_not(struct parser *parser)
{
	struct filter *inner, *filter;

	if (!exchange_is_advanced(parser->exchange))
		return unsupported(parser, "not");
	inner = parse_term(parser);
	if (!inner)
		return NULL;
	filter = filter_new(FILTER_NOT, NULL, NULL);
	filter->left = inner;
	return filter;
}

static struct filter *parse_term(struct parser *parser)
{
	char path[FILTER_PATH_MAX];

	if (++parser->terms > FILTER_TERMS_MAX)
		return malformed(parser);
	if (take(parser, "("))
		return parse_group(parser);
	if (take_word(parser, "not"))
		return parse_not(parser);
	if (take(parser, "startsWith(") || take(parser, "startswith("))
		return parse_function(parser, FILTER_STARTS, F_STARTS);
	if (take(parser, "endsWith(") || take(parser, "endswith("))
		return parse_function(parser, FILTER_ENDS, F_ENDS);
	if (!take_path(parser, path))
		return malformed(parser);
	return take(parser, "/any(") ? parse_any(parser, path) : parse_comparison(parser, path);
}

/* terms joined by one word; `next` parses what binds tighter */
static struct filter *parse_joined(struct parser *parser, const char *word, enum filter_operator op,
	struct filter *(*next)(struct parser *parser))
{
	CLEANUP(filter_freep) struct filter *left = next(parser);

	if (!left)
		return NULL;
	while (take_word(parser, word)) {
		struct filter *right = next(parser);
		struct filter *joined;

		if (!right)
			return NULL;
		joined = filter_new(op, NULL, NULL);
		joined->left = left;
		joined->right = right;
		left = joined;
	}
	return TAKE(left);
}

static struct filter *parse_and(struct parser *parser)
{
	return parse_joined(parser, "and", FILTER_AND, parse_term);
}

static struct filter *parse_or(struct parser *parser)
{
	return parse_joined(parser, "or", FILTER_OR, parse_and);
}

struct filter *filter_parse(struct exchange *exchange, const char *text,
	filter_field_function *field, const void *context)
{
	struct parser parser = {
		.exchange = exchange, .field = field, .context = context, .at = text
	};
	CLEANUP(filter_freep) struct filter *filter = parse_or(&parser);

	skip_blanks(&parser);
	if (filter && *parser.at)
		return malformed(&parser);
	return TAKE(filter);
}
