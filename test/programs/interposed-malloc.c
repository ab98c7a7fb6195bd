// The program's own malloc family serves the C library too: what that allocates for the program, for itself and in threads.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char arena[1 << 24];
static size_t used;
static long counts[4];
enum { MALLOC, FREE, CALLOC, REALLOC };

static int ours(const void *p) { return (const char *)p >= arena && (const char *)p < arena + sizeof arena; }
static void *take(size_t alignment, size_t size) {
  size_t whole = size + alignment + 32;
  size_t at = __atomic_fetch_add(&used, whole, 5);
  if (at + whole > sizeof arena) return NULL;
  uintptr_t block = ((uintptr_t)arena + at + 16 + alignment - 1) & -(uintptr_t)alignment;
  ((size_t *)block)[-1] = size;
  return (void *)block;
}
static void complain(const char *what) {
  write(2, what, strlen(what));
  _exit(99);
}
void *malloc(size_t size) {
  __atomic_fetch_add(&counts[MALLOC], 1, 5);
  return take(16, size);
}
void free(void *block) {
  __atomic_fetch_add(&counts[FREE], 1, 5);
  if (block && !ours(block)) complain("free of a foreign block\n");
}
void *calloc(size_t count, size_t size) {
  __atomic_fetch_add(&counts[CALLOC], 1, 5);
  void *block = take(16, count * size);
  return block ? memset(block, 0, count * size) : NULL;
}
void *realloc(void *block, size_t size) {
  __atomic_fetch_add(&counts[REALLOC], 1, 5);
  if (block && !ours(block)) complain("realloc of a foreign block\n");
  void *again = take(16, size);
  if (block) {
    size_t old = ((size_t *)block)[-1];
    memcpy(again, block, old < size ? old : size);
  }
  return again;
}
void *memalign(size_t alignment, size_t size) { return take(alignment < 16 ? 16 : alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
void *valloc(size_t size) { return memalign(4096, size); }
void *pvalloc(size_t size) { return memalign(4096, (size + 4095) & -4096ul); }
size_t malloc_usable_size(void *block) { return block ? ((size_t *)block)[-1] : 0; }

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void *in_thread(void *argument) {
  char *text = NULL;
  int length = asprintf(&text, "thread %d", *(int *)argument);
  int good = ours(text) && length == 8;
  free(text);
  return (void *)(intptr_t)good;
}

static void at_end(void) {
  char *text = strdup("at the end");
  printf("%s %d\n", text, ours(text));
  free(text);
}

__attribute__((constructor)) static void early(void) {
  char *text = strdup("early");
  printf("%s %d\n", text, ours(text));
  setenv("EARLY", "1", 1);
}

int main(void) {
  atexit(at_end);
  for (int i = 0; i < 40; i++) atexit(by_value == 0 ? at_end : (void (*)(void))getpid);
  char *copy = strdup("a"), *part = strndup("abc", 2), *text = NULL, *path = realpath("/", NULL), *here = getcwd(NULL, 0);
  int length = asprintf(&text, "%s %d", "formatted", 5);
  printf("strings %d %d %d %d %d, %s %d\n", ours(copy), ours(part), ours(text), ours(path), ours(here), text, length);
  free(copy), free(part), free(text), free(path), free(here);

  FILE *file = tmpfile();
  printf("a stream %d\n", ours(file));
  for (int i = 0; i < 1000; i++) fprintf(file, "line %d, and some more of it to make it longer\n", i);
  rewind(file);
  char *line = NULL;
  size_t room = 0, lines = 0;
  while (getline(&line, &room, file) > 0) lines++;
  printf("lines %zu %d\n", lines, ours(line));
  line = realloc(line, 4000);
  free(line);
  fclose(file);

  char *grown = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&grown, &size);
  for (int i = 0; i < 5000; i++) fputs("0123456789", memory);
  fclose(memory);
  printf("memory %zu %d\n", size, ours(grown));
  free(grown);

  putenv("OWN=1");
  char name[16];
  for (int i = 0; i < 50; i++) {
    sprintf(name, "N%d", i);
    setenv(name, "value", 1);
    if (i % 3 == 0) unsetenv(name);
  }
  printf("environment %s %s %s %s\n", getenv("OWN"), getenv("N49"), getenv("N48") ? "set" : "unset", getenv("EARLY"));
  clearenv();
  setenv("AFTER", "clear", 1);
  printf("%s\n", getenv("AFTER"));

  enum { COUNT = 200000 };
  int *numbers = malloc(COUNT * sizeof *numbers);
  for (int i = 0; i < COUNT; i++) numbers[i] = (int)((i * 7919ul) % COUNT);
  qsort(numbers, COUNT, sizeof *numbers, by_value);
  printf("sorted %d %d\n", numbers[0], numbers[COUNT - 1]);
  free(numbers);

  pthread_t threads[4];
  int ids[4], good = 0;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, in_thread, (ids[i] = i, &ids[i]));
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    good += result != NULL;
  }
  printf("threads %d\n", good);

  void *aligned = NULL;
  posix_memalign(&aligned, 256, 100);
  void *more = reallocarray(malloc(8), 4, 8);
  printf("aligned %d %d %d\n", (int)((uintptr_t)aligned % 256), ours(aligned), ours(more));
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  printf("counted %d %d %d %d\n", counts[MALLOC] > 10, counts[FREE] > 10, counts[CALLOC] > 0, counts[REALLOC] > 5);
  return 0;
}
