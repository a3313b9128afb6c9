// RGB pictures: luma through the network, colour by bicubic interpolation, in bands, one rounding at the end.
#include <algorithm>

#include "base/tiles.h"
#include "edge_sr/minimal.h"
#include "edge_sr/rows.h"
#include "edge_sr/upscale.h"
#include "pixels/cubic.h"

namespace upres {
namespace {

// One tile of an RGB picture on its way through.
class RgbTile {
 public:
  RgbTile(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to, const Tile& tile)
      : model_(model), kernels_(runner.kernels), from_(from), to_(to), tile_(tile), cubic_(model.scale, 0.0),
        pad_(model.kernel_size / 2), reach_(std::max<int64_t>(pad_, kCubicReach)), step_(model.kernel.rows),
        count_(rounded_up(tile.width(), model.kernel.block) + 2 * reach_),
        out_pitch_(rounded_up(tile.width() * model.scale + kSlack, 16)), luma_(model, count_, reach_ - pad_) {
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
      float* inner = row + reach_ - kCubicReach;
      reflect_columns(inner, tile_, from_.width);
      kernels_.stretch(inner, tile_.width(), model_.scale, cubic_.taps, cubic_.first, rows->slot(r));
    }
  }

  // Output row number r of the step that starts at input row y.
  void join(int64_t y, int64_t r) const {
    const float *red[kCubicTaps], *blue[kCubicTaps];
    const int phase = static_cast<int>(r % model_.scale);
    red_.find(cubic_, y + r / model_.scale, phase, red);
    blue_.find(cubic_, y + r / model_.scale, phase, blue);
    char* to = to_.row(y * model_.scale + r) + tile_.left * model_.scale * 3 * pixel_bytes(to_.pixel);
    kernels_.join[to_.pixel](out_ + r * out_pitch_, red, blue, cubic_.taps + phase * kCubicTaps,
                             tile_.width() * model_.scale, to_.peak, to);
  }

  const PackedModel& model_;
  const Kernels& kernels_;
  const ConstPlane& from_;
  const Plane& to_;
  const Tile& tile_;
  Cubic cubic_;
  int64_t pad_, reach_, step_, count_, out_pitch_;
  FloatRows luma_;
  float *red_row_, *blue_row_, *out_;
  StretchedRows red_{nullptr, 0, 1, 1}, blue_{nullptr, 0, 1, 1};
};

}  // namespace

void upscale_rgb(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to) {
  for_each_tile(from.height, from.width, model.kernel.block, model.kernel.rows, runner.threads,
                [&](const Tile& tile) { RgbTile(model, runner, from, to, tile).run(); });
}

}  // namespace upres
