#ifndef SLABLINK_THREAD_H
#define SLABLINK_THREAD_H

/* Starts a detached thread of the executor's own. Its stack has the default size beside the thread-locals that the C
   library puts on it, which may be larger than that. Answers an errno. */
int thread_start(void *(*function)(void *));
/* One that others may join. */
int thread_start_joinable(void *(*function)(void *));

/* How many the process has, 0 if the kernel does not say. */
unsigned threads_of_process(void);

#endif
