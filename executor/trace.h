/* Spans of time for the controller's trace: what was done for which request, on which thread. Recorded only when the executor was
   started with `trace`; otherwise each of these is the test of a flag. docs/protocol.md, "Traces". */
#ifndef SLABLINK_TRACE_H
#define SLABLINK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/wrapper.h"

extern bool trace_is_on;

/* What a thread of ours is for. */
enum trace_thread { TRACE_MAIN, TRACE_READER, TRACE_TASK };

/* Begins to record. To be called on the main thread, before there are others. */
void trace_start(void);

/* The calling thread is this from now on. */
void trace_thread_is(enum trace_thread role);

/* Nanoseconds of CLOCK_MONOTONIC, the controller's clock too; 0 while nothing is recorded. */
uint64_t trace_now(void);

/* The calling thread has worked since `start` on what `name` (a constant) says. */
void trace_part(const char *name, uint64_t start);

/* The same for an allocation action; linked code has no name: NULL. */
void trace_action(const char *name, uint64_t address, uint64_t start);

/* The reader has taken in a request that another thread will serve. */
void trace_received(const char *name, uint64_t address, uint64_t sequence, size_t size, uint64_t start);

/* The calling thread serves a request from `start` on, and is done with it. */
void trace_request_begins(const char *name, uint64_t address, uint64_t sequence, size_t size, uint64_t start);
void trace_request_ends(void);

/* The main thread's request, a program, comes to its next part: "main" and the like; NULL: to its end. What was recorded is handed over
   before, since linked code may end the process at any moment. */
void trace_program_part(const char *name);

/* A child that linked code has forked records nothing; the lock must be free in it. */
void trace_before_fork(void);
void trace_after_fork_in_parent(void);
void trace_after_fork_in_child(void);

/* The tag of calls to the controller that carry a batch. */
extern char trace_batches;

/* () → batch: what has been recorded and not handed over. */
wrapper_function trace_take;

#endif
