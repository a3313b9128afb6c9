// The fused edge-SR kernel by minimal filtering: a few rows at a time.
//
// Its rows are the pixels' transformed rows, one for each point (see `Transform`). Weights lie as in edge_sr.h, the taps
// of a filter being those of its first point from left to right, then those of the second ...
#pragma once

#include "edge_sr/edge_sr.h"
#include "edge_sr/minimal.h"

namespace upres {
namespace {

// Rows -> values at the points. The even rows and the odd rows each make a sum for both points of a pair.
template <int kPoints>
UPRES_INLINE void transform_column(const Floats (&x)[kPoints], Floats (&t)[kPoints]) {
  const auto pair = [&t](int i, Floats even, Floats odd) {
    t[i] = even + odd;
    t[i + 1] = even - odd;
  };
  const auto c = [](float value) { return splat(value); };
  if constexpr (kPoints == 6) {
    pair(0, multiply_add(x[2], c(-4.0f), x[4]), multiply_add(x[1], c(-4.0f), x[3]));
    pair(2, x[4] - x[2], (x[3] - x[1]) * c(2.0f));
    t[4] = multiply_add(x[0], c(4.0f), multiply_add(x[2], c(-5.0f), x[4]));
    t[5] = multiply_add(x[1], c(4.0f), multiply_add(x[3], c(-5.0f), x[5]));
  } else {
    pair(0, multiply_add(x[4], c(-4.25f), x[2] + x[6]), multiply_add(x[3], c(-4.25f), x[1] + x[5]));
    pair(2, multiply_add(x[2], c(0.25f), multiply_add(x[4], c(-1.25f), x[6])),
         multiply_add(x[1], c(0.5f), multiply_add(x[3], c(-2.5f), x[5] + x[5])));
    pair(4, multiply_add(x[2], c(4.0f), multiply_add(x[4], c(-5.0f), x[6])),
         multiply_add(x[5], c(0.5f), multiply_add(x[3], c(-2.5f), x[1] + x[1])));
    t[6] = multiply_add(x[4] - x[2], c(5.25f), x[0] - x[6]);
    t[7] = multiply_add(x[3] - x[5], c(5.25f), x[7] - x[1]);
  }
}

template <int kPoints>
void transform(const float* const* rows, int64_t count, float* const* to) {
  for (int64_t i = 0; i < count; i += kLanes) {
    Floats x[kPoints], t[kPoints];
    UPRES_UNROLL for (int p = 0; p < kPoints; ++p) x[p] = load<Floats>(rows[p] + i);
    transform_column<kPoints>(x, t);
    UPRES_UNROLL for (int p = 0; p < kPoints; ++p) store(to[p] + i, t[p]);
  }
}

template <Family kFamily, int kKernel, int kGroup, int kWide, Softening kSoftening>
struct MinimalEdge {
  static constexpr int kRows = minimal_rows(kKernel), kPoints = minimal_points(kKernel), kBlock = kWide * kLanes;
  static constexpr bool kSoft = kFamily != kMax;
  using Fold = std::conditional_t<kSoft, Softmax<kWide, kSoftening, kSoftening == kRunning>, Maximum<FloatArithmetic, kWide>>;

  // Sums of one group of filters at every point; those of a pair as their sum and their difference.
  template <int kFilters>
  using Sums = Floats[kPoints][kFilters][kWide];

  template <int kFilters>
  static UPRES_INLINE const float* convolve(const void* const* rows, int64_t x, const float* weights,
                                            Sums<kFilters>& at) {
#pragma GCC unroll 1
    for (int point = 0; point < kPoints; ++point) {
      Floats sums[kFilters][kWide];
      UPRES_UNROLL for (int f = 0; f < kFilters; ++f)
        UPRES_UNROLL for (int v = 0; v < kWide; ++v) sums[f][v] = Floats{};
      weights = add_row<FloatArithmetic, kKernel, 1>(static_cast<const float*>(rows[point]) + x, weights, sums);
      if (point % 2 == 1 && point < kPoints - 2) {
        UPRES_UNROLL for (int f = 0; f < kFilters; ++f) UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
          const Floats plus = at[point - 1][f][v];
          at[point - 1][f][v] = plus + sums[f][v];
          at[point][f][v] = plus - sums[f][v];
        }
      } else {
        UPRES_UNROLL for (int f = 0; f < kFilters; ++f)
          UPRES_UNROLL for (int v = 0; v < kWide; ++v) at[point][f][v] = sums[f][v];
      }
    }
    return weights;
  }

  // Interpolation: the filter's sum at output row kRow.
  template <int kRow, int kFilters>
  static UPRES_INLINE Floats output(const Sums<kFilters>& at, int f, int v) {
    constexpr int kOdd = kRow % 2;
    constexpr float kPower = static_cast<float>(1 << kRow);
    Floats sum = at[kOdd][f][v];
    sum = multiply_add(at[2 + kOdd][f][v], splat(kPower), sum);
    if constexpr (kPoints == 8) sum = multiply_add(at[4 + kOdd][f][v], splat(1.0f / kPower), sum);
    if constexpr (kRow == 0) sum += at[kPoints - 2][f][v];
    if constexpr (kRow == kRows - 1) sum += at[kPoints - 1][f][v];
    return sum;
  }

  template <int kRow, bool kFirst, int kFilters>
  static UPRES_INLINE void fold_row(const Sums<kFilters>& at, Fold& fold) {
    constexpr bool kFirstKeyIsZero = kFirst && kFamily == kTm;
    if constexpr (kSoft) {
      UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
        Floats values[kGroup], keys[kGroup];
        UPRES_UNROLL for (int c = 0; c < kGroup; ++c) {
          values[c] = output<kRow>(at, c, v);
          if (c == 0 && kFirstKeyIsZero) {
            keys[c] = Floats{};
          } else {
            keys[c] = output<kRow>(at, kGroup + c - (kFirstKeyIsZero ? 1 : 0), v);
            if constexpr (kFamily == kTr) keys[c] *= output<kRow>(at, 2 * kGroup + c, v);
          }
        }
        fold.template add<kGroup, kFirst, kFirstKeyIsZero>(v, values, keys);
      }
    } else {
      Floats sums[kFilters][kWide];
      UPRES_UNROLL for (int f = 0; f < kFilters; ++f)
        UPRES_UNROLL for (int v = 0; v < kWide; ++v) sums[f][v] = output<kRow>(at, f, v);
      fold.template add<kGroup, kFirst>(sums);
    }
  }

  template <bool kFirst, int... kRow>
  static UPRES_INLINE const float* group(const void* const* rows, int64_t x, const float* weights, Fold (&folds)[kRows],
                                         std::integer_sequence<int, kRow...>) {
    constexpr int kFilters = filters_per_channel(kFamily) * kGroup - (kFirst && kFamily == kTm ? 1 : 0);
    Sums<kFilters> at;
    weights = convolve<kFilters>(rows, x, weights, at);
    (fold_row<kRow, kFirst>(at, folds[kRow]), ...);
    return weights;
  }

  static bool run(const EdgeWeights& model, const void* const* rows, int64_t x, float* phases) {
    constexpr auto kAllRows = std::make_integer_sequence<int, kRows>{};
    const float* weights = static_cast<const float*>(model.taps);
    for (int phase = 0; phase < model.phases(); ++phase) {
      Fold folds[kRows];
      weights = group<true>(rows, x, weights, folds, kAllRows);
      for (int g = 1; g < model.groups; ++g) weights = group<false>(rows, x, weights, folds, kAllRows);
      UPRES_UNROLL for (int row = 0; row < kRows; ++row) {
        float* to = phases + (row * model.phases() + phase) * kWide * kLanes;
        UPRES_UNROLL for (int v = 0; v < kWide; ++v) store(to + v * kLanes, folds[row].result(v));
      }
    }
    return true;
  }
};

}  // namespace
}  // namespace upres
