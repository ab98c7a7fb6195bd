/* What the executor has used so far, for the controller's statistics. */
#include <sys/resource.h>

#include "builtins.h"
#include "wrapper.h"

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec; }

/* () → Tuple<u64 user µs, u64 system µs> */
struct wrapper_result processor_time(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  struct rusage usage = {0};
  getrusage(RUSAGE_SELF, &usage);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, microseconds(usage.ru_utime));
  sps_write_u64(&writer, microseconds(usage.ru_stime));
  return result_of(&writer);
}
