#ifndef SLABLINK_OPTIONS_H
#define SLABLINK_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

struct options {
  int input;
  int output;
  pid_t parent; /* 0: not given */
  bool trace;
  bool supervised; /* the controller is elsewhere: see supervisor.h */
  bool crash; /* the controller takes reports of crashes */
};

/* Exits with status 2 and a sentence for anything that is wrong. */
struct options options_read(int count, char **arguments);

#endif
