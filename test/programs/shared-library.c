// A shared library of the user's, by path: functions, data that the program sees by copy or by GOT, a callback into the program.
// compile: {gcc,clang-22} -O1 -fPIC
// before: gcc -shared -fPIC -o libown.so library.o
// inputs: shared-library.o ./libown.so
// reference: -Wl,-rpath,.
#include <stdio.h>
int library_function(int (*)(int), int);
extern int library_variable;
void library_increment(void);
static int callback(int x) { return x * 3; }
int main(void) {
  printf("%d\n", library_function(callback, 5));
  library_variable = 7;
  library_increment();
  printf("%d\n", library_variable);
  return 0;
}
// file: library.c
__attribute__((visibility("default"))) int library_variable = 1;
__attribute__((visibility("default"))) void library_increment(void) { library_variable++; }
__attribute__((visibility("default"))) int library_function(int (*f)(int), int x) { return f(x) + library_variable; }
