/* Threads for calls that must not hold up the reader: the process's main thread, and a bounded pool of others. */
#ifndef SLABLINK_JOBS_H
#define SLABLINK_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "services/wrapper.h"

struct job {
  struct job *next;
  uint64_t sequence; /* of the call to answer */
  wrapper_function *function;
  uint8_t *payload; /* malloc'ed; the job frees it */
  size_t payload_size;
  const char *name; /* for the trace; NULL: linked code */
};

/* False when so many calls wait, or run, that one more with this payload is not to be taken in: each holds memory. */
bool jobs_have_room(size_t payload_size);

/* On the main thread, behind what it has to do. */
void jobs_post_main(struct job *job);

/* On the main thread if it has nothing to do, otherwise in the pool. */
void jobs_post_main_if_idle(struct job *job);

/* In the pool. */
void jobs_post_pool(struct job *job);

/* True while any job is queued or being run. */
bool jobs_running(void);
/* True until the last of them has been answered as well. */
bool jobs_unanswered(void);

/* True on the thread that programs run on, the process's main one. */
bool jobs_on_main_thread(void);

/* How many threads the process has for itself: the main thread, the reader, the pool. */
unsigned jobs_own_threads(void);

/* The main thread's life: runs jobs until jobs_end, and those that are queued then. */
void jobs_serve_main(void);

/* Called by the reader when the session is over. Returns when all jobs have returned, or false after `seconds`. */
bool jobs_end(unsigned seconds);

/* Blocks the signals that are sent to the process, so that they reach the main thread; faults stay deliverable. */
void block_process_signals(void);

#endif
