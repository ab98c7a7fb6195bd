// A COMDAT group that is dropped takes what only it defined with it; that is missed only where something refers to it. Commons of
// thread-local variables; sections of the older .gnu.linkonce form.
// compile: gcc -O1 {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>
int once(void);
extern __thread long thread_common[3];
int main(void) {
  thread_common[2] += 5;
  printf("%d %ld %d\n", once(), thread_common[0] + thread_common[2], (int)((unsigned long)thread_common % 64));
  return 0;
}
// file: first.s
  .tls_common thread_common, 8, 64
  .section .text.g, "axG", @progbits, group, comdat
  .globl of_group
of_group: ret
  .section .gnu.linkonce.t.once, "ax"
  .weak once
once:
  movl $1, %eax
  ret
  .section .note.GNU-stack, "", @progbits
// file: second.s
  .tls_common thread_common, 24, 8
  .section .text.g, "axG", @progbits, group, comdat
  .globl of_group, only_here
of_group: ret
only_here: ret
  .section .debug_leftover, "", @progbits
  .quad of_group
  .section .gnu.linkonce.t.once, "ax"
  .weak once
once:
  movl $2, %eax
  ret
  .section .note.GNU-stack, "", @progbits
