// A graph made ready for one set of kernels: whole pictures through it, on several threads.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/planes.h"

namespace upres {

class GraphRunner {
 public:
  // Throws std::invalid_argument where the graph has no output, or makes maps that nothing reads.
  GraphRunner(Graph graph, const Kernels& kernels);

  const Graph& graph() const { return graph_; }
  const Kernels& kernels() const { return kernels_; }

  // One picture: `from` (colors, height, width) to `to`, larger by enlargement / unshuffle. Height and width are
  // multiples of unshuffle and at least the graph's least side; std::invalid_argument is thrown otherwise. One call at
  // a time. `bands`: into how many each strip is cut at least.
  void run(const float* from, int64_t height, int64_t width, float* to, int threads, int bands = 1);

  // Memory besides the two pictures.
  int64_t bytes(int64_t height, int64_t width, int threads) const;

 private:
  void load_pictures(const float* from, int64_t height, int64_t width, int threads);

  Graph graph_;
  const Kernels& kernels_;
  Plan plan_;
  std::vector<Epilogue> epilogues_;
  std::vector<float> zeros_;
  Planes planes_;
};

}  // namespace upres
