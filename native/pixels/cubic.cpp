#include "pixels/cubic.h"

#include <cmath>

namespace upres {
namespace {

double cubic(double x) {
  x = std::abs(x);
  if (x <= 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  if (x < 2.0) return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return 0.0;
}

}  // namespace

Cubic::Cubic(int scale, double shift) {
  for (int p = 0; p < scale; ++p) {
    const double at = (p + 0.5) / scale - 0.5 + shift;
    const double base = std::floor(at) - 1.0;
    first[p] = static_cast<int>(base) + static_cast<int>(kCubicReach);
    for (int t = 0; t < kCubicTaps; ++t) taps[p * kCubicTaps + t] = static_cast<float>(cubic(at - base - t));
  }
}

void reflect_columns(float* row, const Tile& tile, int64_t width) {
  const int64_t origin = tile.left - kCubicReach;
  for (int64_t x = origin; x < 0; ++x) row[x - origin] = row[reflected(x, width) - origin];
  for (int64_t x = width; x < tile.right + kCubicReach; ++x) row[x - origin] = row[reflected(x, width) - origin];
}

void resize_plane(int scale, float shift_right, float shift_down, const Runner& runner, const ConstPlane& from,
                  const Plane& to) {
  const Cubic across(scale, static_cast<double>(shift_right)), down(scale, static_cast<double>(shift_down));
  const Kernels& kernels = runner.kernels;
  for_each_tile(from.height, from.width, kernels.lanes, 1, runner.threads, [&](const Tile& tile) {
    const int64_t row_words = rounded_up(tile.width() + 2 * kCubicReach + kSlack, 16);
    float* row = static_cast<float*>(scratch(row_words + StretchedRows::words(tile.width(), scale)));
    const StretchedRows rows(row + row_words, tile.width(), from.height, scale);
    const Columns columns(tile, kCubicReach, from.width);
    int64_t next = std::max<int64_t>(tile.top - kCubicReach, 0);
    for (int64_t y = tile.top; y < tile.bottom; ++y) {
      for (; next <= std::min(y + kCubicReach, from.height - 1); ++next) {
        kernels.widen[from.pixel](from.row(next), from.width, columns.begin, columns.end - columns.begin, from.limit(),
                                  row + (columns.begin - tile.left + kCubicReach));
        reflect_columns(row, tile, from.width);
        kernels.stretch(row, tile.width(), scale, across.taps, across.first, rows.slot(next));
      }
      for (int r = 0; r < scale; ++r) {
        const float* taps[kCubicTaps];
        rows.find(down, y, r, taps);
        char* out = to.row(y * scale + r) + tile.left * scale * pixel_bytes(to.pixel);
        kernels.blend[to.pixel](taps, down.taps + r * kCubicTaps, tile.width() * scale, to.peak, out);
      }
    }
  });
}

}  // namespace upres
