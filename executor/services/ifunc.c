/* STT_GNU_IFUNC symbols of linked code: their resolvers choose the implementation here, where it will run. */
#include <sys/mman.h>

#include "access.h"
#include "builtins.h"
#include "reservation.h"
#include "wrapper.h"

struct pair {
  uint64_t slot;
  uint64_t resolver;
};

static bool resolve(uint64_t at, struct reason *reason) {
  struct pair pair;
  if (!memory_read(&pair, at, sizeof pair)) return refuse(reason, "resolve ifuncs: 0x%llx cannot be read", (unsigned long long)at);
  if (!address_is_executable(pair.resolver)) {
    return refuse(reason, "resolve ifuncs: resolver 0x%llx: no code there", (unsigned long long)pair.resolver);
  }
  uint64_t implementation = ((uint64_t(*)(void))(uintptr_t)pair.resolver)();
  if (memory_write(pair.slot, &implementation, sizeof implementation)) return true;
  return refuse(reason, "resolve ifuncs: slot 0x%llx cannot be written", (unsigned long long)pair.slot);
}

/* AddrRange of {u64 slot, u64 resolver} in linked memory → Error: *slot = resolver() */
struct wrapper_result ifuncs_resolve(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t start = sps_read_u64(&reader);
  uint64_t end = sps_read_u64(&reader);
  bool succeeded = !reader.failed || refuse_arguments(&reason, "resolve ifuncs", size);
  if (succeeded && (start > end || (end - start) % sizeof(struct pair))) {
    succeeded = refuse(&reason, "resolve ifuncs: [0x%llx, 0x%llx) is no array of %zu byte entries",
                       (unsigned long long)start, (unsigned long long)end, sizeof(struct pair));
  }
  if (succeeded && start < end) {
    tables_lock();
    succeeded = linked_memory_covers(start, end, PROT_READ, false) ||
                refuse(&reason, "resolve ifuncs: [0x%llx, 0x%llx) is not linked memory", (unsigned long long)start, (unsigned long long)end);
    tables_unlock();
  }
  for (uint64_t at = start; succeeded && at < end; at += sizeof(struct pair)) succeeded = resolve(at, &reason);
  return succeeded ? result_success() : result_error(&reason);
}
