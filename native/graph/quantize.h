// Weights of convolutions by minimal filtering as 16-bit integers.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "kernels/kernels.h"

namespace upres {

constexpr int kMinimalPoints = 36;

struct QuantizedWeights {
  std::vector<int32_t> pairs;
  std::vector<float> units, gains;

  Quantized view() const { return {pairs.data(), units.data(), gains.data()}; }
};

// Of an operation that runs by minimal filtering, whose input has that many channels of which `stride` lie in memory.
// `largest_seen`: [kMinimalPoints][stride], on a picture like those to come; `margin` times as much fits.
QuantizedWeights quantize(const Operation& operation, int channels, int stride, const float* largest_seen,
                          double margin);

}  // namespace upres
