/* The same calls where the controller sees none of the executor's memory: a wrapper function takes the block to a place whose address
   the controller knows, calls, and answers the block; imports are calls to the controller (executor/session.h, session_dispatch). */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

typedef void shim_function(void *block, void *target);
typedef struct call_result dispatch_function(void *context, const void *tag, const char *arguments, size_t size);

/* Addr shim, target, block; u32 lane, u32 unused; the bytes at the block. */
struct call_message {
  uint64_t shim, target, block;
  uint32_t lane, unused;
};

/* u64 id, u32 lane, u32 unused; the block. */
struct import_message {
  uint64_t id;
  uint32_t lane, unused;
};

bool calls_by_message;
static dispatch_function *dispatch;
static void *dispatch_context;

/* Of the call that this thread runs, its number plus 1; 0: none. */
static _Thread_local uint32_t own_call;

/* The controller's handler of imports is known by this address. */
EXPORTED char __slablink_import_tag;

/* Addr dispatch, context; u64 size → Addr: that many bytes for the blocks of calls, or 0. */
EXPORTED struct call_result __slablink_calls_start_by_message(const char *arguments, size_t size) {
  struct call_result result = {.size = sizeof(uint64_t)};
  uint64_t words[3], address = 0;
  if (size == sizeof words) {
    memcpy(words, arguments, sizeof words);
    dispatch = (dispatch_function *)(uintptr_t)words[0];
    dispatch_context = (void *)(uintptr_t)words[1];
    calls_by_message = true;
    void *places = NULL;
    if (calls_mark_process() == 0 && posix_memalign(&places, 4096, words[2]) == 0) address = (uintptr_t)places;
  }
  memcpy(result.data.value, &address, sizeof address);
  return result;
}

/* A call_message → the bytes at the block afterwards. */
EXPORTED struct call_result __slablink_call_by_message(const char *arguments, size_t size) {
  struct call_message message;
  if (size < sizeof message) return (struct call_result){.size = 0};
  memcpy(&message, arguments, sizeof message);
  size -= sizeof message;
  unsigned char *block = (unsigned char *)(uintptr_t)message.block;
  memcpy(block, arguments + sizeof message, size);
  uint32_t call_before = own_call;
  own_call = message.lane + 1;
  ((shim_function *)(uintptr_t)message.shim)(block, (void *)(uintptr_t)message.target);
  own_call = call_before;
  struct call_result result = {.size = size};
  char *to = result.data.value;
  if (size > sizeof result.data.value) to = result.data.pointer = malloc(size);
  if (!to) return (struct call_result){.size = 0};
  memcpy(to, block, size);
  return result;
}

void calls_import_by_message(uint64_t id, void *block, uint64_t size) {
  struct import_message head = {id, own_call, 0};
  char *bytes = malloc(sizeof head + size);
  struct call_result result = {.size = 0};
  if (bytes) {
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, block, size);
    result = dispatch(dispatch_context, &__slablink_import_tag, bytes, sizeof head + size);
    free(bytes);
  }
  bool is_inside = result.size != 0 && result.size <= sizeof result.data.value;
  if (size > 0 && result.size == size) memcpy(block, is_inside ? result.data.value : result.data.pointer, size);
  else memset(block, 0, size);
  if (!is_inside) free(result.data.pointer);
}
