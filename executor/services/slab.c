/* slablink's slabs: address space reserved without access; the controller allocates from it and finalizes pages
   through the memory manager's or the shared mapper's Initialize. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtins.h"
#include "descriptors.h"
#include "finalize.h"
#include "image.h"
#include "maps.h"
#include "marked_file.h"
#include "wrapper.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define RESERVE "slab reserve"
#define RELEASE "slab release"
#define TEMPLATE "slab template"

typedef unsigned long long ull;

bool reserve_address_space(uint64_t address, uint64_t size, uint64_t *base, struct reason *reason) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0);
  void *mapped = mmap((void *)(uintptr_t)address, size, PROT_NONE, flags, -1, 0);
  int error = errno;
  if (mapped != MAP_FAILED && (address == 0 || (uintptr_t)mapped == address)) {
    *base = (uintptr_t)mapped;
    return true;
  }
  if (mapped != MAP_FAILED) { /* a kernel older than 4.17 takes the address as a hint */
    munmap(mapped, size);
    error = EEXIST;
  }
  if (address == 0) return refuse(reason, "%llu bytes of address space cannot be reserved: %s", (ull)size, strerror(error));
  struct reason other;
  bool named = error == EEXIST && maps_describe(address, address + size, &other);
  return refuse(reason, "[0x%llx, 0x%llx) cannot be reserved: %s%.200s", (ull)address, (ull)(address + size),
                named ? "in the way is " : strerror(error), named ? other.text : "");
}

static bool is_regular_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* "" is private memory (fd -1), "fd:N" an inherited descriptor, anything else a path. */
static bool open_backing(struct span backing, int *fd, struct reason *reason) {
  *fd = -1;
  if (backing.size == 0) return true;
  char path[4096];
  if (backing.size >= sizeof path || memchr(backing.data, 0, backing.size)) {
    return refuse(reason, RESERVE ": a backing name of %zu bytes is no path", backing.size);
  }
  memcpy(path, backing.data, backing.size);
  path[backing.size] = '\0';
  if (strncmp(path, "fd:", 3) == 0) {
    char *end;
    long number = strtol(path + 3, &end, 10);
    if (path[3] < '0' || path[3] > '9' || *end || number > 1 << 20) {
      return refuse(reason, RESERVE ": backing %s, expected fd: and a number", path);
    }
    /* A copy, so that releasing one slab leaves others on the same descriptor alone. */
    int inherited = descriptor_inherited((int)number);
    if (inherited < 0) return refuse(reason, RESERVE ": descriptor %ld was not announced by slab=%ld", number, number);
    *fd = fcntl(inherited, F_DUPFD_CLOEXEC, inherited);
    if (*fd < 0) return refuse(reason, RESERVE ": descriptor %ld: %s", number, strerror(errno));
    return is_regular_file(*fd) || refuse(reason, RESERVE ": descriptor %ld is no regular file", number);
  }
  int opened = -1;
  if (strncmp(path, MARKED_FILE, sizeof MARKED_FILE - 1) == 0) {
    struct reason why;
    if (!marked_file_open(path, &opened, &why)) return refuse(reason, RESERVE ": %.900s", why.text);
  } else {
    /* Written only through segments that are shared with the controller: a file that may not be is good enough for all others. Opening a
       FIFO could otherwise take for ever. */
    int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    opened = open(path, O_RDWR | flags);
    if (opened < 0) opened = open(path, O_RDONLY | flags);
  }
  if (opened < 0) return refuse(reason, RESERVE ": %s: %s", path, strerror(errno));
  *fd = descriptor_move_high(opened);
  if (*fd < 0) *fd = opened;
  return is_regular_file(*fd) || refuse(reason, RESERVE ": %s is no regular file", path);
}

/* (u64 address, u64 size, String backing) → Expected<Addr base> */
struct wrapper_result slab_reserve(const char *arguments, size_t argument_size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, argument_size);
  uint64_t address = sps_read_u64(&reader);
  uint64_t size = sps_read_u64(&reader), base = 0;
  struct span backing = sps_read_bytes(&reader);
  int fd = -1;
  bool succeeded;
  if (reader.failed) {
    succeeded = refuse_arguments(&reason, RESERVE, argument_size);
  } else if (size == 0 || size % page_size() || address % page_size() || address + size < address || size >> 62) {
    succeeded = refuse(&reason, RESERVE ": %llu bytes at 0x%llx, expected whole pages of %llu bytes", (ull)size,
                       (ull)address, (ull)page_size());
  } else {
    succeeded = open_backing(backing, &fd, &reason) && reserve_address_space(address, size, &base, &reason);
    if (!succeeded && fd >= 0) close(fd);
  }
  if (!succeeded) return result_expected_error(&reason);
  tables_lock();
  reservation_add(SLAB, base, size, fd, NULL);
  tables_unlock();
  return result_expected_address(base);
}

static bool release(uint64_t base, struct reason *reason) {
  struct reservation *slab;
  struct reason action_failure;
  if (!empty_reservation(base, SLAB, &slab, &action_failure, reason)) return false;
  /* Unloading works without the lock; afterwards the slab is looked up anew. */
  struct interval *found;
  while ((found = interval_find(&images, slab->base, slab->base + slab->size))) {
    const struct image *image = found->owner;
    void *handle = image->handle;
    bool ready = !image->busy || refuse(reason, "the image at 0x%llx in the slab at 0x%llx is being loaded or unloaded",
                                        (ull)image->start, (ull)base);
    tables_unlock();
    if (!ready || !image_unload_handle((uintptr_t)handle, reason)) return false;
    if (!empty_reservation(base, SLAB, &slab, &action_failure, reason)) return false;
  }
  if (!image_close_holes(slab->base, slab->base + slab->size, reason)) {
    tables_unlock();
    return false;
  }
  bool unmapped = munmap((void *)(uintptr_t)base, slab->size) == 0;
  if (!unmapped) refuse(reason, "slab at 0x%llx: munmap: %s", (ull)base, strerror(errno));
  if (slab->fd >= 0) close(slab->fd);
  if (slab->template_fd >= 0) close(slab->template_fd);
  reservation_remove(slab);
  tables_unlock();
  if (!unmapped) return false;
  if (action_failure.text[0]) *reason = action_failure;
  return action_failure.text[0] == '\0';
}

/* (Addr base) → Error */
struct wrapper_result slab_release(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t base = sps_read_u64(&reader);
  bool succeeded = reader.failed ? refuse_arguments(&reason, RELEASE, size) : release(base, &reason);
  return succeeded ? result_success() : result_error(&reason);
}

/* (Addr base, Addr start, String path) → Error. Segments of the slab at `base` with bit 0x40 have their contents in that file, whose offset 0
   belongs at `start`, from now on; an earlier file is forgotten, but not what was mapped of it. */
struct wrapper_result slab_template(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t base = sps_read_u64(&reader), start = sps_read_u64(&reader);
  struct span name = sps_read_bytes(&reader);
  char path[4096];
  int fd = -1;
  bool succeeded = !reader.failed || refuse_arguments(&reason, TEMPLATE, size);
  if (succeeded && (name.size == 0 || name.size >= sizeof path || memchr(name.data, 0, name.size) || start % page_size())) {
    succeeded = refuse(&reason, TEMPLATE ": a name of %zu bytes at 0x%llx, expected a path and whole pages of %llu bytes", name.size,
                       (ull)start, (ull)page_size());
  }
  if (succeeded) {
    memcpy(path, name.data, name.size);
    path[name.size] = '\0';
    /* Only to be read: what is mapped of it must not be changed for others. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int moved = fd < 0 ? -1 : descriptor_move_high(fd);
    if (fd < 0) succeeded = refuse(&reason, TEMPLATE ": %s: %s", path, strerror(errno));
    if (moved >= 0) fd = moved;
    if (succeeded && !is_regular_file(fd)) succeeded = refuse(&reason, TEMPLATE ": %s is no regular file", path);
  }
  tables_lock();
  struct reservation *slab = succeeded ? reservation_at(base) : NULL;
  if (succeeded && (!slab || slab->kind != SLAB)) {
    succeeded = refuse(&reason, TEMPLATE ": there is no slab at 0x%llx", (ull)base);
  }
  if (succeeded) {
    int before = slab->template_fd;
    slab->template_fd = fd;
    slab->template_start = start;
    fd = before;
  }
  tables_unlock();
  if (fd >= 0) close(fd);
  return succeeded ? result_success() : result_error(&reason);
}
