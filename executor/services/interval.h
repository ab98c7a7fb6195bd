/* A sorted table of address ranges that do not overlap, each with an owner. */
#ifndef SLABLINK_INTERVAL_H
#define SLABLINK_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

struct interval {
  uint64_t start;
  uint64_t end; /* exclusive */
  void *owner;
  int protection; /* PROT_* of segments; 0 elsewhere */
};

struct interval_table {
  struct interval *items;
  size_t count;
  size_t capacity;
};

/* The lowest interval that has an address in [start, end), or NULL. Valid until the next change. */
struct interval *interval_find(const struct interval_table *table, uint64_t start, uint64_t end);

/* `interval` must not overlap one that is there. */
void interval_insert(struct interval_table *table, struct interval interval);

/* Removes the interval that starts at `start`. */
void interval_remove(struct interval_table *table, uint64_t start);

#endif
