// Where the pixels of a row lie on a coarser map that is enlarged bilinearly to the same size: centers on centers, the
// outermost pixels repeated.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/plan.h"
#include "kernels/kernels.h"

namespace upres {

// Pixel i of `length` among `coarse` ones: `part` of the way from one of them to the next.
struct Between {
  int64_t first;
  float part;
};

Between between(int64_t i, int64_t length, int64_t coarse);

// The same for columns of a strip, and for those beyond the picture that its tiles have.
class Raising {
 public:
  Raising(Span columns, int64_t width, int64_t coarse_width, int channels);

  // One row, of which `upper` and `lower` are the coarse rows around it, each from column `first()` on. Of the column
  // right of the last one it takes nothing, but it has to be there.
  RaisedRow row(const float* upper, const float* lower, float lower_part, float* blended, float* to) const;

  int64_t first() const { return first_; }

 private:
  int64_t first_, count_, channels_;
  std::vector<int32_t> left_;
  std::vector<float> part_;
};

}  // namespace upres
