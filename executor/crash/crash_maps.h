/* The part of /proc/self/maps that a report of a crash needs; for a signal handler. */
#ifndef SLABLINK_CRASH_MAPS_H
#define SLABLINK_CRASH_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct crash_maps {
  /* Where the lines go, which are kept whole. */
  char *text;
  size_t capacity;
  size_t size;
  /* Mappings around these addresses are wanted whatever they are. */
  uint64_t near;
  uint64_t stack;
  /* The lowest readable range that ends above `stack`; empty if there is none to be seen. */
  uint64_t readable_start;
  uint64_t readable_end;
};

void crash_maps_read(struct crash_maps *maps);

#endif
