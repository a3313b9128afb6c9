#include "graph/raising.h"

#include <algorithm>

namespace upres {

Between between(int64_t i, int64_t length, int64_t coarse) {
  const double ratio = static_cast<double>(coarse) / static_cast<double>(length);
  const double place = (static_cast<double>(i) + 0.5) * ratio - 0.5;
  const double inside = std::clamp(place, 0.0, static_cast<double>(coarse - 1));
  const auto first = static_cast<int64_t>(inside);
  return {first, static_cast<float>(inside - static_cast<double>(first))};
}

Raising::Raising(Span columns, int64_t width, int64_t coarse_width, int channels)
    : first_(between(columns.begin, width, coarse_width).first), channels_(channels) {
  for (int64_t x = columns.begin; x < columns.end; ++x) {
    const Between at = between(x, width, coarse_width);
    left_.push_back(static_cast<int32_t>((at.first - first_) * channels_));
    part_.push_back(at.part);
  }
  count_ = left_.back() + 2 * channels_;
}

RaisedRow Raising::row(const float* upper, const float* lower, float lower_part, float* blended, float* to) const {
  const auto columns = static_cast<int64_t>(left_.size());
  return {upper, lower, lower_part, count_, left_.data(), part_.data(), columns, channels_, blended, to};
}

}  // namespace upres
