// Absolute symbols: small, negative, of all 64 bits, defined twice alike; in code, in data, through the GOT.
// compile: {gcc,clang-22} -O1 -fPIC
#include <stdio.h>
extern char small[], negative[], large[];
extern unsigned long words[];
unsigned long from_code(void);
unsigned long from_table(void);
int main(void) {
  printf("%lx %lx %lx\n", (unsigned long)small, (unsigned long)negative, (unsigned long)large);
  printf("%lx %lx %lx %lx\n", words[0], words[1], words[2], words[3]);
  printf("%lx %lx\n", from_code(), from_table());
  return 0;
}
// file: values.s
  .globl small, negative, large
  small = 5
  negative = -5
  large = 0x123456789abcdef1
  .section .note.GNU-stack, "", @progbits
// file: uses.s
  .globl small
  small = 5
  .globl words, from_code, from_table
  .data
  .balign 8
words: .quad small + 1, negative, large, large - 0x7fffffff
  .text
from_code:
  movabs $large, %rax
  ret
from_table:
  movq large@GOTPCREL(%rip), %rax
  ret
  .section .note.GNU-stack, "", @progbits
