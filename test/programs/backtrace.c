// backtrace, backtrace_symbols, _Unwind_Backtrace and _Unwind_Find_FDE know linked functions, also through library code.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC}
// reference: -rdynamic -no-pie
#define _GNU_SOURCE
#include <execinfo.h>
#include <stdio.h>
#include <string.h>
#include <dlfcn.h>
#include <unwind.h>
#include <stdlib.h>
static int count;
static _Unwind_Reason_Code each(struct _Unwind_Context *c, void *a) {
  Dl_info i; void *ip = (void *)(_Unwind_GetIP(c) - 1);
  if (count++ < 5) printf("%s %d %d\n", dladdr(ip, &i) && i.dli_sname ? i.dli_sname : "?", _Unwind_FindEnclosingFunction(ip) == i.dli_saddr, (void*)_Unwind_GetRegionStart(c) == i.dli_saddr);
  return i.dli_sname && !strcmp(i.dli_sname, "main") ? _URC_END_OF_STACK : _URC_NO_REASON;
}
__attribute__((noinline)) int inner(int x) {
  void *a[30]; int n = backtrace(a, 30);
  char **s = backtrace_symbols(a, n);
  for (int i = 0; i < 4; i++) { char *b = strchr(s[i], '('), *p = strpbrk(b, "+)"); printf("%.*s\n", (int)(p - b), b); }
  free(s);
  _Unwind_Backtrace(each, 0);
  printf("%d\n", __builtin_return_address(0) == a[1]);
  struct dwarf_eh_bases { void *t, *d, *f; } bases;
  extern const void *_Unwind_Find_FDE(void *, struct dwarf_eh_bases *);
  const void *f = _Unwind_Find_FDE((void*)inner, &bases);
  printf("%d %d\n", f != 0, bases.f == (void*)inner);
  return x + n;
}
__attribute__((noinline)) int middle(int x) { int r = inner(x + 1); __asm__ volatile(""); return r + 1; }
__attribute__((noinline)) int outer(int x) { int r = middle(x + 1); __asm__ volatile(""); return r + 1; }
static int cmp(const void *a, const void *b) { static int once; if (!once++) outer(1); return *(int*)a - *(int*)b; }
int main(void) {
  int r = outer(1); __asm__ volatile("");
  int v[3] = {3,1,2}; count = 0; qsort(v, 3, sizeof *v, cmp);
  printf("%d\n", v[0]); return r == 0;
}
