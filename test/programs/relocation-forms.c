// References written by hand: through the GOT in all positions, to the PLT from data, to what nobody defines, of all 64 bits, to sizes.
// compile: gcc -O1 -fcommon -fno-pic
#include <stdio.h>

long probe(int number);
extern const int probe_count;
int number = 42, numbers[4] = {1, 2, 3, 4};
int successor(int x) { return x + 1; }
int shared_common[3];
double own[6] = {1};

int main(void) {
  for (int i = 0; i < probe_count; i++) printf("%d: %ld\n", i, probe(i));
  return 0;
}
// file: probes.s
        .weak   nowhere, no_function
        .macro  probe_begins
        .section .rodata.table,"a"
        .long   1f - table
        .text
1:
        .endm
        .section .rodata.table,"a"
        .balign 4
table:
        .text
        .globl  probe, probe_count
        .type   probe, @function
probe:  pushq   %rbx
        pushq   %r13
        subq    $8, %rsp
        leaq    table(%rip), %rax
        movslq  (%rax,%rdi,4), %rcx
        addq    %rcx, %rax
        call    *%rax
        addq    $8, %rsp
        popq    %r13
        popq    %rbx
        ret
probe_begins                                    # the upper half of a GOT entry: no load of an address
        movl    number@GOTPCREL+4(%rip), %eax
        cmpl    $0x10000, %eax
        sbbl    %eax, %eax
        ret
probe_begins
        movq    number@GOTPCREL(%rip), %r13
        movslq  (%r13), %rax
        ret
probe_begins                                    # the entry itself
        leaq    number@GOTPCREL(%rip), %rcx
        movq    (%rcx), %rcx
        movslq  (%rcx), %rax
        ret
probe_begins                                    # operands that are no loads
        leaq    number(%rip), %rax
        subq    number@GOTPCREL(%rip), %rax
        xorq    number@GOTPCREL(%rip), %rax
        cmpq    number@GOTPCREL(%rip), %rax
        setne   %al
        movzbl  %al, %eax
        ret
probe_begins
        leaq    number(%rip), %rax
        testq   %rax, number@GOTPCREL(%rip)
        setne   %al
        movzbl  %al, %eax
        ret
probe_begins
        pushq   number@GOTPCREL(%rip)
        popq    %rax
        movslq  (%rax), %rax
        ret
probe_begins                                    # branches through the GOT, near and far
        movl    $5, %edi
        jmp     *successor@GOTPCREL(%rip)
probe_begins
        leaq    text(%rip), %rdi
        call    *strlen@GOTPCREL(%rip)
        ret
probe_begins                                    # branches to a library
        leaq    text(%rip), %rdi
        cmpq    $0, %rdi
        jne     strlen
        ret
probe_begins
        leaq    text(%rip), %rdi
        leaq    plt_distance(%rip), %rcx
        movslq  (%rcx), %rax
        addq    %rcx, %rax
        jmp     *%rax
probe_begins
        leaq    text(%rip), %rdi
        leaq    got_distance(%rip), %rcx
        movslq  (%rcx), %rax
        jmp     *(%rcx,%rax)
probe_begins
        leaq    _GLOBAL_OFFSET_TABLE_(%rip), %rbx
        movabsq $strlen@PLTOFF, %rax
        addq    %rbx, %rax
        leaq    text(%rip), %rdi
        subq    $8, %rsp
        call    *%rax
        addq    $8, %rsp
        ret
probe_begins                                    # weak and undefined
        movq    nowhere@GOTPCREL(%rip), %rax
        addq    no_function@GOTPCREL(%rip), %rax
        addq    weak_word(%rip), %rax
        movabsq $nowhere@SIZE, %rcx
        addq    %rcx, %rax
        ret
probe_begins                                    # offsets from the table
        leaq    _GLOBAL_OFFSET_TABLE_(%rip), %rbx
        movslq  got_offset(%rip), %rax
        movq    (%rbx,%rax), %rax
        movslq  12(%rax), %rax
        ret
probe_begins
        leaq    got_distance64(%rip), %rbx
        movq    (%rbx), %rax
        movq    (%rbx,%rax), %rax
        movslq  8(%rax), %rax
        ret
probe_begins                                    # all 64 bits of addends and values
        movq    tagged(%rip), %rax
        movabsq $0x8000000000000000, %rcx
        subq    %rcx, %rax
        leaq    numbers(%rip), %rcx
        subq    %rcx, %rax
        ret
probe_begins
        movq    wide_word(%rip), %rax
        ret
probe_begins
        movq    wide_value@GOTPCREL(%rip), %rax
        ret
probe_begins                                    # sizes: of a library's, of the largest common, of the program's
        movabsq $stdout@SIZE, %rax
        ret
probe_begins
        movl    $shared_common@SIZE + 2, %eax
        ret
probe_begins
        movabsq $own@SIZE - 8, %rax
        ret
        .section .rodata.count,"a"
        .balign 4
probe_count:
        .long   21
text:   .string "hello"
        .data
        .balign 8
        .long   0
plt_distance:
        .long   strlen@PLT
got_distance:
        .long   strlen@GOTPCREL
got_offset:
        .long   numbers@GOT
weak_word:
        .quad   nowhere
got_distance64:
        .quad   0
        .reloc  got_distance64, R_X86_64_GOTPCREL64, numbers
tagged: .quad   numbers + 0x8000000000000003
wide_word:
        .quad   wide_value
        .section .note.GNU-stack,"",@progbits
// file: values.s
        .globl  wide_value
wide_value = 0xdeadbeefcafebabe
        .section .note.GNU-stack,"",@progbits
// file: common.c
int shared_common[10];
