/* libgcc's __register_frame takes a whole .eh_frame section: length-prefixed records up to a zero word (LSB Core 5.0,
   section 10.6.1). It trusts the section blindly, and its __deregister_frame aborts the process for an address that is
   not registered; both are checked here. */
#include "eh_frame.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "access.h"
#include "builtins.h"
#include "reservation.h"
#include "wrapper.h"

typedef void frame_function(const void *section);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct interval_table registered; /* `protection` is the section's first word; 0: libgcc does not know of it */
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

/* Bytes of a section, read in large pieces. Not touched where they are: a shared file under them may have been cut. */
struct window {
  uint64_t start;
  uint64_t end;
  uint8_t bytes[16 * 1024];
};

static bool window_read(struct window *window, void *into, uint64_t at, size_t size, uint64_t section_end) {
  if (size > section_end - at) return false;
  if (at < window->start || at + size > window->end) {
    uint64_t rest = section_end - at;
    window->start = at;
    window->end = at + (rest < sizeof window->bytes ? rest : sizeof window->bytes);
    if (!memory_read(window->bytes, at, window->end - at)) {
      window->end = 0;
      return false;
    }
  }
  memcpy(into, window->bytes + (at - window->start), size);
  return true;
}

/* The CIE that the record with its id at `at` refers to: zero words are those of CIEs. */
static bool check_cie(uint64_t at, uint32_t distance, uint64_t start, struct reason *reason) {
  uint32_t id;
  if (distance <= at - start && memory_read(&id, at - distance + 4, sizeof id) && id == 0) return true;
  return refuse(reason, "frame record at 0x%llx: no CIE 0x%x bytes before its id", (unsigned long long)at - 4, distance);
}

/* Every record inside the section, each with its CIE, and the zero word that ends them. */
static bool check_section(uint64_t start, uint64_t end, struct reason *reason) {
  tables_lock();
  bool readable = linked_memory_covers(start, end, PROT_READ, true);
  tables_unlock();
  if (!readable) {
    return refuse(reason, "frames [0x%llx, 0x%llx) are not in linked, readable memory", (unsigned long long)start, (unsigned long long)end);
  }
  struct window window = {0};
  uint64_t last_cie = 0;
  uint32_t length, id;
  for (uint64_t at = start; window_read(&window, &length, at, sizeof length, end);) {
    if (length == 0) return true;
    at += sizeof length;
    if (length < sizeof id || length > end - at) {
      return refuse(reason, "frame record of %u bytes at 0x%llx, but the section has %llu left", length, (unsigned long long)at,
                    (unsigned long long)(end - at));
    }
    if (!window_read(&window, &id, at, sizeof id, end)) break;
    if (id != 0 && at - id != last_cie) {
      if (!check_cie(at, id, start, reason)) return false;
      last_cie = at - id;
    }
    at += length;
  }
  return refuse(reason, "frames [0x%llx, 0x%llx) do not end in a zero word", (unsigned long long)start, (unsigned long long)end);
}

static bool add(uint64_t start, uint64_t end, struct reason *reason) {
  uint32_t first;
  if (!memory_read(&first, start, sizeof first)) return refuse(reason, "frames at 0x%llx cannot be read", (unsigned long long)start);
  pthread_mutex_lock(&lock);
  const struct interval *other = interval_find(&registered, start, end);
  bool succeeded = !other || refuse(reason, "frames [0x%llx, 0x%llx) are registered already", (unsigned long long)other->start, (unsigned long long)other->end);
  if (succeeded && (succeeded = load_unwinder(reason))) {
    if (first != 0) register_frame((const void *)(uintptr_t)start);
    interval_insert(&registered, (struct interval){start, end, NULL, (int)first});
  }
  pthread_mutex_unlock(&lock);
  return succeeded;
}

/* Locked. libgcc goes by the section's first word again, and by that would deregister what it never registered, or keep what goes
   away, if somebody has written over it. */
static void take_off(uint64_t start) {
  uint32_t first = (uint32_t)interval_find(&registered, start, start + 1)->protection, now;
  interval_remove(&registered, start);
  if (first == 0) return;
  bool ready = memory_read(&now, start, sizeof now) && (now == first || memory_write_bytes(start, &first, sizeof first));
  if (ready) deregister_frame((const void *)(uintptr_t)start);
  else complain("frames at 0x%llx have changed and stay registered", (unsigned long long)start);
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
  if (known) take_off(start);
  pthread_mutex_unlock(&lock);
  if (known) return result_success();
  refuse(&reason, "no frames are registered at 0x%llx", (unsigned long long)start);
  return result_error(&reason);
}

void eh_frames_forget(uint64_t start, uint64_t end) {
  pthread_mutex_lock(&lock);
  const struct interval *found;
  while ((found = interval_find(&registered, start, end))) take_off(found->start);
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
