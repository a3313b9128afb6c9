// One pass over one strip of columns and one band of rows, row by row through all of its operations.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/planes.h"

namespace upres {

// All that the tasks of one run share.
struct Frame {
  const Graph& graph;
  const Kernels& kernels;
  const Plan& plan;
  const std::vector<Epilogue>& epilogues;
  const Planes& planes;
  const float* zeros;  // as many as zero_floats(graph, plan)
  int64_t height, width;  // of maps of scale 1
  float* out;             // the network's output, one plane for each color, or a slab of each
  Span out_rows;          // those of scale 1 that are in it
  const std::vector<Quantized>& quantized;        // of each operation, or empty: all run in floats
  std::vector<std::vector<float>>* largest_seen;  // by each of them, to be raised; or null
};

int64_t zero_floats(const Graph& graph, const Plan& plan);

// Memory of one thread while it works on this pass.
int64_t scratch_floats(const Graph& graph, const Pass& pass);

// Makes rows `band` of the columns `strip` of what the pass keeps, in pixels of the pass's scale.
void run_task(const Frame& frame, const Pass& pass, Span strip, Span band);

}  // namespace upres
