#include "upscale.h"

#include <algorithm>
#include <atomic>

#include "tiles.h"

namespace upres {

void run_row(const PackedModel& model, const Emission& emission, const void* const* rows, int64_t width,
             void* const* out_rows) {
  alignas(64) float phases[kMaxScale * kMaxScale * kMaxBlock];
  const int64_t block = model.kernel.block;
  for (int64_t x = 0; x < width; x += block) {
    // The last block moves back to end with the row; only rows shorter than a block compute pixels nobody needs.
    const int64_t start = std::max<int64_t>(std::min(x, width - block), 0);
    model.kernel.run(model.weights, rows, start, phases);
    emission.emit(phases, block, std::min(block, width - start), emission.gain, emission.peak, out_rows, start);
  }
}

namespace {

// A window of prepared rows that moves down a tile.
class Window {
 public:
  Window(const PackedModel& model, const Kernels& kernels, const Plane& from, const Tile& tile)
      : model_(model), kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2) {
    count_ = rounded_up(tile.width(), model.kernel.block) + 2 * pad_ + 1;
    pitch_ = rounded_up(count_, 16);
    memory_ = static_cast<int32_t*>(scratch(pitch_ * model.kernel_size));
    for (int64_t r = tile.top - pad_; r < tile.top + pad_; ++r) add(r);
  }

  // Adds the row that output row `y` needs last, and points at all that it needs.
  void move_to(int64_t y, const void** rows) {
    add(y + pad_);
    if (model_.arithmetic == kFloat) {
      for (int t = 0; t < model_.kernel_size; ++t) rows[t] = slot(y - pad_ + t, model_.kernel_size);
    } else {
      for (int t = 0; t < pad_; ++t) rows[t] = slot(y - pad_ + 2 * t, 2 * pad_);
      rows[pad_] = neighbours();
    }
  }

 private:
  void add(int64_t r) {
    const int64_t first = tile_.left - pad_;
    if (model_.arithmetic == kFloat) {
      float* to = reinterpret_cast<float*>(slot(r, model_.kernel_size));
      kernels_.widen[from_.pixel](row(r), from_.width, first, count_, from_.limit(), to);
    } else {
      const Pair pair = kernels_.pair[from_.pixel];
      const int limit = static_cast<int>(from_.peak);
      pair(row(r - 1), row(r), false, from_.width, first, count_, limit, slot(r - 1, 2 * pad_));
      pair(nullptr, row(r), true, from_.width, first, count_, limit, neighbours());
    }
  }

  const char* row(int64_t r) const { return r >= 0 && r < from_.height ? from_.row(r) : nullptr; }
  int32_t* slot(int64_t r, int64_t slots) const { return memory_ + (r + 2 * slots) % slots * pitch_; }
  int32_t* neighbours() const { return memory_ + 2 * pad_ * pitch_; }

  const PackedModel& model_;
  const Kernels& kernels_;
  const Plane& from_;
  const Tile& tile_;
  int64_t pad_, count_, pitch_;
  int32_t* memory_;
};

}  // namespace

bool within_peak(const Runner& runner, const Plane& plane) {
  if (plane.pixel != kF32) return true;  // integers are clamped on the way in
  std::atomic<bool> within{true};
  for_each_tile(plane.height, plane.width, 1, runner.threads, [&](const Tile& tile) {
    bool inside = true;
    for (int64_t y = tile.top; y < tile.bottom; ++y) {
      inside &= runner.kernels.within(reinterpret_cast<const float*>(plane.row(y)) + tile.left, tile.width(), plane.peak);
    }
    if (!inside) within = false;
  });
  return within;
}

void upscale_plane(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to) {
  const Emission emission{runner.kernels.emit[model.scale][to.pixel], model.value_scale * to.peak, to.peak};
  for_each_tile(from.height, from.width, model.kernel.block, runner.threads, [&](const Tile& tile) {
    Window window(model, runner.kernels, from, tile);
    const int64_t left = tile.left * model.scale * pixel_bytes(to.pixel);
    for (int64_t y = tile.top; y < tile.bottom; ++y) {
      const void* rows[kMaxKernelSize];
      void* out_rows[kMaxScale];
      window.move_to(y, rows);
      for (int r = 0; r < model.scale; ++r) out_rows[r] = to.row(y * model.scale + r) + left;
      run_row(model, emission, rows, tile.width(), out_rows);
    }
  });
}

}  // namespace upres
