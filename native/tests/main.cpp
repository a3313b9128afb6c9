// The tests of the kernels, a group of them to each process: `native_tests conv`, or all of them without a name.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
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

void test_pools() {
  test_pool(false);
  test_pool(true);
}

struct Plain {
  const char* name;
  void (*test)();
};

// CMakeLists.txt names these and the others to ctest.
constexpr Plain plain_groups[] = {{"pool", test_pools}, {"png", test_png}};

struct Group {
  const char* name;
  void (*test)(const Kernels&);
};

// Each of them runs for every instruction set of this processor.
constexpr Group groups[] = {{"planes", test_planes}, {"color", test_color},   {"conv", test_conv},
                            {"maps", test_maps},     {"graph", test_graph},   {"stream", test_stream},
                            {"barriers", test_barriers}, {"steady", test_steady}};

}  // namespace
}  // namespace upres::test

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : nullptr;
  int run = 0;
  for (const upres::test::Plain& group : upres::test::plain_groups) {
    if (wanted && std::strcmp(wanted, group.name)) continue;
    group.test();
    std::printf("%s: passed\n", group.name);
    ++run;
  }
  const upres::Kernels* list[4];
  const int available = upres::available(list);
  for (const upres::test::Group& group : upres::test::groups) {
    if (wanted && std::strcmp(wanted, group.name)) continue;
    for (int i = 0; i < available; ++i) {
      group.test(*list[i]);
      std::printf("%s, %s: passed\n", group.name, list[i]->name);
      ++run;
    }
  }
  upres::test::check(run > 0, "no group of tests is called %s", wanted);
}
