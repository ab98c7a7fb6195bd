// Constructors and destructors with priorities, .init_array and .preinit_array-free; arguments of a constructor.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// args: argument
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor(200))) static void second(void) { puts("constructor 200"); }
__attribute__((constructor(101))) static void first(int argc, char **argv, char **envp) {
  printf("constructor 101: %d %s %d\n", argc, argv[1], envp != NULL);
}
__attribute__((constructor)) static void last(void) { puts("constructor"); }
__attribute__((destructor)) static void fini(void) { puts("destructor"); }
__attribute__((destructor(101))) static void last_fini(void) { puts("destructor 101"); }
__attribute__((destructor(200))) static void early_fini(void) { puts("destructor 200"); }
static void at_exit(void) { puts("atexit"); }
static void at_exit_first(void) { puts("atexit, registered later"); }

int main(void) {
  atexit(at_exit);
  atexit(at_exit_first);
  puts("main");
  return 0;
}
// file: other.c
#include <stdio.h>
__attribute__((constructor(150))) static void between(void) { puts("constructor 150 of another object"); }
__attribute__((constructor)) static void other(void) { puts("constructor of another object"); }
__attribute__((destructor(150))) static void between_fini(void) { puts("destructor 150 of another object"); }
