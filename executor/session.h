/* The session with the controller, from Setup to the end of the stream. EPC-PROTOCOL section 2. */
#ifndef SLABLINK_SESSION_H
#define SLABLINK_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/wrapper.h"

/* Sends Setup and starts the reader thread. `parent_bound`: the process does not outlive the stream. */
void session_start(int input, int output, bool parent_bound);

/* The main thread after the session's clean end: runs what is left to run and exits with status 0. */
void session_exit(void) __attribute__((noreturn));

/* Sends the Result of a call and frees it. */
void session_answer(uint64_t sequence, struct wrapper_result *result);

/* Ends a child that linked code forked and that came back to us; in the executor itself it does nothing. */
void session_leave_forked_child(int status);

bool session_in_forked_child(void);

/* Linked code has been unmapped: exit handlers that it registered must not run any more. */
void session_code_was_released(void);

/* The controller is LLVM's, which says so by asking for the process's handle. */
void session_serves_llvm(void);

/* For linked code: calls the controller's handler of `tag` and waits for its result. EPC-PROTOCOL section 6. */
struct wrapper_result session_dispatch(void *context, const void *tag, const char *arguments, size_t size);
extern char session_dispatch_context;

#endif
