#include "pixels/plane.h"

#include <atomic>

#include "base/tiles.h"

namespace upres {

bool within_peak(const Runner& runner, const ConstPlane& plane) {
  if (plane.pixel != kF32) return true;
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

}  // namespace upres
