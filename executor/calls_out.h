/* Calls from linked code to the controller that wait for their results. */
#ifndef SLABLINK_CALLS_OUT_H
#define SLABLINK_CALLS_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

/* Hands the Result frame to the call that waits for it, with its payload; false with a sentence if there is none. */
bool calls_out_result(struct frame *frame, char *sentence, size_t sentence_size);

/* Fails all waiting calls, and later ones. */
void calls_out_end(void);

/* Locks around fork(): a child may call as well, and is told that nobody is there. */
void calls_out_before_fork(void);
void calls_out_after_fork(void);

#endif
