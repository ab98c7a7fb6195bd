/* The dylib manager services, D in EPC-PROTOCOL section 5: shared libraries of this process, and their symbols. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builtins.h"
#include "image.h"
#include "linked_dlsym.h"
#include "wrapper.h"

#define OPEN "dylib manager open"
#define RESOLVE "dylib manager resolve"

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
    *handle = (uintptr_t)process();
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
  uint64_t address = library == process() && !mark ? function_for_linked_code(text) : 0;
  if (!address) address = (uintptr_t)(mark ? dlvsym(library, text, mark) : dlsym(library, text));
  if (text != small) free(text);
  return address;
}

/* (Addr handle, Sequence<Tuple<String name, bool required>>) → Expected<Sequence<Optional<ExecutorSymbolDef>>> */
struct wrapper_result dylib_resolve(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t handle = sps_read_u64(&reader);
  size_t count = sps_read_count(&reader, 8 + 1);
  void *library = (void *)(uintptr_t)handle;
  if (handle == 0 || library == process()) {
    library = process();
  } else if (!is_opened(library) && !image_has_handle(handle)) {
    refuse(&reason, RESOLVE ": 0x%llx is no handle of an opened library or image", (unsigned long long)handle);
    return result_expected_error(&reason);
  }
  enum { EXPORTED_FLAG = 0x10, NO_TARGET_FLAGS = 0 };
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, count);
  for (size_t i = 0; i < count && !reader.failed; i++) {
    struct span name = sps_read_bytes(&reader);
    bool required = sps_read_bool(&reader);
    uint64_t address = address_of(library, name);
    /* Missing: nothing if it is required (and for the empty name), the address 0 if it is weak. */
    bool present = address != 0 || (!required && name.size != 0);
    sps_write_bool(&writer, present);
    if (!present) continue;
    sps_write_u64(&writer, address);
    sps_write_u8(&writer, EXPORTED_FLAG);
    sps_write_u8(&writer, NO_TARGET_FLAGS);
  }
  if (!reader.failed) return result_of(&writer);
  free(writer.data);
  refuse_arguments(&reason, RESOLVE, size);
  return result_expected_error(&reason);
}
