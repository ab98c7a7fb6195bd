/* How things go wrong: a reason that travels back to the controller, a sentence on stderr, the end of the process. */
#ifndef SLABLINK_FAILURE_H
#define SLABLINK_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

enum { REASON_SIZE = 1024 };

/* Text of an error result; longer reasons are cut. */
struct reason {
  char text[REASON_SIZE];
};

/* Writes the reason and returns false, for `return refuse(…)`. */
bool refuse(struct reason *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One sentence on stderr, with the program's name in front, in one write. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One sentence on stderr and, as a Hangup, to the controller, then the end with status 1, without handlers of the linked program. */
void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* malloc, calloc and realloc that give up when there is no memory, not even what has been set aside. */
void *allocate(size_t size);
void *allocate_zeroed(size_t count, size_t size);
void *allocate_again(void *block, size_t size);

/* Sets memory aside for when there is no other, unless there is some already. */
void allocate_spare(void);

#endif
