// The choice among candidates: at each pixel their sum, weighted by the softmax of what each of them scores.
//
// The channels of a pixel lie beside each other, but candidates are compared with each other: so a vector of pixels at
// a time is transposed, and pixels are the lanes from there on. Navarrete Michelini et al., 2022, arXiv:2108.10335.
#pragma once

#include "base/vector.h"
#include "conv/transpose.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

// Exponents are held at so far below the largest, which is nothing beside it: smaller weights are subnormal.
constexpr float kLeastExponent = -40.0f;

// One of the values that are kept, of as many pixels as there are lanes; channel c of these is at `planes + c * kLanes`.
template <bool kProduct>
UPRES_INLINE Floats chosen(const Choice& choice, const float* planes) {
  const int64_t apart = choice.kept * kLanes, part = choice.candidates * apart;
  const auto score = [&](int64_t c) {
    const Floats left = load<Floats>(planes + choice.left * part + c * apart);
    return kProduct ? left * load<Floats>(planes + choice.right * part + c * apart) : left;
  };
  Floats best = score(0);
  for (int64_t c = 1; c < choice.candidates; ++c) best = largest(score(c), best);
  Floats sum{}, weights{}, exponents{};
  for (int64_t c = 0; c < choice.candidates; ++c) {
    const Floats exponent = largest(splat(kLeastExponent), (score(c) - best) * splat(1.44269504f));
    const Floats weight = exp2_bounded<true>(exponent);
    sum = multiply_add(weight, load<Floats>(planes + c * apart), sum);
    weights += weight;
    exponents += exponent;
  }
  // The largest score and the exponential may lose what is no number.
  return sum * reciprocal(weights) + (exponents - exponents);
}

template <bool kProduct>
void choose_by(const Choice& choice, const ChoiceRow& row) {
  const int64_t channels = int64_t{choice.parts} * choice.candidates * choice.kept;
  for (int64_t x = 0; x < row.columns; x += kLanes) {
    const float* pixels[kLanes];  // behind the last one that one again
    for (int i = 0; i < kLanes; ++i) {
      pixels[i] = row.from + (x + i < row.columns ? x + i : row.columns - 1) * row.stride;
    }
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats v[kLanes];
      UPRES_UNROLL for (int i = 0; i < kLanes; ++i) v[i] = load<Floats>(pixels[i] + c);
      transpose(v);
      UPRES_UNROLL for (int i = 0; i < kLanes; ++i) store(row.scratch + (c + i) * kLanes, v[i]);
    }
    for (int64_t k = 0; k < choice.kept; ++k) {
      store(row.to + k * row.pitch + x, chosen<kProduct>(choice, row.scratch + k * kLanes));
    }
  }
}

void choose(const Choice& choice, const ChoiceRow& row) {
  choice.right == kNoPart ? choose_by<false>(choice, row) : choose_by<true>(choice, row);
}

}  // namespace
}  // namespace upres
