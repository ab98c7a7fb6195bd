// The stream objects of libstdc++, reached as each position model reaches them.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC,-fno-pic}
// compile: gcc -O0
// stdin: 12 words of input
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

int main() {
  std::ios::sync_with_stdio(false);
  int number;
  std::string word, rest;
  std::cin >> number >> word;
  std::getline(std::cin, rest);
  std::cout << number << '|' << word << '|' << rest << std::endl;
  std::cout << std::hex << std::setw(8) << std::setfill('0') << 0xbeef << std::dec << ' ' << std::boolalpha << true << '\n';
  std::ostringstream text;
  text << std::fixed << std::setprecision(3) << 2.0 / 3;
  std::cerr << text.str() << " to the error stream\n";
  std::ifstream file("/proc/self/status");
  std::string name;
  std::cout << static_cast<bool>(file >> name) << ' ' << name << '\n';
  std::vector<std::string> many(1000, "many");
  std::cout << many.size() << ' ' << many.back() << ' ' << std::cin.eof() << '\n';
  return 0;
}
