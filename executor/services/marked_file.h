/* A file of a controller that this process may not share with it after all: on another machine, or in other namespaces, the same path
   is another file. */
#ifndef SLABLINK_MARKED_FILE_H
#define SLABLINK_MARKED_FILE_H

#include <stdbool.h>

#include "failure.h"

#define MARKED_FILE "mark:"

/* Opens "mark:HEX:PATH" for reading and writing if the file's last 16 bytes are those 32 hexadecimal digits. Nothing but a regular file
   is opened at all. */
bool marked_file_open(const char *backing, int *fd, struct reason *reason);

#endif
