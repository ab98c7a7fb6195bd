// Exceptions in contexts, on an alternate stack, and in forked children, one of them while it is being handled.
// compile: {gcc,clang-22} -O1 -fPIC
#include <cstdio>
#include <ucontext.h>
#include <stdexcept>
#include <cstdlib>
#include <unistd.h>
#include <csignal>
#include <sys/wait.h>
static ucontext_t m, c;
struct D { ~D() { printf("~D\n"); } };
static void deep(int n) { D d; if (n) deep(n - 1); else throw 4; }
static void co() { try { deep(2); } catch (int v) { printf("in context %d\n", v); } swapcontext(&c, &m); try { deep(0); } catch (...) { printf("again\n"); } }
static void on(int) { try { deep(1); } catch (int v) { printf("in handler %d\n", v); } }
int main() {
  getcontext(&c); c.uc_stack.ss_sp = malloc(65536); c.uc_stack.ss_size = 65536; c.uc_link = &m; makecontext(&c, co, 0);
  swapcontext(&m, &c); swapcontext(&m, &c);
  stack_t st{}; st.ss_size = 1 << 16; st.ss_sp = malloc(st.ss_size); sigaltstack(&st, nullptr);
  struct sigaction a{}; a.sa_handler = on; a.sa_flags = SA_ONSTACK; sigaction(SIGUSR2, &a, nullptr); raise(SIGUSR2);
  fflush(stdout);
  try { throw 1; } catch (int) { if (fork() == 0) { try { deep(1); } catch (int v) { printf("child %d\n", v); } fflush(stdout); _exit(0); } int st; wait(&st); printf("parent %d\n", st); fflush(stdout); }
  try { try { throw 7; } catch (...) { if (fork() == 0) { throw; } int st; wait(&st); printf("parent %d\n", st); fflush(stdout); } } catch (int v) { printf("child rethrown %d\n", v); fflush(stdout); _exit(0); }
}
