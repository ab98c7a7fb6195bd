#include "maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct mapping {
  uint64_t start;
  uint64_t end;
  int protection;
  const char *name;
};

/* The whole file: the kernel hands it out in pieces. NULL if it cannot be read; the caller frees. */
static char *read_maps(void) {
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  size_t size = 0, capacity = 64 * 1024;
  char *text = allocate(capacity);
  for (;;) {
    if (capacity - size < 4096) text = allocate_again(text, capacity *= 2);
    ssize_t count = read(fd, text + size, capacity - size - 1);
    if (count <= 0) break;
    size += (size_t)count;
  }
  close(fd);
  text[size] = '\0';
  return text;
}

/* `start-end rwxp offset device inode   name`; moves `line` to the next one. */
static bool next_mapping(char **line, struct mapping *mapping) {
  if (**line == '\0') return false;
  char *end_of_line = strchr(*line, '\n');
  if (end_of_line) *end_of_line = '\0';
  unsigned long long start = 0, end = 0;
  char permissions[5] = "";
  int name_at = 0;
  sscanf(*line, "%llx-%llx %4s %*s %*s %*s %n", &start, &end, permissions, &name_at);
  mapping->start = start;
  mapping->end = end;
  mapping->protection = (permissions[0] == 'r' ? PROT_READ : 0) | (permissions[1] == 'w' ? PROT_WRITE : 0) |
                        (permissions[2] == 'x' ? PROT_EXEC : 0);
  mapping->name = *line + name_at;
  *line = end_of_line ? end_of_line + 1 : *line + strlen(*line);
  return true;
}

bool maps_describe(uint64_t start, uint64_t end, struct reason *description) {
  char *text = read_maps();
  if (!text) return false;
  bool found = false;
  struct mapping mapping;
  for (char *line = text; !found && next_mapping(&line, &mapping);) {
    if (mapping.end <= start || mapping.start >= end) continue;
    refuse(description, "[0x%llx, 0x%llx) %s", (unsigned long long)mapping.start, (unsigned long long)mapping.end,
           *mapping.name ? mapping.name : "(anonymous)");
    found = true;
  }
  free(text);
  return found;
}

bool maps_allow(uint64_t start, uint64_t end, int protection) {
  if (start >= end) return start == end;
  char *text = read_maps();
  if (!text) return false;
  uint64_t covered = start;
  struct mapping mapping;
  for (char *line = text; covered < end && next_mapping(&line, &mapping);) {
    if (mapping.end <= covered) continue;
    if (mapping.start > covered || (mapping.protection & protection) != protection) break;
    covered = mapping.end;
  }
  free(text);
  return covered >= end;
}
