// std::regex, whose code is almost all templates: thousands of COMDAT sections.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// compile: gcc -O0
#include <iostream>
#include <iterator>
#include <regex>
#include <string>

int main() {
  const std::string text = "2026-11-22 linked 177 objects, 2025-01-02 linked 3 objects";
  const std::regex pattern(R"((\d{4})-(\d\d)-(\d\d) linked (\d+) objects?)");
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    std::cout << (*match)[1] << '/' << (*match)[2] << ' ' << (*match)[4] << '\n';
  std::cout << std::regex_replace(text, std::regex("objects"), "members") << '\n';
  try {
    std::regex bad("(");
  } catch (const std::regex_error &error) {
    std::cout << (error.code() == std::regex_constants::error_paren) << '\n';
  }
}
