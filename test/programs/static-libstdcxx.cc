// The C++ library as an archive, and its unwinder too: nothing of libstdc++ comes from a shared library.
// compile: {gcc,clang-22} -O2 {-fPIE,-fno-pic}
// link: -Wl,-Bstatic -lstdc++ -lgcc_eh -lgcc -Wl,-Bdynamic
// reference: -static-libstdc++ -static-libgcc
#include <iostream>
#include <locale>
#include <regex>
#include <stdexcept>
#include <thread>

int main() {
  std::cout << "static " << 1.5 << ' ' << std::locale().name() << '\n';
  std::thread([] {
    try {
      throw std::runtime_error("thrown in a thread");
    } catch (const std::exception &error) {
      std::cout << error.what() << '\n';
    }
  }).join();
  std::cout << std::regex_match("abc123", std::regex("[a-z]+[0-9]+")) << '\n';
  try {
    std::string().at(3);
  } catch (const std::out_of_range &) {
    std::cout << "out of range\n";
  }
}
