// A set whose members differ: one writable, one executable, of other alignments. As in an ordinary link the set is both, and its
// members lie where their alignments put them from an aligned start.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// reference: -Wl,--no-warn-rwx-segments
// warning: start-stop-mixed.o:(mixed): this section is writable and executable at once
// warning: other.o:(mixed): this section is writable and executable at once
#include <stdint.h>
#include <stdio.h>

__asm__(".section odd,\"ax\"\nnop\nnop\nnop\n.section mixed,\"aw\"\n.globl first\nfirst: .quad 5\n.byte 1\n.text\n");
extern unsigned char __start_mixed[], __stop_mixed[], first[];
int function(void);

int main(void) {
  printf("%d %d %d\n", (int)(__stop_mixed - __start_mixed), first == __start_mixed, (int)((uintptr_t)__start_mixed % 64));
  unsigned char *code = __start_mixed + 64;
  printf("%d %d\n", code == (unsigned char *)function, function());
  code[1] = 33;
  first[0]++;
  printf("%d %d\n", function(), first[0]);
  return 0;
}
// file: other.s
	.section mixed,"ax"
	.balign 64
	.globl function
	.type function,@function
function:
	mov $1, %eax
	ret
	.section .note.GNU-stack,"",@progbits
