// A picture through a graph from the top down, in slabs: of every map only the rows that are still needed are held.
#pragma once

#include <cstdint>

#include "graph/plan.h"
#include "graph/planes.h"
#include "graph/run.h"

namespace upres {

class GraphStream {
 public:
  // A picture of height x width pixels, `rows` or a few more of which become one slab. The runner has to outlive it, and
  // runs in integers here if it does so by then. std::invalid_argument is thrown where `roll` throws it, and where the
  // sides are no multiples of unshuffle or below the graph's least side.
  GraphStream(const GraphRunner& runner, int64_t height, int64_t width, int64_t rows);

  int64_t slabs() const { return static_cast<int64_t>(rolling_.output_ends.size()); }
  // Rows of the picture that have to be given until the slab, that one included.
  int64_t input_end(int64_t slab) const;
  // Rows of the output that are made by then.
  int64_t output_end(int64_t slab) const;
  const Graph& graph() const { return runner_.graph(); }
  int64_t width() const { return width_ * runner_.graph().unshuffle(); }
  int64_t next() const { return next_; }

  // The next slab, from the rows of the picture that it needs and that were not given yet, (colors, rows, width), to
  // its own rows of the output. The network's colors in and out.
  void run(const float* from, float* to, int threads);

  // Memory besides what goes in and comes out.
  int64_t bytes(int threads) const;

 private:
  const GraphRunner& runner_;
  int64_t height_, width_;  // of maps of scale 1
  Rolling rolling_;
  Planes planes_;
  int64_t next_ = 0;
};

}  // namespace upres
