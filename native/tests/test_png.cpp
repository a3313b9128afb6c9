// Filtered rows against loops, and streams of deflate that are left open: made by hand, cut short, and of random bytes.
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <vector>

#include "png/deflate.h"
#include "png/rows.h"
#include "tests/check.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

using Bytes = std::vector<uint8_t>;

int predicted(int filter, int a, int b, int c) {
  if (filter == 0) return 0;
  if (filter == 1) return a;
  if (filter == 2) return b;
  if (filter == 3) return (a + b) / 2;
  const int p = a + b - c, to_a = std::abs(p - a), to_b = std::abs(p - b), to_c = std::abs(p - c);
  return to_a <= to_b && to_a <= to_c ? a : to_b <= to_c ? b : c;
}

// One row by one filter, the way back, which the specification describes, and its cost.
void check_row(const Bytes& row, const Bytes& above, int64_t pixel, const uint8_t* made) {
  const auto bytes = static_cast<int64_t>(row.size());
  long costs[5] = {};
  for (int filter = 0; filter < 5; ++filter) {
    for (int64_t i = 0; i < bytes; ++i) {
      const int a = i < pixel ? 0 : row[i - pixel], b = above[i], c = i < pixel ? 0 : above[i - pixel];
      const auto left = static_cast<uint8_t>(row[i] - predicted(filter, a, b, c));
      costs[filter] += std::abs(static_cast<int>(static_cast<int8_t>(left)));
      if (filter == made[0]) {
        check(made[1 + i] == left, "filter %d, byte %d: %d instead of %d", filter, static_cast<int>(i), made[1 + i], left);
      }
    }
  }
  for (const long other : costs) check(costs[made[0]] <= other, "filter %d is not the cheapest", made[0]);
}

void test_rows(std::mt19937& engine) {
  int used[5] = {};
  for (int64_t pixel : {1, 2, 3, 4, 6, 8}) {
    for (int64_t width : {1, 2, 7, 33, 2000}) {
      const int64_t bytes = pixel * width, count = 9;
      Bytes data(bytes * count), above(bytes);
      for (auto& value : above) value = static_cast<uint8_t>(engine());
      for (int64_t i = 0; i < bytes * count; ++i) {  // rows of noise, ramps both ways, steps
        const int64_t y = i / bytes, x = i % bytes;
        const auto noise = static_cast<int>(engine() % 256);
        data[i] = static_cast<uint8_t>(y % 5 == 0 ? noise : y % 5 == 1 ? 3 * x : y % 5 == 2 ? data[i - bytes] + noise % 3
                                       : y % 5 == 3                  ? 2 * x + 5 * y + noise % 4
                                                                     : noise % 3);
      }
      for (const bool first : {true, false}) {
        Bytes made((bytes + 1) * count);
        filter_rows({data.data(), first ? nullptr : above.data(), count, bytes, pixel}, made.data());
        for (int64_t y = 0; y < count; ++y) {
          const auto row_at = [&](int64_t row) { return Bytes(&data[row * bytes], &data[row * bytes] + bytes); };
          const Bytes before = y > 0 ? row_at(y - 1) : first ? Bytes(bytes) : above;
          check_row(row_at(y), before, pixel, &made[y * (bytes + 1)]);
          ++used[made[y * (bytes + 1)]];
        }
      }
    }
  }
  for (int filter = 0; filter < 5; ++filter) check(used[filter] > 0, "filter %d was never chosen", filter);
}

bool is_whole(const Bytes& stream, Bytes* open = nullptr) {
  try {
    const Bytes result = left_open(stream.data(), static_cast<int64_t>(stream.size()));
    if (open) *open = result;
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

void test_streams(std::mt19937& engine) {
  const Bytes stored = {1, 2, 0, 0xfd, 0xff, 'h', 'i'};  // a last block of two bytes
  const Bytes fixed = {0x4b, 0x04, 0x00};                // zlib's for "a"
  Bytes open;
  check(is_whole(stored, &open) && open == Bytes({0, 2, 0, 0xfd, 0xff, 'h', 'i', 0, 0, 0, 0xff, 0xff}), "stored block");
  check(is_whole(fixed, &open) && open == Bytes({0x4a, 0x04, 0x00, 0, 0, 0xff, 0xff}), "fixed codes");
  for (const Bytes& stream : {stored, fixed}) {
    for (size_t length = 0; length < stream.size(); ++length) {
      check(!is_whole(Bytes(stream.begin(), stream.begin() + length)), "%d bytes of a stream", static_cast<int>(length));
    }
    Bytes longer = stream;
    longer.push_back(0);
    check(!is_whole(longer), "a byte behind a stream");
  }
  check(!is_whole({0x07, 0x00}), "a kind of block that does not exist");
  int whole = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes noise(engine() % 60 + 1);
    for (auto& value : noise) value = static_cast<uint8_t>(engine());
    if (i % 2) noise[0] = static_cast<uint8_t>((noise[0] & ~7u) | 5);  // one block of dynamic codes
    whole += is_whole(noise);
  }
  check(whole < 2000, "%d of 20000 noises are streams", whole);
}

}  // namespace

void test_png() {
  std::mt19937 engine(1);
  test_rows(engine);
  test_streams(engine);
}

}  // namespace upres::test
