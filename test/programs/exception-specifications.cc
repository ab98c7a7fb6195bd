// Exception specifications, std::unexpected and what ends in std::terminate, also through frames without unwind tables.
// compile: {gcc,clang-22} -std=c++14 -O{0,2} -Wno-deprecated -Wno-terminate -Wno-exceptions
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <csignal>
#include <unistd.h>
#include <sys/wait.h>
extern "C" int through_c(int (*)(int), int);
static int K;
struct D { ~D() { printf("~D\n"); fflush(stdout); } };
void spec() throw(int, std::bad_exception) { D d; if (K == 1) throw 1; throw 2.5; }
void spec2() throw(int) { D d; throw 'c'; }
void spec3() throw() { throw 1; }
void nope() noexcept { D d; throw 1; }
int cb(int x) { D d; throw x; }
struct Bad { ~Bad() { throw 2; } };
static void one() {
  setvbuf(stdout, 0, _IONBF, 0);
  std::set_terminate([] { printf("terminate\n"); try { auto p = std::current_exception(); if (p) std::rethrow_exception(p); else printf("none\n"); } catch (int v) { printf("int %d\n", v); } catch (...) { printf("other\n"); } _exit(0); });
  try {
    switch (K) {
      case 0: spec(); break;
      case 1: spec(); break;
      case 2: std::set_unexpected([] { printf("unexpected\n"); throw std::bad_exception(); }); spec(); break;
      case 3: std::set_unexpected([] { printf("unexpected\n"); throw 8; }); spec2(); break;
      case 4: std::set_unexpected([] { printf("unexpected\n"); std::terminate(); }); spec2(); break;
      case 5: spec3(); break;
      case 6: nope(); break;
      case 7: through_c(cb, 4); break;
      case 8: try { Bad b; throw 1; } catch (...) { printf("never\n"); } break;
      case 9: throw; 
    }
  } catch (int v) { printf("caught %d\n", v); } catch (std::bad_exception &) { printf("bad_exception\n"); }
}
int main() {
  for (K = 0; K < 10; K++) {
    fflush(stdout);
    if (fork() == 0) {
      one();
      _exit(1);
    }
    int status;
    wait(&status);
    printf("%d: %d\n", K, WEXITSTATUS(status));
  }
}
// file: c.s
	.text
	.globl through_c
	.type through_c,@function
through_c:
	subq $8, %rsp
	movq %rdi, %rax
	movl %esi, %edi
	call *%rax
	addq $8, %rsp
	ret
	.size through_c, .-through_c
	.section .note.GNU-stack,"",@progbits
