// The address of a function is one and the same in every object, in code, in data, and for the library.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int own(int x) { return x; }
int (*own_in_data)(int) = own;
int (*puts_in_data)(const char *) = puts;
int (*own_elsewhere(void))(int);
int (*puts_elsewhere(void))(const char *);

int main(void) {
  int (*own_in_code)(int) = own;
  int (*puts_in_code)(const char *) = puts;
  printf("%d %d\n", own_in_code == own_in_data, own_in_code == own_elsewhere());
  printf("%d %d\n", puts_in_code == puts_in_data, puts_in_code == puts_elsewhere());
  printf("%d\n", (int)strlen("x") + own_in_data(1));
  return puts_in_data("called by pointer") < 0;
}
// file: other.c
#include <stdio.h>
int own(int);
int (*own_elsewhere(void))(int) { return own; }
int (*puts_elsewhere(void))(const char *) { return puts; }
