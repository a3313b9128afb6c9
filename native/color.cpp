// Colour around the luma network, and chroma planes: bicubic interpolation in bands, one rounding at the end.
#include <algorithm>
#include <cmath>

#include "tiles.h"
#include "upscale.h"

namespace upres {
namespace {

constexpr int kTaps = 4;
constexpr int64_t kReach = 2;   // pixels at each side that the cubic kernel can see
constexpr int64_t kSlots = 8;   // rows kept: more than the highest window of network or cubic kernel
constexpr int64_t kSlack = 16;  // values that a vector may read or write beyond a row

double cubic(double x) {
  x = std::abs(x);
  if (x <= 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  if (x < 2.0) return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return 0.0;
}

// Where output number p of each period is sampled, and the weights of the four pixels from `first` on.
struct Cubic {
  float taps[kMaxScale * kTaps];
  int first[kMaxScale];  // relative to the pixel of the period, minus kReach

  Cubic(int scale, double shift) {
    for (int p = 0; p < scale; ++p) {
      const double at = (p + 0.5) / scale - 0.5 + shift;
      const double base = std::floor(at) - 1.0;
      first[p] = static_cast<int>(base) + static_cast<int>(kReach);
      for (int t = 0; t < kTaps; ++t) taps[p * kTaps + t] = static_cast<float>(cubic(at - base - t));
    }
  }
};

// Stretched rows of one plane of a tile, the last few of them.
class StretchedRows {
 public:
  static int64_t words(int64_t width, int scale) { return rounded_up(width * scale + kSlack, 16) * kSlots; }

  StretchedRows(float* memory, int64_t width, int64_t height, int scale)
      : memory_(memory), pitch_(rounded_up(width * scale + kSlack, 16)), height_(height) {}

  float* slot(int64_t r) const { return memory_ + r % kSlots * pitch_; }

  // The four rows that output row number p of input row y is made of.
  void find(const Cubic& cubic, int64_t y, int p, const float** rows) const {
    for (int t = 0; t < kTaps; ++t) rows[t] = slot(reflected(y + cubic.first[p] - kReach + t, height_));
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

// Fills the reflected columns of `row`, in which index 0 is column tile.left - kReach.
void reflect_columns(float* row, const Tile& tile, int64_t width) {
  const int64_t origin = tile.left - kReach;
  for (int64_t x = origin; x < 0; ++x) row[x - origin] = row[reflected(x, width) - origin];
  for (int64_t x = width; x < tile.right + kReach; ++x) row[x - origin] = row[reflected(x, width) - origin];
}

// One tile of an RGB picture on its way through.
class RgbTile {
 public:
  RgbTile(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to, const Tile& tile)
      : model_(model), kernels_(runner.kernels), from_(from), to_(to), tile_(tile), cubic_(model.scale, 0.0) {
    pad_ = model.kernel_size / 2;
    reach_ = std::max<int64_t>(pad_, kReach);
    luma_pitch_ = rounded_up(rounded_up(tile.width(), model.kernel.block) + 2 * reach_ + kSlack, 16);
    out_pitch_ = rounded_up(tile.width() * model.scale + kSlack, 16);
    const int64_t chroma = StretchedRows::words(tile.width(), model.scale);
    const int64_t luma = luma_pitch_ * (kSlots + 1), out = out_pitch_ * model.scale;
    float* memory = static_cast<float*>(scratch(luma + 2 * luma_pitch_ + out + 2 * chroma));
    std::fill(memory, memory + luma, 0.0f);
    luma_ = memory;
    blue_row_ = memory + luma;
    red_row_ = blue_row_ + luma_pitch_;
    out_ = red_row_ + luma_pitch_;
    blue_ = StretchedRows(out_ + out, tile.width(), from.height, model.scale);
    red_ = StretchedRows(out_ + out + chroma, tile.width(), from.height, model.scale);
  }

  void run() {
    const Emission emission{kernels_.emit[model_.scale][kF32], model_.value_scale * from_.peak, from_.peak};
    int64_t next = std::max<int64_t>(tile_.top - reach_, 0);
    for (int64_t y = tile_.top; y < tile_.bottom; ++y) {
      for (; next <= std::min(y + reach_, from_.height - 1); ++next) add(next);
      const void* rows[kMaxKernelSize];
      void* out_rows[kMaxScale];
      for (int t = 0; t < model_.kernel_size; ++t) rows[t] = luma(y - pad_ + t) + reach_ - pad_;
      for (int r = 0; r < model_.scale; ++r) out_rows[r] = out_ + r * out_pitch_;
      run_row(model_, emission, rows, tile_.width(), out_rows);
      for (int r = 0; r < model_.scale; ++r) join(y, r);
    }
  }

 private:
  // Index 0 of a luma row is column tile.left - reach_. Row kSlots stays black for what is outside the image.
  float* luma(int64_t r) const {
    const bool inside = r >= 0 && r < from_.height;
    return luma_ + (inside ? r % kSlots : kSlots) * luma_pitch_;
  }

  void add(int64_t r) {
    const Columns columns(tile_, reach_, from_.width);
    const int64_t offset = columns.begin - tile_.left + reach_;
    const char* from = from_.row(r) + columns.begin * 3 * pixel_bytes(from_.pixel);
    kernels_.split[from_.pixel](from, columns.end - columns.begin, luma(r) + offset, red_row_ + offset,
                                blue_row_ + offset);
    for (auto [row, rows] : {std::pair{red_row_, &red_}, std::pair{blue_row_, &blue_}}) {
      float* chroma = row + reach_ - kReach;
      reflect_columns(chroma, tile_, from_.width);
      kernels_.stretch(chroma, tile_.width(), model_.scale, cubic_.taps, cubic_.first, rows->slot(r));
    }
  }

  void join(int64_t y, int r) const {
    const float *red[kTaps], *blue[kTaps];
    red_.find(cubic_, y, r, red);
    blue_.find(cubic_, y, r, blue);
    char* to = to_.row(y * model_.scale + r) + tile_.left * model_.scale * 3 * pixel_bytes(to_.pixel);
    kernels_.join[to_.pixel](out_ + r * out_pitch_, red, blue, cubic_.taps + r * kTaps, tile_.width() * model_.scale,
                             to_.peak, to);
  }

  const PackedModel& model_;
  const Kernels& kernels_;
  const Plane &from_, &to_;
  const Tile& tile_;
  Cubic cubic_;
  int64_t pad_, reach_, luma_pitch_, out_pitch_;
  float *luma_, *blue_row_, *red_row_, *out_;
  StretchedRows blue_{nullptr, 0, 1, 1}, red_{nullptr, 0, 1, 1};
};

}  // namespace

void upscale_rgb(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to) {
  for_each_tile(from.height, from.width, model.kernel.block, runner.threads,
                [&](const Tile& tile) { RgbTile(model, runner, from, to, tile).run(); });
}

void resize_plane(int scale, float shift, const Runner& runner, const Plane& from, const Plane& to) {
  const Cubic across(scale, static_cast<double>(shift)), down(scale, 0.0);
  const Kernels& kernels = runner.kernels;
  for_each_tile(from.height, from.width, kernels.lanes, runner.threads, [&](const Tile& tile) {
    const int64_t row_words = rounded_up(tile.width() + 2 * kReach + kSlack, 16);
    float* row = static_cast<float*>(scratch(row_words + StretchedRows::words(tile.width(), scale)));
    const StretchedRows rows(row + row_words, tile.width(), from.height, scale);
    const Columns columns(tile, kReach, from.width);
    int64_t next = std::max<int64_t>(tile.top - kReach, 0);
    for (int64_t y = tile.top; y < tile.bottom; ++y) {
      for (; next <= std::min(y + kReach, from.height - 1); ++next) {
        kernels.widen[from.pixel](from.row(next), from.width, columns.begin, columns.end - columns.begin, from.limit(),
                                  row + (columns.begin - tile.left + kReach));
        reflect_columns(row, tile, from.width);
        kernels.stretch(row, tile.width(), scale, across.taps, across.first, rows.slot(next));
      }
      for (int r = 0; r < scale; ++r) {
        const float* taps[kTaps];
        rows.find(down, y, r, taps);
        char* out = to.row(y * scale + r) + tile.left * scale * pixel_bytes(to.pixel);
        kernels.blend[to.pixel](taps, down.taps + r * kTaps, tile.width() * scale, to.peak, out);
      }
    }
  });
}

}  // namespace upres
