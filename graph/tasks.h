/* Readings and writings beside each other (tasks.c), and the two sorts of them (read.c, write.c). */
#pragma once

#include "graph/flow.h"

/*
 * begin: adds its first calls to the flow, which adds more. end: once the flow is through, puts the answers
 * where they belong. The flow goes before its reader or writer.
 */
struct reader;
struct reader *reader_new(struct graph *graph, struct graph_read *reads, size_t count);
void reader_free(struct reader *reader);
MUST_CHECK bool reader_begin(struct reader *reader, struct flow *flow, struct error *err);
MUST_CHECK bool reader_end(struct reader *reader, struct error *err);
void reader_forget(struct reader *reader); /* the answers of one that ended well */

struct writer;
struct writer *writer_new(struct graph *graph, struct graph_write *writes, size_t count);
void writer_free(struct writer *writer);
MUST_CHECK bool writer_begin(struct writer *writer, struct flow *flow, struct error *err);
