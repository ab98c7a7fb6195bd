// Inline functions, their local statics, inline variables, templates' statics, type_info and guard variables are one in a program and its library,
// and exceptions of types that both define are caught on either side.
// compile: {g++,clang++-22} -std=c++17 -O{0,1} -fPIC
// before: g++ -std=c++17 -shared -fPIC -o libvague.so vague.o
// inputs: vague-linkage.o ./libvague.so
// reference: -Wl,-rpath,.
#include <any>
#include <cstdio>
#include <stdexcept>
#include <typeinfo>
inline int &counter() {
  static int value = [] { return std::printf("counter made\n"), 10; }();
  return value;
}
inline int shared = 5;
template <class T> struct Box {
  static T value;
  static int &once() {
    static int times = 0;
    return times;
  }
};
template <class T> T Box<T>::value = T(3);
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
  int code = 4;
};
struct Shape {
  virtual ~Shape() = default;
  virtual const char *name() const { return "shape"; }
};
struct Round : Shape {
  const char *name() const override { return "round"; }
};
int library_count();
void *library_counter(), *library_shared(), *library_box(), *library_type();
void library_throws(int), library_calls(void (*)());
Shape *library_shape();
std::any library_any();

int main() {
  counter()++;
  shared++;
  Box<int>::value++;
  Box<int>::once()++;
  std::printf("%d\n", library_count());
  std::printf("%d %d %d\n", library_counter() == &counter(), library_shared() == &shared, library_box() == &Box<int>::value);
  std::printf("%d type\n", library_type() == static_cast<const void *>(&typeid(Failure)));
  for (int i = 0; i < 3; i++) {
    try {
      library_throws(i);
    } catch (Failure &failure) {
      std::printf("failure %s %d\n", failure.what(), failure.code);
    } catch (std::exception &error) {
      std::printf("error %s\n", error.what());
    } catch (int number) {
      std::printf("number %d\n", number);
    }
  }
  library_calls([] { throw Failure("from the program"); });
  Shape *shape = library_shape();
  std::printf("%s %d\n", shape->name(), dynamic_cast<Round *>(shape) != nullptr);
  delete shape;
  std::printf("%d\n", std::any_cast<int>(library_any()));
}
// file: vague.cc
#include <any>
#include <cstdio>
#include <stdexcept>
#include <typeinfo>
inline int &counter() {
  static int value = [] { return std::printf("counter made\n"), 10; }();
  return value;
}
inline int shared = 5;
template <class T> struct Box {
  static T value;
  static int &once() {
    static int times = 0;
    return times;
  }
};
template <class T> T Box<T>::value = T(3);
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
  int code = 4;
};
struct Shape {
  virtual ~Shape() = default;
  virtual const char *name() const { return "shape"; }
};
struct Round : Shape {
  const char *name() const override { return "round"; }
};
int library_count() { return counter() + shared + Box<int>::value + Box<int>::once(); }
void *library_counter() { return &counter(); }
void *library_shared() { return &shared; }
void *library_box() { return &Box<int>::value; }
const void *type_of_failure() { return &typeid(Failure); }
void *library_type() { return const_cast<void *>(type_of_failure()); }
void library_throws(int which) {
  if (which == 0) throw Failure("from the library");
  if (which == 1) throw std::logic_error("logic");
  throw 17;
}
void library_calls(void (*f)()) {
  try {
    f();
  } catch (Failure &failure) {
    std::printf("library caught %s %d\n", failure.what(), failure.code);
  }
}
Shape *library_shape() { return new Round; }
std::any library_any() { return 12; }
