/* What linked code gets where it asks for a function of the C library that sets or tells the actions of signals. */
#ifndef SLABLINK_LINKED_SIGNALS_H
#define SLABLINK_LINKED_SIGNALS_H

#include <stdint.h>

/* The address of the executor's own function of that name, or 0: the C library's is the right one. */
uint64_t signal_function_for_linked_code(const char *name);

#endif
