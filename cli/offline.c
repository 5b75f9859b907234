/* The program `unstage`: nothing in it talks. */
#include "cli/program.h"

const struct program program = { 0 };
