// std::thread, mutex, condition_variable, future, call_once, atomic, shared_mutex.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC,-fno-pic}
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <stdexcept>
#include <thread>
#include <vector>

std::mutex lock;
std::condition_variable ready;
bool go = false;
std::atomic<int> sum{0};
std::once_flag once;
std::atomic<int> inits{0};

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; i++)
    threads.emplace_back([i] {
      std::call_once(once, [] { inits++; });
      std::unique_lock<std::mutex> held(lock);
      ready.wait(held, [] { return go; });
      sum += i;
    });
  {
    std::lock_guard<std::mutex> held(lock);
    go = true;
  }
  ready.notify_all();
  for (auto &thread : threads) thread.join();
  std::future<int> failed = std::async(std::launch::async, []() -> int { throw std::runtime_error("from another thread"); });
  try {
    failed.get();
  } catch (const std::exception &error) {
    std::cout << error.what() << '\n';
  }
  std::packaged_task<long(int)> task([](int n) {
    std::vector<long> v(n, 2);
    return std::accumulate(v.begin(), v.end(), 0L);
  });
  auto result = task.get_future();
  std::thread(std::move(task), 1000).join();
  std::cout << sum << ' ' << inits << ' ' << result.get() << '\n';
}
