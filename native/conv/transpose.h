// Vectors of pixels to vectors of channels: a square of numbers mirrored at its diagonal, in registers.
#pragma once

#include "base/vector.h"
#include "conv/narrow.h"

namespace upres {
namespace {

// Of two vectors the even or the odd stretches of kApart lanes, in turn.
template <int kApart, bool kOdd, std::size_t... kLane>
UPRES_INLINE Floats stretches(Floats a, Floats b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(
      a, b, (int(kLane) & kApart ? int(kLane) - (kOdd ? 0 : kApart) + kLanes : int(kLane) + (kOdd ? kApart : 0))...);
}

// Lanes of two vectors in turn, of the lower or the upper half of each four.
template <bool kUpper, std::size_t... kLane>
UPRES_INLINE Floats in_turn(Floats a, Floats b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(
      a, b, (int(kLane) / kQuad * kQuad + int(kLane) % kQuad / 2 + (kUpper ? 2 : 0) + int(kLane) % 2 * kLanes)...);
}

// Of four vectors, the squares that their fours of lanes are: four f of vector i has lane i of the four f of each.
UPRES_INLINE void transpose_fours(Floats* v) {
  using Lanes = std::make_index_sequence<kLanes>;
  const Floats low = in_turn<false>(v[0], v[1], Lanes{}), high = in_turn<true>(v[0], v[1], Lanes{});
  const Floats next_low = in_turn<false>(v[2], v[3], Lanes{}), next_high = in_turn<true>(v[2], v[3], Lanes{});
  v[0] = stretches<2, false>(low, next_low, Lanes{});
  v[1] = stretches<2, true>(low, next_low, Lanes{});
  v[2] = stretches<2, false>(high, next_high, Lanes{});
  v[3] = stretches<2, true>(high, next_high, Lanes{});
}

template <int kApart>
UPRES_INLINE void exchange(Floats (&v)[kLanes]) {
  if constexpr (kApart < kLanes) {
    using Lanes = std::make_index_sequence<kLanes>;
    UPRES_UNROLL for (int i = 0; i < kLanes; ++i) {
      if (i & kApart) continue;
      const Floats a = v[i], b = v[i + kApart];
      v[i] = stretches<kApart, false>(a, b, Lanes{});
      v[i + kApart] = stretches<kApart, true>(a, b, Lanes{});
    }
  }
}

// Fours within fours first, then squares of fours.
UPRES_INLINE void transpose(Floats (&v)[kLanes]) {
  UPRES_UNROLL for (int i = 0; i < kLanes; i += kQuad) transpose_fours(v + i);
  exchange<4>(v);
  exchange<8>(v);
}

}  // namespace
}  // namespace upres
