/* The executor's own wrapper functions and their names on the wire. */
#ifndef SLABLINK_BUILTINS_H
#define SLABLINK_BUILTINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reservation.h"
#include "wrapper.h"

/* Where a call is made. */
enum place {
  NOT_CALLABLE,   /* an address for the controller to pass back */
  ON_READER,      /* short and without linked code: answered by the thread that reads */
  NEAR_LOADER,    /* takes the dynamic loader's lock: on the reader unless linked code, which may hold it, is running */
  ON_MAIN_IF_IDLE,/* runs linked code: on the main thread, or on another when that is busy */
  ON_MAIN         /* the program */
};

struct builtin {
  const char *name;
  uint64_t address;
  enum place place;
  /* With these arguments it runs linked code after all. NULL: never. */
  bool (*runs_linked_code)(const char *arguments, size_t size);
};

const struct builtin *builtins(size_t *count);
/* Some are there only for a controller that has asked for what they serve. */
bool builtin_is_announced(const struct builtin *builtin);
const struct builtin *builtin_at(uint64_t address);
/* The address of the function of that name among those that LLVM's controllers look up as symbols of the process, or 0. */
uint64_t builtin_named(const char *name);

/* Whether it is meant to be an allocation action; the others answer something else than an Error, or are requests. */
bool builtin_is_action(uint64_t address);

/* As an allocation action it neither runs linked code nor blocks. */
bool builtin_is_simple_action(uint64_t address);

/* access.c */
wrapper_function write_uint8s, write_uint16s, write_uint32s, write_uint64s, write_pointers, write_buffers;
wrapper_function read_uint8s, read_uint16s, read_uint32s, read_uint64s, read_pointers, read_buffers, read_strings;
/* debugger.c */
wrapper_function debugger_register;
/* dylib.c */
extern char dylib_manager_instance;
wrapper_function dylib_open, dylib_resolve, dylib_lookup;
bool dylib_open_runs_linked_code(const char *arguments, size_t size);
/* eh_frame.c */
wrapper_function eh_frames_register, eh_frames_deregister;
/* ifunc.c */
wrapper_function ifuncs_resolve;
/* image.c */
wrapper_function image_load, image_unload;
/* memory.c */
extern char memory_manager_instance;
wrapper_function memory_reserve, memory_initialize, memory_deinitialize, memory_release, memory_finalize, memory_deallocate;
bool memory_initialize_runs_linked_code(const char *arguments, size_t size);
struct wrapper_result deinitialize_keys(const char *wrapper, const void *service, const char *arguments, size_t size);
struct wrapper_result release_bases(const char *wrapper, const void *service, enum reservation_kind kind,
                                    const char *arguments, size_t size);
/* program.c */
wrapper_function program_run;
/* False if a program is running; otherwise the next program_run may start. */
bool program_claim(void);
/* run.c */
wrapper_function run_as_main, run_as_void_function, run_as_int_function;
/* shared.c */
extern char shared_mapper_instance;
wrapper_function shared_reserve, shared_initialize, shared_deinitialize, shared_release;
bool shared_initialize_runs_linked_code(const char *arguments, size_t size);
void shared_unlink_names(void);
/* slab.c */
wrapper_function slab_reserve, slab_release, slab_template;
/* usage.c */
wrapper_function processor_time;
/* plain_access.c */
wrapper_function plain_read, plain_write;

#endif
