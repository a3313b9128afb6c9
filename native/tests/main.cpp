// All tests of the kernels, for every instruction set that this processor runs.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "base/pool.h"
#include "tests/check.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

// Tasks that take long enough for threads of the lowest priority to be too slow: the caller takes some.
void test_takeover() {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> sum{0}, taken{0}, milliseconds{250};
  const auto task = [&](int i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    sum += i;
    taken += std::this_thread::get_id() == caller;
  };
  run_parallel(12, 1, task);
  check(sum == 66 && taken > 0, "the caller took %d tasks of too slow threads", taken.load());
  sum = taken = 0;
  milliseconds = 1;
  run_parallel(12, 1, task);
  check(sum == 66 && taken == 12, "slow threads got tasks again at once: the caller took %d of 12", taken.load());
}

void test_pool(bool gives_way) {
  give_way(gives_way);
  for (int threads : {1, 2, 5}) {
    for (int count : {0, 1, 100}) {
      std::atomic<int> sum{0};
      run_parallel(count, threads, [&](int i) { sum += i; });
      check(sum == count * (count - 1) / 2, "%d threads: not every task of %d ran once", threads, count);
    }
  }
  bool thrown = false;
  try {
    run_parallel(10, 3, [](int i) {
      if (i == 4) throw std::runtime_error("as wanted");
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  check(thrown, "an exception of a task was lost");
  if (gives_way) test_takeover();
  give_way(false);
}

}  // namespace
}  // namespace upres::test

int main() {
  upres::test::test_pool(false);
  upres::test::test_pool(true);
  const upres::Kernels* list[4];
  const int count = upres::available(list);
  for (int i = 0; i < count; ++i) {
    upres::test::test_planes(*list[i]);
    upres::test::test_color(*list[i]);
    upres::test::test_conv(*list[i]);
    upres::test::test_maps(*list[i]);
    upres::test::test_graph(*list[i]);
    upres::test::test_stream(*list[i]);
    upres::test::test_barriers(*list[i]);
    upres::test::test_steady(*list[i]);
    std::printf("%s: passed\n", list[i]->name);
  }
}
