#include "edge_sr/rows.h"

namespace upres {

FloatRows::FloatRows(const PackedModel& model, int64_t count, int64_t offset)
    : model_(model), pitch_(rounded_up(count, 16) + 16), offset_(offset) {}

void FloatRows::start(float* memory) {
  memory_ = memory;
  std::memset(memory_, 0, static_cast<size_t>(words()) * sizeof(float));
}

float* FloatRows::row(int64_t r, int64_t height) const {
  const bool inside = r >= 0 && r < height;
  return memory_ + (inside ? r % kSlots : kSlots) * pitch_;
}

void FloatRows::prepare(int64_t y, int64_t height, const void** rows) const {
  const int64_t top = y - model_.kernel_size / 2;
  if (model_.transform == nullptr) {
    for (int t = 0; t < model_.kernel_size; ++t) rows[t] = row(top + t, height) + offset_;
    return;
  }
  const int points = minimal_points(model_.kernel_size);
  const float* from[kMaxPoints];
  float* to[kMaxPoints];
  for (int p = 0; p < points; ++p) {
    from[p] = row(top + p, height);
    to[p] = memory_ + (kSlots + 1 + p) * pitch_;
    rows[p] = to[p] + offset_;
  }
  model_.transform(from, pitch_, to);
}

}  // namespace upres
