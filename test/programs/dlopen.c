// dlopen and dlsym by the program: a library's function, one of the process, and dladdr on one's own code.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// reference: -rdynamic
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int exported_by_program(void) { return 21; }

int main(void) {
  void *m = dlopen("libm.so.6", RTLD_NOW);
  double (*cosine)(double) = (double (*)(double))dlsym(m, "cos");
  printf("%g\n", cosine(0));
  int (*put)(const char *) = (int (*)(const char *))dlsym(RTLD_DEFAULT, "puts");
  put("puts by dlsym");
  printf("%d\n", dlopen("libdoesnotexist.so", RTLD_NOW) == NULL && dlerror() != NULL);
  Dl_info info;
  printf("%d\n", dladdr((void *)main, &info) != 0 && info.dli_fbase != NULL);
  int (*own)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "exported_by_program");
  printf("%d\n", own ? own() : -1);
  return dlclose(m);
}
