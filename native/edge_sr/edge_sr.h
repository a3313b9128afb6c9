// The fused edge-SR kernel: all channels' filters of one block of pixels, then maximum or softmax, without anything of
// the size channels x image ever in memory. Templates over the compile-time shape; table.cpp names those that exist.
//
// Weights lie in the order they are used: for each output phase, for each group of `kGroup` channels, for each tap, the
// values of the group, then its keys (TM) or its queries and keys (TR). TM needs no key for the first channel: softmax
// does not change when the first key is subtracted from all, and as keys are linear in the pixels, the packed weights
// already are the differences. One filter in eight less at C = 4.
//
// Taps of the float kernels are the pixels of the kernel window, row by row. The integer kernels take two pixels at a
// time: rows 0 and 1, 2 and 3, .. at each column, then the last row in pairs of neighbours, the last paired with zero.
#pragma once

#include "base/vector.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

struct FloatArithmetic {
  using Word = float;
  using Sum = Floats;
  static constexpr bool kFine = true;
  static UPRES_INLINE Floats splat(Word w) { return upres::splat(w); }
  static UPRES_INLINE Sum add(Floats x, Floats w, Sum sum) { return multiply_add(x, w, sum); }
  static UPRES_INLINE Floats key(Sum sum, float) { return sum; }
  static constexpr int full_rows(int kernel_size) { return kernel_size; }
  static constexpr int tail_taps(int) { return 0; }
};

struct IntegerArithmetic {
  using Word = int32_t;
  using Sum = Ints;
  static constexpr bool kFine = false;  // the weights' rounding is coarser
  static UPRES_INLINE Ints splat(Word w) { return upres::splat(w); }
  static UPRES_INLINE Sum add(Ints x, Ints w, Sum sum) { return dot_add(x, w, sum); }
  static UPRES_INLINE Floats key(Sum sum, float scale) { return to_floats(sum) * upres::splat(scale); }
  static constexpr int full_rows(int kernel_size) { return kernel_size / 2; }
  static constexpr int tail_taps(int kernel_size) { return (kernel_size + 1) / 2; }
};

constexpr int filters_per_channel(Family family) { return family == kMax ? 1 : family == kTm ? 2 : 3; }

// One row of taps for `kFilters` filters and `kWide` vectors of pixels. What there are fewer of, pixels or weights,
// stays in registers while the other streams by.
template <class A, int kTaps, int kStep, int kFilters, int kWide>
UPRES_INLINE const typename A::Word* add_row(const typename A::Word* row, const typename A::Word* weights,
                                             typename A::Sum (&sums)[kFilters][kWide]) {
  using Sum = typename A::Sum;
#pragma GCC unroll 1
  for (int tap = 0; tap < kTaps; ++tap) {
    if constexpr (kFilters >= kWide) {
      Sum pixels[kWide];
      UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
        pixels[v] = load<Sum>(row + tap * kStep + v * kLanes);
        pin(pixels[v]);
      }
      UPRES_UNROLL for (int f = 0; f < kFilters; ++f) {
        Sum weight = A::splat(weights[f]);
        if constexpr (kWide > 1) pin(weight);
        UPRES_UNROLL for (int v = 0; v < kWide; ++v) sums[f][v] = A::add(pixels[v], weight, sums[f][v]);
      }
    } else {
      Sum weight[kFilters];
      UPRES_UNROLL for (int f = 0; f < kFilters; ++f) {
        weight[f] = A::splat(weights[f]);
        pin(weight[f]);
      }
      UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
        Sum pixels = load<Sum>(row + tap * kStep + v * kLanes);
        if constexpr (kFilters > 1) pin(pixels);
        UPRES_UNROLL for (int f = 0; f < kFilters; ++f) sums[f][v] = A::add(pixels, weight[f], sums[f][v]);
      }
    }
    weights += kFilters;
  }
  return weights;
}

template <class A, int kKernel, int kFilters, int kWide>
UPRES_INLINE const typename A::Word* add_window(const void* const* rows, int64_t x, const typename A::Word* weights,
                                                typename A::Sum (&sums)[kFilters][kWide]) {
  using Word = typename A::Word;
  constexpr int kFull = A::full_rows(kKernel), kTail = A::tail_taps(kKernel);
  UPRES_UNROLL for (int f = 0; f < kFilters; ++f)
    UPRES_UNROLL for (int v = 0; v < kWide; ++v) sums[f][v] = typename A::Sum{};
#pragma GCC unroll 1
  for (int r = 0; r < kFull; ++r) {
    weights = add_row<A, kKernel, 1>(static_cast<const Word*>(rows[r]) + x, weights, sums);
  }
  if constexpr (kTail > 0) {
    weights = add_row<A, kTail, 2>(static_cast<const Word*>(rows[kFull]) + x, weights, sums);
  }
  return weights;
}

// Maximum over the channels.
template <class A, int kWide>
struct Maximum {
  typename A::Sum top[kWide];

  template <int kGroup, bool kFirst>
  UPRES_INLINE void add(const typename A::Sum (&sums)[kGroup][kWide]) {
    UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
      auto high = sums[0][v];
      UPRES_UNROLL for (int c = 1; c < kGroup; ++c) high = largest(sums[c][v], high);
      top[v] = kFirst ? high : largest(high, top[v]);
    }
  }

  UPRES_INLINE Floats result(int v) const { return to_floats(top[v]); }
};

// How powers of 2 are kept from overflowing and from vanishing. kBounded: no key of any image is beyond +-kKeyBound.
// kGuarded: the largest key of every pixel is compared with that bound afterwards. kRunning: the largest key so far is
// subtracted, and the sums are rescaled when a larger one comes.
enum Softening { kBounded, kGuarded, kRunning };

// Values weighted by the softmax of the keys, which come as exponents of 2.
template <int kWide, Softening kSoftening, bool kFine>
struct Softmax {
  Floats numerator[kWide], denominator[kWide], top[kWide];

  template <int kGroup, bool kFirst, bool kFirstKeyIsZero>
  UPRES_INLINE void add(int v, const Floats (&values)[kGroup], const Floats (&keys)[kGroup]) {
    Floats zero = Floats{};
    if constexpr (kSoftening != kRunning) {
      UPRES_UNROLL for (int c = 0; c < kGroup; ++c) {
        if constexpr (kSoftening == kGuarded) {
          const Floats key = c == 0 && kFirstKeyIsZero ? zero : keys[c];
          top[v] = c == 0 && kFirst ? key : largest(key, top[v]);
        }
        if (c == 0 && kFirstKeyIsZero) {
          numerator[v] = values[0];
          denominator[v] = splat(1.0f);
        } else {
          Floats power = exp2_bounded<kFine>(keys[c]);
          numerator[v] = c == 0 && kFirst ? values[c] * power : multiply_add(values[c], power, numerator[v]);
          denominator[v] = c == 0 && kFirst ? power : denominator[v] + power;
        }
      }
      return;
    }
    Floats high = kFirstKeyIsZero ? zero : keys[0];
    UPRES_UNROLL for (int c = 1; c < kGroup; ++c) high = largest(keys[c], high);
    if constexpr (!kFirst) {
      high = largest(high, top[v]);
      Floats shrink = exp2_below(top[v] - high);
      numerator[v] *= shrink;
      denominator[v] *= shrink;
    }
    top[v] = high;
    UPRES_UNROLL for (int c = 0; c < kGroup; ++c) {
      Floats power = exp2_below(c == 0 && kFirstKeyIsZero ? zero - high : keys[c] - high);
      numerator[v] = c == 0 && kFirst ? values[c] * power : multiply_add(values[c], power, numerator[v]);
      denominator[v] = c == 0 && kFirst ? power : denominator[v] + power;
    }
  }

  UPRES_INLINE Floats result(int v) const { return numerator[v] / denominator[v]; }

 private:
  // 2^-40 is nothing beside the 1 of the largest key. Closer to the smallest float, products would be subnormal, which
  // processors take a hundred times as long for.
  static UPRES_INLINE Floats exp2_below(Floats x) { return exp2_bounded<kFine>(largest(x, splat(-40.0f))); }
};

// The largest keys of many pixels against the bound.
template <bool kActive>
struct Guard {
  Floats highest = splat(-kKeyBound), lowest = splat(kKeyBound);

  UPRES_INLINE void see(Floats top) {
    highest = largest(top, highest);
    lowest = smallest(top, lowest);
  }

  UPRES_INLINE bool holds() const {
    const Ints beyond = (highest > splat(kKeyBound)) | (lowest < splat(-kKeyBound));
    int32_t any = 0;
    for (int lane = 0; lane < kLanes; ++lane) any |= beyond[lane];
    return any == 0;
  }
};

template <>
struct Guard<false> {
  template <class Top>
  UPRES_INLINE void see(const Top&) {}
  UPRES_INLINE bool holds() const { return true; }
};

template <class A, Family kFamily, int kKernel, int kGroup, int kWide, Softening kSoftening>
struct Edge {
  using Word = typename A::Word;
  using Sum = typename A::Sum;
  static constexpr int kRows = 1, kBlock = kWide * kLanes;
  static constexpr bool kSoft = kFamily != kMax;
  using Fold = std::conditional_t<kSoft, Softmax<kWide, kSoftening, A::kFine>, Maximum<A, kWide>>;

  template <bool kFirst>
  static UPRES_INLINE const Word* group(const void* const* rows, int64_t x, const Word* weights, float key_scale,
                                        Fold& fold) {
    constexpr bool kFirstKeyIsZero = kFirst && kFamily == kTm;
    constexpr int kFilters = filters_per_channel(kFamily) * kGroup - (kFirstKeyIsZero ? 1 : 0);
    Sum sums[kFilters][kWide];
    weights = add_window<A, kKernel>(rows, x, weights, sums);
    if constexpr (kSoft) {
      UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
        Floats values[kGroup], keys[kGroup];
        UPRES_UNROLL for (int c = 0; c < kGroup; ++c) {
          values[c] = to_floats(sums[c][v]);
          if constexpr (kFamily == kTr) {
            keys[c] = A::key(sums[kGroup + c][v], key_scale) * to_floats(sums[2 * kGroup + c][v]);
          } else if constexpr (kFirstKeyIsZero) {
            keys[c] = c == 0 ? Floats{} : A::key(sums[kGroup + (c == 0 ? 0 : c - 1)][v], key_scale);
          } else {
            keys[c] = A::key(sums[kGroup + c][v], key_scale);
          }
        }
        fold.template add<kGroup, kFirst, kFirstKeyIsZero>(v, values, keys);
      }
    } else {
      fold.template add<kGroup, kFirst>(sums);
    }
    return weights;
  }

  static bool run(const EdgeWeights& model, const void* const* rows, int64_t x, float* phases) {
    const Word* weights = static_cast<const Word*>(model.taps);
    Guard<kSoft && kSoftening == kGuarded> guard;
    for (int phase = 0; phase < model.phases(); ++phase) {
      Fold fold;
      weights = group<true>(rows, x, weights, model.key_scale, fold);
      for (int g = 1; g < model.groups; ++g) weights = group<false>(rows, x, weights, model.key_scale, fold);
      UPRES_UNROLL for (int v = 0; v < kWide; ++v) {
        guard.see(fold.top[v]);
        store(phases, fold.result(v));
        phases += kLanes;
      }
    }
    return guard.holds();
  }
};

}  // namespace
}  // namespace upres
