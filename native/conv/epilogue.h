// The steps between the sums of a convolution and what is stored, on eight vectors at a time: four rows, two columns.
#pragma once

#include "base/vector.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

constexpr int kMaxValues = 1 + kMaxOperands + kMaxSteps;
constexpr int kChunk = 2 * kTileRows;

// Comparisons are written such that what is not a number goes through as it is.
UPRES_INLINE Floats slope_below_zero(Floats v, Floats slope) { return v > Floats{} ? v : v * slope; }
UPRES_INLINE Floats clamped(Floats v, Floats lower, Floats upper) {
  const Floats raised = lower > v ? lower : v;
  return upper < raised ? upper : raised;
}

// Beyond +-80 it is 0 or 1 to the last bit of float32, and its exponential stays finite.
UPRES_INLINE Floats sigmoid(Floats v) {
  const Floats x = clamped(v, splat(-80.0f), splat(80.0f));
  const Floats power = exp2_bounded<true>(x * splat(-1.44269504f));
  return reciprocal(splat(1.0f) + power) + (x - x);  // the exponential of NaN may be a number
}

UPRES_INLINE Floats hyperbolic_tangent(Floats v) {
  return splat(2.0f) * sigmoid(splat(2.0f) * v) - splat(1.0f);
}

template <class Function>
UPRES_INLINE void for_chunk(Floats* to, Function function) {
  UPRES_UNROLL for (int i = 0; i < kChunk; ++i) to[i] = function(i);
}

template <class Place>
void take_step(const Step& step, const Place& place, Floats (&values)[kMaxValues][kChunk], Floats* to) {
  const Floats *a = values[step.left], *b = values[step.right];
  switch (step.kind) {
    case kSlope: {
      const Floats slope = place.constant(step.first);
      return for_chunk(to, [&](int i) { return slope_below_zero(a[i], slope); });
    }
    case kSigmoid:
      return for_chunk(to, [&](int i) { return sigmoid(a[i]); });
    case kTanh:
      return for_chunk(to, [&](int i) { return hyperbolic_tangent(a[i]); });
    case kClamp: {
      const Floats lower = place.constant(step.first), upper = place.constant(step.second);
      return for_chunk(to, [&](int i) { return clamped(a[i], lower, upper); });
    }
    case kAffine: {
      const Floats factor = place.constant(step.first), summand = place.constant(step.second);
      return for_chunk(to, [&](int i) { return multiply_add(a[i], factor, summand); });
    }
    case kAdd:
      return for_chunk(to, [&](int i) { return a[i] + b[i]; });
    case kSubtract:
      return for_chunk(to, [&](int i) { return a[i] - b[i]; });
    case kMultiply:
      return for_chunk(to, [&](int i) { return a[i] * b[i]; });
  }
}

// The most frequent epilogues need no steps: nothing, a slope, tanh, a slope and a skip, the gate (sum + x)
// clamp(sum a + b) + x, and the mask x sigmoid(sum + y) of attention.
enum Form { kNothing, kOneSlope, kOneTanh, kSkip, kGate, kMask, kSteps };

constexpr Step kSlopeSteps[] = {{kSlope, 0, 0, nullptr, nullptr}};
constexpr Step kTanhSteps[] = {{kTanh, 0, 0, nullptr, nullptr}};
constexpr Step kSkipSteps[] = {{kSlope, 0, 0, nullptr, nullptr}, {kAdd, 2, 1, nullptr, nullptr}};
constexpr Step kMaskSteps[] = {{kAdd, 0, 2, nullptr, nullptr},
                               {kSigmoid, 3, 0, nullptr, nullptr},
                               {kMultiply, 1, 4, nullptr, nullptr}};

constexpr Step kGateSteps[] = {{kAdd, 0, 1, nullptr, nullptr},
                               {kAffine, 0, 0, nullptr, nullptr},
                               {kClamp, 3, 0, nullptr, nullptr},
                               {kMultiply, 2, 4, nullptr, nullptr},
                               {kAdd, 5, 1, nullptr, nullptr}};

template <int kCount>
bool has_steps(const Epilogue& epilogue, int operands, const Step (&steps)[kCount]) {
  if (epilogue.operands != operands || epilogue.steps != kCount) return false;
  for (int i = 0; i < kCount; ++i) {
    const Step& step = epilogue.step[i];
    if (step.kind != steps[i].kind || step.left != steps[i].left || step.right != steps[i].right) return false;
  }
  return true;
}

inline Form form_of(const Epilogue& epilogue) {
  if (epilogue.steps == 0) return kNothing;
  if (has_steps(epilogue, 0, kSlopeSteps)) return kOneSlope;
  if (has_steps(epilogue, 0, kTanhSteps)) return kOneTanh;
  if (has_steps(epilogue, 1, kSkipSteps)) return kSkip;
  if (has_steps(epilogue, 2, kMaskSteps)) return kMask;
  return has_steps(epilogue, 1, kGateSteps) ? kGate : kSteps;
}

// Where the sums of two columns of four rows, `sum[2 * row + column]`, go and what they meet there: columns x and x + 1
// of `rows`, channels from `channel` on, of `channels`.
struct InPixels {
  const ConvRows& rows;
  int64_t x, channel, channels;

  int64_t at(int i) const { return (x + i % 2) * channels + channel; }
  Floats constant(const float* of_channels) const { return load<Floats>(of_channels + channel); }
  Floats operand(int number, int i) const { return load<Floats>(rows.operands[number * kTileRows + i / 2] + at(i)); }
  void put(int i, Floats value) const { store(rows.to[i / 2] + at(i), value); }
};

// Such sums through the epilogue to their place.
template <Form kForm, class Place>
UPRES_INLINE void finish(const Epilogue& epilogue, const Place& place, const Floats (&sum)[kChunk]) {
  const auto each = [&](auto function) {
    UPRES_UNROLL for (int i = 0; i < kChunk; ++i) place.put(i, function(i));
  };
  if constexpr (kForm == kNothing) {
    each([&](int i) { return sum[i]; });
  } else if constexpr (kForm == kOneSlope) {
    const Floats slope = place.constant(epilogue.step[0].first);
    each([&](int i) { return slope_below_zero(sum[i], slope); });
  } else if constexpr (kForm == kOneTanh) {
    each([&](int i) { return hyperbolic_tangent(sum[i]); });
  } else if constexpr (kForm == kSkip) {
    const Floats slope = place.constant(epilogue.step[0].first);
    each([&](int i) { return slope_below_zero(sum[i], slope) + place.operand(0, i); });
  } else if constexpr (kForm == kMask) {
    each([&](int i) { return place.operand(0, i) * sigmoid(sum[i] + place.operand(1, i)); });
  } else if constexpr (kForm == kGate) {
    const Step &affine = epilogue.step[1], &clamp = epilogue.step[2];
    const Floats factor = place.constant(affine.first), summand = place.constant(affine.second);
    const Floats lower = place.constant(clamp.first), upper = place.constant(clamp.second);
    each([&](int i) {
      const Floats input = place.operand(0, i);
      return multiply_add(sum[i] + input, clamped(multiply_add(sum[i], factor, summand), lower, upper), input);
    });
  } else {
    Floats values[kMaxValues][kChunk];
    for_chunk(values[0], [&](int i) { return sum[i]; });
    int next = 1;
    for (; next <= epilogue.operands; ++next) {
      for_chunk(values[next], [&](int i) { return place.operand(next - 1, i); });
    }
    for (int s = 0; s < epilogue.steps; ++s, ++next) take_step(epilogue.step[s], place, values, values[next]);
    each([&](int i) { return values[next - 1][i]; });
  }
}

// Calls `work(form)` with the form as a constant.
template <class Work>
UPRES_INLINE void with_form(const Epilogue& epilogue, Work work) {
  switch (form_of(epilogue)) {
    case kNothing:
      return work(std::integral_constant<Form, kNothing>{});
    case kOneSlope:
      return work(std::integral_constant<Form, kOneSlope>{});
    case kOneTanh:
      return work(std::integral_constant<Form, kOneTanh>{});
    case kSkip:
      return work(std::integral_constant<Form, kSkip>{});
    case kGate:
      return work(std::integral_constant<Form, kGate>{});
    case kMask:
      return work(std::integral_constant<Form, kMask>{});
    case kSteps:
      return work(std::integral_constant<Form, kSteps>{});
  }
}

// The same for rows that hold their sums already, in place.
void finish_rows(const Epilogue& epilogue, const ConvRows& rows, int64_t channels) {
  if (epilogue.steps == 0) return;
  with_form(epilogue, [&](auto form) {
    for (int64_t x = 0; x < rows.columns; x += 2) {
      for (int64_t channel = 0; channel < channels; channel += kLanes) {
        Floats sum[kChunk];
        UPRES_UNROLL for (int i = 0; i < kChunk; ++i) {
          sum[i] = load<Floats>(rows.to[i / 2] + (x + i % 2) * channels + channel);
        }
        finish<decltype(form)::value>(epilogue, InPixels{rows, x, channel, channels}, sum);
      }
    }
  });
}

}  // namespace
}  // namespace upres
