#include "thread.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

/* What glibc itself needs of a stack: thread-locals and a little more. Private, but what other runtimes ask too. */
static size_t smallest_stack(const pthread_attr_t *attributes) {
  void *address = dlsym(RTLD_DEFAULT, "__pthread_get_minstack");
  size_t (*get)(const pthread_attr_t *);
  memcpy(&get, &address, sizeof get);
  return get ? get(attributes) : 0;
}

static int start(void *(*function)(void *), int detached) {
  pthread_attr_t attributes;
  size_t size;
  int error = pthread_attr_init(&attributes);
  if (error) return error;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_setstacksize(&attributes, size + smallest_stack(&attributes));
  pthread_attr_setdetachstate(&attributes, detached);
  pthread_t thread;
  error = pthread_create(&thread, &attributes, function, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

int thread_start(void *(*function)(void *)) { return start(function, PTHREAD_CREATE_DETACHED); }
int thread_start_joinable(void *(*function)(void *)) { return start(function, PTHREAD_CREATE_JOINABLE); }

unsigned threads_of_process(void) {
  unsigned count = 0;
  DIR *tasks = opendir("/proc/self/task");
  if (!tasks) return 0;
  for (struct dirent *task; (task = readdir(tasks));) count += task->d_name[0] != '.';
  closedir(tasks);
  return count;
}
