#include "arguments.h"

#include <limits.h>
#include <string.h>

#include "failure.h"

bool arguments_read(struct sps_reader *reader, struct argument_vector *vector) {
  size_t count = sps_read_count(reader, 8);
  struct sps_reader measure = *reader;
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    struct span argument = sps_read_bytes(&measure);
    if (argument.size && memchr(argument.data, 0, argument.size)) reader->failed = true;
    size += argument.size + 1;
  }
  if (measure.failed || reader->failed || count >= INT_MAX) {
    reader->failed = true;
    return false;
  }
  char *text = allocate(size);
  vector->count = (int)count;
  vector->strings = allocate((count + 1) * sizeof *vector->strings);
  for (size_t i = 0; i < count; i++) {
    struct span argument = sps_read_bytes(reader);
    vector->strings[i] = text;
    if (argument.size) memcpy(text, argument.data, argument.size);
    text += argument.size;
    *text++ = '\0';
  }
  vector->strings[count] = NULL;
  return true;
}
