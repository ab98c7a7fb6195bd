/* What slablink links into the process beside a program that defines names which libraries refer to: in an ordinary process such a program comes
   first in every library's scope, here the libraries may have been there before it. Nothing in this folder is part of the executor; it is linked
   by slablink itself, into the executor or into Node. It must not call what a program may define: no malloc, no stdio. */
#ifndef SLABLINK_INTERPOSE_H
#define SLABLINK_INTERPOSE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

/* One loaded object, in the loader's order. */
struct object {
  uint64_t bias;
  const char *name;
  Elf64_Dyn *dynamic;
  const Elf64_Sym *symbols;
  const char *strings;
  const uint32_t *hash;     /* DT_HASH or NULL */
  const uint32_t *gnu_hash; /* DT_GNU_HASH or NULL */
  const uint16_t *versions; /* DT_VERSYM or NULL */
  const Elf64_Rela *tables[2];
  size_t counts[2];
  uint64_t relro, relro_end; /* whole pages that the loader made read-only */
  uint64_t start, end;       /* from the first to the last segment */
  bool relro_is_open;
  bool is_host; /* was there before this code, and is used by threads that are none of the program's */
};

/* Fills in the objects of the process; not the executable, not this code. Ends the process when there are too many. */
struct object *objects_read(size_t *count);

/* The address of the executable's copy of a library's variable (R_X86_64_COPY), 0 if it has none of that name. After `objects_read`. */
uint64_t executable_copy(const char *name);

/* The object in which `hold` is the initializer: the program's anchor, the latest if there are several. */
struct object *objects_anchor(struct object *objects, size_t count);

/* The definition of `name` in the object, of any version when it has none, or NULL. */
const Elf64_Sym *object_find(const struct object *object, const char *name);

uint64_t object_tag(const struct object *object, int64_t tag);

/* Stores a word in the object's data, also where the loader has made it read-only; `object_close` makes it so again. */
void object_store(struct object *object, uint64_t address, uint64_t value);
void object_close(struct object *object);

/* The address that a library of the host's must be given for `name`: what it leads to depends on the thread. 0 when there is no room. */
uint64_t dispatch_to(const char *name, uint64_t program, uint64_t original);

/* Marks this thread, and those created from now on, as the program's; `ours` is the object of this code. */
void dispatch_begin(void);
void dispatch_end(void);

/* Whether the calling thread is the program's. */
bool thread_is_the_programs(void);

/* Notes which memory the C library has handed out before the switch. */
void allocator_begin(void);
/* The shim that stands for an allocation function, or 0 for any other name. */
uint64_t allocator_shim(const char *name, uint64_t program, uint64_t original);

/* Makes the program the first in which libraries that are opened from now on look for names. */
void scope_put_first(const struct object *anchor);

/* Ends the process with a sentence. */
_Noreturn void refuse(const char *sentence);

/* Calls the constructors that were deferred while libraries were loaded, in the loader's order. */
void constructors_run(struct object *objects, size_t count, int argc, char **argv, char **envp);
/* Calls the destructors of these libraries now, in place of the loader at the end of the process. */
void destructors_run(struct object *objects, size_t count);

#endif
