/* The debugger's view of linked code: a list of debug objects in memory, found through two symbols (GDB manual, "JIT
   Compilation Interface"). lldb reads the same. */
#include "debugger.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "builtins.h"
#include "reservation.h"
#include "wrapper.h"

enum { NO_ACTION = 0, REGISTER = 1, UNREGISTER = 2 };

struct jit_code_entry {
  struct jit_code_entry *next_entry;
  struct jit_code_entry *prev_entry;
  const char *symfile_addr;
  uint64_t symfile_size;
};

struct jit_descriptor {
  uint32_t version;
  uint32_t action_flag;
  struct jit_code_entry *relevant_entry;
  struct jit_code_entry *first_entry;
};

__attribute__((visibility("default"))) extern struct jit_descriptor __jit_debug_descriptor;
struct jit_descriptor __jit_debug_descriptor = {.version = 1, .action_flag = NO_ACTION};

/* The debugger's breakpoint. It must stay a function of its own, and the list must be in memory when it is called. */
__attribute__((visibility("default"), used, noinline)) void __jit_debug_register_code(void);
void __jit_debug_register_code(void) { __asm__ volatile("" ::: "memory"); }

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void announce(uint32_t action, struct jit_code_entry *entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = NO_ACTION;
  __jit_debug_descriptor.relevant_entry = NULL;
}

/* (AddrRange, bool callBreakpoint) → Error. Without the breakpoint a debugger sees the entry when it attaches. */
struct wrapper_result debugger_register(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t start = sps_read_u64(&reader);
  uint64_t end = sps_read_u64(&reader);
  bool call_breakpoint = sps_read_bool(&reader);
  if (reader.failed) {
    refuse_arguments(&reason, "register debug object", size);
    return result_error(&reason);
  }
  tables_lock();
  bool readable = linked_memory_covers(start, end, PROT_READ, true);
  tables_unlock();
  if (!readable) {
    refuse(&reason, "debug object [0x%llx, 0x%llx) is not in linked, readable memory", (unsigned long long)start, (unsigned long long)end);
    return result_error(&reason);
  }
  struct jit_code_entry *entry = allocate_zeroed(1, sizeof *entry);
  entry->symfile_addr = (const char *)(uintptr_t)start;
  entry->symfile_size = end - start;
  pthread_mutex_lock(&lock);
  entry->next_entry = __jit_debug_descriptor.first_entry;
  if (entry->next_entry) entry->next_entry->prev_entry = entry;
  __jit_debug_descriptor.first_entry = entry;
  if (call_breakpoint) announce(REGISTER, entry);
  pthread_mutex_unlock(&lock);
  return result_success();
}

void debugger_forget(uint64_t start, uint64_t end) {
  pthread_mutex_lock(&lock);
  for (struct jit_code_entry *entry = __jit_debug_descriptor.first_entry, *next; entry; entry = next) {
    next = entry->next_entry;
    uint64_t at = (uintptr_t)entry->symfile_addr;
    if (at < start || at >= end) continue;
    if (entry->prev_entry) entry->prev_entry->next_entry = next;
    else __jit_debug_descriptor.first_entry = next;
    if (next) next->prev_entry = entry->prev_entry;
    announce(UNREGISTER, entry);
    free(entry);
  }
  pthread_mutex_unlock(&lock);
}
