/* Allocation actions: wrapper calls that come with a finalize request, to be made when memory has been finalized and
   when it is given up again. EPC-PROTOCOL section 3, AllocActionCallPair. */
#ifndef SLABLINK_ACTIONS_H
#define SLABLINK_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "sps.h"

/* fn == 0: nothing to call. */
struct action {
  uint64_t function;
  struct span arguments;
};

struct action_pair {
  struct action finalize;
  struct action deallocate;
};

struct action_pairs {
  struct action_pair *items; /* malloc'ed; arguments point into the request */
  size_t count;
};

struct action_pairs actions_read(struct sps_reader *reader);

/* True if none of them (finalize or deallocate) can run linked code, block, or call back. */
bool actions_are_simple(const struct action_pairs *actions);

/* Deallocate actions of one finalized region, with arguments of their own, in the order of their finalize actions. */
struct action_list {
  struct action *items;
  size_t count;
};

/* Runs the finalize actions in order. On failure the deallocate actions of those that succeeded are run in reverse.
   On success their deallocate actions are copied to `deallocations`. Call without locks: actions may call back. */
bool actions_finalize(const struct action_pairs *actions, struct action_list *deallocations, struct reason *reason);

/* Runs them all in reverse, also behind a failure; the first failure is reported. Empties the list. */
bool actions_deallocate(struct action_list *deallocations, struct reason *reason);

/* Empties the list without running anything. */
void actions_discard(struct action_list *deallocations);

bool action_list_is_simple(const struct action_list *list);

#endif
