#ifndef SLABLINK_ARGUMENTS_H
#define SLABLINK_ARGUMENTS_H

#include <stdbool.h>

#include "sps.h"

/* Sequence<String> as a program's argument vector, in writable memory as the kernel lays a process's stack out (System V
   ABI AMD64, section 3.4.1): the arguments, NULL, the environment, NULL, the auxiliary vector; the strings behind one
   another. Run-time systems walk from argv to the auxiliary vector (Go's), others write titles over the strings.
   Never freed: programs keep pointers into it until the very end. */
struct argument_vector {
  int count;
  char **strings;
  char *text;         /* what the strings are in */
  char **environment; /* strings + count + 1; what `environ` has to be while the program runs */
};

/* Remembers where the kernel put the auxiliary vector. Call before anything changes the environment. */
void arguments_find_auxiliary_vector(void);

/* False if the bytes do not decode or an argument contains a NUL; then there is no vector. */
bool arguments_read(struct sps_reader *reader, struct argument_vector *vector);

/* Frees a vector that no program has seen. */
void arguments_free(struct argument_vector *vector);

#endif
