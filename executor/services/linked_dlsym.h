#ifndef SLABLINK_LINKED_DLSYM_H
#define SLABLINK_LINKED_DLSYM_H

#include <stdint.h>

/* What linked code gets in place of the C library's function of that name; 0 for all others. */
uint64_t function_for_linked_code(const char *name);

#endif
