// How the filters of halved_edge_sr.h are packed: in halves, at the points of minimal.h, in 16 bits.
#pragma once

#include <cstdint>
#include <vector>

#include "edge_sr/filters.h"

namespace upres {

using FilterList = std::vector<const Filter*>;

struct Halving {
  int kernel_size;
  bool mirrored;
  double peak;

  // What the weights of a filter at +-1 can be multiplied by so that they are whole numbers of 16 bits.
  double near_factor(const Filter& filter) const;

  // Appends a group as the kernels want it; `near` is what the values' weights at +-1 are multiplied by, keys have their
  // own factors.
  void append_group(const FilterList& values, const FilterList& queries, const FilterList& keys, double near,
                    std::vector<int32_t>& taps) const;
};

}  // namespace upres
