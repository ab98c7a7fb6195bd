// .preinit_array, .init_array with and without priorities, .ctors and .dtors with theirs, of several objects and of archive members, in the order
// that the linker gives them; they get argc, argv and the environment.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// before: ar rc libmembers.a member.o unused.o
// inputs: init-kinds.o second.o libmembers.a
// inputs: second.o libmembers.a init-kinds.o libmembers.a
// args: one two
#include <stdio.h>
#include <stdlib.h>
int member(void);
static void say(const char *what, int argc, char **argv, char **envp) { printf("%s %d %s %d\n", what, argc, argv[argc - 1], envp != NULL); }
static void preinit(int c, char **v, char **e) { say("preinit", c, v, e); }
static void init(int c, char **v, char **e) { say("init", c, v, e); }
static void init200(int c, char **v, char **e) { say("init 200", c, v, e); }
static void fini(void) { puts("fini"); }
static void fini200(void) { puts("fini 200"); }
static void ctor(void) { puts("ctor"); }
static void ctor65000(void) { puts("ctor with priority"); }
static void dtor(void) { puts("dtor"); }
static void dtor65000(void) { puts("dtor with priority"); }
__attribute__((section(".preinit_array"), used)) static void *const p = preinit;
__attribute__((section(".init_array"), used)) static void *const i = init;
__attribute__((section(".init_array.00200"), used)) static void *const i200 = init200;
__attribute__((section(".fini_array"), used)) static void *const f = fini;
__attribute__((section(".fini_array.00200"), used)) static void *const f200 = fini200;
__asm__(".section .ctors,\"aw\",@progbits\n.quad ctor\n.section .ctors.00535,\"aw\",@progbits\n.quad ctor65000\n"
        ".section .dtors,\"aw\",@progbits\n.quad dtor\n.section .dtors.00535,\"aw\",@progbits\n.quad dtor65000\n.text\n");
__attribute__((used)) static void *keep[] = {ctor, ctor65000, dtor, dtor65000};
__attribute__((constructor(300))) static void c300(int c, char **v, char **e) { say("constructor 300", c, v, e); }
__attribute__((destructor(300))) static void d300(void) { puts("destructor 300"); }
int main(int argc, char **argv, char **envp) {
  say("main", argc, argv, envp);
  atexit(fini);
  return member();
}
// file: second.c
#include <stdio.h>
static void preinit(void) { puts("second preinit"); }
__attribute__((section(".preinit_array"), used)) static void *const p = preinit;
__attribute__((constructor)) static void c(void) { puts("second constructor"); }
__attribute__((constructor(250))) static void c250(void) { puts("second constructor 250"); }
__attribute__((destructor)) static void d(void) { puts("second destructor"); }
__attribute__((destructor(250))) static void d250(void) { puts("second destructor 250"); }
// file: member.c
#include <stdio.h>
__attribute__((constructor)) static void c(void) { puts("member constructor"); }
__attribute__((constructor(1000))) static void c1000(void) { puts("member constructor 1000"); }
__attribute__((destructor)) static void d(void) { puts("member destructor"); }
int member(void) { return 0; }
// file: unused.c
#include <stdio.h>
__attribute__((constructor)) static void c(void) { puts("never"); }
int unused(void) { return 0; }
