// The environment: environ by name, the third argument of main, setenv seen through both, and what a child gets.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// env: SLABLINK_TEST_VARIABLE=its value
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv;
  int found = 0;
  for (char **each = environ; *each; each++) found += strncmp(*each, "SLABLINK_TEST_VARIABLE=", 23) == 0;
  for (char **each = envp; *each; each++) found += strncmp(*each, "SLABLINK_TEST_VARIABLE=", 23) == 0;
  printf("%d %s\n", found, getenv("SLABLINK_TEST_VARIABLE"));
  setenv("ADDED_BY_PROGRAM", "added", 1);
  found = 0;
  for (char **each = environ; *each; each++) found += strcmp(*each, "ADDED_BY_PROGRAM=added") == 0;
  printf("%d\n", found);
  fflush(stdout);
  int status = system("echo \"$ADDED_BY_PROGRAM\"");
  errno = 5;
  printf("%d %d %s\n", status, errno, strerror(errno));
  return 0;
}
