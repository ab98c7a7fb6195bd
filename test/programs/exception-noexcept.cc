// An exception that reaches noexcept ends in the program's own terminate handler.
// compile: {gcc,clang-22} -O1
// status: 21
#include <cstdio>
#include <cstdlib>
#include <exception>
static void fails() noexcept(false) { throw 1; }
static void promised() noexcept { fails(); }
int main() {
  std::set_terminate([] {
    std::puts("terminate handler");
    std::fflush(stdout);
    std::_Exit(21);
  });
  promised();
}
