/* libgcc's __register_frame takes a whole .eh_frame section: length-prefixed records up to a zero word (LSB Core 5.0,
   section 10.6.1). It trusts the section blindly, and its __deregister_frame aborts the process for an address that is
   not registered; both are checked here. */
#include "eh_frame.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "builtins.h"
#include "reservation.h"
#include "wrapper.h"

typedef void frame_function(const void *section);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct interval_table registered;
static frame_function *register_frame;
static frame_function *deregister_frame;
static atomic_bool ready;

bool eh_frames_ready(void) { return atomic_load(&ready); }

/* A function pointer out of dlsym's object pointer. */
static frame_function *function_named(void *library, const char *name) {
  void *address = dlsym(library, name);
  frame_function *function;
  memcpy(&function, &address, sizeof function);
  return function;
}

/* Only programs that ask for it pay for loading libgcc_s. */
static bool load_unwinder(struct reason *reason) {
  if (eh_frames_ready()) return true;
  void *library = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (!library) return refuse(reason, "frames cannot be registered: %s", dlerror());
  register_frame = function_named(library, "__register_frame");
  deregister_frame = function_named(library, "__deregister_frame");
  if (!register_frame || !deregister_frame) return refuse(reason, "libgcc_s.so.1 has no __register_frame");
  atomic_store(&ready, true);
  return true;
}

static bool read_range(const char *what, const char *arguments, size_t size, uint64_t *start, uint64_t *end, struct reason *reason) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  *start = sps_read_u64(&reader);
  *end = sps_read_u64(&reader);
  return !reader.failed || refuse_arguments(reason, what, size);
}

/* Every record inside the section, and the zero word that ends them. */
static bool check_section(uint64_t start, uint64_t end, struct reason *reason) {
  tables_lock();
  bool readable = linked_memory_covers(start, end, PROT_READ, true);
  tables_unlock();
  if (!readable) {
    return refuse(reason, "frames [0x%llx, 0x%llx) are not in linked, readable memory", (unsigned long long)start, (unsigned long long)end);
  }
  for (uint64_t at = start; end - at >= 4;) {
    uint32_t length;
    memcpy(&length, (const void *)(uintptr_t)at, sizeof length);
    if (length == 0) return true;
    uint64_t record = length;
    at += 4;
    if (length == UINT32_MAX) {
      if (end - at < 8) break;
      memcpy(&record, (const void *)(uintptr_t)at, sizeof record);
      at += 8;
    }
    if (record > end - at) {
      return refuse(reason, "frame record of %llu bytes at 0x%llx, but the section has %llu left",
                    (unsigned long long)record, (unsigned long long)at, (unsigned long long)(end - at));
    }
    at += record;
  }
  return refuse(reason, "frames [0x%llx, 0x%llx) do not end in a zero word", (unsigned long long)start, (unsigned long long)end);
}

static bool add(uint64_t start, uint64_t end, struct reason *reason) {
  pthread_mutex_lock(&lock);
  const struct interval *other = interval_find(&registered, start, end);
  bool succeeded = !other || refuse(reason, "frames [0x%llx, 0x%llx) are registered already", (unsigned long long)other->start, (unsigned long long)other->end);
  if (succeeded && (succeeded = load_unwinder(reason))) {
    register_frame((const void *)(uintptr_t)start);
    interval_insert(&registered, (struct interval){start, end, NULL, 0});
  }
  pthread_mutex_unlock(&lock);
  return succeeded;
}

/* AddrRange → Error */
struct wrapper_result eh_frames_register(const char *arguments, size_t size) {
  struct reason reason;
  uint64_t start, end;
  bool succeeded = read_range("register frames", arguments, size, &start, &end, &reason) &&
                   check_section(start, end, &reason) && add(start, end, &reason);
  return succeeded ? result_success() : result_error(&reason);
}

/* AddrRange → Error */
struct wrapper_result eh_frames_deregister(const char *arguments, size_t size) {
  struct reason reason;
  uint64_t start, end;
  if (!read_range("deregister frames", arguments, size, &start, &end, &reason)) return result_error(&reason);
  pthread_mutex_lock(&lock);
  const struct interval *found = interval_find(&registered, start, start + 1);
  bool known = found && found->start == start;
  if (known) {
    deregister_frame((const void *)(uintptr_t)start);
    interval_remove(&registered, start);
  }
  pthread_mutex_unlock(&lock);
  if (known) return result_success();
  refuse(&reason, "no frames are registered at 0x%llx", (unsigned long long)start);
  return result_error(&reason);
}

void eh_frames_forget(uint64_t start, uint64_t end) {
  pthread_mutex_lock(&lock);
  const struct interval *found;
  while ((found = interval_find(&registered, start, end))) {
    uint64_t section = found->start;
    deregister_frame((const void *)(uintptr_t)section);
    interval_remove(&registered, section);
  }
  pthread_mutex_unlock(&lock);
}

/* 0 outside of linked memory. */
static uint64_t end_of_segment_at(uint64_t address) {
  tables_lock();
  const struct interval *found = interval_find(&segments, address, address + 1);
  uint64_t end = found ? found->end : 0;
  tables_unlock();
  return end;
}

/* What LLVM's run-time library calls instead of libgcc's functions, which abort() when they are told to deregister a section that
   they could not read: LLVM 22's controller, linking lazily with contents in messages, spoils some of that library's own. LLVM 19's
   has sections registered before their contents have come; libgcc finds them empty, and so they stay unknown here too. */
static void register_for_llvm(const void *section) {
  struct reason reason;
  uint64_t start = (uintptr_t)section;
  uint64_t end = end_of_segment_at(start);
  if (end && (!check_section(start, end, &reason) || !add(start, start + 1, &reason))) complain("%s", reason.text);
}

static void deregister_for_llvm(const void *section) {
  uint64_t start = (uintptr_t)section;
  pthread_mutex_lock(&lock);
  const struct interval *found = interval_find(&registered, start, start + 1);
  if (found && found->start == start) {
    deregister_frame(section);
    interval_remove(&registered, start);
  }
  pthread_mutex_unlock(&lock);
}

uint64_t eh_frames_function_for_llvm(const char *name) {
  if (strcmp(name, "__register_frame") == 0) return (uintptr_t)register_for_llvm;
  return strcmp(name, "__deregister_frame") == 0 ? (uintptr_t)deregister_for_llvm : 0;
}
