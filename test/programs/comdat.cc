// COMDAT groups: inline functions, templates, vtables, inline variables and static locals exist once, whoever defines them.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <typeinfo>

struct Shape {
  virtual int area() const { return 0; }
  virtual ~Shape() {}
};
inline int counter() {
  static int count = 0;
  return ++count;
}
inline int variable = 7;
template <class T> T *address() {
  static T value;
  return &value;
}

const void *function_elsewhere();
int *address_elsewhere();
int counter_elsewhere();
Shape *shape_elsewhere();
int *variable_elsewhere();

int main() {
  counter();
  std::printf("%d %d\n", counter_elsewhere(), counter());
  std::printf("%d %d %d\n", address<int>() == address_elsewhere(), &variable == variable_elsewhere(),
              reinterpret_cast<const void *>(&counter) == function_elsewhere());
  Shape *shape = shape_elsewhere();
  std::printf("%d %d\n", typeid(*shape) == typeid(Shape), shape->area());
  delete shape;
}
// file: other.cc
struct Shape {
  virtual int area() const { return 0; }
  virtual ~Shape() {}
};
inline int counter() {
  static int count = 0;
  return ++count;
}
inline int variable = 7;
template <class T> T *address() {
  static T value;
  return &value;
}
const void *function_elsewhere() { return reinterpret_cast<const void *>(&counter); }
int *address_elsewhere() { return address<int>(); }
int counter_elsewhere() { return counter(); }
Shape *shape_elsewhere() { return new Shape; }
int *variable_elsewhere() { return &variable; }
