#include "maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct mapping {
  uint64_t start;
  uint64_t end;
  int protection;
  const char *name;
};

/* Read in pieces: a process may have more mappings than there is memory left to list them in. A line is shorter than the buffer,
   its name being a path. */
struct maps_reader {
  int fd;
  size_t start;
  size_t end;
  char buffer[2 * 4096 + 256];
};

static bool open_maps(struct maps_reader *reader) {
  reader->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  reader->start = reader->end = 0;
  return reader->fd >= 0;
}

/* The next line without its end; NULL behind the last one. */
static char *next_line(struct maps_reader *reader) {
  for (;;) {
    char *line = reader->buffer + reader->start;
    char *end_of_line = memchr(line, '\n', reader->end - reader->start);
    if (end_of_line) {
      *end_of_line = '\0';
      reader->start = (size_t)(end_of_line + 1 - reader->buffer);
      return line;
    }
    memmove(reader->buffer, line, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    ssize_t count = read(reader->fd, reader->buffer + reader->end, sizeof reader->buffer - reader->end);
    if (count <= 0) return NULL;
    reader->end += (size_t)count;
  }
}

/* `start-end rwxp offset device inode   name`; the name is valid up to the next call. */
static bool next_mapping(struct maps_reader *reader, struct mapping *mapping) {
  const char *line = next_line(reader);
  if (!line) return false;
  unsigned long long start = 0, end = 0;
  char permissions[5] = "";
  int name_at = 0;
  sscanf(line, "%llx-%llx %4s %*s %*s %*s %n", &start, &end, permissions, &name_at);
  mapping->start = start;
  mapping->end = end;
  mapping->protection = (permissions[0] == 'r' ? PROT_READ : 0) | (permissions[1] == 'w' ? PROT_WRITE : 0) |
                        (permissions[2] == 'x' ? PROT_EXEC : 0);
  mapping->name = line + name_at;
  return true;
}

bool maps_describe(uint64_t start, uint64_t end, struct reason *description) {
  struct maps_reader reader;
  if (!open_maps(&reader)) return false;
  bool found = false;
  struct mapping mapping;
  while (!found && next_mapping(&reader, &mapping)) {
    if (mapping.end <= start || mapping.start >= end) continue;
    refuse(description, "[0x%llx, 0x%llx) %s", (unsigned long long)mapping.start, (unsigned long long)mapping.end,
           *mapping.name ? mapping.name : "(anonymous)");
    found = true;
  }
  close(reader.fd);
  return found;
}

bool maps_find_named(uint64_t start, uint64_t end, const char *part, uint64_t *found_start, uint64_t *found_end) {
  struct maps_reader reader;
  if (!open_maps(&reader)) return false;
  bool found = false;
  struct mapping mapping;
  while (!found && next_mapping(&reader, &mapping)) {
    if (mapping.start < start || mapping.end > end || !strstr(mapping.name, part)) continue;
    *found_start = mapping.start;
    *found_end = mapping.end;
    found = true;
  }
  close(reader.fd);
  return found;
}

bool maps_allow(uint64_t start, uint64_t end, int protection) {
  if (start >= end) return start == end;
  struct maps_reader reader;
  if (!open_maps(&reader)) return false;
  uint64_t covered = start;
  struct mapping mapping;
  while (covered < end && next_mapping(&reader, &mapping)) {
    if (mapping.end <= covered) continue;
    if (mapping.start > covered || (mapping.protection & protection) != protection) break;
    covered = mapping.end;
  }
  close(reader.fd);
  return covered >= end;
}
