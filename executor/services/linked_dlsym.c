/* dlsym and dlvsym for linked code. A linked program is an object that was loaded after the C library; looked up by it,
   RTLD_DEFAULT and RTLD_NEXT would find in the C library what the program defines itself, and nothing behind the program.
   Here they answer as in an executable: the program first, the libraries that came with it, then those of the process. */
#include "linked_dlsym.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "crash/linked_signals.h"
#include "reservation.h"

struct wanted {
  const char *name;
  const char *version; /* NULL: the default one */
};

static void *look_up(void *handle, const struct wanted *wanted) {
  return wanted->version ? dlvsym(handle, wanted->name, wanted->version) : dlsym(handle, wanted->name);
}

/* The address if the object itself defines the name, not only what it depends on. */
static void *definition_in(struct link_map *object, const struct wanted *wanted) {
  void *address = look_up(object, wanted);
  struct link_map *owner = NULL;
  Dl_info info;
  return address && dladdr1(address, &info, (void **)&owner, RTLD_DL_LINKMAP) && owner == object ? address : NULL;
}

/* The image that the code at `caller` belongs to. */
static struct link_map *image_of(const void *caller) {
  tables_lock();
  const struct interval *found = interval_find(&images, (uintptr_t)caller, (uintptr_t)caller + 1);
  struct link_map *handle = found ? ((const struct image *)found->owner)->handle : NULL;
  tables_unlock();
  return handle;
}

/* A wrapper of malloc may ask for what it wraps, so nothing here may allocate. */
static struct link_map *main_program;

/* The executable's data are the C library's, copied; they come before the libraries. */
static void *find_anywhere(struct link_map *image, const struct wanted *wanted) {
  void *address = definition_in(image, wanted);
  if (!address) address = definition_in(main_program, wanted);
  return address ? address : look_up(image, wanted);
}

__attribute__((used)) static void *find(void *handle, const struct wanted *wanted, const void *caller) {
  struct link_map *image = image_of(caller);
  bool everywhere = image && (handle == RTLD_DEFAULT || handle == main_program);
  void *address = everywhere ? find_anywhere(image, wanted) : NULL;
  return address ? address : look_up(handle, wanted);
}

__attribute__((used)) static void *find_default(void *handle, const char *name) {
  return find(handle, &(struct wanted){name, NULL}, __builtin_return_address(0));
}

__attribute__((used)) static void *find_version(void *handle, const char *name, const char *version) {
  return find(handle, &(struct wanted){name, version}, __builtin_return_address(0));
}

/* RTLD_NEXT is the C library's to answer, by the address that it is called from: behind the program's image come the libraries
   that it needs, the C library last. */
void linked_dlsym(void);
void linked_dlvsym(void);
__asm__(
    ".pushsection .text\n"
    "linked_dlsym:\n"
    "  cmp $-1, %rdi\n"
    "  je dlsym\n"
    "  jmp find_default\n"
    "linked_dlvsym:\n"
    "  cmp $-1, %rdi\n"
    "  je dlvsym\n"
    "  jmp find_version\n"
    ".popsection\n");

uint64_t function_for_linked_code(const char *name) {
  bool by_version = strcmp(name, "dlvsym") == 0;
  if (!by_version && strcmp(name, "dlsym") != 0) return signal_function_for_linked_code(name);
  if (!main_program) main_program = dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD);
  return by_version ? (uintptr_t)linked_dlvsym : (uintptr_t)linked_dlsym;
}
