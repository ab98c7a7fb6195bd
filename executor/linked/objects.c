/* The loaded objects as the loader's tables show them (System V gABI, chapter 5; dl_iterate_phdr(3)). */
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "interpose.h"

enum { OBJECTS_MAX = 1024, PAGE = 4096 };

static struct object objects[OBJECTS_MAX];
static size_t object_count;
static struct object executable;
static bool seen_ourselves;
static size_t seen;

void __slablink_hold(void);

_Noreturn void refuse(const char *sentence) {
  static const char who[] = "slablink: error: ";
  ssize_t ignored = write(2, who, sizeof who - 1);
  ignored = write(2, sentence, strlen(sentence));
  ignored = write(2, "\n", 1);
  (void)ignored;
  _exit(1);
}

uint64_t object_tag(const struct object *object, int64_t tag) {
  for (const Elf64_Dyn *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == tag) return entry->d_un.d_val;
  }
  return 0;
}

/* The loader has added the bias to some entries in place, and to others not. */
static const void *table(const struct object *object, int64_t tag) {
  uint64_t value = object_tag(object, tag);
  if (value == 0) return NULL;
  return (const void *)(uintptr_t)(value >= object->start ? value : value + object->bias);
}

static void read_segments(struct object *object, const struct dl_phdr_info *info) {
  object->start = UINT64_MAX;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &info->dlpi_phdr[i];
    uint64_t start = object->bias + segment->p_vaddr, end = start + segment->p_memsz;
    if (segment->p_type == PT_DYNAMIC) object->dynamic = (Elf64_Dyn *)(uintptr_t)start;
    if (segment->p_type == PT_GNU_RELRO) {
      object->relro = start & -(uint64_t)PAGE;
      object->relro_end = end & -(uint64_t)PAGE;
    }
    if (segment->p_type != PT_LOAD) continue;
    if (start < object->start) object->start = start;
    if (end > object->end) object->end = end;
  }
}

static int visit(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  struct object object = {.bias = info->dlpi_addr, .name = info->dlpi_name ? info->dlpi_name : ""};
  read_segments(&object, info);
  bool is_executable = seen++ == 0;
  uint64_t here = (uintptr_t)__slablink_hold;
  if (here >= object.start && here < object.end) {
    seen_ourselves = true;
    return 0;
  }
  if (!object.dynamic) return 0;
  object.is_host = !seen_ourselves;
  object.symbols = table(&object, DT_SYMTAB);
  object.strings = table(&object, DT_STRTAB);
  object.hash = table(&object, DT_HASH);
  object.gnu_hash = table(&object, DT_GNU_HASH);
  object.versions = table(&object, DT_VERSYM);
  object.tables[0] = table(&object, DT_RELA);
  object.counts[0] = object.tables[0] ? object_tag(&object, DT_RELASZ) / sizeof(Elf64_Rela) : 0;
  object.tables[1] = table(&object, DT_JMPREL);
  object.counts[1] = object.tables[1] ? object_tag(&object, DT_PLTRELSZ) / sizeof(Elf64_Rela) : 0;
  if (is_executable) executable = object; /* the host itself, which binds to nothing of the program */
  else if (object_count == OBJECTS_MAX) refuse("too many libraries are loaded for the program to replace functions of theirs");
  else objects[object_count++] = object;
  return 0;
}

struct object *objects_read(size_t *count) {
  object_count = 0;
  seen_ourselves = false;
  seen = 0;
  dl_iterate_phdr(visit, NULL);
  *count = object_count;
  return objects;
}

struct object *objects_anchor(struct object *all, size_t count) {
  for (size_t i = count; i-- > 0;) {
    if (object_tag(&all[i], DT_INIT) + all[i].bias == (uintptr_t)__slablink_hold) return &all[i];
  }
  return NULL;
}

static bool is_definition(const struct object *object, uint32_t index, const char *name, bool any_version) {
  const Elf64_Sym *symbol = &object->symbols[index];
  if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) == STT_TLS) return false;
  if (ELF64_ST_BIND(symbol->st_info) == STB_LOCAL || (symbol->st_other & 3) == STV_HIDDEN) return false;
  /* A version that has a name is for references to that version; such a library is the loader's business alone. */
  if (!any_version && object->versions && (object->versions[index] & 0x7fff) > 1) return false;
  return strcmp(object->strings + symbol->st_name, name) == 0;
}

static uint32_t find_gnu(const struct object *object, const char *name, bool any_version) {
  const uint32_t *table = object->gnu_hash;
  uint32_t hash = 5381;
  for (const unsigned char *at = (const unsigned char *)name; *at; at++) hash = hash * 33 + *at;
  const uint64_t *bloom = (const uint64_t *)(table + 4);
  uint64_t word = bloom[(hash / 64) % table[2]];
  if (!((word >> (hash % 64)) & (word >> ((hash >> table[3]) % 64)) & 1)) return 0;
  const uint32_t *buckets = (const uint32_t *)(bloom + table[2]);
  const uint32_t *chains = buckets + table[0];
  uint32_t index = buckets[hash % table[0]];
  if (index < table[1]) return 0;
  for (;; index++) {
    uint32_t chained = chains[index - table[1]];
    if ((chained | 1) == (hash | 1) && is_definition(object, index, name, any_version)) return index;
    if (chained & 1) return 0;
  }
}

static uint32_t find_sysv(const struct object *object, const char *name, bool any_version) {
  const uint32_t *table = object->hash;
  uint32_t hash = 0;
  for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
    hash = (hash << 4) + *at;
    uint32_t high = hash & 0xf0000000;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  uint32_t index = table[2 + hash % table[0]];
  while (index && !is_definition(object, index, name, any_version)) index = table[2 + table[0] + index];
  return index;
}

static const Elf64_Sym *find(const struct object *object, const char *name, bool any_version) {
  uint32_t index = 0;
  if (object->gnu_hash) index = find_gnu(object, name, any_version);
  else if (object->hash) index = find_sysv(object, name, any_version);
  return index ? &object->symbols[index] : NULL;
}

const Elf64_Sym *object_find(const struct object *object, const char *name) { return find(object, name, false); }

uint64_t executable_copy(const char *name) {
  const Elf64_Sym *found = find(&executable, name, true);
  if (!found) return 0;
  uint64_t address = executable.bias + found->st_value;
  for (size_t i = 0; i < executable.counts[0]; i++) {
    const Elf64_Rela *relocation = &executable.tables[0][i];
    if (ELF64_R_TYPE(relocation->r_info) == R_X86_64_COPY && executable.bias + relocation->r_offset == address) return address;
  }
  return 0;
}

void object_store(struct object *object, uint64_t address, uint64_t value) {
  if (address >= object->relro && address < object->relro_end && !object->relro_is_open) {
    if (mprotect((void *)(uintptr_t)object->relro, object->relro_end - object->relro, PROT_READ | PROT_WRITE) != 0) {
      refuse("a library's table of addresses cannot be made writable");
    }
    object->relro_is_open = true;
  }
  *(volatile uint64_t *)(uintptr_t)address = value;
}

void object_close(struct object *object) {
  if (!object->relro_is_open) return;
  mprotect((void *)(uintptr_t)object->relro, object->relro_end - object->relro, PROT_READ);
  object->relro_is_open = false;
}
