// The ways to compute an edge-SR network. Each is an object in the table of arithmetic.cpp; nothing else names them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/tiles.h"
#include "edge_sr/network.h"
#include "kernels/kernels.h"
#include "pixels/plane.h"

namespace upres {

struct PackedModel;
class Rows;

// What weights are packed from.
struct Packing {
  const Network& network;
  const Kernels& kernels;
  std::vector<Phase> phases;
  float peak;
};

struct Arithmetic {
  const char* name;
  const char* precision;  // what engines call it
  bool integers_only;     // it takes planes of integers: no floats, no RGB
  bool any_value;         // floats outside of 0 .. peak come out right too
  bool mirrored_only;     // it takes networks that are their own mirror image
  float largest_peak;     // white of the deepest pixels that it takes
  FindEdge EdgeTable::*kernel;
  // Fills in the weights, what they are worth, and the transform that the kernel's rows need.
  void (*pack)(Packing packing, PackedModel& model);
  // The rows that the kernel reads of one tile.
  std::unique_ptr<Rows> (*rows)(const PackedModel& model, const Kernels& kernels, const ConstPlane& from,
                                const Tile& tile);
};

// All of them, those of a precision next to each other: the fastest first, the most exact last. The last of all takes
// any pixels of any network.
const std::vector<Arithmetic>& arithmetics();

// Whether these kernels can compute this network so.
bool exists(const Arithmetic& arithmetic, const Network& network, const Kernels& kernels);

// A network made ready for one arithmetic of one set of kernels and one white.
struct PackedModel {
  PackedModel() = default;
  PackedModel(PackedModel&&) = default;  // `weights` points into the vectors, so a copy would dangle
  PackedModel(const PackedModel&) = delete;

  const Arithmetic* arithmetic;
  EdgeKernel kernel;
  int scale, kernel_size;
  Transform transform;  // from rows of floats to those that the kernel reads; null where they are the same
  EdgeWeights weights;
  float value_scale;  // from what the kernel emits to the range 0 .. 1
  std::vector<float> float_taps;
  std::vector<int32_t> integer_taps;
  std::unique_ptr<PackedModel> exact;  // for blocks that a guarded kernel refuses
};

// Throws std::invalid_argument where the arithmetic does not exist, or not for pixels of this depth.
PackedModel pack(const Network& network, const Kernels& kernels, const Arithmetic& arithmetic, float peak);

}  // namespace upres
