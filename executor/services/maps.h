/* What the kernel says about this process's address space: /proc/self/maps. */
#ifndef SLABLINK_MAPS_H
#define SLABLINK_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

/* Puts the first mapping that has an address in [start, end) into `description` as `[0xa, 0xb) name`.
   False if there is none or the file cannot be read. */
bool maps_describe(uint64_t start, uint64_t end, struct reason *description);

/* True if every page of [start, end) is mapped with at least `protection` (PROT_*). */
bool maps_allow(uint64_t start, uint64_t end, int protection);

/* The first mapping inside of the range whose name holds `part`. */
bool maps_find_named(uint64_t start, uint64_t end, const char *part, uint64_t *found_start, uint64_t *found_end);

#endif
