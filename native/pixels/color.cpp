// Colour around the luma network, and chroma planes: bicubic interpolation in bands, one rounding at the end.
#include <algorithm>
#include <cmath>

#include "base/tiles.h"
#include "edge_sr/minimal.h"
#include "edge_sr/upscale.h"

namespace upres {
namespace {

constexpr int kTaps = 4;
constexpr int64_t kReach = 2;   // pixels at each side that the cubic kernel can see
constexpr int64_t kSlots = FloatRows::kSlots;
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
      : model_(model), kernels_(runner.kernels), from_(from), to_(to), tile_(tile), cubic_(model.scale, 0.0),
        pad_(model.kernel_size / 2), reach_(std::max<int64_t>(pad_, kReach)), step_(model.kernel.rows),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * reach_),
        out_pitch_(rounded_up(tile.width() * model.scale + kSlack, 16)),
        luma_(model, runner.kernels, count_, reach_ - pad_) {
    const int64_t row = rounded_up(count_ + kSlack, 16), out = out_pitch_ * model.scale * step_;
    const int64_t stretched = StretchedRows::words(tile.width(), model.scale);
    float* memory = static_cast<float*>(scratch(luma_.words() + 2 * row + out + 2 * stretched));
    luma_.start(memory);
    red_row_ = memory + luma_.words();
    blue_row_ = red_row_ + row;
    out_ = blue_row_ + row;
    red_ = StretchedRows(out_ + out, tile.width(), from.height, model.scale);
    blue_ = StretchedRows(out_ + out + stretched, tile.width(), from.height, model.scale);
  }

  void run() {
    const Emission emission{kernels_.emit[model_.scale][kF32], model_.value_scale * from_.peak, from_.peak};
    int64_t next = std::max<int64_t>(tile_.top - reach_, 0);
    for (int64_t y = tile_.top; y < tile_.bottom; y += step_) {
      for (; next < std::min(y + step_ + reach_, from_.height); ++next) add(next);
      const void* rows[kMaxPoints];
      void* out_rows[kMaxMinimalRows * kMaxScale];
      const int64_t count = std::min(step_, tile_.bottom - y);
      luma_.prepare(y, from_.height, rows);
      for (int64_t r = 0; r < count * model_.scale; ++r) out_rows[r] = out_ + r * out_pitch_;
      run_rows(model_, emission, rows, tile_.width(), count, out_rows);
      for (int64_t r = 0; r < count * model_.scale; ++r) join(y, r);
    }
  }

 private:
  // Rows of luma and of the differences start at column tile.left - reach_.
  void add(int64_t r) {
    const Columns columns(tile_, reach_, from_.width);
    const int64_t offset = columns.begin - tile_.left + reach_;
    const char* from = from_.row(r) + columns.begin * 3 * pixel_bytes(from_.pixel);
    kernels_.split[from_.pixel](from, columns.end - columns.begin, luma_.row(r, from_.height) + offset,
                                red_row_ + offset, blue_row_ + offset);
    for (auto [row, rows] : {std::pair{red_row_, &red_}, std::pair{blue_row_, &blue_}}) {
      float* inner = row + reach_ - kReach;
      reflect_columns(inner, tile_, from_.width);
      kernels_.stretch(inner, tile_.width(), model_.scale, cubic_.taps, cubic_.first, rows->slot(r));
    }
  }

  // Output row number r of the step that starts at input row y.
  void join(int64_t y, int64_t r) const {
    const float *red[kTaps], *blue[kTaps];
    const int phase = static_cast<int>(r % model_.scale);
    red_.find(cubic_, y + r / model_.scale, phase, red);
    blue_.find(cubic_, y + r / model_.scale, phase, blue);
    char* to = to_.row(y * model_.scale + r) + tile_.left * model_.scale * 3 * pixel_bytes(to_.pixel);
    kernels_.join[to_.pixel](out_ + r * out_pitch_, red, blue, cubic_.taps + phase * kTaps,
                             tile_.width() * model_.scale, to_.peak, to);
  }

  const PackedModel& model_;
  const Kernels& kernels_;
  const Plane &from_, &to_;
  const Tile& tile_;
  Cubic cubic_;
  int64_t pad_, reach_, step_, count_, out_pitch_;
  FloatRows luma_;
  float *red_row_, *blue_row_, *out_;
  StretchedRows red_{nullptr, 0, 1, 1}, blue_{nullptr, 0, 1, 1};
};

}  // namespace

void upscale_rgb(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to) {
  for_each_tile(from.height, from.width, model.kernel.block, model.kernel.rows, runner.threads,
                [&](const Tile& tile) { RgbTile(model, runner, from, to, tile).run(); });
}

void resize_plane(int scale, float shift, const Runner& runner, const Plane& from, const Plane& to) {
  const Cubic across(scale, static_cast<double>(shift)), down(scale, 0.0);
  const Kernels& kernels = runner.kernels;
  for_each_tile(from.height, from.width, kernels.lanes, 1, runner.threads, [&](const Tile& tile) {
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
