// Convolutions by their definition: 3x3 of a few channels, whose nine taps are one product, and 1x1.
#pragma once

#include "conv/epilogue.h"
#include "conv/multiply.h"

namespace upres {
namespace {

// Three neighbours of a row lie beside each other, so each row is a stretch of three times the channels.
void convolve_direct(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  const int64_t channels = weights.channels[0];
  for (int r = 0; r < kTileRows; ++r) {
    Stretched stretches[3];
    for (int i = 0; i < 3; ++i) stretches[i] = {rows.from[r + i], channels, 3 * channels};
    multiply({stretches, 3, 9 * channels, weights.taps, weights.bias, rows.to[r], weights.outputs}, rows.columns,
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
