// Versions in names: an old version of a C library function, old and default versions of a shared library of one's own, and
// the same definitions linked as an object and out of an archive.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// before: gcc -shared -fPIC -Wl,--version-script=versions.map -o libversions.so versions.o pic.o
// before: ar rcs libversions.a versions.o
// inputs: symbol-versions.o ./libversions.so
// inputs: symbol-versions.o versions.o
// inputs: symbol-versions.o -L. -l:libversions.a
// reference: -Wl,-rpath,.
// needs: ar
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
__asm__(".symver old_memcpy, memcpy@GLIBC_2.2.5");
void *old_memcpy(void *, const void *, size_t);
__asm__(".symver old_answer, answer@V1");
int old_answer(void);
int answer(void);
__asm__(".symver new_answer, answer@V2");
int new_answer(void);
int (*in_data)(void) = answer;
int (*old_in_data)(void) = old_answer;
int main(void) {
  char buffer[8];
  old_memcpy(buffer, "version", 8);
  printf("%s %d\n", buffer, (void *)old_memcpy == dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.2.5"));
  printf("%d %d %d\n", answer(), old_answer(), new_answer());
  printf("%d %d %d %d\n", in_data(), old_in_data(), in_data == new_answer, in_data == old_in_data);
  return 0;
}
// file: versions.s
  .text
  .globl answer_1, answer_2
  .type answer_1, @function
  .type answer_2, @function
answer_1:
  movl $1, %eax
  ret
answer_2:
  movl $2, %eax
  ret
  .symver answer_1, answer@V1
  .symver answer_2, answer@@V2
  .section .note.GNU-stack, "", @progbits
// file: pic.c
int anything;
// file: versions.map
V1 { global: answer; local: *; };
V2 { global: answer; } V1;
