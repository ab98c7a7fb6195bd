// The program's name as the C library, the kernel and its threads have it; the environment and auxiliary vector; buffering of stdio
// on pipes; descriptors; limits; locale; getopt; prctl.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// argv0: /some/where/reference
// args: -a -b value --long=7 rest
// env: LC_ALL=C.UTF-8
// env: WITH=equals=sign
// status: 3
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

extern char **environ;

static void *name_of_thread(void *name) {
  pthread_getname_np(pthread_self(), name, 16);
  return NULL;
}

int main(int argc, char **argv) {
  printf("%s %s\n", program_invocation_name, program_invocation_short_name);
  char name[16] = "";
  pthread_t thread;
  pthread_create(&thread, NULL, name_of_thread, name);
  pthread_join(thread, NULL);
  printf("thread %s", name);
  prctl(PR_GET_NAME, name);
  printf(" main %s", name);
  FILE *comm = fopen("/proc/self/comm", "r");
  printf(" process %s", fgets(name, sizeof name, comm) ? name : "?\n");
  fclose(comm);
  prctl(PR_SET_NAME, "other");
  prctl(PR_GET_NAME, name);
  printf("%s\n", name);

  for (int c; (c = getopt_long(argc, argv, "ab:", (struct option[]){{"long", required_argument, NULL, 'l'}, {0}}, NULL)) != -1;) {
    printf("option %c %s\n", c, optarg ? optarg : "-");
  }
  printf("rest %s, %d\n", argv[optind], argc);
  optind = 1;
  char *bad[] = {"prog", "-z", NULL};
  opterr = 0;
  int refused = getopt(2, bad, "a");
  printf("%c %c\n", refused, optopt);

  printf("page %lu %d\n", getauxval(AT_PAGESZ), getauxval(AT_RANDOM) != 0);
  printf("%d %d\n", getauxval(AT_UID) == getuid(), getauxval(AT_SECURE) == 0);
  printf("%s\n", getenv("WITH"));
  int count = 0;
  for (char **at = environ; *at; at++) count += strncmp(*at, "WITH=", 5) == 0 || strncmp(*at, "NODE_", 5) == 0 || strncmp(*at, "SLABLINK_R", 10) == 0;
  printf("%d\n", count);
  printf("stdio %zu %d %d\n", __fbufsize(stdout), __flbf(stdout) != 0, isatty(1));
  struct stat status;
  printf("pipes %d\n", fstat(1, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)));
  printf("%s %s\n", setlocale(LC_ALL, ""), nl_langinfo(CODESET));
  wchar_t wide[10];
  printf("%zu\n", mbstowcs(wide, "h\xc3\xa9!", 10));
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  printf("stack %ld\n", (long)limit.rlim_cur);
  getrlimit(RLIMIT_CORE, &limit);
  printf("core %ld\n", (long)limit.rlim_cur);
  limit.rlim_cur = 64;
  limit.rlim_max = 64;
  printf("%d", setrlimit(RLIMIT_NOFILE, &limit));
  int opened = 0;
  while (opened < 100 && dup(0) >= 0) opened++;
  printf(" %d %d\n", errno == EMFILE, opened > 20);
  printf("umask %o nice %d\n", umask(022), getpriority(PRIO_PROCESS, 0));
  errno = 0;
  fflush(stdout);
  error(3, ENOENT, "%s", "the end");
}
