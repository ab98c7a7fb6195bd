// Everything with a destructor at the end of a program: objects in every storage class, handlers registered before, between and in them,
// functions with priorities; thread_local objects of a thread at its end, of main before all others. A status beyond a byte.
// compile: {g++,clang++-22} -std=c++17 -O{0,2} {-fPIE,-fPIC,-fno-pic}
// status: 3
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>
struct Object {
  const char *name;
  Object(const char *n) : name(n) { std::printf("+%s\n", name); }
  ~Object() { std::cout << "-" << name << '\n'; }
};
static Object first("first");
Object second("second");
thread_local Object own("of a thread");
inline Object in_line("inline");
static void handler() {
  std::cout << "handler\n";
  static Object made("made in a handler");
  std::atexit([] { std::cout << "handler of a handler\n"; });
}
__attribute__((destructor)) static void last() { std::printf("destructor\n"); }
__attribute__((destructor(101))) static void last101() { std::printf("destructor 101\n"); }
__attribute__((destructor(65000))) static void last65000() { std::printf("destructor 65000\n"); }
__attribute__((constructor(101))) static void first101() {
  std::printf("constructor 101\n");
  std::atexit([] { std::printf("handler of a constructor\n"); });
}
Object &local() {
  static Object object("local");
  return object;
}
int main() {
  std::atexit(handler);
  local();
  own.name = "main's own";
  std::thread([] {
    own.name = "a thread's own";
    static thread_local Object inside("inside a thread");
  }).join();
  std::cout << "main ends without a new line";
  return 259;
}
