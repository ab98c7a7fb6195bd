// Nobody catches it: std::terminate says what it was, the program dies of SIGABRT.
// compile: {gcc,clang-22} -O1
// status: 134
#include <cstdio>
#include <stdexcept>
int main() {
  std::puts("before");
  std::fflush(stdout);
  throw std::logic_error("nobody catches this");
}
