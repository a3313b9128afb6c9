// Convolutions by their definition: 3x3 and 5x5, whose taps are one product, and 1x1.
#pragma once

#include "conv/epilogue.h"
#include "conv/multiply.h"

namespace upres {
namespace {

// Sums of so many columns are still in the first-level cache when the epilogue takes them.
constexpr int64_t kColumns = 24;

// Calls `sums(row, first, count, to)` for four rows, some columns at a time, and does what follows.
template <class Sums>
UPRES_INLINE void convolve_in_parts(const Epilogue& epilogue, const ConvRows& rows, int64_t outputs, Sums sums) {
  for (int64_t first = 0; first < rows.columns; first += kColumns) {
    const int64_t count = kColumns < rows.columns - first ? kColumns : rows.columns - first;
    float* to[kTileRows];
    const float* operands[kMaxOperands * kTileRows];
    for (int i = 0; i < epilogue.operands * kTileRows; ++i) operands[i] = rows.operands[i] + first * outputs;
    for (int r = 0; r < kTileRows; ++r) {
      to[r] = rows.to[r] + first * outputs;
      sums(r, first, count, to[r]);
    }
    finish_rows(epilogue, {nullptr, count, to, operands, nullptr}, outputs);
  }
}

// The neighbours in a row lie beside each other, so each row of taps is a stretch of as many times the channels; where
// channels are padded, each tap is one of those that count.
void convolve_direct(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  const int size = weights.kernel_size;
  const int64_t stride = weights.strides[0], channels = weights.channels[0];
  const int parts = channels == stride ? 1 : size;
  const int64_t depth = size / parts * channels;
  convolve_in_parts(epilogue, rows, weights.outputs, [&](int r, int64_t first, int64_t count, float* to) {
    Stretched stretches[(2 * kMaxHalo + 1) * (2 * kMaxHalo + 1)];
    for (int i = 0; i < size * parts; ++i) {
      stretches[i] = {rows.from[r + i / parts] + (first + i % parts) * stride, stride, depth};
    }
    multiply(Product{stretches, size * parts, size * parts * depth, weights.taps, weights.bias, to, weights.outputs},
             count, weights.outputs);
  });
}

void convolve_product(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  int64_t depth = 0;
  for (int p = 0; p < weights.parts; ++p) depth += weights.channels[p];
  convolve_in_parts(epilogue, rows, weights.outputs, [&](int r, int64_t first, int64_t count, float* to) {
    Stretched stretches[kMaxParts];
    for (int p = 0; p < weights.parts; ++p) {
      const int64_t stride = weights.strides[p];
      stretches[p] = {rows.from[p * kTileRows + r] + first * stride, stride, weights.channels[p]};
    }
    const Product product{stretches, weights.parts, depth, weights.taps, weights.bias, to, weights.outputs};
    if (!rows.far || weights.parts > 1 || epilogue.operands == 0) return multiply(product, count, weights.outputs);
    const float* const coming = stretches[0].pixels + kColumns * stretches[0].pitch;
    const float* const met = rows.operands[r] + first * weights.outputs;
    multiply(FetchingProduct{product, coming, met, stretches[0].pitch, weights.outputs}, count, weights.outputs);
  });
}

}  // namespace
}  // namespace upres
