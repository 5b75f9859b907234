/* A parsed $filter: a tree of small nodes, built by filter_parse.c and walked by filter.c. */
#pragma once

#include "simulator/endpoint.h"

enum filter_operator {
	FILTER_AND,
	FILTER_OR,
	FILTER_NOT,
	FILTER_EQ,
	FILTER_NE,
	FILTER_GE,
	FILTER_LE,
	FILTER_STARTS,
	FILTER_ENDS,
	FILTER_IN,
};

struct filter {
	enum filter_operator op;
	struct filter *left, *right; /* AND, OR; NOT has only left */
	char *path;                  /* "mail", "initiatedBy/user/id", "targetResources/STAR/id" */
	const char *type;            /* CSDL, of the property; a collection's of its elements */
	json_t *value;               /* the literal; an array for IN */
};
