// Virtual functions, multiple and virtual inheritance, RTTI against the library's own types, member pointers.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <ios>
#include <memory>
#include <sstream>
#include <streambuf>
#include <typeinfo>

struct A {
  virtual int f() { return 1; }
  virtual ~A() = default;
};
struct B {
  virtual int g() { return 2; }
  virtual ~B() = default;
};
struct C : A, virtual B {
  int f() override { return 10; }
  int g() override { return 20; }
};

// Derives from a class whose vtable and type_info are the library's.
struct Counting : std::streambuf {
  int count = 0;
  int overflow(int c) override {
    count++;
    return c;
  }
};

int main() {
  std::unique_ptr<A> a(new C);
  B *b = dynamic_cast<B *>(a.get());
  int (A::*member)() = &A::f;
  std::printf("%d %d %d\n", a->f(), b->g(), (a.get()->*member)());
  std::printf("%s %d %d\n", typeid(*a).name(), typeid(*b) == typeid(C), typeid(int) == typeid(long));
  Counting counting;
  std::ostream out(&counting);
  out << "twelve chars";
  std::streambuf *base = out.rdbuf();
  std::printf("%d %d\n", counting.count, dynamic_cast<Counting *>(base) != nullptr);
  std::shared_ptr<void> shared = std::make_shared<C>();
  std::printf("%ld\n", shared.use_count());
}
