// Relocation types that compilers rarely emit: 8 and 16 bits, sizes, 64-bit offsets from the GOT, differences.
// compile: gcc -O1 -fno-pic
#include <stdio.h>

int table[25] = {7, 8, 9};
int target(void) { return 55; }
int size32(void), gotoff(void), through_got(void), through_plt(void), from_pc64(void), from_pc8(void), call_pc32(void);
long size64(void);
extern unsigned char absolute8;
extern unsigned short absolute16;
extern unsigned absolute32;
extern int signed32;

int main(void) {
  printf("%d %ld %d %d %d\n", size32(), size64(), gotoff(), through_got(), through_plt());
  printf("%d %d %d\n", from_pc64(), from_pc8(), call_pc32());
  printf("%x %x %x %x\n", absolute8, absolute16, absolute32, signed32);
  return 0;
}
// file: part.s
        .text
        .globl  size32, size64, gotoff, through_got, through_plt, from_pc64, from_pc8, call_pc32, near_target
size32: movl    $table@SIZE, %eax               # R_X86_64_SIZE32
        ret
size64: movabsq $table@SIZE, %rax               # R_X86_64_SIZE64
        ret
gotoff: leaq    _GLOBAL_OFFSET_TABLE_(%rip), %rcx       # R_X86_64_GOTPC32
        movabsq $table@GOTOFF, %rax             # R_X86_64_GOTOFF64
        movl    (%rax,%rcx), %eax
        ret
through_got:
here:   leaq    here(%rip), %rdx
        movabsq $_GLOBAL_OFFSET_TABLE_ - here, %rcx     # R_X86_64_GOTPC64
        addq    %rdx, %rcx
        movabsq $table@GOT, %rax                # R_X86_64_GOT64
        movq    (%rax,%rcx), %rax
        movl    4(%rax), %eax
        ret
through_plt:
        leaq    _GLOBAL_OFFSET_TABLE_(%rip), %rcx
        movabsq $target@PLTOFF, %rax            # R_X86_64_PLTOFF64
        addq    %rcx, %rax
        subq    $8, %rsp
        call    *%rax
        addq    $8, %rsp
        ret
from_pc64:
        leaq    distance(%rip), %rcx
        movq    (%rcx), %rax
        movl    8(%rax,%rcx), %eax
        ret
from_pc8:
        movsbl  near(%rip), %eax
        leaq    near(%rip), %rcx
        addq    %rcx, %rax
        jmp     *%rax
near:   .byte   near_target - .                 # R_X86_64_PC8
        nop
near_target:
        movl    $88, %eax
        ret
call_pc32:
        subq    $8, %rsp
        call    target@PLT
        addq    $8, %rsp
        ret
        .data
        .balign 8
        .globl  absolute8, absolute16, absolute32, signed32
distance:
        .quad   table - .                       # R_X86_64_PC64
absolute32:
        .long   value32                         # R_X86_64_32
signed32:
        .long   value16 - 1                     # R_X86_64_32
absolute16:
        .short  value16                         # R_X86_64_16
absolute8:
        .byte   value8                          # R_X86_64_8
        .section .note.GNU-stack,"",@progbits
// file: values.s
        .globl  value8, value16, value32
value8 = 0x7f
value16 = 0x1234
value32 = 0xdeadbeef
        .section .note.GNU-stack,"",@progbits
