/* Initialize, the request that makes memory ready, as both the memory manager and the shared mapper serve it. */
#ifndef SLABLINK_INITIALIZE_H
#define SLABLINK_INITIALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "finalize.h"
#include "reservation.h"
#include "wrapper.h"

/* What the two services do not have in common. */
struct initialize_service {
  const char *name; /* for errors */
  const void *instance;
  bool names_reservation; /* an Addr, the reservation's base, stands in front of the segments */
  bool with_contents;     /* each segment carries its contents */
  /* The reservation that holds the segments; `base` is 0 where none is named. Tables locked; unlocks them when it
     fails. *found may be NULL when there is nothing to map. */
  bool (*find)(uint64_t base, const struct segment_request *requests, size_t count, struct reservation **found,
               struct reason *reason);
};

/* (Addr instance, [Addr reservation,] Tuple<Sequence<Segment>, Sequence<AllocActionCallPair>>) → Expected<Addr key> */
struct wrapper_result initialize_memory(const struct initialize_service *service, const char *arguments, size_t size);

/* The same, for an answer of another form. */
bool initialize_requested(const struct initialize_service *service, const char *arguments, size_t size, uint64_t *key, struct reason *reason);

/* Predicate for the dispatcher: do the request's actions run linked code? */
bool initialize_runs_linked_code(const struct initialize_service *service, const char *arguments, size_t size);

#endif
