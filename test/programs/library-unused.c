// A library that nothing refers to is loaded for its constructor; what it defines can be looked up; its destructor runs at the end.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC}
// before: gcc -shared -fPIC -o libside.so -x c side.inc
// link: ./libside.so
// reference: -Wl,--no-as-needed -Wl,-rpath,.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  puts("main");
  int (*answer)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "side_answer");
  printf("%d\n", answer ? answer() : -1);
  fflush(stdout);
  return 0;
}
// file: side.inc
#include <unistd.h>
__attribute__((constructor)) static void load(void) { (void)!write(1, "loaded\n", 7); }
__attribute__((destructor)) static void unload(void) { (void)!write(1, "unloaded\n", 9); }
int side_answer(void) { return 42; }
