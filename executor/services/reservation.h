/* The address space that controllers have reserved here, and what is finalized in it. One lock guards the tables; it
   is never held while linked code, an action or the dynamic loader runs. */
#ifndef SLABLINK_RESERVATION_H
#define SLABLINK_RESERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions.h"
#include "failure.h"
#include "interval.h"
#include "memory_file.h"

enum reservation_kind {
  GENERIC_RESERVATION, /* the memory manager's: anonymous, writable until it is finalized */
  NAMED_RESERVATION,   /* the shared mapper's: POSIX shared memory */
  SLAB                 /* slablink's own: inaccessible until it is finalized */
};

struct region;

struct reservation {
  enum reservation_kind kind;
  uint64_t base;
  uint64_t size;            /* whole pages */
  int fd;                   /* a slab's backing file, offset 0 at `base`; -1: none */
  int template_fd;          /* a slab's file of contents that it has in common with others; -1: none */
  uint64_t template_start;  /* where that one's offset 0 belongs */
  char *name;               /* a NAMED_RESERVATION's name */
  struct region *regions;   /* latest first */
};

/* Whole pages with one protection. */
struct segment {
  uint64_t start;
  uint64_t end;
  int protection;
  bool shared;        /* with the controller, while it is written */
  bool from_template; /* contents are those of the slab's template */
};

/* What one finalize request has finalized. */
struct region {
  struct region *earlier;
  struct region *later;
  struct reservation *reservation; /* NULL for a region without segments */
  uint64_t key;                    /* lowest segment address as requested; UINT64_MAX without segments */
  uint64_t serial;
  bool busy; /* being finalized or given up by another thread */
  size_t segment_count;
  struct segment *segments;
  struct action_list deallocations;
};

/* An ELF image that the dynamic loader has placed inside a slab. */
struct image {
  struct reservation *slab;
  uint64_t start;
  uint64_t end;
  struct memory_file file; /* kept while it is loaded */
  void *handle;
  bool busy; /* being loaded or unloaded; for ever if its range could not be reserved again */
  unsigned users; /* look-ups of symbols in it that are going on */
};

extern struct interval_table reservations; /* owner: struct reservation */
extern struct interval_table segments;     /* owner: struct region */
extern struct interval_table images;       /* owner: struct image */

void tables_lock(void);
void tables_unlock(void);

uint64_t page_size(void);
uint64_t page_down(uint64_t address);
/* 0 on overflow */
uint64_t page_up(uint64_t address);

/* All of the following: call with the lock held. */

struct reservation *reservation_at(uint64_t base);
struct reservation *reservation_around(uint64_t start, uint64_t end);
struct reservation *reservation_add(enum reservation_kind kind, uint64_t base, uint64_t size, int fd, char *name);
/* Takes it out of the table and frees it; its mapping and descriptor are the caller's business. */
void reservation_remove(struct reservation *reservation);

/* The region of that key; with several of UINT64_MAX the latest. */
struct region *region_of_key(uint64_t key);
/* False, with the two ranges named, if one of its segments overlaps another, a finalized one or an image that is busy. */
bool region_add(struct region *region, struct reason *reason);
void region_remove(struct region *region);
/* The latest region of all, or NULL. */
struct region *region_latest(void);

/* True if [start, end) is not empty and lies in finalized segments that all have `protection`, or, unless
   `segments_only`, in an image's memory. */
bool linked_memory_covers(uint64_t start, uint64_t end, int protection, bool segments_only);

#endif
