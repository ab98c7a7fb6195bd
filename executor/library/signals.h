#ifndef SLABLINK_SIGNALS_H
#define SLABLINK_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* Has all threads but the calling one block the signals that are sent to the process, so that they reach the program. What these
   threads start blocks them too. */
void signals_leave_other_threads(void);

/* The process is killed when that one ends, its parent; false if it has gone already. Call while no other thread comes or goes: the
   kernel keeps this for each thread, and with it. */
bool signals_end_with_parent(pid_t parent);

#endif
