// Frames written by hand: personalities and language-specific data in every encoding, no augmentation, functions out of order.
// compile: {gcc,clang-22} -O1 -fno-pic
#include <cstdio>
#include <cstdlib>
#include <unwind.h>
extern "C" {
typedef int fn(int (*)(int), int);
#define NAMES X(pcrel4) X(pcrel8) X(abs8) X(udata4) X(indirect) X(dwarf64) X(terminated) X(after) X(noaug) X(lsda4) X(reversed)
#define X(n) int f_##n(int (*)(int), int);
NAMES
#undef X
_Unwind_Reason_Code my_personality(int v, _Unwind_Action a, _Unwind_Exception_Class c, _Unwind_Exception *e, _Unwind_Context *x) {
  const char *lsda = (const char *)_Unwind_GetLanguageSpecificData(x);
  if (a & _UA_CLEANUP_PHASE) printf("  personality, lsda %s\n", lsda ? lsda : "none");
  return _URC_CONTINUE_UNWIND;
}
}
static int thrower(int x) { throw x; }
int main() {
#define X(n) try { f_##n(thrower, __LINE__); printf("returned\n"); } catch (int v) { printf(#n " caught\n"); }
  NAMES
}
// file: frames.s
	.macro FN name
	.globl f_\name
	.type f_\name,@function
f_\name:
	.cfi_startproc
	.endm
	.macro BODY name
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq %rdi, %rax
	movl %esi, %edi
	call *%rax
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size f_\name, .-f_\name
	.endm
	.text
	FN reversed
	.cfi_personality 0x9b, DW.ref.my_personality
	.cfi_lsda 0x1b, .Llsda
	BODY reversed
	FN pcrel4
	.cfi_personality 0x1b, my_personality
	.cfi_lsda 0x1b, .Llsda
	BODY pcrel4
	FN pcrel8
	.cfi_personality 0x1c, my_personality
	.cfi_lsda 0x1c, .Llsda
	BODY pcrel8
	FN abs8
	.cfi_personality 0x00, my_personality
	.cfi_lsda 0x00, .Llsda
	BODY abs8
	FN udata4
	.cfi_personality 0x03, my_personality
	.cfi_lsda 0x03, .Llsda
	BODY udata4
	FN indirect
	.cfi_personality 0x9b, DW.ref.my_personality
	.cfi_lsda 0x1b, .Llsda
	BODY indirect
	FN lsda4
	.cfi_personality 0x9c, DW.ref.my_personality
	.cfi_lsda 0x0b, .Llsda
	BODY lsda4
	.macro RAW name
	.globl f_\name
	.type f_\name,@function
f_\name:
	subq $8, %rsp
	movq %rdi, %rax
	movl %esi, %edi
	call *%rax
	addq $8, %rsp
	ret
.Lend_\name:
	.size f_\name, .-f_\name
	.endm
	RAW dwarf64
	RAW terminated
	RAW after
	RAW noaug
	.section .rodata
.Llsda:	.string "lsda"
	.section .data.rel.local.DW.ref.my_personality,"awG",@progbits,DW.ref.my_personality,comdat
	.hidden DW.ref.my_personality
	.weak DW.ref.my_personality
	.align 8
	.type DW.ref.my_personality,@object
	.size DW.ref.my_personality,8
DW.ref.my_personality:
	.quad my_personality
	.section .eh_frame,"a",@progbits
# CFA is rsp+16 in all of these; return address at cfa-8
.Lcie1:
	.long .Lcie1e-.Lcie1s
.Lcie1s:
	.long 0
	.byte 1
	.string "zR"
	.uleb128 1
	.sleb128 -8
	.byte 16
	.uleb128 1
	.byte 0x1b
	.byte 0xc,7,16,0x90,1
	.balign 8
.Lcie1e:
	.long .Lfde2e-.Lfde2s
.Lfde2s:
	.long .Lfde2s-.Lcie1
	.long f_terminated-.
	.long .Lend_terminated-f_terminated
	.uleb128 0
	.balign 8
.Lfde2e:
# no augmentation at all: absolute pointers
.Lcie3:
	.long .Lcie3e-.Lcie3s
.Lcie3s:
	.long 0
	.byte 1
	.string ""
	.uleb128 1
	.sleb128 -8
	.byte 16
	.byte 0xc,7,16,0x90,1
	.balign 8
.Lcie3e:
	.long .Lfde3e-.Lfde3s
.Lfde3s:
	.long .Lfde3s-.Lcie3
	.quad f_noaug
	.quad .Lend_noaug-f_noaug
	.balign 8
.Lfde3e:
	.long .Lfde5e-.Lfde5s
.Lfde5s:
	.long .Lfde5s-.Lcie1
	.long f_after-.
	.long .Lend_after-f_after
	.uleb128 0
	.balign 8
.Lfde5e:
	.long .Lfde1e-.Lfde1s
.Lfde1s:
	.long .Lfde1s-.Lcie1
	.long f_dwarf64-.
	.long .Lend_dwarf64-f_dwarf64
	.uleb128 0
	.balign 8
.Lfde1e:
	.section .note.GNU-stack,"",@progbits
