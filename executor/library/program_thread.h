/* The thread that stands for the main one in another executor's process, which keeps that for itself and makes each call on a
   thread of its own: libraries are loaded on it, with what they keep in thread-locals, and the program runs on it. */
#ifndef SLABLINK_PROGRAM_THREAD_H
#define SLABLINK_PROGRAM_THREAD_H

#include <stdbool.h>

#include "services/wrapper.h"

/* Once, on the thread of a call, while no other call is being made. */
bool program_thread_start(struct reason *reason);

/* Calls the function there, behind what that thread has to do, and waits for its result. */
struct wrapper_result program_thread_call(wrapper_function *function, const char *arguments, size_t size);

#endif
