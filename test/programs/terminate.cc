// Exceptions that nobody catches, each in a child: what std::terminate says, and who replaces it.
// compile: {g++,clang++-22} -std=c++17 -O1 -w {-fPIE,-fno-pic}
// status: 134
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
struct Custom {
  virtual ~Custom() {}
};
struct Named : std::exception {
  const char *what() const noexcept override { return "what it says"; }
};
struct Throws {
  ~Throws() noexcept(false) { throw 6; }
};
struct Silent {
  ~Silent() { throw 5; }
};
static bool throw_now;
struct Static {
  Static() {
    if (throw_now) throw std::runtime_error("in a constructor");
  }
};
static void refuses() noexcept { throw 3; }
static void end(int way) {
  switch (way) {
    case 0: throw std::runtime_error("uncaught");
    case 1: refuses();
    case 2: std::thread([] { throw std::logic_error("in a thread"); }).join();
    case 3: std::set_terminate([] { std::puts("own"), std::exit(4); }); throw 1;
    case 4: { Silent object; } return;
    case 5: try { Throws object; throw 1; } catch (...) {} return;
    case 6: throw Custom();
    case 7: throw Named();
    case 8:
      std::set_terminate([] {
        try {
          std::rethrow_exception(std::current_exception());
        } catch (std::exception &error) {
          std::puts(error.what());
        }
        std::_Exit(9);
      });
      throw std::out_of_range("range");
    case 9: std::atexit([] { throw 1; }); return;
    case 10: { std::thread joinable([] {}); } return;
    case 11: try { throw; } catch (...) {} return;
    case 12: std::terminate();
    case 13: std::set_terminate([] { std::puts("returns"); }); throw 1;
    case 14: throw_now = true; { static Static object; } return;
    case 15:
      try {
        std::async(std::launch::async, [] { throw std::runtime_error("from a future"); }).get();
      } catch (std::exception &error) {
        std::puts(error.what());
      }
      return;
    case 16: std::at_quick_exit([] { std::puts("quickly"); }); std::quick_exit(16);
  }
}
int main() {
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  for (int way = 0; way <= 16; way++) {
    pid_t child = fork();
    if (child == 0) {
      end(way);
      std::exit(way);
    }
    int status;
    waitpid(child, &status, 0);
    std::printf("%d: %s %d\n", way, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  throw std::runtime_error("at last");
}
