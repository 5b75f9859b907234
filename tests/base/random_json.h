/* Random JSON for the tests of the scanner, the same in every run. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* A number below `bound`, and the next state of `seed`. */
unsigned random_below(uint64_t *seed, unsigned bound);

/* Appends a document of at most `depth` levels. Keys may repeat. */
void random_json(struct buf *out, uint64_t *seed, unsigned depth);

/*
 * Appends an array of objects as a directory sends them: their members are nearly the same ones in
 * nearly the same order. Rarely a key repeats.
 */
void random_page(struct buf *out, uint64_t *seed);

/* One byte changed, dropped or doubled. */
void random_mutate(struct buf *text, uint64_t *seed);
