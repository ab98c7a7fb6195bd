/* What a forked child has of data that is shared with the controller: a copy of its own, as of any process's memory. */
#ifndef SLABLINK_FORK_COPY_H
#define SLABLINK_FORK_COPY_H

/* For pthread_atfork, with the tables locked. A child made in another way (_Fork, clone) goes on sharing the data, and one that borrows its
   parent's memory (vfork, posix_spawn) has no use for a copy. */
void fork_copy_before(void);
/* Waits for the copy, so that what is written from here on is not the child's; 10 s at most. */
void fork_copy_in_parent(void);
void fork_copy_in_child(void);

#endif
