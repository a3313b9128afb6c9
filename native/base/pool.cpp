#include "base/pool.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace upres {
namespace {

class Pool {
 public:
  void run(int count, int threads, const std::function<void(int)>& task) {
    const std::lock_guard<std::mutex> turn(turn_);
    threads = with_workers(threads);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_ = 0;
      helpers_ = busy_ = threads - 1;
      error_ = nullptr;
      ++round_;
    }
    wake_.notify_all();
    take_tasks();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    task_ = nullptr;
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // As many threads as asked for, this one among them, or as many as the system gives.
  int with_workers(int threads) {
    try {
      while (static_cast<int>(workers_.size()) < threads - 1) {
        const int number = static_cast<int>(workers_.size());
        workers_.emplace_back([this, number, seen = round_] { wait_for_work(number, seen); });
      }
    } catch (const std::system_error&) {
      return static_cast<int>(workers_.size()) + 1;
    }
    return threads;
  }

  void wait_for_work(int number, unsigned seen) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (number >= helpers_) continue;
      lock.unlock();
      take_tasks();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  void take_tasks() {
    for (int i = next_++; i < count_; i = next_++) {
      try {
        (*task_)(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        error_ = std::current_exception();
        next_ = count_;
      }
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const std::function<void(int)>* task_ = nullptr;
  int count_ = 0, helpers_ = 0, busy_ = 0;
  std::atomic<int> next_{0};
  unsigned round_ = 0;
  std::exception_ptr error_;
};

// Never destroyed: its threads wait in it until the process ends. A forked child has none of them, so it gets its own.
Pool& pool() {
  static std::mutex mutex;
  static Pool* instance = nullptr;
  static pid_t owner = 0;
  const std::lock_guard<std::mutex> lock(mutex);
  if (owner != getpid()) {
    instance = new Pool;
    owner = getpid();
  }
  return *instance;
}

}  // namespace

void run_parallel(int count, int threads, const std::function<void(int)>& task) {
  if (threads > count) threads = count;
  if (threads <= 1) {
    for (int i = 0; i < count; ++i) task(i);
    return;
  }
  pool().run(count, threads, task);
}

int hardware_threads() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

}  // namespace upres
