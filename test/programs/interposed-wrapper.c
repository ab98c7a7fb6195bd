// Functions that the program replaces and calls the originals of, by dlsym(RTLD_NEXT) or by the C library's other names for them: an allocator
// that counts, one that puts a header before each block, pthread_create, write.
// compile: {gcc,clang-22} -O1 -fno-builtin {-DNEXT,} {-DHEADER,} {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HEADER
enum { HEAD = 16 };
#else
enum { HEAD = 0 };
#endif
#ifdef NEXT
static void *(*real_malloc)(size_t), *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
static void find(void) {
  if (real_malloc) return;
  real_malloc = dlsym(RTLD_NEXT, "malloc"), real_realloc = dlsym(RTLD_NEXT, "realloc"), real_free = dlsym(RTLD_NEXT, "free");
  if (!real_malloc || !real_realloc || !real_free) _exit(99);
}
#else
void *__libc_malloc(size_t), *__libc_realloc(void *, size_t);
void __libc_free(void *);
#define real_malloc __libc_malloc
#define real_realloc __libc_realloc
#define real_free __libc_free
static void find(void) {}
#endif

static long mallocs, frees;
static char *mark(char *block, size_t size) {
  if (HEAD) memcpy(block, &size, sizeof size);
  return block + HEAD;
}
void *malloc(size_t size) {
  find();
  __atomic_fetch_add(&mallocs, 1, __ATOMIC_SEQ_CST);
  return mark(real_malloc(size + HEAD), size);
}
void *calloc(size_t count, size_t size) { return memset(malloc(count * size), 0, count * size); }
void free(void *block) {
  find();
  if (!block) return;
  __atomic_fetch_add(&frees, 1, __ATOMIC_SEQ_CST);
  real_free((char *)block - HEAD);
}
void *realloc(void *block, size_t size) {
  find();
  return block ? mark(real_realloc((char *)block - HEAD, size + HEAD), size) : malloc(size);
}

static int created;
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  created++;
  return real(thread, attributes, start, argument);
}
static void *in_thread(void *text) {
  char *copy = strdup(text);
  long length = (long)strlen(copy);
  free(copy);
  return (void *)length;
}

int main(void) {
  long before = mallocs, freed = frees;
  free(strdup("counted"));
  long calls = mallocs - before, given = frees - freed;
  printf("strdup %ld %ld\n", calls, given);
  FILE *file = fopen("/dev/null", "r");
  before = mallocs, freed = frees;
  fclose(file);
  calls = mallocs - before, given = frees - freed;
  printf("fclose %ld %ld\n", calls, given);
  char *line = NULL;
  size_t room = 0;
  file = fopen("/proc/self/status", "r");
  while (getline(&line, &room, file) > 0) continue;
  free(line);
  fclose(file);
  setenv("X", "y", 1), setenv("X", "something longer", 1), unsetenv("X");
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    void *length;
    pthread_create(&thread, NULL, in_thread, "hello");
    pthread_join(thread, &length);
    printf("thread %ld\n", (long)length);
  }
  printf("created %d\n", created);
  fflush(stdout);
  if (fork() == 0) {
    free(strdup("child"));
    printf("child\n");
    exit(3);
  }
  int status;
  wait(&status);
  printf("%d\n", WEXITSTATUS(status));
  return 0;
}
