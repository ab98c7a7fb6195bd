// Functions of the run-time libraries that the program replaces, as the libraries call them: __cxa_throw around the original, abort and
// __assert_fail, getenv of a library's, a function that a header declares inline elsewhere.
// compile: {g++,clang++-22} -O1 -fno-builtin {-fPIE,-fPIC,-fno-pic}
// before: g++ -O1 -fno-builtin -shared -fPIC -o libuses.so -x c++ uses.library
// inputs: interposed-runtime.o ./libuses.so
// link: -ldl
// reference: -Wl,-rpath,.
// status: 66
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <unistd.h>
#include <vector>
void library_throws();
void library_asserts();
const char *library_home();
int library_vector();
static int thrown;
extern "C" void __cxa_throw(void *object, std::type_info *type, void (*destructor)(void *)) {
  static void (*real)(void *, std::type_info *, void (*)(void *));
  if (!real) *reinterpret_cast<void **>(&real) = dlsym(RTLD_NEXT, "__cxa_throw");
  thrown++;
  std::printf("throws %s\n", type->name());
  real(object, type, destructor);
  __builtin_unreachable();
}
extern "C" char *getenv(const char *name) noexcept { return const_cast<char *>(std::strcmp(name, "HOME") ? nullptr : "/own/home"); }
extern "C" void __assert_fail(const char *text, const char *, unsigned, const char *) noexcept {
  std::printf("asserted %s\n", text);
  std::fflush(stdout);
  abort();
}
extern "C" void abort() noexcept {
  std::printf("own abort\n");
  std::fflush(stdout);
  _exit(66);
}
int main() {
  try {
    library_throws();
  } catch (std::exception &error) {
    std::printf("caught %s\n", error.what());
  }
  try {
    std::vector<int>().at(3); // thrown by the C++ library
  } catch (std::out_of_range &) {
    std::printf("out of range\n");
  }
  try {
    std::stoi("none");
  } catch (std::invalid_argument &error) {
    std::printf("%s\n", error.what());
  }
  std::printf("%d %s %d\n", thrown, library_home(), library_vector());
  library_asserts();
}
// file: uses.library
#undef NDEBUG
#include <cassert>
#include <cstdlib>
#include <stdexcept>
#include <vector>
void library_throws() { throw std::logic_error("of the library"); }
void library_asserts() { assert(!"reached"); }
const char *library_home() { return std::getenv("HOME"); }
int library_vector() { return static_cast<int>(std::vector<int>(5, 3).size()); }
