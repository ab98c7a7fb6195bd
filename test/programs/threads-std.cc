// C++ threads at large: thread, jthread with stop tokens, async, promises, packaged tasks, latch, barrier, semaphores, shared mutexes,
// call_once, thread-local objects, exceptions over futures, atomics that wait, parallel use of streams and locales.
// status: 134
// compile: {g++,clang++-22} -std=c++20 -O1 {-fPIE,-fno-pic,-fPIC}
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <iostream>
#include <latch>
#include <mutex>
#include <numeric>
#include <semaphore>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

struct Counter {
  static inline std::atomic<int> made = 0, ended = 0;
  int value = 0;
  Counter() { made++; }
  ~Counter() { ended += value; }
};
thread_local Counter counter;
static std::once_flag once;
static std::atomic<int> calls = 0;

int main() {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::shared_mutex shared;
  std::latch ready(4);
  int total = 0, completed = 0;
  std::barrier meet(4, [&]() noexcept { completed++; });
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      counter.value = i + 1;
      std::call_once(once, [] { calls++; });
      ready.arrive_and_wait();
      for (int j = 0; j < 1000; j++) {
        std::scoped_lock lock(mutex);
        total++;
      }
      meet.arrive_and_wait();
      std::shared_lock read(shared);
    });
  }
  for (auto &thread : threads) thread.join();
  std::cout << total << ' ' << completed << ' ' << calls << ' ' << Counter::made << ' ' << Counter::ended << '\n';

  auto failing = std::async(std::launch::async, []() -> int { throw std::out_of_range("from the future"); });
  try {
    failing.get();
  } catch (const std::out_of_range &error) {
    std::cout << error.what() << '\n';
  }
  auto lazy = std::async(std::launch::deferred, [] { return std::this_thread::get_id(); });
  std::cout << (lazy.get() == std::this_thread::get_id()) << '\n';
  std::packaged_task<int(int)> task([](int x) { return x * x; });
  auto squared = task.get_future();
  std::thread(std::move(task), 12).join();
  std::cout << squared.get() << '\n';
  try {
    std::future<void> never = std::promise<void>().get_future();
    never.get();
  } catch (const std::future_error &error) {
    std::cout << (error.code() == std::future_errc::broken_promise) << '\n';
  }
  std::counting_semaphore<3> tokens(0);
  std::condition_variable_any waiting;
  int stopped = 0;
  {
    std::jthread worker([&](std::stop_token stop) {
      std::unique_lock lock(mutex);
      tokens.release();
      waiting.wait(lock, stop, [] { return false; });
      stopped = stop.stop_requested();
    });
    tokens.acquire();
  }
  std::cout << stopped << '\n';
  std::atomic<int> flag = 0;
  std::thread setter([&] {
    flag = 1;
    flag.notify_all();
  });
  flag.wait(0);
  setter.join();
  std::timed_mutex timed;
  timed.lock();
  std::thread([&] { std::printf("%d\n", timed.try_lock_for(std::chrono::milliseconds(2))); std::fflush(stdout); }).join();
  try {
    std::thread none;
    none.join();
  } catch (const std::system_error &error) {
    std::cout << error.code().value() << '\n';
  }
  std::vector<std::future<std::string>> texts;
  for (int i = 0; i < 8; i++) {
    texts.push_back(std::async(std::launch::async, [i] {
      std::ostringstream out;
      out.imbue(std::locale::classic());
      for (int j = 0; j < 100; j++) out << i * j << ',';
      return out.str();
    }));
  }
  std::size_t length = 0;
  for (auto &text : texts) length += text.get().size();
  std::cout << length << std::endl;
  std::thread([] { throw std::runtime_error("nobody catches"); }).join();
}
