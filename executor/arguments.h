#ifndef SLABLINK_ARGUMENTS_H
#define SLABLINK_ARGUMENTS_H

#include <stdbool.h>

#include "sps.h"

/* Sequence<String> as a program's argument vector: vector[count] is NULL, and the strings lie behind one another in
   writable memory as the kernel would have them. Never freed: programs keep pointers into it until the very end. */
struct argument_vector {
  int count;
  char **strings;
};

/* False if the bytes do not decode or an argument contains a NUL. */
bool arguments_read(struct sps_reader *reader, struct argument_vector *vector);

#endif
