// Counts the words of a text in several threads: a small program that still needs most of what C++ asks of a linker
// (streams, maps, threads, thread-local data, exceptions across frames, objects built before main).
#include <cctype>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

const std::string text =
    "A linker takes objects and makes a program of them. This one makes it in memory, where the program already is: "
    "nothing is written to a file, nothing is copied again, and the program starts as soon as the linker is done.";

// Built before main, by the object's own constructor list.
struct Tally {
  std::map<std::string, int> counts;
  std::mutex lock;
  Tally() { counts["linker"] = 0; }
  void add(const std::string &word) {
    std::lock_guard<std::mutex> guard(lock);
    counts[word]++;
  }
} tally;

thread_local int words_of_this_thread = 0;

void count(const std::string &part) {
  std::istringstream words(part);
  for (std::string word; words >> word;) {
    std::string lower;
    for (unsigned char c : word)
      if (std::isalpha(c)) lower += static_cast<char>(std::tolower(c));
    if (lower.empty()) continue;
    tally.add(lower);
    words_of_this_thread++;
  }
  if (words_of_this_thread == 0) throw std::invalid_argument("no word in '" + part + "'");
}

}  // namespace

int main(int argc, char **argv) {
  std::vector<std::thread> threads;
  const size_t half = text.find(':');
  for (const std::string &part : {text.substr(0, half), text.substr(half)}) {
    threads.emplace_back([part] { count(part); });
  }
  for (std::thread &thread : threads) thread.join();

  std::cout << argv[0] << ": " << tally.counts.size() << " different words in " << threads.size() << " threads\n";
  for (const auto &[word, times] : tally.counts) {
    if (times > 2) std::cout << std::setw(10) << word << "  " << std::string(times, '*') << ' ' << times << '\n';
  }
  try {
    count("1 2 3");
  } catch (const std::exception &error) {
    std::cout << "caught: " << error.what() << '\n';
  }
  for (int i = 1; i < argc; i++) std::cout << "argument " << i << ": " << argv[i] << '\n';
}
