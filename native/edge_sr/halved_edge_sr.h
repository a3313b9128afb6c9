// The fused edge-SR kernel by minimal filtering in 16-bit integers, filters in halves: a few rows at a time.
//
// All points' sums of up to four filters stay in registers until the rows are interpolated from them, so that nothing but
// keys and queries is ever stored. Its rows are those of `Halve`. Weights lie as in edge_sr.h by phase and group; within
// a group by the kind of filter: queries, keys, values. For each of these kinds, weights for each column, for each point
// but the last, then for each pair of columns at the last. At the end, as float32, what the sums are worth beside those at
// +-1: those at +-2 in each row, at 0, at infinity; and for keys what those at +-1 are worth.
//
// A mirrored kernel makes the phases of both sides from the weights of the left ones. Of each kind there are first the
// columns of what the sides have in common, from the middle one outwards, then those of their difference, without it.
#pragma once

#include "edge_sr/edge_sr.h"
#include "edge_sr/minimal.h"

namespace upres {
namespace {

// The points of minimal.h for six rows, in 16-bit integers.
UPRES_INLINE void halve_column(const Halves* x, Halves (&t)[kHalvedPoints]) {
  const Halves even = x[4] - 4 * x[2], odd = x[3] - 4 * x[1], near = x[4] - x[2], far = 2 * (x[3] - x[1]);
  t[0] = even + odd;
  t[1] = even - odd;
  t[2] = near + far;
  t[3] = near - far;
  t[4] = 4 * (x[0] - x[2]) + near;
  t[5] = 4 * (x[1] - x[3]) + (x[5] - x[3]);
}

template <std::size_t... kLane>
UPRES_INLINE void store_pairs(Halves low, Halves high, int32_t* to, std::index_sequence<kLane...>) {
  constexpr int kCount = 2 * kLanes;
  store(to, __builtin_shufflevector(low, high, (int(kLane) / 2 + int(kLane) % 2 * kCount)...));
  store(to + kLanes, __builtin_shufflevector(low, high, (int(kLane) / 2 + kLanes + int(kLane) % 2 * kCount)...));
}

template <int kKernel>
void halve(const int16_t* const* rows, int64_t count, int16_t* last, int32_t* const* to) {
  int32_t* const right = to[kHalvedPoints - 1];
  int32_t* const left = to[kHalvedPoints];
  constexpr int kStep = 2 * kLanes, kWindow = halved_window(kKernel);
  constexpr auto kAll = std::make_index_sequence<kStep>{};
  for (int64_t i = 0; i < count; i += kStep) {
    Halves x[kWindow], upper[kHalvedPoints], lower[kHalvedPoints];
    UPRES_UNROLL for (int r = 0; r < kWindow; ++r) x[r] = load<Halves>(rows[r] + i);
    halve_column(x, upper);
    halve_column(x + kKernel / 2, lower);
    UPRES_UNROLL for (int p = 0; p < kHalvedPoints - 1; ++p) store_pairs(upper[p], lower[p], to[p] + i, kAll);
    store(last + i, lower[kHalvedPoints - 1]);
  }
  for (int64_t i = 0; i < count; i += kStep) {
    store_pairs(load<Halves>(last + i), load<Halves>(last + i + 1), right + i, kAll);
    if (left != nullptr) store_pairs(load<Halves>(last + i), load<Halves>(last + i - 1), left + i, kAll);
  }
}

// What a filter's columns are multiplied by: pixels, or sums or differences of the two as far from the middle.
enum Columns { kAlone, kSum, kDifference };

template <Family kFamily, int kKernel, int kGroup, int kVectors, Softening kSoftening, bool kMirrored>
struct HalvedEdge {
  static constexpr int kRows = halved_rows(kKernel), kPairs = kHalvedPoints - 1, kSides = kMirrored ? 2 : 1;
  static constexpr int kBlock = kVectors * kLanes;  // one vector after the other
  static constexpr bool kSoft = kFamily != kMax;
  using Fold = std::conditional_t<kSoft, Softmax<1, kSoftening, false>, Maximum<FloatArithmetic, 1>>;

  // What some filters of one kind make of one vector of pixels: left and right, all rows.
  template <int kFilters>
  using Outputs = Floats[kSides][kRows][kFilters];

  template <int kFilters>
  static UPRES_INLINE const int32_t* convolve(const void* const* rows, int64_t x, const int32_t* weights,
                                              Outputs<kFilters>& out) {
    if constexpr (kMirrored) {
      weights = convolve_part<kSum>(rows, x, weights, out[0]);
      weights = convolve_part<kDifference>(rows, x, weights, out[1]);
      UPRES_UNROLL for (int row = 0; row < kRows; ++row) UPRES_UNROLL for (int f = 0; f < kFilters; ++f) {
        const Floats common = out[0][row][f], difference = out[1][row][f];
        out[0][row][f] = common + difference;
        out[1][row][f] = common - difference;
      }
      return weights;
    } else {
      return convolve_part<kAlone>(rows, x, weights, out[0]);
    }
  }

  template <Columns kColumns, int kFilters>
  static UPRES_INLINE const int32_t* convolve_part(const void* const* rows, int64_t x, const int32_t* weights,
                                                   Floats (&out)[kRows][kFilters]) {
    constexpr int kFirst = kColumns == kDifference ? 1 : 0, kEnd = kColumns == kAlone ? kKernel : kKernel / 2 + 1;
    Ints sums[kHalvedPoints][kFilters];
    UPRES_UNROLL for (int p = 0; p < kHalvedPoints; ++p)
      UPRES_UNROLL for (int f = 0; f < kFilters; ++f) sums[p][f] = Ints{};
#pragma GCC unroll 1
    for (int tap = kFirst; tap < kEnd; ++tap) {
      UPRES_UNROLL for (int p = 0; p < kPairs; ++p) {
        weights = add(pixels<kColumns>(rows[p], rows[p], x, tap), weights, sums[p]);
      }
    }
#pragma GCC unroll 1
    for (int tap = kFirst; tap < kEnd; tap += 2) {
      weights = add(pixels<kColumns>(rows[kPairs], rows[kPairs + 1], x, tap), weights, sums[kPairs]);
    }
    UPRES_UNROLL for (int f = 0; f < kFilters; ++f) interpolate(sums, weights, f, out);
    return weights + (kRows + 2) * kFilters;
  }

  // Pairs at tap number `tap` of the window that starts at x, or at that many pixels from its middle.
  template <Columns kColumns>
  static UPRES_INLINE Ints pixels(const void* right, const void* left, int64_t x, int tap) {
    const auto at = [](const void* row, int64_t i) { return load<Halves>(static_cast<const int32_t*>(row) + i); };
    constexpr int kMiddle = kKernel / 2;
    if constexpr (kColumns == kAlone) return (Ints)at(right, x + tap);
    if constexpr (kColumns == kSum) return (Ints)(at(right, x + kMiddle + tap) + at(left, x + kMiddle - tap));
    if constexpr (kColumns == kDifference) return (Ints)(at(right, x + kMiddle + tap) - at(left, x + kMiddle - tap));
  }

  template <int kFilters>
  static UPRES_INLINE const int32_t* add(Ints seen, const int32_t* weights, Ints (&sums)[kFilters]) {
    if constexpr (kFilters > 1) pin(seen);
    UPRES_UNROLL for (int f = 0; f < kFilters; ++f) sums[f] = dot_add(seen, splat(weights[f]), sums[f]);
    return weights + kFilters;
  }

  template <int kFilters>
  static UPRES_INLINE void interpolate(const Ints (&sums)[kHalvedPoints][kFilters], const int32_t* units, int f,
                                       Floats (&out)[kRows][kFilters]) {
    const auto unit = [&](int i) { return (Floats)splat(units[i * kFilters + f]); };
    const Floats near[] = {to_floats(sums[0][f] + sums[1][f]), to_floats(sums[0][f] - sums[1][f])};
    const Floats far[] = {to_floats(sums[2][f] + sums[3][f]), to_floats(sums[2][f] - sums[3][f])};
    UPRES_UNROLL for (int row = 0; row < kRows; ++row) {
      out[row][f] = multiply_add(far[row % 2], unit(row), near[row % 2]);
    }
    out[0][f] = multiply_add(to_floats(sums[4][f]), unit(kRows), out[0][f]);
    out[kRows - 1][f] = multiply_add(to_floats(sums[5][f]), unit(kRows + 1), out[kRows - 1][f]);
  }

  // Keys as exponents of 2; the first of TM is zero, and nobody asks for it.
  template <bool kFirst>
  static UPRES_INLINE const int32_t* find_keys(const void* const* rows, int64_t x, const int32_t* weights,
                                               Outputs<kGroup>& keys) {
    constexpr int kNone = kFamily == kTm && kFirst ? 1 : 0, kKeys = kGroup - kNone;
    if constexpr (kKeys > 0) {
      Outputs<kKeys> queries, found;
      if constexpr (kFamily == kTr) weights = convolve(rows, x, weights, queries);
      weights = convolve(rows, x, weights, found);
      UPRES_UNROLL for (int side = 0; side < kSides; ++side)
        UPRES_UNROLL for (int row = 0; row < kRows; ++row) UPRES_UNROLL for (int c = 0; c < kKeys; ++c) {
          Floats& key = keys[side][row][c + kNone];
          key = found[side][row][c] * (Floats)splat(weights[c]);
          if constexpr (kFamily == kTr) key *= queries[side][row][c];
        }
      weights += kKeys;
    }
    return weights;
  }

  template <bool kFirst>
  static UPRES_INLINE const int32_t* group(const void* const* rows, int64_t x, const int32_t* weights,
                                           Fold (&folds)[kSides][kRows]) {
    Outputs<kGroup> keys, values;
    if constexpr (kSoft) weights = find_keys<kFirst>(rows, x, weights, keys);
    weights = convolve(rows, x, weights, values);
    UPRES_UNROLL for (int side = 0; side < kSides; ++side) UPRES_UNROLL for (int row = 0; row < kRows; ++row) {
      Fold& fold = folds[side][row];
      const auto& from = values[side][row];
      if constexpr (kSoft) {
        fold.template add<kGroup, kFirst, kFirst && kFamily == kTm>(0, from, keys[side][row]);
      } else {
        Floats sums[kGroup][1];
        UPRES_UNROLL for (int c = 0; c < kGroup; ++c) sums[c][0] = from[c];
        fold.template add<kGroup, kFirst>(sums);
      }
    }
    return weights;
  }

  static bool run(const EdgeWeights& model, const void* const* rows, int64_t x, float* phases) {
    const int32_t* weights = static_cast<const int32_t*>(model.taps);
    Guard<kSoft && kSoftening == kGuarded> guard;
    const int columns = model.scale / kSides;
    for (int i = 0; i < model.scale * columns; ++i) {
      const int first = i / columns * model.scale, left = i % columns;
      const int at[] = {first + left, first + model.scale - 1 - left};
      const int32_t* next = weights;
      for (int v = 0; v < kVectors; ++v) {
        Fold folds[kSides][kRows];
        next = group<true>(rows, x + v * kLanes, weights, folds);
        for (int g = 1; g < model.groups; ++g) next = group<false>(rows, x + v * kLanes, next, folds);
        UPRES_UNROLL for (int side = 0; side < kSides; ++side) UPRES_UNROLL for (int row = 0; row < kRows; ++row) {
          guard.see(folds[side][row].top[0]);
          float* to = phases + ((row * model.phases() + at[side]) * kVectors + v) * kLanes;
          store(to, folds[side][row].result(0));
        }
      }
      weights = next;
    }
    return guard.holds();
  }
};

}  // namespace
}  // namespace upres
