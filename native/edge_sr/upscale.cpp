#include "edge_sr/upscale.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "base/tiles.h"
#include "edge_sr/minimal.h"

namespace upres {

void run_rows(const PackedModel& model, const Emission& emission, const void* const* rows, int64_t width, int64_t count,
              void* const* out_rows, const std::function<void(int64_t)>& refused) {
  alignas(64) float phases[kMaxMinimalRows * kMaxScale * kMaxScale * kMaxBlock];
  const int64_t block = model.kernel.block;
  for (int64_t x = 0; x < width; x += block) {
    // The last block moves back to end with the row; only rows shorter than a block compute pixels nobody needs.
    const int64_t start = std::max<int64_t>(std::min(x, width - block), 0);
    if (!model.kernel.run(model.weights, rows, start, phases)) {
      refused(start);
      continue;
    }
    for (int64_t r = 0; r < count; ++r) {
      emission.emit(phases + r * model.weights.phases() * block, block, std::min(block, width - start), emission.gain,
                    emission.peak, out_rows + r * model.scale, start);
    }
  }
}

FloatRows::FloatRows(const PackedModel& model, const Kernels& kernels, int64_t count, int64_t offset)
    : model_(model), kernels_(kernels), pitch_(rounded_up(count, 16) + 16), offset_(offset) {}

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
  if (model_.arithmetic == kFloat) {
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
  kernels_.transform[points == 8 ? 1 : 0](from, pitch_, to);
}

namespace {

// Float rows of a plane's tile, read as the tile is worked down.
class WidenedRows {
 public:
  WidenedRows(const PackedModel& model, const Kernels& kernels, const Plane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2), step_(model.kernel.rows),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * pad_), rows_(model, kernels, count_, 0) {
    rows_.start(static_cast<float*>(scratch(rows_.words())));
    next_ = std::max<int64_t>(tile.top - pad_, 0);
  }

  void prepare(int64_t y, const void** rows) {
    for (; next_ < std::min(y + step_ + pad_, from_.height); ++next_) {
      kernels_.widen[from_.pixel](from_.row(next_), from_.width, tile_.left - pad_, count_, from_.limit(),
                                  rows_.row(next_, from_.height));
    }
    rows_.prepare(y, from_.height, rows);
  }

 private:
  const Kernels& kernels_;
  const Plane& from_;
  const Tile& tile_;
  int64_t pad_, step_, count_, next_;
  FloatRows rows_;
};

// The same as pairs of 16-bit integers: two rows in one for all but the last row of the window, which has neighbours.
class PairedRows {
 public:
  PairedRows(const PackedModel& model, const Kernels& kernels, const Plane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * pad_ + 1), pitch_(rounded_up(count_, 16)) {
    memory_ = static_cast<int32_t*>(scratch(pitch_ * model.kernel_size));
    for (int64_t r = tile.top - pad_; r < tile.top + pad_; ++r) add(r);
  }

  void prepare(int64_t y, const void** rows) {
    add(y + pad_);
    for (int64_t t = 0; t < pad_; ++t) rows[t] = slot(y - pad_ + 2 * t);
    rows[pad_] = neighbours();
  }

 private:
  void add(int64_t r) {
    const Pair pair = kernels_.pair[from_.pixel];
    const int64_t first = tile_.left - pad_;
    const int limit = static_cast<int>(from_.peak);
    pair(row(r - 1), row(r), false, from_.width, first, count_, limit, slot(r - 1));
    pair(nullptr, row(r), true, from_.width, first, count_, limit, neighbours());
  }

  const char* row(int64_t r) const { return r >= 0 && r < from_.height ? from_.row(r) : nullptr; }
  int32_t* slot(int64_t r) const { return memory_ + (r + 4 * pad_) % (2 * pad_) * pitch_; }
  int32_t* neighbours() const { return memory_ + 2 * pad_ * pitch_; }

  const Kernels& kernels_;
  const Plane& from_;
  const Tile& tile_;
  int64_t pad_, count_, pitch_;
  int32_t* memory_;
};

// Rows of 16-bit integers and their transforms in halves (minimal.h).
class HalvedRows {
 public:
  HalvedRows(const PackedModel& model, const Kernels& kernels, const Plane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2), step_(model.kernel.rows),
        window_(halved_window(model.kernel_size)),
        count_(rounded_up(rounded_up(tile.width(), model.kernel.block) + 2 * pad_ + 1, kVectors)),
        pitch_(rounded_up(count_, 256) + kApart) {
    mirrored_ = model.arithmetic == kMirroredInteger;
    pairs_ = static_cast<int32_t*>(scratch(kPairRows * pitch_ + (kSlots + 2) * pitch_ / 2));
    black_ = reinterpret_cast<int16_t*>(pairs_ + kPairRows * pitch_);
    std::memset(black_, 0, static_cast<size_t>(pitch_) * sizeof *black_);
    next_ = std::max<int64_t>(tile.top - pad_, 0);
  }

  void prepare(int64_t y, const void** rows) {
    for (; next_ < std::min(y + step_ + pad_, from_.height); ++next_) {
      kernels_.shorten[from_.pixel](from_.row(next_), from_.width, tile_.left - pad_, count_,
                                    static_cast<int>(from_.peak), slot(next_));
    }
    const int16_t* window[kMaxHalvedWindow];
    int32_t* to[kPairRows];
    for (int64_t r = 0; r < window_; ++r) {
      const int64_t row = y - pad_ + r;
      window[r] = row >= 0 && row < from_.height ? slot(row) : black_;
    }
    for (int p = 0; p < kPairRows; ++p) rows[p] = to[p] = pairs_ + p * pitch_;
    if (!mirrored_) to[kHalvedPoints] = nullptr;
    kernels_.halve[pad_ - 2](window, count_, black_ + pitch_, to);
  }

 private:
  static constexpr int64_t kSlots = kMaxHalvedWindow;
  static constexpr int64_t kPairRows = kHalvedPoints + 1;
  static constexpr int64_t kVectors = 32;  // values that `halve` reads at a time, at most
  // Rows a multiple of 4096 bytes apart hinder each other in the first-level cache: loads took twice as long.
  static constexpr int64_t kApart = 80;
  int16_t* slot(int64_t r) const { return black_ + (2 + r % kSlots) * pitch_; }

  const Kernels& kernels_;
  const Plane& from_;
  const Tile& tile_;
  int64_t pad_, step_, window_, count_, pitch_, next_;
  bool mirrored_;
  int32_t* pairs_;
  int16_t* black_;  // followed by the row that `halve` needs, and the slots
};

// Returns the number of pixels that had to be made again.
template <class Rows>
int64_t upscale_tile(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to,
                  const Tile& tile) {
  const Emission emission{runner.kernels.emit[model.scale][to.pixel], model.value_scale * to.peak, to.peak};
  Rows prepared(model, runner.kernels, from, tile);
  const int64_t left = tile.left * model.scale * pixel_bytes(to.pixel), step = model.kernel.rows;
  std::vector<Tile> again;
  for (int64_t y = tile.top; y < tile.bottom; y += step) {
    const void* rows[kMaxPoints];
    void* out_rows[kMaxMinimalRows * kMaxScale];
    const int64_t count = std::min(step, tile.bottom - y);
    prepared.prepare(y, rows);
    for (int64_t r = 0; r < count * model.scale; ++r) out_rows[r] = to.row(y * model.scale + r) + left;
    run_rows(model, emission, rows, tile.width(), count, out_rows, [&](int64_t x) {
      const int64_t block = tile.left + x, end = std::min(block + model.kernel.block, tile.right);
      const bool follows = !again.empty() && again.back().top == y;  // the last block of a row may overlap
      again.push_back({y, y + count, follows ? std::max(block, again.back().right) : block, end});
    });
  }
  int64_t pixels = 0;
  for (const Tile& block : again) {
    upscale_tile<WidenedRows>(*model.exact, runner, from, to, block);
    pixels += block.width() * (block.bottom - block.top);
  }
  return pixels;
}

}  // namespace

bool within_peak(const Runner& runner, const Plane& plane) {
  if (plane.pixel != kF32) return true;  // integers are clamped on the way in
  std::atomic<bool> within{true};
  for_each_tile(plane.height, plane.width, 1, 1, runner.threads, [&](const Tile& tile) {
    bool inside = true;
    for (int64_t y = tile.top; y < tile.bottom; ++y) {
      const float* row = reinterpret_cast<const float*>(plane.row(y)) + tile.left;
      inside &= runner.kernels.within(row, tile.width(), plane.peak);
    }
    if (!inside) within = false;
  });
  return within;
}

int64_t upscale_plane(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to) {
  std::atomic<int64_t> refused{0};
  for_each_tile(from.height, from.width, model.kernel.block, model.kernel.rows, runner.threads, [&](const Tile& tile) {
    const auto upscale = !is_integer(model.arithmetic)   ? upscale_tile<WidenedRows>
                         : model.arithmetic == kInteger ? upscale_tile<PairedRows>
                                                        : upscale_tile<HalvedRows>;
    refused += upscale(model, runner, from, to, tile);
  });
  return refused;
}

}  // namespace upres
