// The address of a function is the same for the program, for dlsym and for libraries, also where the program can only hold 32 bits of it;
// a library's variable is one and the same under all its names, changed by whom it may be.
// compile: {gcc,clang-22} -O2 {-fno-pic,-fPIE,-fPIC}
// compile: gcc -O0 -fno-pic
// compile: gcc -O1 -mcmodel={medium,large} -fno-pic
// before: gcc -shared -O1 -fPIC -o libown.so -x c library.source
// inputs: function-addresses.o ./libown.so -lm -ldl
// reference: -Wl,-rpath,.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct record {
  int number;
  struct record *self;
  int (*function)(int);
  const char *text;
};
extern struct record record;
extern int variable, weak_name, zeroed;
extern const int constant;
extern const char *const names[];
extern long aligned[100];
extern size_t (*held_strlen)(const char *);
int of_library(int), chosen(int), get_variable(void), *address_of_variable(void), get_zeroed(void);
void set_variables(int), *address_of_function(void), *address_of_puts(void), *address_of_chosen(void);

static void *const table[] = {(void *)printf, (void *)malloc, (void *)strlen, (void *)sin, (void *)of_library};
static int *const other_name = &weak_name;

static void libc(void) {
  static const char *const found[] = {"printf", "malloc", "strlen", "sin", "of_library"};
  for (int i = 0; i < 5; i++) printf("%s %d\n", found[i], dlsym(RTLD_DEFAULT, found[i]) == table[i]);
  printf("%d %d\n", (void *)puts == address_of_puts(), strlen == held_strlen);
  printf("%d\n", ((size_t(*)(const char *))table[2])("three") == 5);
  printf("%d %d\n", (void *)&stdout == dlsym(RTLD_DEFAULT, "stdout"), (void *)&environ == dlsym(RTLD_DEFAULT, "environ"));
  signgam = 5;
  lgamma(-0.5);
  printf("%d %d\n", signgam, dlsym(RTLD_DEFAULT, "signgam") == (void *)&signgam);
}

static void functions(void) {
  printf("%d %d\n", (void *)of_library == address_of_function(), record.function == of_library);
  printf("%d %d\n", (void *)chosen == address_of_chosen(), chosen(1));
  printf("%d\n", of_library(2) + record.function(2));
}

static void variables(void) {
  printf("%d %d %d %d\n", variable, weak_name, zeroed, record.number);
  printf("%d %d\n", &variable == address_of_variable(), other_name == &variable);
  set_variables(21);
  printf("%d %d %d\n", variable, *other_name, zeroed);
  weak_name = 5;
  zeroed = 6;
  printf("%d %d %d\n", variable, get_variable(), get_zeroed());
  printf("%d %s %s\n", constant, names[1], record.text);
  printf("%d %d\n", record.self == &record, ((size_t)aligned & 63) == 0);
  printf("%d\n", memcmp(&in6addr_any, (char[16]){0}, 16));
}

int main(void) {
  libc();
  functions();
  variables();
  return 0;
}
// file: library.source
#include <stdio.h>
#include <string.h>
struct record {
  int number;
  struct record *self;
  int (*function)(int);
  const char *text;
};
int variable = 7, zeroed;
extern int weak_name __attribute__((weak, alias("variable")));
const int constant = 99;
const char *const names[] = {"zero", "one"};
long aligned[100] __attribute__((aligned(64))) = {1};
size_t (*held_strlen)(const char *) = strlen;
int of_library(int x) { return x * variable; }
struct record record = {5, &record, of_library, "text"};
__attribute__((constructor)) static void change(void) {
  variable++;
  zeroed = 100;
  record.number = 6;
}
int get_variable(void) { return variable; }
int get_zeroed(void) { return zeroed; }
int *address_of_variable(void) { return &variable; }
void set_variables(int value) {
  variable = value;
  zeroed = 2 * value;
}
void *address_of_function(void) { return (void *)of_library; }
void *address_of_puts(void) { return (void *)puts; }
static int choice(int x) { return x + 1000; }
static void *choose(void) { return choice; }
int chosen(int) __attribute__((ifunc("choose")));
void *address_of_chosen(void) { return (void *)chosen; }
