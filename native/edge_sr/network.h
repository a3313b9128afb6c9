// An edge-SR network as trained, and its filters in the form from which kernels' weights are packed.
#pragma once

#include <cstdint>
#include <vector>

#include "edge_sr/filters.h"
#include "kernels/kernels.h"

namespace upres {

// `filters` (phases * channels * {1, 2, 3}, kernel_size, kernel_size) in the order of the checkpoint, where filter
// (part * channels + channel) * phases + phase belongs to that output phase.
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

// Whether the filters left and right of the middle of each output pixel block are mirror images of each other, to the
// rounding of float32. Those of scale 3 have a middle, for which there is no kernel.
bool is_mirrored(const Network& network);

// The filters of one output phase in the form the kernels use.
struct Phase {
  std::vector<Filter> values;   // channels
  std::vector<Filter> keys;     // TM: channels - 1, minus the first; TR: channels
  std::vector<Filter> queries;  // TR: channels
};

// All phases, or of a mirrored network those left of the middle.
std::vector<Phase> read_phases(const Network& network, bool mirrored);

// Largest magnitude of any key, in exponents of 2, over all images of 0 .. 1.
double key_bound(const std::vector<Phase>& phases);

}  // namespace upres
