#include "initialize.h"

#include <stdlib.h>

#include "actions.h"
#include "sps.h"

/* One request, read; `requests` and `actions.items` are to be freed in any case. */
struct request {
  uint64_t instance;
  uint64_t base;
  struct segment_request *segments;
  size_t count;
  struct action_pairs actions;
};

static bool read_segments(const struct initialize_service *service, struct sps_reader *reader, struct request *request,
                          struct reason *reason) {
  request->count = sps_read_count(reader, 1 + 8 + 8 + (service->with_contents ? 8 : 0));
  request->segments = allocate_zeroed(request->count, sizeof *request->segments);
  for (size_t i = 0; i < request->count; i++) {
    struct segment_request *segment = &request->segments[i];
    uint8_t group = sps_read_u8(reader);
    segment->address = sps_read_u64(reader);
    segment->size = sps_read_u64(reader);
    if (service->with_contents) segment->content = sps_read_bytes(reader);
    if (!reader->failed && !protection_of_group(group, segment, reason)) return false;
  }
  return true;
}

static bool read_request(const struct initialize_service *service, const char *arguments, size_t size,
                         struct request *request, struct reason *reason) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  *request = (struct request){.instance = sps_read_u64(&reader)};
  if (service->names_reservation) request->base = sps_read_u64(&reader);
  if (!read_segments(service, &reader, request, reason)) return false;
  request->actions = actions_read(&reader);
  return !reader.failed || refuse_arguments(reason, service->name, size);
}

bool initialize_requested(const struct initialize_service *service, const char *arguments, size_t size, uint64_t *key, struct reason *reason) {
  struct request request;
  *key = 0;
  bool succeeded = read_request(service, arguments, size, &request, reason) &&
                   check_instance(request.instance, service->instance, service->name, reason);
  if (succeeded) {
    struct reservation *reservation;
    tables_lock();
    succeeded = service->find(request.base, request.segments, request.count, &reservation, reason) &&
                finalize(reservation, request.segments, request.count, service->with_contents, &request.actions, key,
                         reason);
  }
  free(request.segments);
  free(request.actions.items);
  return succeeded;
}

struct wrapper_result initialize_memory(const struct initialize_service *service, const char *arguments, size_t size) {
  struct reason reason;
  uint64_t key;
  bool succeeded = initialize_requested(service, arguments, size, &key, &reason);
  return succeeded ? result_expected_address(key) : result_expected_error(&reason);
}

bool initialize_runs_linked_code(const struct initialize_service *service, const char *arguments, size_t size) {
  struct reason reason;
  struct request request;
  bool runs = read_request(service, arguments, size, &request, &reason) && !actions_are_simple(&request.actions);
  free(request.segments);
  free(request.actions.items);
  return runs;
}
