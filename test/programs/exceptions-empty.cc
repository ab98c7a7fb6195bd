// Functions without code, whose frames have the next function's start, before and behind it in .eh_frame.
// compile: clang-22 -O2 {-fPIC,-fno-pic} -ffunction-sections
// compile: clang-22 -O2 -fPIC
#include <cstdio>
extern "C" int through(int (*)(int), int);
struct D {
  ~D() { printf("~D\n"); }
};
#define F(n)                                             \
  void e##n() { __builtin_unreachable(); }               \
  __attribute__((noinline)) void f##n(int x) {           \
    D d;                                                 \
    if (x) throw x;                                      \
    printf("no\n");                                      \
  }
F(1) F(2) F(3) F(4) F(5)
static int thrower(int x) { throw x; }
int main() {
#define T(n)                \
  try {                     \
    f##n(n);                \
  } catch (int v) {         \
    printf("%d\n", v);      \
  }
  T(1) T(2) T(3) T(4) T(5)
  try {
    through(thrower, 7);
  } catch (int v) {
    printf("%d\n", v);
  }
}
// file: through.s
	.section .text.behind,"ax",@progbits
	.subsection 1
	.globl through
	.type through,@function
through:
	.cfi_startproc
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq %rdi, %rax
	movl %esi, %edi
	call *%rax
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size through, .-through
	.subsection 0
	.globl empty
	.type empty,@function
empty:
	.cfi_startproc
	.cfi_endproc
	.size empty, .-empty
	.section .note.GNU-stack,"",@progbits
