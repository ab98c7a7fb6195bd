/* The memory manager services, M in EPC-PROTOCOL section 5: contents travel in the requests. Initialize also serves
   slabs, whose memory is inaccessible until then. LLVM 19 has `finalize` and `deallocate` in place of `initialize` and
   `release` (section 8): the key stays with the executor, which gives everything of a reservation up with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "builtins.h"
#include "finalize.h"
#include "initialize.h"
#include "session.h"
#include "wrapper.h"

#define RESERVE "memory manager reserve"
#define INITIALIZE "memory manager initialize"
#define FINALIZE "memory manager finalize"
#define DEALLOCATE "memory manager deallocate"
#define DEINITIALIZE "memory manager deinitialize"
#define RELEASE "memory manager release"

char memory_manager_instance;

/* (Addr instance, u64 size) → Expected<Addr> */
struct wrapper_result memory_reserve(const char *arguments, size_t argument_size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, argument_size);
  uint64_t instance = sps_read_u64(&reader);
  uint64_t size = sps_read_u64(&reader);
  if (reader.failed) {
    refuse_arguments(&reason, RESERVE, argument_size);
    return result_expected_error(&reason);
  }
  if (!check_instance(instance, &memory_manager_instance, RESERVE, &reason)) return result_expected_error(&reason);
  /* An empty graph asks for nothing; a page makes its address unique. */
  uint64_t rounded = size == 0 ? page_size() : page_up(size);
  void *base = rounded == 0 ? MAP_FAILED
                            : mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    refuse(&reason, RESERVE ": %llu bytes: %s", (unsigned long long)size, rounded == 0 ? "too large" : strerror(errno));
    return result_expected_error(&reason);
  }
  tables_lock();
  reservation_add(GENERIC_RESERVATION, (uintptr_t)base, rounded, -1, NULL);
  tables_unlock();
  return result_expected_address((uintptr_t)base);
}

/* By the segments' addresses; unlocks the tables when it fails. */
static bool find_reservation(uint64_t base, const struct segment_request *requests, size_t count,
                             struct reservation **found, struct reason *reason) {
  (void)base;
  *found = NULL;
  for (size_t i = 0; i < count && !*found; i++) {
    uint64_t start = requests[i].address, end = start + requests[i].size;
    if (start == end) continue;
    *found = reservation_around(start, end);
    if (*found && (*found)->kind != NAMED_RESERVATION) return true;
    tables_unlock();
    return refuse(reason, "segment at 0x%llx of %llu bytes is not inside a reservation of the memory manager or a slab",
                  (unsigned long long)start, (unsigned long long)requests[i].size);
  }
  return true;
}

static const struct initialize_service service = {
    .name = INITIALIZE,
    .instance = &memory_manager_instance,
    .with_contents = true,
    .find = find_reservation,
};

/* (Addr instance, FinalizeRequest) → Expected<Addr key> */
struct wrapper_result memory_initialize(const char *arguments, size_t size) {
  return initialize_memory(&service, arguments, size);
}

static const struct initialize_service finalize_service = {
    .name = FINALIZE,
    .instance = &memory_manager_instance,
    .with_contents = true,
    .find = find_reservation,
};

/* (Addr instance, FinalizeRequest) → Error */
struct wrapper_result memory_finalize(const char *arguments, size_t size) {
  struct reason reason;
  uint64_t key;
  return initialize_requested(&finalize_service, arguments, size, &key, &reason) ? result_success() : result_error(&reason);
}

bool memory_initialize_runs_linked_code(const char *arguments, size_t size) {
  return initialize_runs_linked_code(&service, arguments, size);
}

/* (Addr instance, Sequence<Addr>) → Error, for both services' Deinitialize and Release. */
static bool read_addresses(const char *wrapper, const void *service, const char *arguments, size_t size,
                           struct sps_reader *addresses, struct reason *reason) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t instance = sps_read_u64(&reader);
  size_t count = sps_read_count(&reader, 8);
  if (reader.failed) return refuse_arguments(reason, wrapper, size);
  *addresses = sps_reader_of(reader.at, count * 8);
  return check_instance(instance, service, wrapper, reason);
}

struct wrapper_result deinitialize_keys(const char *wrapper, const void *service, const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader keys;
  bool succeeded = read_addresses(wrapper, service, arguments, size, &keys, &reason) && give_up_keys(&keys, &reason);
  return succeeded ? result_success() : result_error(&reason);
}

static bool release_one(uint64_t base, enum reservation_kind kind, struct reason *reason) {
  struct reservation *reservation;
  struct reason action_failure;
  if (!empty_reservation(base, kind, &reservation, &action_failure, reason)) return false;
  bool unmapped = munmap((void *)(uintptr_t)base, reservation->size) == 0;
  if (!unmapped) refuse(reason, "reservation at 0x%llx: munmap: %s", (unsigned long long)base, strerror(errno));
  if (reservation->name) shm_unlink(reservation->name); /* usually the controller has done it */
  reservation_remove(reservation);
  session_code_was_released();
  tables_unlock();
  if (!unmapped) return false;
  if (action_failure.text[0]) *reason = action_failure;
  return action_failure.text[0] == '\0';
}

struct wrapper_result release_bases(const char *wrapper, const void *service, enum reservation_kind kind,
                                    const char *arguments, size_t size) {
  struct reason reason, other;
  struct sps_reader bases;
  if (!read_addresses(wrapper, service, arguments, size, &bases, &reason)) return result_error(&reason);
  bool succeeded = true;
  /* Last base first: actions of later regions call code in earlier ones (LLVM's ORC runtime). */
  while (bases.end > bases.at) {
    bases.end -= sizeof(uint64_t);
    uint64_t base;
    memcpy(&base, bases.end, sizeof base);
    if (!release_one(base, kind, succeeded ? &reason : &other)) succeeded = false;
  }
  return succeeded ? result_success() : result_error(&reason);
}

struct wrapper_result memory_deinitialize(const char *arguments, size_t size) {
  return deinitialize_keys(DEINITIALIZE, &memory_manager_instance, arguments, size);
}

struct wrapper_result memory_release(const char *arguments, size_t size) {
  return release_bases(RELEASE, &memory_manager_instance, GENERIC_RESERVATION, arguments, size);
}

struct wrapper_result memory_deallocate(const char *arguments, size_t size) {
  return release_bases(DEALLOCATE, &memory_manager_instance, GENERIC_RESERVATION, arguments, size);
}
