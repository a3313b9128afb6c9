// A graph made ready for one set of kernels: whole pictures through it, on several threads.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/planes.h"
#include "graph/quantize.h"
#include "graph/task.h"

namespace upres {

class GraphRunner {
 public:
  // Throws std::invalid_argument where the graph has no output, or makes maps that nothing reads.
  GraphRunner(Graph graph, const Kernels& kernels);

  const Graph& graph() const { return graph_; }
  const Kernels& kernels() const { return kernels_; }
  const Plan& plan() const { return plan_; }

  // Whether there is a kernel of 16-bit integers for anything in it.
  bool has_integers() const;
  // Looks at what the network sees of a picture (colors, height, width) in floats. std::invalid_argument as by `run`.
  void look(const float* picture, int64_t height, int64_t width);
  // From now on it runs in integers, which hold `margin` times what was looked at; what does not fit is made in floats.
  void quantize(double margin);

  // One picture: `from` (colors, height, width) to `to`, larger by enlargement / unshuffle. Height and width are
  // multiples of unshuffle and at least the graph's least side; std::invalid_argument is thrown otherwise. One call at
  // a time. `bands`: into how many each strip is cut at least.
  void run(const float* from, int64_t height, int64_t width, float* to, int threads, int bands = 1);

  // Gives back the memory that is kept from one run to the next, which makes it anew.
  void release() { planes_.release(); }

  // How far, in pixels of the picture, anything is looked at for a pixel; -1: everywhere. See `upres::reach`.
  int64_t reach() const;
  // Memory besides the two pictures.
  int64_t bytes(int64_t height, int64_t width, int threads) const;
  // That of the threads while they work.
  int64_t scratch_bytes(int threads) const;

  // For those who run the graph's passes themselves. Height and width are of maps of scale 1.
  Frame frame(const Plan& plan, const Planes& planes, int64_t height, int64_t width, float* out, Span out_rows,
              std::vector<std::vector<float>>* largest_seen = nullptr) const;
  // Throws std::invalid_argument where a picture is too small, or its sides are no multiples of unshuffle.
  void require_sides(int64_t height, int64_t width) const;

 private:
  void run_frame(const float* from, int64_t height, int64_t width, float* to, int threads, int bands,
                 std::vector<std::vector<float>>* largest_seen);
  const Map& input_of(size_t operation) const;

  Graph graph_;
  const Kernels& kernels_;
  Plan plan_;
  std::vector<Epilogue> epilogues_;
  std::vector<float> zeros_;
  std::vector<std::vector<float>> largest_seen_;  // of each operation: [kMinimalPoints][stride]
  std::vector<QuantizedWeights> quantized_;
  std::vector<Quantized> views_;
  Planes planes_;
};

}  // namespace upres
