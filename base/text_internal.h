/*
 * What Unicode says about single scalar values, as far as text.c needs it: which of them are not
 * seen, how wide the others are, and their lower case.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Does something to the reader instead of being seen [T33]. */
bool unicode_is_unprintable(uint32_t scalar);

/* Columns that a printable scalar takes on a terminal: 0, 1 or 2. */
unsigned unicode_columns(uint32_t scalar);

/* Simple case folding of the scripts that text.h names; everything else stays what it is. */
uint32_t unicode_fold(uint32_t scalar);
