// All tests of the kernels, for every instruction set that this processor runs.
#include <atomic>
#include <cstdio>
#include <stdexcept>

#include "base/pool.h"
#include "tests/check.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

void test_pool() {
  for (int threads : {1, 2, 5}) {
    std::atomic<int> sum{0};
    run_parallel(100, threads, [&](int i) { sum += i; });
    check(sum == 4950, "%d threads: not every task ran once", threads);
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
}

}  // namespace
}  // namespace upres::test

int main() {
  upres::test::test_pool();
  const upres::Kernels* list[4];
  const int count = upres::available(list);
  for (int i = 0; i < count; ++i) {
    upres::test::test_planes(*list[i]);
    upres::test::test_color(*list[i]);
    upres::test::test_conv(*list[i]);
    upres::test::test_maps(*list[i]);
    upres::test::test_graph(*list[i]);
    upres::test::test_barriers(*list[i]);
    upres::test::test_steady(*list[i]);
    std::printf("%s: passed\n", list[i]->name);
  }
}
