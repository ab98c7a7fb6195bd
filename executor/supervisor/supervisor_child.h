/* The executor as its supervisor has it. */
#ifndef SLABLINK_SUPERVISOR_CHILD_H
#define SLABLINK_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "options.h"

struct child {
  pid_t pid;
  int stream;     /* a socket */
  int streams[3]; /* our ends of the pipes that are its standard input, output and error; -1: closed */
  int signals;    /* readable when a child of ours has ended */
};

/* True in the executor, whose options name its end of the stream. */
bool child_start(struct options *options, struct child *child);

#endif
