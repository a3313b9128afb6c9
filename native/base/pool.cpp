#include "base/pool.h"

#include <unistd.h>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

namespace upres {
namespace {

using Clock = std::chrono::steady_clock;

thread_local bool gives_way = false;

// Fewer tasks than these are done sooner than others are woken.
constexpr int kFewest = 8;

// Looks at threads of the lowest priority so often; in that time they do a tenth of the tasks or are too slow.
constexpr auto kLook = std::chrono::milliseconds(100);
constexpr int kLeastShare = 10;
// How long such threads get nothing to do after the first time that they were too slow, and at most.
constexpr auto kFirstPause = std::chrono::seconds(10), kMostPause = std::chrono::seconds(300);

// Threads of the lowest priority end when there was no work for so long: where others keep the cores busy, a process
// that ends has to wait for them.
constexpr auto kPatience = std::chrono::seconds(1);

// The lowest priority for the calling thread; false where the system has none.
bool take_lowest_priority() {
#if defined(__linux__) && defined(SCHED_IDLE)
  const sched_param parameters{};
  return pthread_setschedparam(pthread_self(), SCHED_IDLE, &parameters) == 0;
#else
  return false;
#endif
}

class Pool {
 public:
  // Of threads that work beside the caller, or of those of the lowest priority that work instead.
  explicit Pool(bool lowest) : lowest_(lowest) {}

  void run(int count, int threads, const std::function<void(int)>& task) {
    const std::lock_guard<std::mutex> turn(turn_);
    const int helpers = with_workers(lowest_ ? threads : threads - 1);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_ = 0;
      helpers_ = helpers;
      error_ = nullptr;
      ++round_;
    }
    wake_.notify_all();
    if (!lowest_ || helpers == 0 || !done_in_time()) take_tasks();
    std::unique_lock<std::mutex> lock(mutex_);
    helpers_ = 0;  // who has not begun by now need not
    done_.wait(lock, [this] { return active_ == 0; });
    task_ = nullptr;
    if (error_) std::rethrow_exception(error_);
  }

  // Whether it is worth trying: a pause of the lowest priority's may not be over, or there is no such priority.
  bool is_ready() const { return !refused_ && Clock::now() >= resumes_.load(); }

 private:
  // As many threads as asked for, or as many as the system gives.
  int with_workers(int threads) {
    const std::lock_guard<std::mutex> lock(mutex_);
    try {
      for (; workers_ < threads; ++workers_) std::thread([this, seen = round_] { wait_for_work(seen); }).detach();
    } catch (const std::system_error&) {
    }
    return std::min(workers_, threads);
  }

  // Waits for the threads of the lowest priority as long as they get on.
  bool done_in_time() {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto done = [this] { return active_ == 0 && next_ >= count_; };
    for (int before = 0; !done_.wait_for(lock, kLook, done);) {
      const int taken = std::min<int>(next_, count_);
      if ((taken - before) * kLeastShare < count_) {
        resumes_ = Clock::now() + pause_;
        pause_ = std::min<Clock::duration>(2 * pause_, kMostPause);
        return false;
      }
      before = taken;
    }
    return true;
  }

  void wait_for_work(unsigned seen) {
    if (lowest_ && !take_lowest_priority()) refused_ = true;
    std::unique_lock<std::mutex> lock(mutex_);
    const auto has_work = [&] { return round_ != seen; };
    while (true) {
      if (!lowest_) {
        wake_.wait(lock, has_work);
      } else if (!wake_.wait_for(lock, kPatience, has_work)) {
        --workers_;
        return;
      }
      seen = round_;
      if (helpers_ == 0) continue;
      --helpers_;
      ++active_;
      lock.unlock();
      take_tasks();
      lock.lock();
      if (--active_ == 0) done_.notify_one();
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

  const bool lowest_;
  std::atomic<bool> refused_{false};
  std::atomic<Clock::time_point> resumes_{Clock::time_point::min()};
  Clock::duration pause_ = kFirstPause;
  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* task_ = nullptr;
  int workers_ = 0, count_ = 0, helpers_ = 0, active_ = 0;  // helpers: workers that may still begin
  std::atomic<int> next_{0};
  unsigned round_ = 0;
  std::exception_ptr error_;
};

// Never destroyed: its threads wait in it until the process ends. A forked child has none of them, so it gets its own.
Pool& pool(bool lowest) {
  static std::mutex mutex;
  static Pool* instances[2] = {nullptr, nullptr};
  static pid_t owner = 0;
  const std::lock_guard<std::mutex> lock(mutex);
  if (owner != getpid()) {
    instances[0] = new Pool(false);
    instances[1] = new Pool(true);
    owner = getpid();
  }
  return *instances[lowest ? 1 : 0];
}

}  // namespace

void run_parallel(int count, int threads, const std::function<void(int)>& task) {
  if (threads > count) threads = count;
  if (gives_way && count >= kFewest && pool(true).is_ready()) {
    pool(true).run(count, std::max(threads, 1), task);
  } else if (threads <= 1) {
    for (int i = 0; i < count; ++i) task(i);
  } else {
    pool(false).run(count, threads, task);
  }
}

void give_way(bool value) { gives_way = value; }

int hardware_threads() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

}  // namespace upres
