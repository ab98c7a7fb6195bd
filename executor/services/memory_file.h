/* Files without a place of their own: what the dynamic loader is to open is written to one. */
#ifndef SLABLINK_MEMORY_FILE_H
#define SLABLINK_MEMORY_FILE_H

#include <stdbool.h>

#include "failure.h"

struct memory_file {
  int fd;
  char *path;    /* by which this process opens it; malloc'ed */
  bool is_named; /* in a directory, until memory_file_hide */
};

/* An empty file of memory (memfd_create(2)), or where that or /proc is not to be had, in a directory from which code may be mapped. */
bool memory_file_create(struct memory_file *file, struct reason *reason);

/* Takes the file's name out of its directory, if it has one; what has been opened by it stays. */
void memory_file_hide(struct memory_file *file);

/* Hides it, and gives up the descriptor and the path. */
void memory_file_close(struct memory_file *file);

#endif
