#ifndef SLABLINK_IMAGE_H
#define SLABLINK_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

/* Unloads the image and makes its range inaccessible slab memory again. */
bool image_unload_handle(uint64_t handle, struct reason *reason);

/* Reserves [address, address + size) (anywhere for address 0) without access; the error names what is in the way. */
bool reserve_address_space(uint64_t address, uint64_t size, uint64_t *base, struct reason *reason);

/* If the loader gave this handle for an image that is loaded, it stays so until image_let_go. Tables unlocked. */
bool image_hold(uint64_t handle);
void image_let_go(uint64_t handle);

/* Reserves what of the range has been lost to the process. With the tables locked; false: memory has run out, or something is in the way. */
bool image_close_holes(uint64_t start, uint64_t end, struct reason *reason);

#endif
