/* dlsym and dlvsym for linked code. A linked program is an object that was loaded after the C library; looked up by it,
   RTLD_DEFAULT and RTLD_NEXT would find in the C library what the program defines itself, and nothing behind the program.
   Here they answer as in an executable: the program first, the libraries that came with it, then those of the process. */
#include "linked_dlsym.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "reservation.h"

struct wanted {
  const char *name;
  const char *version; /* NULL: the default one */
};

static void *look_up(void *handle, const struct wanted *wanted) {
  return wanted->version ? dlvsym(handle, wanted->name, wanted->version) : dlsym(handle, wanted->name);
}

/* The address if the object itself defines the name, not only what it depends on. */
static void *definition_in(const struct link_map *object, const struct wanted *wanted) {
  /* What was only ever loaded as a dependency has no scope that dlsym could search before it is opened. */
  void *handle = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return NULL;
  void *address = look_up(handle, wanted);
  struct link_map *owner = NULL;
  Dl_info info;
  if (address && !(dladdr1(address, &info, (void **)&owner, RTLD_DL_LINKMAP) && owner == object)) address = NULL;
  dlclose(handle);
  return address;
}

/* The image that the code at `caller` belongs to. */
static struct link_map *image_of(const void *caller) {
  tables_lock();
  const struct interval *found = interval_find(&images, (uintptr_t)caller, (uintptr_t)caller + 1);
  struct link_map *handle = found ? ((const struct image *)found->owner)->handle : NULL;
  tables_unlock();
  return handle;
}

static struct link_map *main_program(void) { return dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD); }

/* What came with the program follows it in the list of all objects, what was there before precedes it. */
static void *find_behind(struct link_map *image, const struct wanted *wanted) {
  void *address = NULL;
  for (struct link_map *at = image->l_next; at && !address; at = at->l_next) address = definition_in(at, wanted);
  struct link_map *first = main_program();
  for (struct link_map *at = first->l_next; at && at != image && !address; at = at->l_next) address = definition_in(at, wanted);
  /* The C library does not have it either; asked last, for dlerror to say so. */
  return address ? address : look_up(dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD), wanted);
}

/* The executable's data are the C library's, copied; they come before the libraries. */
static void *find_anywhere(struct link_map *image, const struct wanted *wanted) {
  void *address = definition_in(image, wanted);
  if (!address) address = definition_in(main_program(), wanted);
  return address ? address : look_up(image, wanted);
}

static void *find(void *handle, const struct wanted *wanted, const void *caller) {
  struct link_map *image = image_of(caller);
  if (image && handle == RTLD_NEXT) return find_behind(image, wanted);
  bool everywhere = image && (handle == RTLD_DEFAULT || handle == main_program());
  void *address = everywhere ? find_anywhere(image, wanted) : NULL;
  return address ? address : look_up(handle, wanted);
}

static void *linked_dlsym(void *handle, const char *name) {
  return find(handle, &(struct wanted){name, NULL}, __builtin_return_address(0));
}

static void *linked_dlvsym(void *handle, const char *name, const char *version) {
  return find(handle, &(struct wanted){name, version}, __builtin_return_address(0));
}

uint64_t function_for_linked_code(const char *name) {
  if (strcmp(name, "dlsym") == 0) return (uintptr_t)linked_dlsym;
  if (strcmp(name, "dlvsym") == 0) return (uintptr_t)linked_dlvsym;
  return 0;
}
