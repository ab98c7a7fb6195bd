// Exceptions out of signal handlers, on the thread's own and an alternate stack.
// compile: gcc -O{0,1} -fnon-call-exceptions {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <cstdlib>
#include <unistd.h>
#include <sys/mman.h>
struct D { ~D() { printf("~D\n"); } };
static void handler(int s, siginfo_t *i, void *) {
  sigset_t set; sigemptyset(&set); sigaddset(&set, s); sigprocmask(SIG_UNBLOCK, &set, nullptr);
  throw std::runtime_error(s == SIGSEGV ? "segv" : s == SIGFPE ? "fpe" : s == SIGBUS ? "bus" : "other");
}
__attribute__((noinline)) int load(int *p) { D d; return *(volatile int *)p; }
__attribute__((noinline)) int divide(int a, int b) { D d; asm volatile("cltd; idivl %1" : "+a"(a) : "r"(b) : "edx"); return a; }
int main() {
  stack_t st{}; st.ss_size = 1 << 16; st.ss_sp = malloc(st.ss_size); sigaltstack(&st, nullptr);
  for (int flags : {SA_SIGINFO, SA_SIGINFO | SA_NODEFER}) {
    struct sigaction a{}; a.sa_sigaction = handler; a.sa_flags = flags; sigaction(SIGSEGV, &a, nullptr); sigaction(SIGFPE, &a, nullptr); sigaction(SIGUSR1, &a, nullptr);
    try { load(nullptr); } catch (std::runtime_error &e) { printf("%s\n", e.what()); }
    try { load((int *)8); } catch (std::runtime_error &e) { printf("%s\n", e.what()); }
    try { divide(1, 0); } catch (std::runtime_error &e) { printf("%s\n", e.what()); }
  }
  struct sigaction a{}; a.sa_sigaction = handler; a.sa_flags = SA_SIGINFO | SA_ONSTACK; sigaction(SIGSEGV, &a, nullptr);
  try { load(nullptr); } catch (std::runtime_error &e) { printf("on alternate stack %s\n", e.what()); }
}
