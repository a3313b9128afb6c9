// The kinds of convolution that exist, each an object in the table of kinds.cpp; nothing else names them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace upres {

// A convolution as trained: `weight` (outputs, inputs, kernel_size, kernel_size), zeros beyond the edges.
struct Filters {
  int outputs, inputs, kernel_size;
  const float* weight;

  float at(int output, int input, int tap) const {
    return weight[(static_cast<int64_t>(output) * inputs + input) * kernel_size * kernel_size + tap];
  }
};

// How wide maps lie in memory: where each part of a concatenated input begins among the filters, and what it is padded
// to.
struct Part {
  int channels, stride;
};

struct ConvKind {
  const char* name;
  const char* precision;  // what engines call it
  int kernel_size;
  int most_channels;  // of its input
  int most_outputs;
  bool many_parts;    // whether it takes several maps beside each other
  Convolve ConvTable::*kernel;
  // The weights as the kernel reads them; `outputs` is padded to blocks of channels.
  std::vector<float> (*pack)(const Filters& filters, const std::vector<Part>& parts, int outputs);

  int halo() const { return kernel_size / 2; }
};

// The fastest that takes such filters; null where there is none.
const ConvKind* find_kind(const Filters& filters, const std::vector<Part>& parts);

// The weights of a convolution by its definition, of any size, on one part: also those of `ConvTable::strided`.
std::vector<float> pack_direct(const Filters& filters, const std::vector<Part>& parts, int outputs);

// Channels of a map in memory: whole blocks, but pictures of up to kMostDirect channels as they are.
int padded_channels(int channels);
int picture_channels(int channels);

}  // namespace upres
