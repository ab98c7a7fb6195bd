/* Reading and writing memory on the controller's word: a wrong address is an answer, not a fault. */
#ifndef SLABLINK_ACCESS_H
#define SLABLINK_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False if not all of [address, address + size) can be read. */
bool memory_read(void *into, uint64_t address, size_t size);

/* False if not all of it can be written with the protections as they are, or if it is this executable's own. Aligned 2, 4 and
   8 byte writes into linked memory are single stores: threads may be reading the pointer. */
bool memory_write(uint64_t address, const void *from, size_t size);

/* The same in no particular order, and also with the tables locked. */
bool memory_write_bytes(uint64_t address, const void *from, size_t size);

/* True if code can be called at `address` that is none of the executor's wrapper functions. */
bool address_is_executable(uint64_t address);

#endif
