#include "png/rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace upres {
namespace {

constexpr int kFilters = 5;  // none, left, up, mean of both, Paeth's

// A row and the one above, each behind the pixel left of it, which is zero.
struct Pair {
  const uint8_t *row, *up;
  int64_t bytes, pixel;
};

void left(const Pair& p, uint8_t* __restrict out) {
  const uint8_t *__restrict row = p.row, *__restrict before = p.row - p.pixel;
  for (int64_t i = 0; i < p.bytes; ++i) out[i] = static_cast<uint8_t>(row[i] - before[i]);
}

void up(const Pair& p, uint8_t* __restrict out) {
  const uint8_t *__restrict row = p.row, *__restrict above = p.up;
  for (int64_t i = 0; i < p.bytes; ++i) out[i] = static_cast<uint8_t>(row[i] - above[i]);
}

void mean(const Pair& p, uint8_t* __restrict out) {
  const uint8_t *__restrict row = p.row, *__restrict before = p.row - p.pixel, *__restrict above = p.up;
  for (int64_t i = 0; i < p.bytes; ++i) out[i] = static_cast<uint8_t>(row[i] - ((before[i] + above[i]) >> 1));
}

int16_t magnitude(int16_t value) { return static_cast<int16_t>(value < 0 ? -value : value); }

void paeth(const Pair& p, uint8_t* __restrict out) {
  const uint8_t *__restrict row = p.row, *__restrict before = p.row - p.pixel;
  const uint8_t *__restrict above = p.up, *__restrict corner = p.up - p.pixel;
  for (int64_t i = 0; i < p.bytes; ++i) {  // of left, up and corner the one nearest to left + up - corner
    const int16_t a = before[i], b = above[i], c = corner[i];
    const auto right = static_cast<int16_t>(b - c), down = static_cast<int16_t>(a - c);
    const int16_t to_a = magnitude(right), to_b = magnitude(down);
    const int16_t to_c = magnitude(static_cast<int16_t>(right + down));
    const int16_t nearer = to_b <= to_c ? b : c, distance = to_b < to_c ? to_b : to_c;
    out[i] = static_cast<uint8_t>(row[i] - (to_a <= distance ? a : nearer));
  }
}

int64_t cost(const uint8_t* values, int64_t count) {
  constexpr int64_t block = 4096;  // whose sum 32 bits hold
  int64_t sum = 0;
  for (int64_t first = 0; first < count; first += block) {
    const int64_t last = std::min(count, first + block);
    uint32_t part = 0;
    for (int64_t i = first; i < last; ++i) part += std::min<uint32_t>(values[i], 256u - values[i]);
    sum += part;
  }
  return sum;
}

}  // namespace

void filter_rows(const PngRows& rows, uint8_t* out) {
  const int64_t pixel = rows.pixel_bytes, padded = pixel + rows.bytes;
  std::vector<uint8_t> memory(2 * padded + (kFilters - 1) * rows.bytes);
  uint8_t *row = memory.data() + pixel, *above = row + padded, *filtered[kFilters];
  filtered[0] = row;
  for (int f = 1; f < kFilters; ++f) filtered[f] = memory.data() + 2 * padded + (f - 1) * rows.bytes;
  if (rows.above) std::memcpy(row, rows.above, rows.bytes);
  for (int64_t y = 0; y < rows.count; ++y) {
    std::swap(row, above);
    filtered[0] = row;
    std::memcpy(row, rows.data + y * rows.bytes, rows.bytes);
    const Pair pair{row, above, rows.bytes, pixel};
    left(pair, filtered[1]);
    up(pair, filtered[2]);
    mean(pair, filtered[3]);
    paeth(pair, filtered[4]);
    int best = 0;
    int64_t least = cost(row, rows.bytes);
    for (int f = 1; f < kFilters; ++f) {
      const int64_t other = cost(filtered[f], rows.bytes);
      if (other < least) least = other, best = f;
    }
    *out++ = static_cast<uint8_t>(best);
    std::memcpy(out, filtered[best], rows.bytes);
    out += rows.bytes;
  }
}

}  // namespace upres
