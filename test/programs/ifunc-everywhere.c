// Indirect functions: hidden, static, with aliases, in tables of constants, chosen by a resolver that calls other objects and
// reads their data; in a shared library, for itself and for the program; versions for processors.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// before: gcc -O1 -shared -fPIC -o libindirect.so -x c library.c.txt
// inputs: ifunc-everywhere.o other.o clones.o ./libindirect.so
// reference: -Wl,-rpath,.
#include <stdio.h>
extern int selected;
int preferred(void);
static int one(void) { return 1; }
int two(void);
static void *pick(void) { return preferred() && selected ? (void *)two : (void *)one; }
__attribute__((visibility("hidden"))) int hidden_function(void) __attribute__((ifunc("pick")));
static int static_function(void) __attribute__((ifunc("pick")));
int global_function(void) __attribute__((ifunc("pick")));
extern int alias_of_global(void) __attribute__((alias("global_function")));
int (*const table[])(void) = {hidden_function, static_function, global_function, alias_of_global};
int other(void);
int (*address_in_other(void))(void);
int of_library(int);
extern int (*in_data_of_library)(int);
int (*in_data_here)(int) = of_library;
int clones(int);
int (*clones_in_data)(int) = clones;
int main(void) {
  printf("%d %d %d %d\n", hidden_function(), static_function(), global_function(), alias_of_global());
  for (int i = 0; i < 4; i++) printf("%d ", table[i]());
  printf("%d %d\n", other(), address_in_other() == hidden_function);
  printf("%d %d %d %d\n", of_library(1), in_data_of_library(1), in_data_here(1), in_data_here == of_library);
  __builtin_cpu_init();
  printf("%d %d %d\n", clones(10), clones_in_data(10), __builtin_cpu_supports("sse2") != 0);
  return 0;
}
// file: other.c
int selected = 1;
int preferred(void) { return 1; }
int two(void) { return 2; }
__attribute__((visibility("hidden"))) int hidden_function(void);
int global_function(void);
int other(void) { return hidden_function() * 10 + global_function(); }
int (*address_in_other(void))(void) { return hidden_function; }
// file: clones.c
__attribute__((target_clones("avx2", "sse4.2", "default"))) int clones(int x) {
  int sum = 0;
  for (int i = 0; i < x; i++) sum += i * x;
  return sum;
}
// file: library.c.txt
static int zero(int x) { return x; }
int library_number = 2;
static int helper(void) { return 3; }
static int number(int x) { return x + library_number; }
static int (*choose(void))(int) { return helper() == 3 ? number : zero; }
int of_library(int) __attribute__((ifunc("choose")));
int (*in_data_of_library)(int) = of_library;
