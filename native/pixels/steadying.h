// Rows of a film beside the same rows of the frame before: how far they differ, and how far the later may move.
#pragma once

#include "base/vector.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

template <class T>
UPRES_INLINE T lower_of(T a, T b) {
  return a < b ? a : b;
}

template <class T>
UPRES_INLINE T higher_of(T a, T b) {
  return a > b ? a : b;
}

// The value within `by` of `around` that is nearest to `value`. Sums stay within the type, so that the compiler keeps
// as many pixels in a vector as fit.
template <class T>
UPRES_INLINE T within_of(T value, T around, T by) {
  constexpr T kMost = static_cast<T>(~T{0});
  const T low = static_cast<T>(higher_of(around, by) - by);
  const T high = static_cast<T>(lower_of(around, static_cast<T>(kMost - by)) + by);
  return lower_of(higher_of(value, low), high);
}

template <class T>
void distance(const void* one, const void* other, int64_t count, void* to) {
  const T *a = static_cast<const T*>(one), *b = static_cast<const T*>(other);
  T* out = static_cast<T*>(to);
  for (int64_t x = 0; x < count; ++x) out[x] = static_cast<T>(higher_of(a[x], b[x]) - lower_of(a[x], b[x]));
}

template <class T>
void add_up(const void* row, int64_t count, uint32_t* sums) {
  const T* from = static_cast<const T*>(row);
  for (int64_t x = 0; x < count; ++x) sums[x] += from[x];
}

template <class T, int kFactor>
void repeat_by(const T* from, int64_t count, T* to) {
  for (int64_t x = 0; x < count; ++x) {
    UPRES_UNROLL for (int i = 0; i < kFactor; ++i) to[kFactor * x + i] = from[x];
  }
}

template <class T>
void repeat(const void* row, int64_t count, int factor, void* to) {
  if (factor == 2) repeat_by<T, 2>(static_cast<const T*>(row), count, static_cast<T*>(to));
  if (factor == 3) repeat_by<T, 3>(static_cast<const T*>(row), count, static_cast<T*>(to));
  if (factor == 4) repeat_by<T, 4>(static_cast<const T*>(row), count, static_cast<T*>(to));
}

template <class T>
void steady(const void* before, const void* moves, const void* bounds, int64_t count, void* row) {
  const T *last = static_cast<const T*>(before), *move = static_cast<const T*>(moves);
  const T* bound = static_cast<const T*>(bounds);
  T* pixels = static_cast<T*>(row);
  for (int64_t x = 0; x < count; ++x) {
    const T made = pixels[x], by = static_cast<T>(bound[x] + lower_of(bound[x], move[x]));
    pixels[x] = within_of(within_of(made, last[x], move[x]), made, by);
  }
}

}  // namespace
}  // namespace upres
