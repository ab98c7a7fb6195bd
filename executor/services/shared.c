/* The shared-memory mapper services, S in EPC-PROTOCOL section 5: contents are written by the controller through its
   own mapping. Reserve makes POSIX shared memory (section 7); Initialize also serves file-backed slabs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builtins.h"
#include "finalize.h"
#include "initialize.h"
#include "wrapper.h"

#define RESERVE "shared memory mapper reserve"
#define INITIALIZE "shared memory mapper initialize"
#define DEINITIALIZE "shared memory mapper deinitialize"
#define RELEASE "shared memory mapper release"

char shared_mapper_instance;

/* A new object `/jitlink_<pid>_<counter>`; the name must be free, so a left-over or planted one is stepped over. */
static int create_shared_memory(char *name, size_t name_size) {
  static unsigned counter;
  for (int attempt = 0; attempt < 1000; attempt++) {
    tables_lock();
    unsigned number = ++counter;
    tables_unlock();
    snprintf(name, name_size, "/jitlink_%d_%u", (int)getpid(), number);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0700);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

/* (Addr instance, u64 size) → Expected<Tuple<Addr, String name>>. The controller unlinks the name. */
struct wrapper_result shared_reserve(const char *arguments, size_t argument_size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, argument_size);
  uint64_t instance = sps_read_u64(&reader);
  uint64_t size = sps_read_u64(&reader);
  if (reader.failed) {
    refuse_arguments(&reason, RESERVE, argument_size);
    return result_expected_error(&reason);
  }
  if (!check_instance(instance, &shared_mapper_instance, RESERVE, &reason)) return result_expected_error(&reason);
  uint64_t rounded = page_up(size);
  if (rounded == 0) {
    refuse(&reason, RESERVE ": %llu bytes", (unsigned long long)size);
    return result_expected_error(&reason);
  }
  char name[64];
  int fd = create_shared_memory(name, sizeof name);
  const char *step = "shm_open";
  void *base = MAP_FAILED;
  if (fd >= 0) {
    step = "ftruncate";
    if (ftruncate(fd, (off_t)rounded) == 0) {
      step = "mmap";
      base = mmap(NULL, rounded, PROT_NONE, MAP_SHARED, fd, 0);
    }
    int error = errno;
    close(fd);
    if (base == MAP_FAILED) shm_unlink(name);
    errno = error;
  }
  if (base == MAP_FAILED) {
    refuse(&reason, RESERVE ": %llu bytes as %s: %s: %s", (unsigned long long)size, name, step, strerror(errno));
    return result_expected_error(&reason);
  }
  tables_lock();
  reservation_add(NAMED_RESERVATION, (uintptr_t)base, rounded, -1, strdup(name));
  tables_unlock();
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, (uintptr_t)base);
  sps_write_string(&writer, name);
  return result_of(&writer);
}

/* Removes names that a controller did not live to unlink. */
void shared_unlink_names(void) {
  tables_lock();
  for (size_t i = 0; i < reservations.count; i++) {
    const struct reservation *reservation = reservations.items[i].owner;
    if (reservation->name) shm_unlink(reservation->name);
  }
  tables_unlock();
}

/* Unlocks the tables when it fails. */
static bool find_reservation(uint64_t base, const struct segment_request *requests, size_t count,
                             struct reservation **found, struct reason *reason) {
  (void)requests, (void)count;
  struct reservation *reservation = *found = reservation_at(base);
  if (reservation && reservation->kind == SLAB && reservation->fd < 0) {
    refuse(reason, "the slab at 0x%llx has no backing file; its contents must come in messages", (unsigned long long)base);
  } else if (reservation && reservation->kind != GENERIC_RESERVATION) {
    return true;
  } else {
    refuse(reason, "there is no shared memory reservation or slab at 0x%llx", (unsigned long long)base);
  }
  tables_unlock();
  return false;
}

static const struct initialize_service service = {
    .name = INITIALIZE,
    .instance = &shared_mapper_instance,
    .names_reservation = true,
    .find = find_reservation,
};

/* (Addr instance, Addr reservation, SharedMemoryFinalizeRequest) → Expected<Addr key> */
struct wrapper_result shared_initialize(const char *arguments, size_t size) {
  return initialize_memory(&service, arguments, size);
}

bool shared_initialize_runs_linked_code(const char *arguments, size_t size) {
  return initialize_runs_linked_code(&service, arguments, size);
}

struct wrapper_result shared_deinitialize(const char *arguments, size_t size) {
  return deinitialize_keys(DEINITIALIZE, &shared_mapper_instance, arguments, size);
}

struct wrapper_result shared_release(const char *arguments, size_t size) {
  return release_bases(RELEASE, &shared_mapper_instance, NAMED_RESERVATION, arguments, size);
}
