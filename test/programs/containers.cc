// Containers, algorithms, strings, optional, variant, filesystem, random, chrono: instantiations of every kind.
// compile: {gcc,clang-22} -std=c++20 -O{1,2} {-fPIE,-fno-pic}
#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

int main() {
  std::map<std::string, std::vector<int>> map;
  for (int i = 0; i < 100; i++) map[std::to_string(i % 7)].push_back(i);
  std::unordered_map<std::string, int> sums;
  for (auto &[key, values] : map) sums[key] = std::accumulate(values.begin(), values.end(), 0);
  std::set<std::pair<int, std::string>> sorted;
  for (auto &[key, value] : sums) sorted.emplace(value, key);
  for (auto &[value, key] : sorted) std::cout << key << '=' << value << ' ';
  std::mt19937 random(42);
  std::deque<unsigned> numbers;
  std::generate_n(std::back_inserter(numbers), 5, [&] { return random() % 1000; });
  std::cout << numbers[0] << ' ' << numbers[4] << '\n';
  std::variant<int, std::string> either = std::string("text");
  std::optional<double> maybe;
  std::cout << std::visit([](auto &&x) { return sizeof x; }, either) << ' ' << maybe.value_or(2.5) << '\n';
  std::cout << std::filesystem::path("/usr/lib/../bin").lexically_normal() << ' ' << std::filesystem::exists("/proc") << '\n';
  std::cout << std::chrono::duration_cast<std::chrono::minutes>(std::chrono::hours(2)).count() << '\n';
  try {
    std::cout << std::get<int>(either);
  } catch (const std::bad_variant_access &error) {
    std::cout << error.what() << '\n';
  }
}
