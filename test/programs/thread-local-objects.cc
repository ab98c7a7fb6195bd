// C++ thread_local with constructors and destructors: in templates, classes, inline functions and coroutines, over two objects.
// compile: {gcc,clang-22} -std=c++20 -O{0,2} {-fPIE,-fPIC}
// compile: gcc -std=c++20 -O1 -fPIC -mtls-dialect=gnu2
// compile: {gcc,clang-22} -std=c++20 -O1 -fPIC -mcmodel=large
// compile: clang-22 -std=c++20 -O1 -fno-pic
#include <cstdio>
#include <thread>
#include <coroutine>
#include <string>
#include <vector>
#include <mutex>
#include <map>
#include <cstdlib>
#include <cstdio>
struct Noisy { const char *n; int c = 0; Noisy(const char *n) : n(n) { std::printf("+%s\n", n); } ~Noisy() { std::printf("-%s %d\n", n, c); } int touch() { return ++c; } };
inline thread_local Noisy inline_tl{"inline"};
template <class T> struct Template { static thread_local int value; };
template <class T> thread_local int Template<T>::value = sizeof(T) * 100 + std::snprintf(nullptr, 0, "x");
inline void shared_function() { static thread_local Noisy in_function{"in_function"}; in_function.touch(); }
extern thread_local int from_other;
extern thread_local int from_other_plain;
extern thread_local int never_defined_dynamic __attribute__((weak));
void other();

struct Task { struct promise_type { Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; } void return_void() {} void unhandled_exception() {} }; std::coroutine_handle<promise_type> h; };
static thread_local int in_co = 1;
static Task co() { in_co++; printf("co %d\n", in_co); co_await std::suspend_always(); in_co += 10; printf("co %d\n", in_co); }
thread_local Noisy *pointer;
thread_local std::vector<std::string> strings = {"a", "b"};
thread_local int dynamic = std::snprintf(nullptr, 0, "%s", "four");
struct S { static thread_local Noisy member; static thread_local const int ci; static inline thread_local int in = 5; };
thread_local Noisy S::member{"S::member"};
thread_local const int S::ci = dynamic + 1;
static thread_local Noisy unused{"unused"};
std::once_flag once;
static void work(const char *who) {
  std::call_once(once, [] { printf("once\n"); });
  printf("%s: %d %d %d %zu %d %d %d\n", who, dynamic, S::ci, S::in++, strings.size(), Template<int>::value++, Template<char>::value, inline_tl.touch());
  strings.push_back(who);
  S::member.touch(); shared_function(); other(); printf("%d %d\n", from_other, from_other_plain++);
  thread_local Noisy local{"local"}; local.touch();
  static thread_local std::map<int, int> m; m[1]++; printf("%d\n", m[1]);
}
int main() {
  atexit([] { printf("atexit\n"); });
  work("main"); std::thread(work, "thread").join(); work("main");
  auto t = co(); t.h(); std::thread([&] { t.h(); }).join(); printf("%d\n", in_co); t.h.destroy();
  std::vector<std::thread> ts; int sum = 0; std::mutex mu;
  for (int i = 0; i < 20; i++) ts.emplace_back([&] { std::lock_guard g(mu); sum += ++in_co; });
  for (auto &x : ts) x.join();
  printf("%d\n", sum);
  std::thread([] { struct X { ~X() { static thread_local Noisy late{"late"}; late.touch(); } }; static thread_local X x; (void)&x; }).join();
}
// file: other.cc
#include <cstdio>
struct Noisy { const char *n; int c = 0; Noisy(const char *n) : n(n) { std::printf("+%s\n", n); } ~Noisy() { std::printf("-%s %d\n", n, c); } int touch() { return ++c; } };
inline thread_local Noisy inline_tl{"inline"};
template <class T> struct Template { static thread_local int value; };
template <class T> thread_local int Template<T>::value = sizeof(T) * 100 + std::snprintf(nullptr, 0, "x");
inline void shared_function() { static thread_local Noisy in_function{"in_function"}; in_function.touch(); }
extern thread_local int from_other;
extern thread_local int from_other_plain;
extern thread_local int never_defined_dynamic __attribute__((weak));
void other();

int compute() { return 33; }
thread_local int from_other = compute();
thread_local int from_other_plain = 44;
void other() { shared_function(); Template<int>::value++; inline_tl.touch(); }
