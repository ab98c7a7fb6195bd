/* Functions that are linked when they are first called. A stub jumps through its slot, at first to a trampoline of its own:
       push $number
       jmp  __slablink_lazy
   which asks the controller for the function's address and goes there with everything as the caller left it. By then the controller has written
   the address to the slot, so later calls do not come here. */
#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OURS __attribute__((visibility("hidden"), used))

/* What a call of the controller answers: up to 8 bytes lie in the result itself; without size, `data` is an error's text. */
struct wrapper_result {
  union {
    char *data;
    char bytes[8];
  };
  size_t size;
};
typedef struct wrapper_result dispatch_function(void *context, const void *tag, const char *arguments, size_t size);

static dispatch_function *dispatch;
static void *dispatch_context;

/* Its address is the tag of the calls: u64 number → u64 address, or an address of 0 and a sentence. */
__attribute__((visibility("default"))) char __slablink_lazy_tag;

/* Bytes of XSAVE's area, a multiple of 64; 0 where FXSAVE has to do. */
OURS uint64_t slablink_lazy_area;

/* By what code can be interrupted here, arguments are in rdi, rsi, rdx, rcx, r8, r9, rax (the number of vector registers of a variadic call), r10
   (the static chain) and vector registers in all their width (psABI 3.2.3). The mask is of SSE, AVX, MPX and AVX-512 state. */
__asm__(".pushsection .text\n"
        ".balign 16\n.globl __slablink_lazy\n.type __slablink_lazy, @function\n__slablink_lazy:\n"
        ".cfi_startproc\n.cfi_def_cfa_offset 16\n"
        "pushq %rbp\n.cfi_def_cfa_offset 24\n.cfi_offset %rbp, -24\n"
        "movq %rsp, %rbp\n.cfi_def_cfa_register %rbp\n"
        "pushq %rax\npushq %rcx\npushq %rdx\npushq %rsi\npushq %rdi\npushq %r8\npushq %r9\npushq %r10\n"
        "movq slablink_lazy_area(%rip), %rcx\n"
        "testq %rcx, %rcx\n"
        "jz 1f\n"
        "subq %rcx, %rsp\n"
        "andq $-64, %rsp\n"
        /* XRSTOR wants the header's reserved words, and the bits of what is not saved, to be 0. */
        "xorl %eax, %eax\nleaq 512(%rsp), %rdi\nmovl $8, %ecx\ncld\nrep stosq\n"
        "movl $0xee, %eax\nxorl %edx, %edx\nxsave64 (%rsp)\n"
        "movq 8(%rbp), %rdi\ncall slablink_lazy_find\nmovq %rax, %r11\n"
        "movl $0xee, %eax\nxorl %edx, %edx\nxrstor64 (%rsp)\n"
        "jmp 2f\n"
        "1: subq $512, %rsp\n"
        "andq $-64, %rsp\n"
        "fxsave64 (%rsp)\n"
        "movq 8(%rbp), %rdi\ncall slablink_lazy_find\nmovq %rax, %r11\n"
        "fxrstor64 (%rsp)\n"
        "2: leaq -64(%rbp), %rsp\n"
        "popq %r10\npopq %r9\npopq %r8\npopq %rdi\npopq %rsi\npopq %rdx\npopq %rcx\npopq %rax\n"
        "popq %rbp\n.cfi_def_cfa %rsp, 16\n"
        "addq $8, %rsp\n.cfi_def_cfa_offset 8\n"
        "jmp *%r11\n"
        ".cfi_endproc\n.size __slablink_lazy, . - __slablink_lazy\n.popsection\n");

static void say(const char *text, size_t size) {
  while (size > 0) {
    ssize_t written = write(2, text, size);
    if (written <= 0) return;
    text += written;
    size -= (size_t)written;
  }
}

/* The call cannot return: as a program that the loader cannot bind lazily, this one ends. */
static _Noreturn void end(const char *text, size_t size) {
  static const char prefix[] = "slablink: error: ";
  say(prefix, sizeof prefix - 1);
  say(text, size);
  say("\n", 1);
  abort();
}

OURS uint64_t slablink_lazy_find(uint64_t number) {
  uint64_t address = 0;
  struct wrapper_result result = dispatch(dispatch_context, &__slablink_lazy_tag, (const char *)&number, sizeof number);
  if (result.size == 0) end(result.data ? result.data : "no answer", result.data ? strlen(result.data) : 9);
  if (result.size < sizeof address) end("an answer that is too short", 27);
  memcpy(&address, result.size > sizeof result.bytes ? result.data : result.bytes, sizeof address);
  if (address == 0) end(result.data + sizeof address, result.size - sizeof address);
  return address;
}

static bool has_xsave(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE);
}

/* int f(void), called once: the controller has written the addresses of the dispatch function and its context. */
__attribute__((visibility("default"))) uint64_t __slablink_lazy_dispatch[2];
__attribute__((visibility("default"))) int __slablink_lazy_start(void) {
  dispatch = (dispatch_function *)(uintptr_t)__slablink_lazy_dispatch[0];
  dispatch_context = (void *)(uintptr_t)__slablink_lazy_dispatch[1];
  unsigned a, b, c, d;
  /* CPUID leaf 0xd: ebx is the size for what the system has enabled. */
  if (has_xsave() && __get_cpuid_count(0xd, 0, &a, &b, &c, &d)) slablink_lazy_area = (b + 63u) & ~63u;
  return 0;
}
