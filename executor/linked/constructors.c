/* Libraries that come with a program have constructors, which may call into the program: they run when its code is in place, on the program's
   own thread, and not while the loader takes the libraries in. The program's anchor is the loader's INITFIRST object; its initializer runs before
   all others and makes each library's initializer a function that notes its turn. */
#include "interpose.h"

enum { HELD_MAX = 512 };

struct held {
  Elf64_Dyn *init, *array, *array_size;
  uint64_t init_value, array_value, array_size_value;
  uint64_t bias;
  uint64_t only; /* the function that stands in the array's place */
};

static struct held held[HELD_MAX];
static size_t held_count;
static uint32_t turns[HELD_MAX];
static size_t turn_count;

__attribute__((used)) static void note_turn(uint32_t index) {
  if (turn_count < HELD_MAX) turns[turn_count++] = index;
}

/* One function for each library, 16 bytes each: their number is all they know. */
__asm__(".pushsection .text\n.balign 16\nturn_functions:\n"
        ".set number, 0\n.rept 512\n.balign 16\nmovl $number, %edi\njmp note_turn\n.set number, number + 1\n.endr\n"
        ".popsection\n");
extern const char turn_functions[] __attribute__((visibility("hidden")));

static Elf64_Dyn *entry_of(const struct object *object, int64_t tag) {
  for (Elf64_Dyn *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == tag) return entry;
  }
  return NULL;
}

static void hold_one(struct object *object) {
  if (held_count == HELD_MAX) refuse("the program has too many libraries with constructors");
  struct held *each = &held[held_count];
  *each = (struct held){.bias = object->bias};
  each->init = entry_of(object, DT_INIT);
  each->array = entry_of(object, DT_INIT_ARRAY);
  each->array_size = entry_of(object, DT_INIT_ARRAYSZ);
  if (!each->init && !(each->array && each->array_size)) return;
  uint64_t turn = (uintptr_t)turn_functions + 16 * held_count++;
  if (each->init) {
    each->init_value = each->init->d_un.d_ptr;
    object_store(object, (uintptr_t)&each->init->d_un.d_ptr, turn - object->bias);
  }
  if (!each->array || !each->array_size) return;
  each->array_value = each->array->d_un.d_ptr;
  each->array_size_value = each->array_size->d_un.d_val;
  each->only = turn;
  if (!each->init) object_store(object, (uintptr_t)&each->array->d_un.d_ptr, (uintptr_t)&each->only - object->bias);
  object_store(object, (uintptr_t)&each->array_size->d_un.d_val, each->init ? 0 : sizeof(uint64_t));
}

/* The anchor's initializer. */
EXPORTED void __slablink_hold(void) {
  size_t count;
  struct object *objects = objects_read(&count);
  struct object *anchor = objects_anchor(objects, count);
  held_count = turn_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (objects[i].is_host || &objects[i] == anchor) continue;
    if (object_tag(&objects[i], DT_INIT) + objects[i].bias == (uintptr_t)__slablink_hold) continue;
    hold_one(&objects[i]);
    object_close(&objects[i]);
  }
}

typedef void initializer(int, char **, char **);

void constructors_run(struct object *objects, size_t count, int argc, char **argv, char **envp) {
  for (size_t i = 0; i < held_count; i++) {
    struct held *each = &held[i];
    struct object *object = NULL;
    for (size_t j = 0; j < count && !object; j++) {
      if (objects[j].bias == each->bias && !objects[j].is_host) object = &objects[j];
    }
    if (!object) continue;
    if (each->init) object_store(object, (uintptr_t)&each->init->d_un.d_ptr, each->init_value);
    if (each->only) {
      object_store(object, (uintptr_t)&each->array->d_un.d_ptr, each->array_value);
      object_store(object, (uintptr_t)&each->array_size->d_un.d_val, each->array_size_value);
    }
    object_close(object);
  }
  for (size_t i = 0; i < turn_count; i++) {
    struct held *each = &held[turns[i]];
    if (each->init) ((initializer *)(uintptr_t)(each->bias + each->init_value))(argc, argv, envp);
    initializer **functions = (initializer **)(uintptr_t)(each->bias + each->array_value);
    for (size_t j = 0; j < each->array_size_value / sizeof *functions; j++) functions[j](argc, argv, envp);
  }
}

static void nothing(void) {}

static void finalize(struct object *object) {
  Elf64_Dyn *fini = entry_of(object, DT_FINI);
  Elf64_Dyn *size = entry_of(object, DT_FINI_ARRAYSZ);
  void (**functions)(void) = (void (**)(void))(uintptr_t)(object->bias + object_tag(object, DT_FINI_ARRAY));
  for (size_t i = size ? size->d_un.d_val / sizeof *functions : 0; i-- > 0;) functions[i]();
  if (fini) ((void (*)(void))(uintptr_t)(object->bias + fini->d_un.d_ptr))();
  if (size) object_store(object, (uintptr_t)&size->d_un.d_val, 0);
  if (fini) object_store(object, (uintptr_t)&fini->d_un.d_ptr, (uintptr_t)nothing - object->bias);
  object_close(object);
}

void destructors_run(struct object *objects, size_t count) {
  while (turn_count > 0) {
    const struct held *each = &held[turns[--turn_count]];
    for (size_t i = 0; i < count; i++) {
      if (objects[i].bias == each->bias && !objects[i].is_host) finalize(&objects[i]);
    }
  }
}
