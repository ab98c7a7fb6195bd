#include "arguments.h"

#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"

static const Elf64_auxv_t *auxiliary;
static size_t auxiliary_count;

void arguments_find_auxiliary_vector(void) {
  char **end = environ;
  while (*end) end++;
  auxiliary = (const Elf64_auxv_t *)(end + 1);
  while (auxiliary[auxiliary_count++].a_type != AT_NULL) continue;
}

static char *append(char *to, const void *text, size_t size) {
  if (size) memcpy(to, text, size);
  to[size] = '\0';
  return to + size + 1;
}

bool arguments_read(struct sps_reader *reader, struct argument_vector *vector) {
  *vector = (struct argument_vector){0};
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
  size_t environment = 0;
  for (; environ && environ[environment]; environment++) size += strlen(environ[environment]) + 1;
  char *text = vector->text = allocate(size);
  size_t pointers = count + 1 + environment + 1;
  vector->count = (int)count;
  vector->strings = allocate(pointers * sizeof *vector->strings + auxiliary_count * sizeof *auxiliary);
  vector->environment = vector->strings + count + 1;
  for (size_t i = 0; i < count; i++) {
    struct span argument = sps_read_bytes(reader);
    vector->strings[i] = text;
    text = append(text, argument.data, argument.size);
  }
  vector->strings[count] = NULL;
  for (size_t i = 0; i < environment; i++) {
    vector->environment[i] = text;
    text = append(text, environ[i], strlen(environ[i]));
  }
  vector->environment[environment] = NULL;
  if (auxiliary_count) memcpy(vector->strings + pointers, auxiliary, auxiliary_count * sizeof *auxiliary);
  return true;
}

void arguments_free(struct argument_vector *vector) {
  free(vector->text);
  free(vector->strings);
}
