// The names that a linker defines: ends of sections, headers, arrays, sets with members of several alignments and out of archives.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// before: ar rcs libset.a set.o further.o never.o
// inputs: linker-symbols.o aligned.o libset.a
// needs: ar
#include <elf.h>
#include <stdio.h>
#define DECLARE(name) extern char name[] __attribute__((visibility("hidden")))
DECLARE(end); DECLARE(_end); DECLARE(edata); DECLARE(_edata); DECLARE(etext); DECLARE(_etext); DECLARE(__etext);
DECLARE(__bss_start); DECLARE(__ehdr_start); DECLARE(__executable_start); DECLARE(_DYNAMIC); DECLARE(__dso_handle);
DECLARE(__start_aligned); DECLARE(__stop_aligned);
extern char __start_none[] __attribute__((weak)), __stop_none[] __attribute__((weak));
struct entry { long number; };
extern struct entry __start_entries[], __stop_entries[];
__attribute__((section("entries"), used)) static struct entry mine = {1};
extern void (*__init_array_start[])(void) __attribute__((visibility("hidden")));
extern void (*__init_array_end[])(void) __attribute__((visibility("hidden")));
__attribute__((constructor)) static void constructed(void) {}
__attribute__((section("aligned"), used)) static char first = 1;
int data = 4;
int bss[10];
int pull(void);
int main(void) {
  printf("%d %d %d\n", end == _end, edata == _edata, etext == _etext && etext == __etext);
  printf("%d %d\n", (char *)&data < edata, (char *)bss >= __bss_start && (char *)(bss + 10) <= end);
  printf("%d\n", (char *)main < etext);
  printf("%.3s %d %d\n", __ehdr_start + 1, ((Elf64_Ehdr *)__ehdr_start)->e_phnum > 0, __executable_start == __ehdr_start);
  printf("%d %d\n", _DYNAMIC != 0, __dso_handle != 0);
  printf("%d\n", __init_array_end - __init_array_start >= 1);
  printf("%d %d\n", __start_none == 0, pull());
  for (struct entry *each = __start_entries; each < __stop_entries; each++) printf("%ld ", each->number);
  for (char *each = __start_aligned; each < __stop_aligned; each++) printf("%d", *each);
  printf(" %d\n", (int)((unsigned long)__start_aligned % 16));
  return 0;
}
// file: aligned.c
__attribute__((section("aligned"), used, aligned(16))) static char second = 2;
// file: set.c
struct entry { long number; };
__attribute__((section("entries"), used)) static struct entry two[] = {{2}, {3}};
int further(void);
int pull(void) { return further(); }
// file: further.c
struct entry { long number; };
__attribute__((section("entries"), used)) static struct entry four = {4};
int further(void) { return 9; }
// file: never.c
__attribute__((section("none"), used)) static int no_member_of_anything;
int never(void) { return no_member_of_anything; }
