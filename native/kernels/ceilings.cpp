#include "kernels/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/pool.h"

namespace upres {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The best rate of one thread in any of many short pieces of work: whatever else the machine does can only slow it.
template <class Work>
double best_rate(double seconds, Work work) {
  double best = 0.0;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    const auto units = static_cast<double>(work());
    best = std::max(best, units / seconds_since(start));
  } while (seconds_since(begin) < seconds);
  return best;
}

// The sum of the threads' best rates, all of them working at the same time.
template <class Work>
double total_rate(int threads, double seconds, Work work) {
  std::vector<double> rates(static_cast<size_t>(threads));
  run_parallel(threads, threads, [&](int i) {
    rates[static_cast<size_t>(i)] = best_rate(seconds, [&] { return work(i); });
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

double multiply_adds_per_second(Burn burn, int threads, double seconds) {
  constexpr int64_t kRounds = 20000;  // about 50 microseconds
  return total_rate(threads, seconds, [&](int) { return burn(kRounds); });
}

double bytes_read_per_second(int threads, double seconds) {
  constexpr size_t kPerThread = size_t{1} << 25;  // 256 MiB, in pieces of 4 MiB
  constexpr size_t kPiece = size_t{1} << 19;
  const std::vector<uint64_t> memory(kPerThread * static_cast<size_t>(threads), 1);
  std::vector<size_t> next(static_cast<size_t>(threads));
  std::atomic<uint64_t> sum{0};  // so that the reading cannot be left out
  return total_rate(threads, seconds, [&](int i) {
    const auto thread = static_cast<size_t>(i);
    const uint64_t* begin = memory.data() + thread * kPerThread + next[thread];
    next[thread] = (next[thread] + kPiece) % kPerThread;
    sum += std::accumulate(begin, begin + kPiece, uint64_t{0});
    return kPiece * sizeof(uint64_t);
  });
}

}  // namespace upres
