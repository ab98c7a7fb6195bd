/* The table of names in the Setup message, by who asks for them: one executor serves LLVM's controllers of two versions and
   slablink's. LLVM's names are spelt as EPC-PROTOCOL sections 5 and 8 have them. */
#include "builtins.h"

#include <string.h>

#include "crash/crash.h"
#include "eh_frame.h"
#include "finalize.h"
#include "jobs.h"
#include "session.h"
#include "trace.h"

#define D "__llvm_orc_SimpleExecutorDylibManager_"
#define M "__llvm_orc_SimpleExecutorMemoryManager_"
#define S "__llvm_orc_ExecutorSharedMemoryMapperService_"
#define B "__llvm_orc_bootstrap_"
#define OURS "__slablink_"

#define DATA(name, object) {name, (uintptr_t)&object, NOT_CALLABLE, NULL}
#define READER(name, function) {name, (uintptr_t)function, ON_READER, NULL}
#define READER_UNLESS(name, function, runs) {name, (uintptr_t)function, ON_READER, runs}
#define LOADER(name, function) {name, (uintptr_t)function, NEAR_LOADER, NULL}
#define MAIN_IF_IDLE(name, function) {name, (uintptr_t)function, ON_MAIN_IF_IDLE, NULL}

static bool slab_release_runs_linked_code(const char *arguments, size_t size);

static const struct builtin table[] = {
    /* LLVM 19 and 22 */
#ifndef SLABLINK_SERVICES /* calls to the controller are the affair of the executor that these services are loaded into */
    {"__llvm_orc_SimpleRemoteEPC_dispatch_fn", (uintptr_t)session_dispatch, NOT_CALLABLE, NULL},
    DATA("__llvm_orc_SimpleRemoteEPC_dispatch_ctx", session_dispatch_context),
#endif
    DATA(D "Instance", dylib_manager_instance),
    READER_UNLESS(D "open_wrapper", dylib_open, dylib_open_runs_linked_code),
    DATA(M "Instance", memory_manager_instance),
    READER(M "reserve_wrapper", memory_reserve),
    DATA(S "Instance", shared_mapper_instance),
    READER(S "Reserve", shared_reserve),
    READER_UNLESS(S "Initialize", shared_initialize, shared_initialize_runs_linked_code),
    READER_UNLESS(S "Deinitialize", shared_deinitialize, keys_run_linked_code),
    READER_UNLESS(S "Release", shared_release, bases_run_linked_code),
    MAIN_IF_IDLE(B "run_as_main_wrapper", run_as_main),
    MAIN_IF_IDLE(B "run_as_void_function_wrapper", run_as_void_function),
    MAIN_IF_IDLE(B "run_as_int_function_wrapper", run_as_int_function),
    READER(B "mem_write_uint8s_wrapper", write_uint8s),
    READER(B "mem_write_uint16s_wrapper", write_uint16s),
    READER(B "mem_write_uint32s_wrapper", write_uint32s),
    READER(B "mem_write_uint64s_wrapper", write_uint64s),
    READER(B "mem_write_buffers_wrapper", write_buffers),
    READER("llvm_orc_registerJITLoaderGDBAllocAction", debugger_register),
    /* LLVM 22 */
    LOADER(D "resolve_wrapper", dylib_resolve),
    READER_UNLESS(M "initialize_wrapper", memory_initialize, memory_initialize_runs_linked_code),
    READER_UNLESS(M "deinitialize_wrapper", memory_deinitialize, keys_run_linked_code),
    READER_UNLESS(M "release_wrapper", memory_release, bases_run_linked_code),
    READER(B "mem_write_pointers_wrapper", write_pointers),
    READER(B "mem_read_uint8s_wrapper", read_uint8s),
    READER(B "mem_read_uint16s_wrapper", read_uint16s),
    READER(B "mem_read_uint32s_wrapper", read_uint32s),
    READER(B "mem_read_uint64s_wrapper", read_uint64s),
    READER(B "mem_read_pointers_wrapper", read_pointers),
    READER(B "mem_read_buffers_wrapper", read_buffers),
    READER(B "mem_read_strings_wrapper", read_strings),
    LOADER("llvm_orc_registerEHFrameAllocAction", eh_frames_register),
    LOADER("llvm_orc_deregisterEHFrameAllocAction", eh_frames_deregister),
    /* LLVM 19; its controller looks the last one up as a symbol of the process */
    LOADER(D "lookup_wrapper", dylib_lookup),
    READER_UNLESS(M "finalize_wrapper", memory_finalize, memory_initialize_runs_linked_code),
    READER_UNLESS(M "deallocate_wrapper", memory_deallocate, bases_run_linked_code),
    LOADER("llvm_orc_registerEHFrameSectionWrapper", eh_frames_register),
    LOADER("llvm_orc_deregisterEHFrameSectionWrapper", eh_frames_deregister),
    READER("llvm_orc_registerJITLoaderGDBWrapper", debugger_register),
    /* slablink */
    READER(OURS "slab_reserve", slab_reserve),
    READER(OURS "slab_template", slab_template),
    {OURS "slab_release", (uintptr_t)slab_release, NEAR_LOADER, slab_release_runs_linked_code},
    MAIN_IF_IDLE(OURS "image_load", image_load),
    LOADER(OURS "image_unload", image_unload),
    MAIN_IF_IDLE(OURS "resolve_ifuncs", ifuncs_resolve),
    {OURS "program_run", (uintptr_t)program_run, ON_MAIN, NULL},
    READER(OURS "processor_time", processor_time),
    READER(OURS "memory_read", plain_read),
    READER(OURS "memory_write", plain_write),
    /* Only for who asked for it. */
    DATA(OURS "crash", crash_report),
    DATA(OURS "trace_batches", trace_batches),
    READER(OURS "trace_take", trace_take),
};

/* Unlike the other releases it has no instance and one base. */
static bool slab_release_runs_linked_code(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, 0);
  sps_write_u64(&writer, 1);
  sps_write_u64(&writer, sps_read_u64(&reader));
  struct wrapper_result as_bases = result_of(&writer);
  bool runs = bases_run_linked_code(result_bytes(&as_bases), as_bases.size);
  result_free(&as_bases);
  return runs;
}

const struct builtin *builtins(size_t *count) {
  *count = sizeof table / sizeof *table;
  return table;
}

bool builtin_is_announced(const struct builtin *builtin) {
  if (builtin->address == (uintptr_t)&crash_report) return crash_is_on;
  return trace_is_on || (builtin->address != (uintptr_t)&trace_batches && builtin->address != (uintptr_t)trace_take);
}

const struct builtin *builtin_at(uint64_t address) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (table[i].address == address) return &table[i];
  }
  return NULL;
}

uint64_t builtin_named(const char *name) {
  static const char prefix[] = "llvm_orc_";
  if (strncmp(name, prefix, sizeof prefix - 1) != 0) return 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, name) == 0) return table[i].address;
  }
  return 0;
}

static bool handles_frames(uint64_t address) {
  return address == (uintptr_t)eh_frames_register || address == (uintptr_t)eh_frames_deregister;
}

bool builtin_is_action(uint64_t address) {
  return handles_frames(address) || address == (uintptr_t)debugger_register || address == (uintptr_t)ifuncs_resolve;
}

bool builtin_is_simple_action(uint64_t address) {
  if (address == (uintptr_t)debugger_register) return true;
  return handles_frames(address) && (eh_frames_ready() || !jobs_running());
}
