#include "reservation.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct interval_table reservations;
struct interval_table segments;
struct interval_table images;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *without_segments; /* latest first */
static uint64_t next_serial;

void tables_lock(void) { pthread_mutex_lock(&lock); }
void tables_unlock(void) { pthread_mutex_unlock(&lock); }

uint64_t page_size(void) {
  static uint64_t size;
  if (size == 0) size = (uint64_t)sysconf(_SC_PAGESIZE);
  return size;
}

uint64_t page_down(uint64_t address) { return address & ~(page_size() - 1); }
uint64_t page_up(uint64_t address) { return page_down(address + page_size() - 1); }

struct reservation *reservation_at(uint64_t base) {
  struct interval *found = interval_find(&reservations, base, base + 1);
  return found && found->start == base ? found->owner : NULL;
}

struct reservation *reservation_around(uint64_t start, uint64_t end) {
  struct interval *found = start < end ? interval_find(&reservations, start, end) : NULL;
  return found && found->start <= start && end <= found->end ? found->owner : NULL;
}

struct reservation *reservation_add(enum reservation_kind kind, uint64_t base, uint64_t size, int fd, char *name) {
  struct reservation *reservation = allocate_zeroed(1, sizeof *reservation);
  *reservation = (struct reservation){.kind = kind, .base = base, .size = size, .fd = fd, .template_fd = -1, .name = name};
  interval_insert(&reservations, (struct interval){base, base + size, reservation, 0});
  return reservation;
}

void reservation_remove(struct reservation *reservation) {
  interval_remove(&reservations, reservation->base);
  free(reservation->name);
  free(reservation);
}

static struct region **list_of(const struct region *region) {
  return region->reservation ? &region->reservation->regions : &without_segments;
}

struct region *region_of_key(uint64_t key) {
  if (key == UINT64_MAX) return without_segments;
  struct interval *found = interval_find(&segments, key, key + 1);
  struct region *region = found ? found->owner : NULL;
  return region && region->key == key ? region : NULL;
}

static void remove_segments(const struct region *region, size_t count) {
  for (size_t i = 0; i < count; i++) interval_remove(&segments, region->segments[i].start);
}

/* While the loader works on it, an image's range is not ours. */
static const struct interval *busy_image_in(uint64_t start, uint64_t end) {
  const struct interval *found;
  while ((found = interval_find(&images, start, end)) && !((const struct image *)found->owner)->busy) start = found->end;
  return found;
}

bool region_add(struct region *region, struct reason *reason) {
  for (size_t i = 0; i < region->segment_count; i++) {
    const struct segment *segment = &region->segments[i];
    const struct interval *other = interval_find(&segments, segment->start, segment->end);
    const struct interval *image = other ? NULL : busy_image_in(segment->start, segment->end);
    if (other || image) {
      remove_segments(region, i);
      if (!other) other = image;
      return refuse(reason, "segment [0x%llx, 0x%llx) overlaps [0x%llx, 0x%llx), which is %s",
                    (unsigned long long)segment->start, (unsigned long long)segment->end,
                    (unsigned long long)other->start, (unsigned long long)other->end,
                    image ? "an image that is being loaded or unloaded" : "finalized already");
    }
    interval_insert(&segments, (struct interval){segment->start, segment->end, region, segment->protection});
  }
  struct region **list = list_of(region);
  region->serial = next_serial++;
  region->later = NULL;
  region->earlier = *list;
  if (*list) (*list)->later = region;
  *list = region;
  return true;
}

void region_remove(struct region *region) {
  if (region->later) region->later->earlier = region->earlier;
  else *list_of(region) = region->earlier;
  if (region->earlier) region->earlier->later = region->later;
  remove_segments(region, region->segment_count);
}

struct region *region_latest(void) {
  struct region *latest = without_segments;
  for (size_t i = 0; i < reservations.count; i++) {
    struct region *region = ((struct reservation *)reservations.items[i].owner)->regions;
    if (region && (!latest || region->serial > latest->serial)) latest = region;
  }
  return latest;
}

bool linked_memory_covers(uint64_t start, uint64_t end, int protection, bool segments_only) {
  if (start >= end) return false;
  while (start < end) {
    const struct interval *segment = interval_find(&segments, start, end);
    if (segment && segment->start <= start) {
      if ((segment->protection & protection) != protection) return false;
      start = segment->end;
      continue;
    }
    const struct interval *image = segments_only ? NULL : interval_find(&images, start, end);
    if (!image || image->start > start) return false;
    start = segment && segment->start < image->end ? segment->start : image->end;
  }
  return true;
}
