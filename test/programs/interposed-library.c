// A library and the program, both ways: the program overrides what the library exports and calls, the library calls what only the program has,
// also in a constructor, from a second library and at the end; function addresses and variables are the same on all sides.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// before: gcc -O1 -shared -fPIC -o libsecond.so -x c second.library
// before: gcc -O1 -fno-ipa-icf -shared -fPIC -o libfirst.so -x c first.library -x none ./libsecond.so -Wl,-rpath,.
// inputs: interposed-library.o ./libfirst.so ./libsecond.so
// reference: -Wl,-rpath,.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int first_calls(void), second_calls(void), first_default(void), second_default(void), first_weak(void);
void *first_address(void), *second_address(void), *first_data(void);
void first_say(const char *), second_write(const char *);
extern int first_started, second_started;

int overridden(void) { return 100; }
int only_in_program(int x) { return x + 1; }
int variable = 41;
int shared_variable = 7;
int calls_of_puts;
int puts(const char *text) { return calls_of_puts++, printf("own puts: %s\n", text); }
ssize_t write(int fd, const void *bytes, size_t size) { return fd == 77 ? (printf("own write: %.*s\n", (int)size, (const char *)bytes), (ssize_t)size) : -1; }
char *getenv(const char *name) { return strcmp(name, "OF_THE_PROGRAM") ? NULL : "own getenv"; }
void at_end(const char *who) { printf("%s ends\n", who); }

int main(void) {
  printf("%d %d started\n", first_started, second_started);
  printf("%d %d calls\n", first_calls(), second_calls());
  printf("%d %d defaults\n", first_default(), second_default());
  printf("%d %d addresses\n", first_address() == (void *)overridden, second_address() == (void *)overridden);
  printf("%d data\n", first_data() == (void *)&shared_variable);
  printf("%d weak\n", first_weak());
  first_say("from the library");
  second_write("bytes");
  printf("%d\n", calls_of_puts);
  return 0;
}
// file: first.library
#include <stdio.h>
#include <stdlib.h>
int overridden(void), only_in_program(int), second_overridden(void), first_default(void);
extern int variable;
int shared_variable = 1, first_started;
void at_end(const char *who);
__attribute__((weak)) int not_there(void);
__attribute__((weak)) int first_hook(void) { return 1; }
int second_value(void);
int overridden(void) { return 1; }
__attribute__((constructor)) static void start(void) { first_started = only_in_program(variable) + overridden() + shared_variable; }
__attribute__((destructor)) static void end(void) { at_end("first"); }
int first_calls(void) { return overridden(); }
int first_default(void) { return only_in_program(variable) + second_value(); }
int first_weak(void) { return not_there ? 1 : first_hook(); }
void *first_address(void) { return (void *)overridden; }
void *first_data(void) { return &shared_variable; }
void first_say(const char *text) { puts(text); puts(getenv("OF_THE_PROGRAM")); }
// file: second.library
#include <unistd.h>
int overridden(void), only_in_program(int);
int second_started;
void at_end(const char *who);
int second_value(void) { return 1000; }
int second_default(void) { return second_value() + only_in_program(1); }
int second_calls(void) { return overridden() + 1; }
void *second_address(void) { return (void *)overridden; }
__attribute__((constructor)) static void start(void) { second_started = only_in_program(5); }
__attribute__((destructor)) static void end(void) { at_end("second"); }
void second_write(const char *text) { write(77, text, 5); }
