/* The first function that runs of a program that replaces functions of libraries: gives the libraries the program's. */
#include <dlfcn.h>
#include <string.h>

#include "interpose.h"

/* Relocation types of symbolic words, psABI table 4.9. */
enum { WORD = R_X86_64_64, DATA_SLOT = R_X86_64_GLOB_DAT, CALL_SLOT = R_X86_64_JUMP_SLOT };

/* Where the libraries are to look: the program, then the libraries it was linked with, as they stand before the C library. */
enum { SCOPE_MAX = 256 };
static struct object *scope[SCOPE_MAX];
static size_t scope_size;
static bool in_node;

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static bool has_soname(const struct object *object, const char *name) {
  uint64_t soname = object_tag(object, DT_SONAME);
  return strcmp(object->name, name) == 0 || (soname && strcmp(object->strings + soname, name) == 0);
}

static void make_scope(struct object *objects, size_t count, struct object *anchor) {
  scope_size = 0;
  scope[scope_size++] = anchor;
  for (const Elf64_Dyn *entry = anchor->dynamic; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag != DT_NEEDED) continue;
    for (size_t i = 0; i < count && scope_size < SCOPE_MAX; i++) {
      if (!objects[i].is_host && has_soname(&objects[i], anchor->strings + entry->d_un.d_val)) scope[scope_size++] = &objects[i];
    }
  }
}

static bool is_function(const Elf64_Sym *symbol) {
  unsigned type = ELF64_ST_TYPE(symbol->st_info);
  return type == STT_FUNC || type == STT_NOTYPE;
}

static void bind_slot(struct object *object, const Elf64_Rela *relocation) {
  unsigned type = ELF64_R_TYPE(relocation->r_info);
  if (type != WORD && type != DATA_SLOT && type != CALL_SLOT) return;
  const Elf64_Sym *wanted = &object->symbols[ELF64_R_SYM(relocation->r_info)];
  const char *name = object->strings + wanted->st_name;
  if (*name == '\0' || ELF64_ST_TYPE(wanted->st_info) == STT_TLS) return;
  const Elf64_Sym *found = NULL;
  const struct object *definer = NULL;
  for (size_t i = 0; i < scope_size && !found; i++) found = object_find(definer = scope[i], name);
  uint64_t place = object->bias + relocation->r_offset;
  if (!found && in_node && !object->is_host && type != CALL_SLOT) {
    /* Libraries that come with the program look in the C and C++ libraries first, which use Node's copies themselves. */
    uint64_t copy = executable_copy(name);
    if (copy) object_store(object, place, copy + (type == WORD ? (uint64_t)relocation->r_addend : 0));
    return;
  }
  if (!found || ELF64_ST_TYPE(found->st_info) == STT_GNU_IFUNC) return;
  uint64_t value = definer->bias + found->st_value + (type == WORD ? (uint64_t)relocation->r_addend : 0);
  uint64_t current = *(const uint64_t *)(uintptr_t)place;
  if (current == value) return;
  if (object->is_host && is_function(found)) {
    /* An inline function that both have. Node's libraries keep their own, as they keep the variables inside. */
    if (in_node && ELF64_ST_BIND(found->st_info) == STB_WEAK && wanted->st_shndx != SHN_UNDEF) return;
    /* A slot that has not been used yet leads to the code that would find the function and overwrite the slot. */
    uint64_t original = type == CALL_SLOT ? (uintptr_t)dlsym(RTLD_DEFAULT, name) : current;
    if (original == 0 || original == value) return;
    value = dispatch_to(name, value, original);
    if (value == 0) {
      if (ELF64_ST_BIND(found->st_info) == STB_WEAK) return;
      refuse("the program replaces more functions of loaded libraries than there is room for");
    }
  } else if (object->is_host && in_node) {
    return; /* a variable cannot be one for some threads and another for others */
  }
  object_store(object, place, value);
}

/* The loader allocates by pointers of its own, which it found by name when the process started. */
static void bind_loader(struct object *loader) {
  static const char *const names[] = {"malloc", "calloc", "realloc", "free"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const Elf64_Sym *found = NULL;
    const struct object *definer = NULL;
    for (size_t j = 0; j < scope_size && !found; j++) found = object_find(definer = scope[j], names[i]);
    if (!found) continue;
    uint64_t original = (uintptr_t)dlsym(RTLD_DEFAULT, names[i]);
    for (uint64_t at = loader->relro; at < loader->relro_end; at += sizeof(uint64_t)) {
      if (*(const uint64_t *)(uintptr_t)at != original) continue;
      object_store(loader, at, dispatch_to(names[i], definer->bias + found->st_value, original));
    }
  }
}

EXPORTED void __slablink_start(int argc, char **argv, char **envp) {
  size_t count;
  struct object *objects = objects_read(&count);
  struct object *anchor = objects_anchor(objects, count);
  if (!anchor) refuse("the loader does not know the program");
  for (size_t i = 0; i < count; i++) in_node = in_node || (objects[i].is_host && ends_with(objects[i].name, ".node"));
  make_scope(objects, count, anchor);
  allocator_begin();
  dispatch_begin();
  for (size_t i = 0; i < count; i++) {
    struct object *object = &objects[i];
    /* Node's addons are Node's, as its executable is. */
    if (object == anchor || (object->is_host && ends_with(object->name, ".node"))) continue;
    if (has_soname(object, "ld-linux-x86-64.so.2")) bind_loader(object);
    else {
      for (size_t j = 0; j < 2; j++) {
        for (size_t k = 0; k < object->counts[j]; k++) bind_slot(object, &object->tables[j][k]);
      }
    }
    object_close(object);
  }
  scope_put_first(anchor);
  constructors_run(objects, count, argc, argv, envp);
}

/* Node's process goes on, and its main thread is none of the program's: libraries of the program end with it, as their memory may be its. */
EXPORTED void __slablink_end(void) {
  if (in_node) {
    size_t count;
    struct object *objects = objects_read(&count);
    destructors_run(objects, count);
  }
  dispatch_end();
}
