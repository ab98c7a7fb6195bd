#include "actions.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "builtins.h"
#include "trace.h"
#include "wrapper.h"

static struct action read_action(struct sps_reader *reader) {
  struct action action;
  action.function = sps_read_u64(reader);
  action.arguments = sps_read_bytes(reader);
  return action;
}

struct action_pairs actions_read(struct sps_reader *reader) {
  struct action_pairs pairs = {NULL, 0};
  size_t count = sps_read_count(reader, 2 * (8 + 8));
  if (count == 0) return pairs;
  pairs.items = allocate(count * sizeof *pairs.items);
  for (size_t i = 0; i < count; i++) {
    pairs.items[i].finalize = read_action(reader);
    pairs.items[i].deallocate = read_action(reader);
  }
  pairs.count = count;
  return pairs;
}

static bool is_simple(uint64_t function) { return function == 0 || builtin_is_simple_action(function); }

bool actions_are_simple(const struct action_pairs *actions) {
  for (size_t i = 0; i < actions->count; i++) {
    if (!is_simple(actions->items[i].finalize.function) || !is_simple(actions->items[i].deallocate.function)) return false;
  }
  return true;
}

bool action_list_is_simple(const struct action_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    if (!is_simple(list->items[i].function)) return false;
  }
  return true;
}

/* An action answers an Error. */
static bool run(const struct action *action, struct reason *reason) {
  if (action->function == 0) return true;
  const struct builtin *builtin = builtin_at(action->function);
  if (builtin && !builtin_is_action(action->function)) return refuse(reason, "%s is no allocation action", builtin->name);
  if (!builtin && !address_is_executable(action->function)) {
    return refuse(reason, "allocation action at 0x%llx: no code there", (unsigned long long)action->function);
  }
  wrapper_function *function = (wrapper_function *)(uintptr_t)action->function;
  uint64_t started = trace_now();
  struct wrapper_result result = function((const char *)action->arguments.data, action->arguments.size);
  trace_action(builtin ? builtin->name : NULL, action->function, started);
  bool succeeded = true;
  const char *out_of_band = result_out_of_band_text(&result);
  struct sps_reader reader = sps_reader_of(result_bytes(&result), result.size);
  if (out_of_band) {
    succeeded = refuse(reason, "%s", out_of_band);
  } else if (sps_read_bool(&reader)) {
    struct span text = sps_read_bytes(&reader);
    succeeded = refuse(reason, "%.*s", (int)(text.size < REASON_SIZE ? text.size : REASON_SIZE), (const char *)text.data);
  } else if (reader.failed) {
    succeeded = refuse(reason, "allocation action at 0x%llx: answered %zu bytes that are no Error",
                       (unsigned long long)action->function, result.size);
  }
  result_free(&result);
  return succeeded;
}

bool actions_finalize(const struct action_pairs *actions, struct action_list *deallocations, struct reason *reason) {
  *deallocations = (struct action_list){allocate(actions->count * sizeof(struct action)), 0};
  for (size_t i = 0; i < actions->count; i++) {
    if (!run(&actions->items[i].finalize, reason)) {
      struct reason ignored;
      actions_deallocate(deallocations, &ignored);
      return false;
    }
    struct action action = actions->items[i].deallocate;
    if (action.function == 0) continue;
    uint8_t *copy = allocate(action.arguments.size);
    if (action.arguments.size) memcpy(copy, action.arguments.data, action.arguments.size);
    action.arguments.data = copy;
    deallocations->items[deallocations->count++] = action;
  }
  return true;
}

void actions_discard(struct action_list *deallocations) {
  for (size_t i = 0; i < deallocations->count; i++) free((void *)(uintptr_t)deallocations->items[i].arguments.data);
  free(deallocations->items);
  *deallocations = (struct action_list){NULL, 0};
}

bool actions_deallocate(struct action_list *deallocations, struct reason *reason) {
  bool succeeded = true;
  while (deallocations->count > 0) {
    struct action action = deallocations->items[--deallocations->count];
    struct reason later;
    if (!run(&action, &later) && succeeded) {
      *reason = later;
      succeeded = false;
    }
    free((void *)(uintptr_t)action.arguments.data);
  }
  actions_discard(deallocations);
  return succeeded;
}
