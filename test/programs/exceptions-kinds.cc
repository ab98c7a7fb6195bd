// Exceptions from the language and the library, through constructors, destructors, threads, handlers of exit and deep recursion.
// compile: {gcc,clang-22} -std=c++17 -O{0,2} {-fPIE,-fPIC}
// compile: {gcc,clang-22} -std=c++17 -O2 -mcmodel={medium,large}
// compile: gcc -std=c++17 -O2 -fPIC -ffunction-sections -fno-plt -fno-asynchronous-unwind-tables
// compile: gcc -std=c++17 -O2 -fno-pic -fcf-protection -fstack-protector-all -fstack-clash-protection
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>
#include <future>
#include <vector>
#include <string>
#include <new>
#include <typeinfo>
#include <atomic>
struct D { const char *n; D(const char *n) : n(n) {} ~D() { printf("~%s\n", n); } };
struct Base { virtual ~Base() {} };
struct A : virtual Base { int a = 1; };
struct B : virtual Base { int b = 2; };
struct C : A, B {};
__attribute__((noinline)) void thrower(int k) {
  D d("thrower");
  switch (k) { case 0: throw 1; case 1: throw std::runtime_error("x"); case 2: throw C(); case 3: { std::vector<int> v; v.at(3); } break; case 4: { C c; Base &b = c; (void)dynamic_cast<std::exception &>(b); } break;
  case 5: { Base *p = nullptr; asm("" : "+r"(p)); (void)typeid(*p).name(); } break; case 6: { auto n = ~size_t(0) / 4; asm("" : "+r"(n)); delete[] new char[n]; } break; case 7: std::stoi("abc"); break; case 8: { auto n = (long)-1; asm("" : "+r"(n)); delete[] new int[n]; } }
}
struct Member { Member(int x) { if (x) throw x; } };
struct Try { D d; Member m; Try(int x) try : d("Try.d"), m(x) { printf("ctor\n"); } catch (int v) { printf("function try %d\n", v); } };
struct Arr { static int n; int id; Arr() : id(n++) { if (id == 3) throw id; } ~Arr() { printf("~Arr %d\n", id); } };
int Arr::n = 0;
struct Dtor { ~Dtor() noexcept(false) { if (!std::uncaught_exceptions()) throw 77; printf("uncaught %d\n", std::uncaught_exceptions()); } };
int depth(int n) { D *p = nullptr; volatile char pad[64]; pad[0] = n; if (n == 0) throw std::string("deep"); (void)p; return depth(n - 1) + pad[0]; }
void nested(int n) { try { if (n) nested(n - 1); else throw std::runtime_error("inner"); } catch (...) { std::throw_with_nested(std::runtime_error("level " + std::to_string(n))); } }
void print(const std::exception &e, int l = 0) { printf("%*s%s\n", l, "", e.what()); try { std::rethrow_if_nested(e); } catch (const std::exception &i) { print(i, l + 1); } }
thread_local D tl("thread_local");
struct TD { ~TD() { try { throw 4; } catch (int v) { printf("in thread_local dtor %d\n", v); } } };
thread_local TD td;
struct Static { Static() { try { throw 5; } catch (int v) { printf("static ctor %d\n", v); } } ~Static() { try { throw 6; } catch (int v) { printf("static dtor %d\n", v); } } } st;
int main() {
  for (int i = 0; i < 9; i++) {
    try { D d("main"); thrower(i); }
    catch (int v) { printf("int %d\n", v); }
    catch (A &a) { printf("A %d\n", a.a); }
    catch (std::exception &e) { printf("exception %d %s\n", i, typeid(e).name()); }
  }
  try { Try t(3); } catch (int v) { printf("rethrown %d\n", v); }
  try { Arr a[5]; } catch (int v) { printf("arr %d\n", v); }
  try { Arr *a = new Arr[5]; delete[] a; printf("no\n"); } catch (int v) { printf("no %d\n", v); }
  try { Dtor d; } catch (int v) { printf("dtor %d\n", v); }
  try { Dtor d; throw 1; } catch (int v) { printf("dtor %d\n", v); }
  try { depth(20000); } catch (std::string &s) { printf("%s\n", s.c_str()); }
  try { nested(3); } catch (std::exception &e) { print(e); }
  std::exception_ptr p;
  std::thread([&] { (void)&td; tl.n = "renamed"; try { throw std::out_of_range("other thread"); } catch (...) { p = std::current_exception(); } }).join();
  try { std::rethrow_exception(p); } catch (std::out_of_range &e) { printf("%s\n", e.what()); }
  auto f = std::async(std::launch::async, []() -> int { throw std::runtime_error("async"); });
  try { f.get(); } catch (std::runtime_error &e) { printf("%s\n", e.what()); }
  std::promise<int> pr; auto fu = pr.get_future();
  std::thread([](std::promise<int> q) { (void)q; }, std::move(pr)).join();
  try { fu.get(); } catch (std::future_error &e) { printf("broken %d\n", e.code().value()); }
  try { try { throw 1; } catch (...) { try { throw 2.5; } catch (double) { printf("inner\n"); } throw; } } catch (int v) { printf("outer %d\n", v); }
  atexit([] { try { throw 9; } catch (int v) { printf("atexit %d\n", v); } });
  std::vector<std::thread> ts; std::atomic<int> sum{0};
  for (int i = 0; i < 8; i++) ts.emplace_back([&, i] { for (int j = 0; j < 200; j++) try { depth(i); } catch (std::string &) { sum++; } });
  for (auto &t : ts) t.join();
  printf("%d\n", (int)sum);
}
