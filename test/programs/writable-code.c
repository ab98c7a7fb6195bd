// Sections that are writable and executable at once: code that changes itself, a table beside it, one without contents that
// the program fills with code, a set with bounds; also after a fork, where each process has its own. Exceptions need no more.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic,-fPIC}
// reference: -Wl,--no-warn-rwx-segments
// warning: writable-code.o:(.patched): this section is writable and executable at once
// warning: writable-code.o:(.room): this section is writable and executable at once
// warning: writable-code.o:(slots): this section is writable and executable at once
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__asm__(
    ".section .patched,\"awx\",@progbits\n"
    ".globl answer, patch, counter, via_library\n.type answer,@function\n.type via_library,@function\n"
    "answer:\n mov $1, %eax\n ret\n"
    ".set patch, answer + 1\n"
    ".size answer, .-answer\n"
    ".balign 8\ncounter: .quad 0, answer\n"
    "via_library:\n sub $8, %rsp\n call getpid@PLT\n incq counter(%rip)\n add $8, %rsp\n ret\n"
    ".size via_library, .-via_library\n"
    ".section .room,\"awx\",@nobits\n.globl room\nroom: .skip 8192\n"
    ".section slots,\"awx\",@progbits\n"
    "slot0: mov $10, %eax\n ret\n.balign 8\n"
    "slot1: mov $11, %eax\n ret\n.balign 8\n"
    ".text\n");

int answer(void);
int via_library(void);
extern unsigned char patch[], room[], __start_slots[], __stop_slots[];
extern volatile long counter[2];

static int in_child(int value) {
  patch[0] = (unsigned char)value;
  return answer();
}

int main(void) {
  printf("%d\n", answer());
  patch[0] = 42;
  printf("%d %d\n", answer(), counter[1] == (long)(intptr_t)answer);
  printf("%d %ld\n", via_library() == getpid(), counter[0]);
  for (int i = 0; i < 8192; i++) if (room[i]) return 1;
  static const unsigned char code[] = {0x8d, 0x47, 0x07, 0xc3}; /* lea 7(%rdi), %eax; ret */
  memcpy(room + 4090, code, sizeof code);
  printf("%d\n", ((int (*)(int))(uintptr_t)(room + 4090))(5));
  int sum = 0;
  for (unsigned char *at = __start_slots; at < __stop_slots; at += 8) {
    at[1] += 100;
    sum += ((int (*)(void))(uintptr_t)at)();
  }
  printf("%d %d\n", sum, (int)(__stop_slots - __start_slots));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(in_child(7));
  int status;
  waitpid(child, &status, 0);
  printf("%d %d\n", WEXITSTATUS(status), answer());
  /* Other code is not. (Other data neither, but GNU ld makes it so.) */
  FILE *maps = fopen("/proc/self/maps", "r");
  for (char line[512]; fgets(line, sizeof line, maps);) {
    unsigned long start, end;
    char flags[5];
    if (sscanf(line, "%lx-%lx %4s", &start, &end, flags) != 3) continue;
    flags[3] = 0;
    if (start <= (uintptr_t)main && (uintptr_t)main < end) printf("code %s\n", flags);
  }
  return 0;
}
