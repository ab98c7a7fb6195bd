// A C++ library and the program use the same standard streams and C library variables; the library prints in its constructor and destructor,
// and what it throws comes through the program's frames and back.
// compile: {g++,clang++-22} -O1 {-fPIE,-fPIC} {-DCALLED,}
// before: g++ -O1 -shared -fPIC -o libstreams.so -x c++ streams.library
// inputs: library-streams.o ./libstreams.so
// reference: -Wl,-rpath,.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <unistd.h>
void library_prints(int);
int library_calls(int (*)(int));
const char *library_environment(const char *);
#ifdef CALLED
int called_by_library(int x) { return x * 2; }
#endif
static int throws(int x) {
  if (x > 3) throw std::out_of_range("from the program");
  return x;
}
int main() {
  std::cout << "main" << std::endl;
  library_prints(10);
  std::cout << std::hex;
  library_prints(255);
  std::cout.exceptions(std::ios::failbit);
  try {
    std::cout.setstate(std::ios::failbit);
  } catch (std::ios_base::failure &) {
    std::cout.clear();
    std::cout << "failure" << std::endl;
  }
  for (int i = 2; i < 5; i += 2) {
    try {
      std::cout << library_calls(throws) + i << std::endl;
    } catch (std::runtime_error &error) {
      std::cout << error.what() << std::endl;
    }
  }
  setenv("SET_BY_PROGRAM", "yes", 1);
  std::cout << library_environment("SET_BY_PROGRAM=") << std::endl;
  std::fprintf(stdout, "through stdio\n");
}
// file: streams.library
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <unistd.h>
extern char **environ;
int called_by_library(int) __attribute__((weak));
static struct Announce {
  std::string text = "a library with a text that is too long to be short";
  Announce() { std::cout << "begins " << text << std::endl; }
  ~Announce() { std::cout << "ends " << text << std::endl; }
} announce;
void library_prints(int x) {
  std::cout << "library " << x << std::endl;
  std::fprintf(stdout, "library's stdio %d\n", called_by_library ? called_by_library(x) : -1);
  std::fflush(stdout);
}
int library_calls(int (*f)(int)) {
  static int times;
  try {
    return f(times += 2);
  } catch (std::out_of_range &error) {
    throw std::runtime_error(std::string("library: ") + error.what());
  }
}
const char *library_environment(const char *name) {
  for (char **at = environ; *at; at++)
    if (std::strncmp(*at, name, std::strlen(name)) == 0) return *at;
  return "not there";
}
