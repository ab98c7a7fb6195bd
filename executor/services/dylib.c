/* The dylib manager services, D in EPC-PROTOCOL section 5: shared libraries of this process, and their symbols. LLVM 22 asks
   by `resolve`, LLVM 19 by `lookup` (section 8). */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builtins.h"
#include "eh_frame.h"
#include "image.h"
#include "linked_dlsym.h"
#include "session.h"
#include "wrapper.h"

#define OPEN "dylib manager open"
#define RESOLVE "dylib manager resolve"
#define LOOKUP "dylib manager lookup"

char dylib_manager_instance;

/* Handle of "", the process itself; 0 is taken for it too. Not RTLD_DEFAULT: glibc takes a symbol found that way for a
   dependency of the main program's and never unloads the library it is in. The order of look-up is the same. */
static void *process_library;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void open_process(void) { process_library = dlopen(NULL, RTLD_LAZY); }

static void *process(void) {
  pthread_once(&process_once, open_process);
  return process_library;
}

/* The process as LLVM's controllers see it, the handle that they get for "". LLVM's own executor is a C++ program: its run-time
   library for linked code, which is C++ too, expects the C++ library's names and the unwinder's in whatever process it runs. */
static char llvm_process;
static pthread_once_t cxx_once = PTHREAD_ONCE_INIT;

/* Where the library is missing, so are its names. */
static void load_cxx_library(void) { dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_GLOBAL); }

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void **opened;
static size_t opened_count;

/* Bit of ours in the mode: the library's own symbols come first for itself and stay invisible to others. For a library
   whose names the process also exports in another version. */
enum { MODE_ISOLATED = 0x100 };

static bool is_opened(const void *handle) {
  pthread_mutex_lock(&lock);
  bool found = false;
  for (size_t i = 0; i < opened_count && !found; i++) found = opened[i] == handle;
  pthread_mutex_unlock(&lock);
  return found;
}

static void remember(void *handle) {
  if (is_opened(handle)) return;
  pthread_mutex_lock(&lock);
  if ((opened_count & (opened_count - 1)) == 0) {
    opened = allocate_again(opened, (opened_count ? 2 * opened_count : 1) * sizeof *opened);
  }
  opened[opened_count++] = handle;
  pthread_mutex_unlock(&lock);
}

/* A NUL-terminated copy; the caller frees. NULL if the bytes hold a NUL. */
static char *string_of(struct span bytes) {
  if (bytes.size && memchr(bytes.data, 0, bytes.size)) return NULL;
  char *text = allocate(bytes.size + 1);
  if (bytes.size) memcpy(text, bytes.data, bytes.size);
  text[bytes.size] = '\0';
  return text;
}

static bool open_library(struct span path, uint64_t mode, uint64_t *handle, struct reason *reason) {
  if (mode != 0 && mode != MODE_ISOLATED) {
    return refuse(reason, OPEN ": mode 0x%llx, expected 0 or 0x%x", (unsigned long long)mode, MODE_ISOLATED);
  }
  if (path.size == 0) {
    session_serves_llvm();
    *handle = (uintptr_t)&llvm_process;
    return true;
  }
  char *name = string_of(path);
  if (!name) return refuse(reason, OPEN ": the path of %zu bytes contains a NUL", path.size);
  void *library = dlopen(name, mode == MODE_ISOLATED ? RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND : RTLD_LAZY | RTLD_GLOBAL);
  free(name);
  if (!library) {
    const char *text = dlerror();
    return refuse(reason, "%s", text ? text : "the loader refused the library");
  }
  remember(library);
  *handle = (uintptr_t)library;
  return true;
}

/* (Addr instance, String path, u64 mode) → Expected<Addr handle>. Libraries stay loaded. */
struct wrapper_result dylib_open(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t instance = sps_read_u64(&reader), handle = 0;
  struct span path = sps_read_bytes(&reader);
  uint64_t mode = sps_read_u64(&reader);
  bool succeeded = reader.failed ? refuse_arguments(&reason, OPEN, size)
                                 : check_instance(instance, &dylib_manager_instance, OPEN, &reason) &&
                                       open_library(path, mode, &handle, &reason);
  return succeeded ? result_expected_address(handle) : result_expected_error(&reason);
}

/* Opening the process itself runs no constructors. */
bool dylib_open_runs_linked_code(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  sps_read_u64(&reader);
  return sps_read_bytes(&reader).size != 0;
}

static uint64_t address_in(void *library, const char *name, const char *version) {
  uint64_t address = library == process() && !version ? function_for_linked_code(name) : 0;
  return address ? address : (uintptr_t)(version ? dlvsym(library, name, version) : dlsym(library, name));
}

/* Some of this executor's own functions LLVM's controllers look up as symbols. */
static uint64_t address_for_llvm(const char *name, const char *version) {
  uint64_t address = version ? 0 : eh_frames_function_for_llvm(name);
  if (!address) address = address_in(process(), name, version);
  if (!address && !version) address = builtin_named(name);
  if (address) return address;
  pthread_once(&cxx_once, load_cxx_library);
  return address_in(process(), name, version);
}

/* 0 if there is none; `name@VERSION` is that very version. Names come by the thousand: no allocation for those of ordinary length. */
static uint64_t address_of(void *library, struct span name) {
  char small[512];
  if (name.size == 0 || memchr(name.data, 0, name.size)) return 0;
  char *text = name.size < sizeof small ? small : allocate(name.size + 1);
  memcpy(text, name.data, name.size);
  text[name.size] = '\0';
  /* No name in a dynamic symbol table holds the mark that separates a name from its version. */
  char *mark = strchr(text, '@');
  if (mark) *mark++ = '\0';
  uint64_t address = library == &llvm_process ? address_for_llvm(text, mark) : address_in(library, text, mark);
  if (text != small) free(text);
  return address;
}

/* An image is held until it is let go. */
static bool find_library(const char *wrapper, uint64_t handle, void **library, bool *is_image, struct reason *reason) {
  *library = handle == 0 ? process() : (void *)(uintptr_t)handle;
  if (*library == process() || *library == &llvm_process || is_opened(*library)) return true;
  if ((*is_image = image_hold(handle))) return true;
  return refuse(reason, "%s: 0x%llx is no handle of an opened library or image", wrapper, (unsigned long long)handle);
}

static void write_definition(struct sps_writer *writer, uint64_t address) {
  enum { EXPORTED_FLAG = 0x10, NO_TARGET_FLAGS = 0 };
  sps_write_u64(writer, address);
  sps_write_u8(writer, EXPORTED_FLAG);
  sps_write_u8(writer, NO_TARGET_FLAGS);
}

/* A missing name is an absent element if it is required (as the empty name always is), and the address 0 if it is weak. */
static bool write_optional(struct sps_writer *writer, struct span name, bool required, uint64_t address, struct reason *reason) {
  (void)reason;
  bool present = address != 0 || (!required && name.size != 0);
  sps_write_bool(writer, present);
  if (present) write_definition(writer, address);
  return true;
}

/* LLVM 19 has no absent elements: the whole request fails for the first required name that is missing. */
static bool write_required(struct sps_writer *writer, struct span name, bool required, uint64_t address, struct reason *reason) {
  write_definition(writer, address);
  if (address || !required) return true;
  int shown = (int)(name.size < REASON_SIZE / 2 ? name.size : REASON_SIZE / 2);
  return refuse(reason, LOOKUP ": there is no \"%.*s\" in that library", shown, (const char *)name.data);
}

typedef bool write_element(struct sps_writer *writer, struct span name, bool required, uint64_t address, struct reason *reason);

/* Sequence<Tuple<String name, bool required>> → Expected<Sequence<element>>, for the reader behind the handle. */
static struct wrapper_result find_names(const char *wrapper, uint64_t handle, struct sps_reader *reader, size_t size, write_element *write) {
  struct reason reason;
  size_t count = sps_read_count(reader, 8 + 1);
  void *library;
  bool is_image = false;
  if (!find_library(wrapper, handle, &library, &is_image, &reason)) return result_expected_error(&reason);
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, count);
  bool succeeded = true;
  for (size_t i = 0; i < count && succeeded && !reader->failed; i++) {
    struct span name = sps_read_bytes(reader);
    bool required = sps_read_bool(reader);
    if (!reader->failed) succeeded = write(&writer, name, required, address_of(library, name), &reason);
  }
  if (is_image) image_let_go(handle);
  if (reader->failed) succeeded = refuse_arguments(&reason, wrapper, size);
  if (succeeded) return result_of(&writer);
  free(writer.data);
  return result_expected_error(&reason);
}

/* (Addr handle, Sequence<Tuple<String name, bool required>>) → Expected<Sequence<Optional<ExecutorSymbolDef>>> */
struct wrapper_result dylib_resolve(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t handle = sps_read_u64(&reader);
  return find_names(RESOLVE, handle, &reader, size, write_optional);
}

/* (Addr instance, Addr handle, Sequence<Tuple<String name, bool required>>) → Expected<Sequence<ExecutorSymbolDef>> */
struct wrapper_result dylib_lookup(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t instance = sps_read_u64(&reader);
  uint64_t handle = sps_read_u64(&reader);
  if (!check_instance(instance, &dylib_manager_instance, LOOKUP, &reason)) return result_expected_error(&reason);
  return find_names(LOOKUP, handle, &reader, size, write_required);
}
