// Convolutions by their definition: 3x3 and 5x5, whose taps are one product, and 1x1.
#pragma once

#include "conv/epilogue.h"
#include "conv/multiply.h"

namespace upres {
namespace {

// The neighbours in a row lie beside each other, so each row of taps is a stretch of as many times the channels.
void convolve_direct(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  const int size = weights.kernel_size;
  const int64_t channels = weights.channels[0], across = size * channels;
  for (int r = 0; r < kTileRows; ++r) {
    Stretched stretches[2 * kMaxHalo + 1];
    for (int i = 0; i < size; ++i) stretches[i] = {rows.from[r + i], channels, across};
    multiply({stretches, size, size * across, weights.taps, weights.bias, rows.to[r], weights.outputs}, rows.columns,
             weights.outputs);
  }
  finish_rows(epilogue, rows, weights.outputs);
}

void convolve_product(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  for (int r = 0; r < kTileRows; ++r) {
    Stretched stretches[kMaxParts];
    int64_t depth = 0;
    for (int p = 0; p < weights.parts; ++p) {
      stretches[p] = {rows.from[p * kTileRows + r], weights.channels[p], weights.channels[p]};
      depth += weights.channels[p];
    }
    multiply({stretches, weights.parts, depth, weights.taps, weights.bias, rows.to[r], weights.outputs}, rows.columns,
             weights.outputs);
  }
  finish_rows(epilogue, rows, weights.outputs);
}

}  // namespace
}  // namespace upres
