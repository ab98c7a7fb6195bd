#ifndef SLABLINK_DEBUGGER_H
#define SLABLINK_DEBUGGER_H

#include <stdint.h>

/* Takes debug objects that start in [start, end) off the debugger's list, before that memory goes away. */
void debugger_forget(uint64_t start, uint64_t end);

#endif
