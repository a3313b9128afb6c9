// Rows of a tile on their way from pixels to what a kernel reads, prepared as the tile is worked down.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/tiles.h"
#include "edge_sr/arithmetic.h"
#include "edge_sr/minimal.h"
#include "pixels/plane.h"

namespace upres {

class Rows {
 public:
  virtual ~Rows() = default;
  // The rows that the kernel reads for the output rows from y on; y goes down the tile in the kernel's steps.
  virtual void prepare(int64_t y, const void** rows) = 0;
};

template <class Kind>
std::unique_ptr<Rows> make_rows(const PackedModel& model, const Kernels& kernels, const ConstPlane& from,
                                const Tile& tile) {
  return std::make_unique<Kind>(model, kernels, from, tile);
}

// Rows of floats: the input rows that one step down the image needs, and if the kernel wants them so, their transforms.
// Row r of the image is kept in slot r modulo the number of slots.
class FloatRows {
 public:
  static constexpr int64_t kSlots = 8;  // more than the highest window, of the network or of the cubic kernel

  // Each row has `count` values, the first of them at `offset` read by kernels for the first pixel.
  FloatRows(const PackedModel& model, int64_t count, int64_t offset);
  int64_t words() const { return pitch_ * (kSlots + 1 + kMaxKernelRows); }
  // Starts in memory of `words()`, all black.
  void start(float* memory);
  // Where to write row r, and where it is read: the black row if it is outside of an image of `height` rows.
  float* row(int64_t r, int64_t height) const;
  // The rows that the kernel reads for the output rows from y on.
  void prepare(int64_t y, int64_t height, const void** rows) const;

 private:
  static constexpr int64_t kMaxKernelRows = 8;
  const PackedModel& model_;
  int64_t pitch_, offset_;
  float* memory_ = nullptr;
};

// Float rows of a plane's tile, read as the tile is worked down.
class WidenedRows : public Rows {
 public:
  WidenedRows(const PackedModel& model, const Kernels& kernels, const ConstPlane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2), step_(model.kernel.rows),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * pad_), rows_(model, count_, 0) {
    rows_.start(static_cast<float*>(scratch(rows_.words())));
    next_ = std::max<int64_t>(tile.top - pad_, 0);
  }

  void prepare(int64_t y, const void** rows) override {
    for (; next_ < std::min(y + step_ + pad_, from_.height); ++next_) {
      kernels_.widen[from_.pixel](from_.row(next_), from_.width, tile_.left - pad_, count_, from_.limit(),
                                  rows_.row(next_, from_.height));
    }
    rows_.prepare(y, from_.height, rows);
  }

 private:
  const Kernels& kernels_;
  const ConstPlane& from_;
  const Tile& tile_;
  int64_t pad_, step_, count_, next_;
  FloatRows rows_;
};

// The same as pairs of 16-bit integers: two rows in one for all but the last row of the window, which has neighbours.
class PairedRows : public Rows {
 public:
  PairedRows(const PackedModel& model, const Kernels& kernels, const ConstPlane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * pad_ + 1), pitch_(rounded_up(count_, 16)) {
    memory_ = static_cast<int32_t*>(scratch(pitch_ * model.kernel_size));
    for (int64_t r = tile.top - pad_; r < tile.top + pad_; ++r) add(r);
  }

  void prepare(int64_t y, const void** rows) override {
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
  const ConstPlane& from_;
  const Tile& tile_;
  int64_t pad_, count_, pitch_;
  int32_t* memory_;
};

// Rows of 16-bit integers and their transforms in halves (minimal.h).
class HalvedRows : public Rows {
 public:
  HalvedRows(const PackedModel& model, const Kernels& kernels, const ConstPlane& from, const Tile& tile)
      : kernels_(kernels), from_(from), tile_(tile), pad_(model.kernel_size / 2), step_(model.kernel.rows),
        window_(halved_window(model.kernel_size)),
        count_(rounded_up(rounded_up(tile.width(), model.kernel.block) + 2 * pad_ + 1, kVectors)),
        pitch_(rounded_up(count_, 256) + kApart), mirrored_(model.arithmetic->mirrored_only) {
    pairs_ = static_cast<int32_t*>(scratch(kPairRows * pitch_ + (kSlots + 2) * pitch_ / 2));
    black_ = reinterpret_cast<int16_t*>(pairs_ + kPairRows * pitch_);
    std::memset(black_, 0, static_cast<size_t>(pitch_) * sizeof *black_);
    next_ = std::max<int64_t>(tile.top - pad_, 0);
  }

  void prepare(int64_t y, const void** rows) override {
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
  const ConstPlane& from_;
  const Tile& tile_;
  int64_t pad_, step_, window_, count_, pitch_, next_;
  bool mirrored_;
  int32_t* pairs_;
  int16_t* black_;  // followed by the row that `halve` needs, and the slots
};

}  // namespace upres
