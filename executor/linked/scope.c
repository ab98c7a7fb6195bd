/* The loader's global scope, in which libraries that are opened later and dlsym(RTLD_DEFAULT) look for names: as in an ordinary process the program
   comes first. The list is the executable's `l_searchlist`, a private part of its link map: { struct link_map **r_list; unsigned r_nlist; }.
   It is found by what it must hold, the executable at first and the program's anchor among the rest; where that fails, nothing is changed. */
#include <link.h>
#include <sys/mman.h>

#include "interpose.h"

enum { WORDS = 160, PAGE = 4096, LONGEST = 65536 };

static bool is_readable(uint64_t address, uint64_t size) {
  uint64_t start = address & -(uint64_t)PAGE;
  uint64_t end = (address + size + PAGE - 1) & -(uint64_t)PAGE;
  /* ENOMEM where nothing is mapped, mincore(2). */
  unsigned char pages[LONGEST * sizeof(void *) / PAGE + 2];
  return address != 0 && address % sizeof(void *) == 0 && mincore((void *)(uintptr_t)start, end - start, pages) == 0;
}

static struct link_map *map_of(const struct object *object) {
  struct link_map *map = _r_debug.r_map;
  while (map && map->l_ld != object->dynamic) map = map->l_next;
  return map;
}

/* Position of the map in the list, 0 if the words at `at` are not the list. */
static uint32_t position(const uint64_t *at, const struct link_map *first, const struct link_map *map) {
  uint64_t list = at[0];
  uint32_t count = (uint32_t)at[1];
  if (count < 2 || count > LONGEST || !is_readable(list, count * sizeof(void *))) return 0;
  struct link_map **maps = (struct link_map **)(uintptr_t)list;
  if (maps[0] != first) return 0;
  for (uint32_t i = 1; i < count; i++) {
    if (maps[i] == map) return i;
  }
  return 0;
}

/* Other threads may be looking through the list: at every moment it holds all that it held, some twice. */
void scope_put_first(const struct object *anchor) {
  struct link_map *first = _r_debug.r_map, *map = map_of(anchor);
  const uint64_t *words = (const uint64_t *)first;
  for (size_t i = sizeof *first / sizeof *words; map && i + 1 < WORDS; i++) {
    if (!is_readable((uintptr_t)&words[i], 16)) return;
    uint32_t at = position(&words[i], first, map);
    if (at == 0) continue;
    struct link_map *volatile *maps = (struct link_map *volatile *)(uintptr_t)words[i];
    for (; at > 0; at--) maps[at] = maps[at - 1];
    maps[0] = map;
    return;
  }
}
