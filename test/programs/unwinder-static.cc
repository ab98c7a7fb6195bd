// The C++ library and the unwinder as archives: the second unwinder in the process finds the program's frames too.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
// link: lib:libstdc++.a lib:libgcc_eh.a
// reference: -static-libgcc -static-libstdc++
#include <cstdio>
#include <stdexcept>
#include <unwind.h>
#include <pthread.h>
struct D { ~D() { printf("~D\n"); } };
static void deep(int n) { D d; if (n) deep(n - 1); else throw std::runtime_error("static"); }
static _Unwind_Reason_Code each(_Unwind_Context *c, void *a) { ++*(int *)a; return _URC_NO_REASON; }
static void *th(void *) { try { deep(1); } catch (std::exception &e) { printf("thread %s\n", e.what()); } D d; pthread_exit(nullptr); }
int main() {
  try { deep(3); } catch (std::exception &e) { printf("%s\n", e.what()); }
  int n = 0; _Unwind_Backtrace(each, &n); printf("%d\n", n > 1);
  pthread_t t; pthread_create(&t, nullptr, th, nullptr); pthread_join(t, nullptr);
}
