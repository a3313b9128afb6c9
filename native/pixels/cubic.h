// Bicubic interpolation of planes by a whole factor, edges reflected: chroma, and the colour around a luma network.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/tiles.h"
#include "kernels/kernels.h"
#include "pixels/plane.h"

namespace upres {

constexpr int kCubicTaps = 4;
constexpr int64_t kCubicReach = 2;  // pixels at each side that the cubic kernel can see
constexpr int64_t kSlack = 16;      // values that a vector may read or write beyond a row

// Where output number p of each period is sampled, and the weights of the four pixels from `first` on.
struct Cubic {
  float taps[kMaxScale * kCubicTaps];
  int first[kMaxScale];  // relative to the pixel of the period, minus kCubicReach

  Cubic(int scale, double shift);
};

// Stretched rows of one plane of a tile, the last few of them.
class StretchedRows {
 public:
  static constexpr int64_t kSlots = 8;  // more than the taps and the rows that any kernel is ahead of them

  static int64_t words(int64_t width, int scale) { return rounded_up(width * scale + kSlack, 16) * kSlots; }

  StretchedRows(float* memory, int64_t width, int64_t height, int scale)
      : memory_(memory), pitch_(rounded_up(width * scale + kSlack, 16)), height_(height) {}

  float* slot(int64_t r) const { return memory_ + r % kSlots * pitch_; }

  // The four rows that output row number p of input row y is made of.
  void find(const Cubic& cubic, int64_t y, int p, const float** rows) const {
    for (int t = 0; t < kCubicTaps; ++t) rows[t] = slot(reflected(y + cubic.first[p] - kCubicReach + t, height_));
  }

 private:
  float* memory_;
  int64_t pitch_, height_;
};

// Columns of a row that a tile reads, cut to the image: [begin, end).
struct Columns {
  int64_t begin, end;
  Columns(const Tile& tile, int64_t reach, int64_t width)
      : begin(std::max<int64_t>(tile.left - reach, 0)), end(std::min(tile.right + reach, width)) {}
};

// Fills the reflected columns of `row`, in which index 0 is column tile.left - kCubicReach.
void reflect_columns(float* row, const Tile& tile, int64_t width);

// Bicubic (a = -0.5) with reflected edges. The shifts move the sampling points, in pixels of `from`: chroma that sits on
// the left of its luma pixels needs 0.25 * (1 - 1 / scale) to the right, chroma above their middle the same down.
void resize_plane(int scale, float shift_right, float shift_down, const Runner& runner, const ConstPlane& from,
                  const Plane& to);

}  // namespace upres
