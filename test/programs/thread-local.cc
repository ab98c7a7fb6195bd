// thread_local objects: built on first use in each thread, destroyed at its end; in functions, in classes, in another object.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
// compile: {gcc,clang-22} -O2 -fPIC -ftls-model={global-dynamic,local-dynamic,initial-exec}
#include <cstdio>
#include <string>
#include <thread>

struct Counted {
  std::string name;
  explicit Counted(const char *n);
  ~Counted();
};
Counted::Counted(const char *n) : name(n) { std::printf("+%s ", name.c_str()); }
Counted::~Counted() { std::printf("-%s ", name.c_str()); }

thread_local Counted outside("outside");
extern thread_local Counted elsewhere;
struct Class {
  static thread_local int member;
};
thread_local int Class::member = 5;

static void work(const char *name) {
  static thread_local Counted inside("inside");
  outside.name += '!';
  Class::member++;
  std::printf("%s: %s %s %s %d\n", name, outside.name.c_str(), inside.name.c_str(), elsewhere.name.c_str(), Class::member);
}

int main() {
  for (int i = 0; i < 2; i++) {
    std::thread(work, "thread").join();
    std::printf("joined\n");
  }
  work("main");
  std::printf("end of main\n");
}
// file: other.cc
#include <string>
struct Counted {
  std::string name;
  explicit Counted(const char *n);
  ~Counted();
};
thread_local Counted elsewhere("elsewhere");
