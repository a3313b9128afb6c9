// Maps to coarser ones, and back: a convolution of windows that lie apart, the largest value of each, and bilinear
// enlargement.
#pragma once

#include "conv/multiply.h"

namespace upres {
namespace {

// A row of a window is a stretch of its pixels, as they lie beside each other.
void convolve_strided(const ConvWeights& weights, const WindowRows& rows) {
  const int64_t stride = weights.strides[0], across = rows.side * stride;
  Stretched stretches[kMaxWindow];
  for (int i = 0; i < rows.side; ++i) stretches[i] = {rows.from[i], rows.stride * stride, across};
  multiply(Product{stretches, rows.side, rows.side * across, weights.taps, weights.bias, rows.to, weights.outputs},
           rows.columns, weights.outputs);
}

// What is not a number is the largest of all, wherever it is met.
UPRES_INLINE Floats largest_or_nan(Floats found, Floats next) {
  const Floats larger = next <= found ? found : next;
  return found != found ? found : larger;
}

void pool(const ConvWeights& weights, const WindowRows& rows) {
  const int64_t channels = weights.strides[0];
  for (int64_t x = 0; x < rows.columns; ++x) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t first = x * rows.stride * channels + c;
      Floats found = load<Floats>(rows.from[0] + first);
      for (int i = 0; i < rows.side; ++i) {
        for (int j = 0; j < rows.side; ++j) {
          found = largest_or_nan(found, load<Floats>(rows.from[i] + first + j * channels));
        }
      }
      store(rows.to + x * channels + c, found);
    }
  }
}

void raise(const RaisedRow& row) {
  const Floats lower_part = splat(row.lower_part);
  for (int64_t i = 0; i < row.count; i += kLanes) {
    const Floats upper = load<Floats>(row.upper + i);
    store(row.blended + i, multiply_add(lower_part, load<Floats>(row.lower + i) - upper, upper));
  }
  for (int64_t x = 0; x < row.columns; ++x) {
    const float *left = row.blended + row.left[x], *right = left + row.channels;
    const Floats part = splat(row.part[x]);
    for (int64_t c = 0; c < row.channels; c += kLanes) {
      const Floats from = load<Floats>(left + c);
      store(row.to + x * row.channels + c, multiply_add(part, load<Floats>(right + c) - from, from));
    }
  }
}

}  // namespace
}  // namespace upres
