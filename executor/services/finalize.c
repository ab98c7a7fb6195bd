#include "finalize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "debugger.h"
#include "eh_frame.h"
#include "image.h"
#include "trace.h"

typedef unsigned long long ull;

bool protection_of_group(uint8_t group, struct segment_request *segment, struct reason *reason) {
  /* The last three are slablink's own; LLVM's controllers do not send them. */
  enum { READ = 1, WRITE = 2, EXECUTE = 4, FINALIZE_LIFETIME = 8, WRITABLE_CODE = 16, SHARED_DATA = 32, TEMPLATE = 64 };
  if (group & ~(READ | WRITE | EXECUTE | FINALIZE_LIFETIME | WRITABLE_CODE | SHARED_DATA | TEMPLATE)) {
    return refuse(reason, "allocation group 0x%x, expected only bits of 0x7f", group);
  }
  segment->shared = group & SHARED_DATA;
  segment->from_template = group & TEMPLATE;
  if (segment->from_template && (group & WRITE)) {
    return refuse(reason, "allocation group 0x%x: bit 0x40 is for memory that is not writable", group);
  }
  if (segment->shared && (!(group & WRITE) || (group & EXECUTE))) {
    return refuse(reason, "allocation group 0x%x: bit 0x20 is for memory that is writable and not executable", group);
  }
  bool both = (group & WRITE) && (group & EXECUTE);
  if (both && !(group & WRITABLE_CODE)) {
    return refuse(reason, "allocation group 0x%x: memory is not writable and executable at once without bit 0x10", group);
  }
  if (!both && (group & WRITABLE_CODE)) {
    return refuse(reason, "allocation group 0x%x: bit 0x10 is for memory that is writable and executable", group);
  }
  segment->protection = (group & READ ? PROT_READ : 0) | (group & WRITE ? PROT_READ | PROT_WRITE : 0) |
                (group & EXECUTE ? PROT_EXEC : 0);
  return true;
}

bool make_inaccessible(uint64_t start, uint64_t size) {
  return mmap((void *)(uintptr_t)start, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
              0) != MAP_FAILED;
}

/* The memory as it was before the segment was finalized. A named reservation keeps contents that the other side wrote. */
static void put_back(const struct reservation *reservation, const struct segment *segment) {
  void *start = (void *)(uintptr_t)segment->start;
  size_t size = segment->end - segment->start;
  int failed = 0;
  switch (reservation->kind) {
    case SLAB:
      failed = !make_inaccessible(segment->start, size);
      break;
    case GENERIC_RESERVATION:
      failed = mprotect(start, size, PROT_READ | PROT_WRITE) != 0 || madvise(start, size, MADV_DONTNEED) != 0;
      break;
    case NAMED_RESERVATION:
      failed = mprotect(start, size, PROT_NONE) != 0;
      break;
  }
  if (failed) {
    complain("[0x%llx, 0x%llx) could not be given back: %s", (ull)segment->start, (ull)segment->end, strerror(errno));
  }
}

/* A segment up to this size gets its pages at once (a larger one as they are touched): one by one costs a small program more than all
   together, above all pages of data, which are mapped when they are read, and taken away on all processors to be copied when they are written. */
enum { POPULATED_SIZE = 4 << 20 };

static bool map_from_file(const struct reservation *slab, const struct segment *segment) {
  size_t size = segment->end - segment->start;
  struct stat file;
  int fd = segment->from_template ? slab->template_fd : slab->fd;
  /* Wraps where the template begins behind it: no file is so large. */
  uint64_t offset = segment->start - (segment->from_template ? slab->template_start : slab->base);
  if (fstat(fd, &file) != 0) return false;
  if ((uint64_t)file.st_size < size || (uint64_t)file.st_size - size < offset) {
    errno = ENXIO; /* touching such pages would be SIGBUS */
    return false;
  }
  /* Written data is private from here on, since shared pages would also be the ones of a forked child, unless the controller is to see
     it as it changes; a child gets its own then (fork_copy.h). A template's pages are other programs' too: who makes them writable gets copies. */
  bool private = segment->from_template || (segment->protection & PROT_WRITE && !segment->shared);
  int sharing = private ? MAP_PRIVATE : MAP_SHARED;
  int populate = size <= POPULATED_SIZE ? MAP_POPULATE : 0;
  return mmap((void *)(uintptr_t)segment->start, size, segment->protection, sharing | populate | MAP_FIXED, fd,
              (off_t)offset) != MAP_FAILED;
}

/* Zero bytes in a reservation of the memory manager. Whole pages of many are given back instead of being written: a short request
   could otherwise fill the machine's memory. */
static bool clear(uint8_t *start, uint8_t *end) {
  enum { WRITTEN_SIZE = 64 * 1024 };
  uint8_t *pages = (uint8_t *)(uintptr_t)page_up((uintptr_t)start);
  if (end - start <= WRITTEN_SIZE) {
    memset(start, 0, (size_t)(end - start));
    return true;
  }
  memset(start, 0, (size_t)(pages - start));
  return madvise(pages, (size_t)(end - pages), MADV_DONTNEED) == 0;
}

static bool fill_and_protect(const struct reservation *reservation, const struct segment *segment,
                             const struct segment_request *request) {
  uint8_t *start = (uint8_t *)(uintptr_t)segment->start;
  size_t size = segment->end - segment->start;
  uint8_t *content = (uint8_t *)(uintptr_t)request->address;
  if (reservation->kind == SLAB) {
    if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return false;
  } else {
    /* Writable since it was reserved, unless giving it back failed or linked code changed it. Whatever was written there before
       is not part of the contents. */
    if (mprotect(start, size, PROT_READ | PROT_WRITE) != 0) return false;
    memset(start, 0, (size_t)(content - start));
    if (!clear(content + request->content.size, start + size)) return false;
  }
  if (request->content.size) memcpy(content, request->content.data, request->content.size);
  if (segment->protection == (PROT_READ | PROT_WRITE)) return true;
  if (mprotect(start, size, segment->protection) != 0) return false;
  if (segment->protection & PROT_EXEC) __builtin___clear_cache((char *)start, (char *)start + size);
  return true;
}

static bool map_segment(const struct reservation *reservation, const struct segment *segment,
                        const struct segment_request *request, bool with_contents, struct reason *reason) {
  bool mapped;
  if (with_contents) mapped = fill_and_protect(reservation, segment, request);
  else if (reservation->kind == SLAB) mapped = map_from_file(reservation, segment);
  else mapped = mprotect((void *)(uintptr_t)segment->start, segment->end - segment->start, segment->protection) == 0;
  if (mapped) return true;
  int error = errno;
  const char *short_file = segment->from_template ? "the slab's template ends before it" : "the slab's file ends before it";
  return refuse(reason, "segment [0x%llx, 0x%llx) %c%c%c cannot be mapped: %s (errno %d)%s", (ull)segment->start,
                (ull)segment->end, segment->protection & PROT_READ ? 'r' : '-',
                segment->protection & PROT_WRITE ? 'w' : '-', segment->protection & PROT_EXEC ? 'x' : '-',
                error == ENXIO ? short_file : strerror(error), error,
                error == ENOMEM ? "; a process may have as many mappings as vm.max_map_count says, and ulimit -v of address space" : "");
}

static void free_region(struct region *region) {
  free(region->segments);
  free(region);
}

/* What others were told about the region's memory, while it is still readable. */
static void forget(const struct region *region) {
  for (size_t i = 0; i < region->segment_count; i++) {
    eh_frames_forget(region->segments[i].start, region->segments[i].end);
    debugger_forget(region->segments[i].start, region->segments[i].end);
  }
}

/* Segments rounded out to pages, checked against the reservation. Empty ones are left out. */
static struct region *plan_region(struct reservation *reservation, const struct segment_request *requests, size_t count,
                                  bool with_contents, size_t *request_of_segment, struct reason *reason) {
  struct region *region = allocate_zeroed(1, sizeof *region);
  region->key = UINT64_MAX;
  region->segments = allocate(count * sizeof *region->segments);
  for (size_t i = 0; i < count; i++) {
    uint64_t start = requests[i].address, end = start + requests[i].size;
    if (requests[i].content.size > requests[i].size) {
      refuse(reason, "segment at 0x%llx has %zu bytes of contents for a size of %llu", (ull)start,
             requests[i].content.size, (ull)requests[i].size);
      free_region(region);
      return NULL;
    }
    if (requests[i].size == 0) continue;
    if (requests[i].shared && (with_contents || reservation->kind != SLAB || reservation->fd < 0)) {
      refuse(reason, "segment at 0x%llx of %llu bytes: bit 0x20 is for slabs that have a backing file, whose contents are in place",
             (ull)start, (ull)requests[i].size);
      free_region(region);
      return NULL;
    }
    if (requests[i].from_template && (with_contents || reservation->kind != SLAB || reservation->template_fd < 0)) {
      refuse(reason, "segment at 0x%llx of %llu bytes: bit 0x40 is for slabs that have a template, whose contents are in place",
             (ull)start, (ull)requests[i].size);
      free_region(region);
      return NULL;
    }
    if (end < start || start < reservation->base || end > reservation->base + reservation->size) {
      refuse(reason, "segment at 0x%llx of %llu bytes is not inside the reservation [0x%llx, 0x%llx)", (ull)start,
             (ull)requests[i].size, (ull)reservation->base, (ull)(reservation->base + reservation->size));
      free_region(region);
      return NULL;
    }
    if (reservation->kind == SLAB && !image_close_holes(page_down(start), page_up(end), reason)) {
      free_region(region);
      return NULL;
    }
    if (start < region->key) region->key = start;
    request_of_segment[region->segment_count] = i;
    region->segments[region->segment_count++] = (struct segment){page_down(start), page_up(end), requests[i].protection,
                                                                        requests[i].shared, requests[i].from_template};
  }
  region->reservation = region->segment_count ? reservation : NULL;
  return region;
}

bool finalize(struct reservation *reservation, const struct segment_request *requests, size_t count, bool with_contents,
              const struct action_pairs *actions, uint64_t *key, struct reason *reason) {
  size_t *request_of_segment = allocate(count * sizeof *request_of_segment);
  struct region *region = plan_region(reservation, requests, count, with_contents, request_of_segment, reason);
  bool succeeded = region && region_add(region, reason);
  if (!succeeded) {
    tables_unlock();
    if (region) free_region(region);
    free(request_of_segment);
    return false;
  }
  region->busy = true;
  size_t mapped = 0;
  uint64_t started = trace_now();
  while (succeeded && mapped < region->segment_count) {
    const struct segment_request *request = &requests[request_of_segment[mapped]];
    succeeded = map_segment(reservation, &region->segments[mapped++], request, with_contents, reason);
  }
  free(request_of_segment);
  trace_part("map segments", started);
  if (succeeded) {
    tables_unlock();
    succeeded = actions_finalize(actions, &region->deallocations, reason);
    tables_lock();
  }
  if (succeeded) {
    region->busy = false;
    *key = region->key;
  } else {
    forget(region);
    while (mapped > 0) put_back(reservation, &region->segments[--mapped]);
    region_remove(region);
    free_region(region);
  }
  tables_unlock();
  return succeeded;
}

void discard_region(struct region *region) {
  forget(region);
  actions_discard(&region->deallocations);
  region_remove(region);
  free_region(region);
}

bool give_up_region(struct region *region, struct reason *reason) {
  region->busy = true;
  tables_unlock();
  bool succeeded = actions_deallocate(&region->deallocations, reason);
  tables_lock();
  forget(region);
  for (size_t i = 0; i < region->segment_count; i++) {
    /* The mapper's Deinitialize leaves protections alone (EPC-PROTOCOL section 5). */
    if (region->reservation->kind != NAMED_RESERVATION) put_back(region->reservation, &region->segments[i]);
  }
  discard_region(region);
  return succeeded;
}

/* LLVM's controllers deinitialize in named reservations what they have abandoned before it was ever initialized. */
static bool may_be_abandoned(uint64_t key) {
  const struct reservation *reservation = key == UINT64_MAX ? NULL : reservation_around(key, key + 1);
  return reservation && reservation->kind == NAMED_RESERVATION;
}

bool give_up_keys(struct sps_reader *keys, struct reason *reason) {
  bool succeeded = true;
  struct reason other;
  size_t count = (size_t)(keys->end - keys->at) / sizeof(uint64_t);
  tables_lock();
  while (count-- > 0) {
    uint64_t key;
    memcpy(&key, keys->at + count * sizeof key, sizeof key);
    struct region *region = region_of_key(key);
    struct reason *into = succeeded ? reason : &other;
    if (!region && may_be_abandoned(key)) continue;
    if (!region) succeeded = refuse(into, "nothing is finalized under the key 0x%llx", (ull)key);
    else if (region->busy) succeeded = refuse(into, "the memory of key 0x%llx is being finalized or given up", (ull)key);
    else if (!give_up_region(region, into)) succeeded = false;
  }
  tables_unlock();
  return succeeded;
}

bool empty_reservation(uint64_t base, enum reservation_kind kind, struct reservation **found, struct reason *action_failure,
                       struct reason *reason) {
  action_failure->text[0] = '\0';
  tables_lock();
  for (;;) {
    /* Looked up each time: the tables are unlocked while actions run. */
    struct reservation *reservation = reservation_at(base);
    if (!reservation || reservation->kind != kind) {
      tables_unlock();
      return refuse(reason, "there is no %s reservation at 0x%llx",
                    kind == SLAB ? "slab" : kind == NAMED_RESERVATION ? "shared memory" : "memory manager", (ull)base);
    }
    struct region *region = reservation->regions;
    if (!region) {
      *found = reservation;
      return true;
    }
    if (region->busy) {
      tables_unlock();
      return refuse(reason, "memory of key 0x%llx in the reservation at 0x%llx is being finalized or given up",
                    (ull)region->key, (ull)base);
    }
    struct reason failure;
    if (!give_up_region(region, &failure) && !action_failure->text[0]) *action_failure = failure;
  }
}

void give_up_everything(void) {
  tables_lock();
  for (struct region *region; (region = region_latest()) && !region->busy;) {
    struct reason reason;
    if (!give_up_region(region, &reason)) complain("deallocation action: %s", reason.text);
  }
  tables_unlock();
}

/* instance, Sequence<Addr>. Undecodable arguments run nothing. */
static bool any(const char *arguments, size_t size, bool (*runs)(uint64_t address)) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  sps_read_u64(&reader);
  size_t count = sps_read_count(&reader, 8);
  bool found = false;
  tables_lock();
  while (!found && count-- > 0) found = runs(sps_read_u64(&reader));
  tables_unlock();
  return found;
}

static bool key_runs(uint64_t key) {
  const struct region *region = region_of_key(key);
  /* One key of several regions: the request may reach them all. */
  return region && (key == UINT64_MAX || !action_list_is_simple(&region->deallocations));
}

static bool base_runs(uint64_t base) {
  const struct reservation *reservation = reservation_at(base);
  const struct region *region = reservation ? reservation->regions : NULL;
  while (region && action_list_is_simple(&region->deallocations)) region = region->earlier;
  return region != NULL;
}

bool keys_run_linked_code(const char *arguments, size_t size) { return any(arguments, size, key_runs); }
bool bases_run_linked_code(const char *arguments, size_t size) { return any(arguments, size, base_runs); }
