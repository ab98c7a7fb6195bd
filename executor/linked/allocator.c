/* A program's malloc family for libraries that have allocated memory before the program was there. What the C library handed out by then is
   known by its address and goes back to the C library; the program's functions never see it. */
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "interpose.h"

enum { ARENAS_MAX = 256 };
/* glibc's HEAP_MAX_SIZE: a secondary arena lies at a multiple of it. */
static const uint64_t ARENA_SIZE = 64ull << 20;

static uint64_t heap_start, heap_end;
static uint64_t arenas[ARENAS_MAX];
static size_t arena_count;

/* The program's malloc hands out the C library's own memory (it wraps it): then there is nothing to tell apart. */
static volatile bool program_delegates;

struct function {
  uint64_t program, original;
};
static struct function f_malloc, f_calloc, f_realloc, f_free, f_cfree, f_usable;

#define CALL(function, result, parameters) ((result(*) parameters)(uintptr_t)(function))

static bool is_among_arenas(uint64_t address) {
  uint64_t base = address & -ARENA_SIZE;
  for (size_t i = 0; i < arena_count; i++) {
    if (arenas[i] == base) return true;
  }
  return false;
}

/* Before the switch, by the C library: in its heap, in an arena, or mapped by itself (then 16 bytes behind a page's start, with a size
   of whole pages and the bit that says so). */
static bool is_the_hosts(const void *block) {
  uint64_t address = (uintptr_t)block;
  if (address >= heap_start && address < heap_end) return true;
  if (is_among_arenas(address)) return true;
  if ((address & 4095) != 16) return false;
  const uint64_t *head = (const uint64_t *)block;
  return head[-2] == 0 && (head[-1] & 4095) == 2 && head[-1] > 4096;
}

/* Blocks that libraries have from the program's malloc: a thread of the host's may have to free what the C library allocated in one of the
   program's (a thread's own bookkeeping, the environment). A place that is taken is given to the newer block. */
enum { NOTED_BITS = 16, NOTED_PROBES = 8 };
static _Atomic uint64_t noted[(1 << NOTED_BITS) + NOTED_PROBES];

static _Atomic uint64_t *place_of(uint64_t address) { return noted + (address * 0x9e3779b97f4a7c15u >> (64 - NOTED_BITS)); }

static void note(const void *block) {
  _Atomic uint64_t *place = place_of((uintptr_t)block);
  for (size_t i = 0; i < NOTED_PROBES; i++) {
    uint64_t nothing = 0;
    if (atomic_compare_exchange_strong(&place[i], &nothing, (uintptr_t)block)) return;
  }
  atomic_store(place, (uintptr_t)block);
}

/* True if it was noted. */
static bool forget(const void *block) {
  _Atomic uint64_t *place = place_of((uintptr_t)block);
  for (size_t i = 0; i < NOTED_PROBES; i++) {
    uint64_t expected = (uintptr_t)block;
    if (atomic_compare_exchange_strong(&place[i], &expected, 0)) return true;
  }
  return false;
}

/* Whose function takes the block back. */
static bool goes_back_to_host(const void *block) {
  if (!block) return !thread_is_the_programs();
  if (forget(block)) return false;
  return !thread_is_the_programs() || (!program_delegates && is_the_hosts(block));
}

static void *from_program(void *block) {
  if (!block) return block;
  if (!program_delegates && is_the_hosts(block)) program_delegates = true;
  note(block);
  return block;
}

static void *from_host(void *block) {
  if (block) forget(block);
  return block;
}

static void *shim_malloc(size_t size) {
  if (!thread_is_the_programs()) return from_host(CALL(f_malloc.original, void *, (size_t))(size));
  return from_program(CALL(f_malloc.program, void *, (size_t))(size));
}

static void *shim_calloc(size_t count, size_t size) {
  if (!thread_is_the_programs()) return from_host(CALL(f_calloc.original, void *, (size_t, size_t))(count, size));
  return from_program(CALL(f_calloc.program, void *, (size_t, size_t))(count, size));
}

static void *shim_realloc(void *block, size_t size) {
  if (goes_back_to_host(block)) return from_host(CALL(f_realloc.original, void *, (void *, size_t))(block, size));
  return from_program(CALL(f_realloc.program, void *, (void *, size_t))(block, size));
}

static void shim_free(void *block) {
  CALL(goes_back_to_host(block) ? f_free.original : f_free.program, void, (void *))(block);
}

static void shim_cfree(void *block) {
  CALL(goes_back_to_host(block) ? f_cfree.original : f_cfree.program, void, (void *))(block);
}

static size_t shim_usable(void *block) {
  bool to_host = goes_back_to_host(block);
  if (block && !to_host) note(block);
  return CALL(to_host ? f_usable.original : f_usable.program, size_t, (void *))(block);
}

static const struct shim {
  const char *name;
  struct function *function;
  void *shim;
} shims[] = {
    {"malloc", &f_malloc, shim_malloc},   {"calloc", &f_calloc, shim_calloc}, {"realloc", &f_realloc, shim_realloc},
    {"free", &f_free, shim_free},         {"cfree", &f_cfree, shim_cfree},    {"malloc_usable_size", &f_usable, shim_usable},
};

uint64_t allocator_shim(const char *name, uint64_t program, uint64_t original) {
  for (size_t i = 0; i < sizeof shims / sizeof *shims; i++) {
    if (strcmp(shims[i].name, name) != 0) continue;
    *shims[i].function = (struct function){program, original};
    return (uintptr_t)shims[i].shim;
  }
  return 0;
}

static uint64_t read_hex(const char **at) {
  uint64_t value = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9') value = value * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f') value = value * 16 + (uint64_t)(c - 'a' + 10);
    else return value;
  }
}

/* A line of /proc/self/maps (proc(5)): "start-end perms offset device inode  path". */
static void read_mapping(const char *line) {
  uint64_t start = read_hex(&line);
  line++;
  uint64_t end = read_hex(&line);
  if (strncmp(line, " rw-p ", 6) != 0) return;
  if (strstr(line, "[heap]")) {
    if (heap_start == 0) heap_start = start;
    heap_end = end;
  } else if (start % ARENA_SIZE == 0 && strstr(line, " 00:00 0") && end - start <= ARENA_SIZE && arena_count < ARENAS_MAX) {
    arenas[arena_count++] = start;
  }
}

void allocator_begin(void) {
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) refuse("/proc/self/maps cannot be read: the program's malloc cannot be told from the C library's");
  static char text[4096 + 1];
  size_t size = 0;
  for (;;) {
    ssize_t count = read(fd, text + size, sizeof text - 1 - size);
    if (count <= 0) break;
    size += (size_t)count;
    text[size] = '\0';
    char *line = text;
    for (char *end; (end = memchr(line, '\n', size - (size_t)(line - text))); line = end + 1) {
      *end = '\0';
      read_mapping(line);
    }
    size -= (size_t)(line - text);
    memmove(text, line, size);
  }
  close(fd);
}
