/* Finalizing memory, the common part of the memory manager's and the shared mapper's Initialize and Deinitialize. */
#ifndef SLABLINK_FINALIZE_H
#define SLABLINK_FINALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "failure.h"
#include "reservation.h"
#include "sps.h"

struct segment_request {
  uint64_t address;
  uint64_t size;
  int protection;
  bool shared;        /* written data stays the backing file's: the controller sees it */
  bool from_template; /* the contents are in the slab's template, which other slabs have in common with it */
  struct span content; /* for requests that carry contents: at most `size` bytes, the rest is zero */
};

/* A RemoteAllocGroup byte as PROT_* and flags of the segment; false for unknown bits, and for writable and executable at once unless bit
   0x10, slablink's own, says that this is meant. Bits 0x20 and 0x40, slablink's own as well, are `shared` and `from_template`. */
bool protection_of_group(uint8_t group, struct segment_request *segment, struct reason *reason);

/* Maps or protects the segments inside `reservation`, then runs the finalize actions; *key names the region from then
   on. All or nothing: a failure puts back what had been done. With `with_contents` the bytes come from the requests,
   otherwise they are in place (in shared memory, in a slab's backing file). Call with the tables locked; they are
   unlocked when it returns. `reservation` may be NULL when there are no segments. */
bool finalize(struct reservation *reservation, const struct segment_request *requests, size_t count, bool with_contents,
              const struct action_pairs *actions, uint64_t *key, struct reason *reason);

/* Runs the region's deallocate actions and gives its memory back to the reservation. Tables locked before and after,
   but not in between. The region is gone also when an action fails. */
bool give_up_region(struct region *region, struct reason *reason);

/* Takes the region out of the tables without its actions; its memory is the caller's business. Tables locked. */
void discard_region(struct region *region);

/* Deinitialize: the regions of these keys, last key first. All are tried; false with the first failure. */
bool give_up_keys(struct sps_reader *keys, struct reason *reason);

/* Gives up all regions of the reservation at `base`, latest first, and leaves the tables locked with the reservation
   in *reservation, ready to be removed; false (unlocked) if there is none of `kind`, or a region is busy. Failures of
   actions do not stop it; the first is in `action_failure`, whose text is empty otherwise. */
bool empty_reservation(uint64_t base, enum reservation_kind kind, struct reservation **reservation,
                       struct reason *action_failure, struct reason *reason);

/* Runs the deallocate actions of everything still finalized, latest first; for the clean end of a session. */
void give_up_everything(void);

/* Predicates for the dispatcher: do the actions behind these keys or bases run linked code? */
bool keys_run_linked_code(const char *arguments, size_t size);
bool bases_run_linked_code(const char *arguments, size_t size);

/* Makes [start, start + size) of a slab inaccessible again, and empty. */
bool make_inaccessible(uint64_t start, uint64_t size);

#endif
