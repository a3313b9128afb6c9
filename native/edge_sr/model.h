// An edge-SR network made ready for one set of kernels and one kind of pixel.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"

namespace upres {

// The network as trained: `filters` (phases * channels * {1, 2, 3}, kernel_size, kernel_size) in the order of the
// checkpoint, where filter (part * channels + channel) * phases + phase belongs to that output phase.
struct Network {
  Family family;
  int scale, kernel_size, channels;
  std::vector<float> filters;

  int phases() const { return scale * scale; }
  int window() const { return kernel_size * kernel_size; }
  const float* filter(int part, int channel, int phase) const {
    return filters.data() + static_cast<int64_t>((part * channels + channel) * phases() + phase) * window();
  }
};

struct PackedModel {
  PackedModel() = default;
  PackedModel(PackedModel&&) = default;  // `weights` points into the vectors, so a copy would dangle
  PackedModel(const PackedModel&) = delete;

  EdgeKernel kernel;
  Arithmetic arithmetic;
  int scale, kernel_size;
  EdgeWeights weights;
  float value_scale;  // from what the kernel emits to the range 0 .. 1
  std::vector<float> float_taps;
  std::vector<int32_t> integer_taps;
  std::unique_ptr<PackedModel> exact;  // for blocks that a guarded kernel refuses
};

// Whether the filters left and right of the middle of each output pixel block are mirror images of each other, to the
// rounding of float32. Those of scale 3 have a middle, for which there is no kernel.
bool is_mirrored(const Network& network);

// Packs a network for pixels with this white; all but kFloat for pixels of 0 .. peak only.
// Throws std::invalid_argument where the set has no such kernel, or integers would overflow, or the network is not mirrored.
PackedModel pack(const Network& network, const Kernels& kernels, Arithmetic arithmetic, float peak);

}  // namespace upres
