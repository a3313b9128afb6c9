#include "edge_sr/upscale.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/tiles.h"
#include "edge_sr/minimal.h"
#include "edge_sr/rows.h"

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

namespace {

// Returns the number of pixels that had to be made again.
int64_t upscale_tile(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to,
                     const Tile& tile) {
  const Emission emission{runner.kernels.emit[model.scale][to.pixel], model.value_scale * to.peak, to.peak};
  const std::unique_ptr<Rows> prepared = model.arithmetic->rows(model, runner.kernels, from, tile);
  const int64_t left = tile.left * model.scale * pixel_bytes(to.pixel), step = model.kernel.rows;
  std::vector<Tile> again;
  for (int64_t y = tile.top; y < tile.bottom; y += step) {
    const void* rows[kMaxPoints];
    void* out_rows[kMaxMinimalRows * kMaxScale];
    const int64_t count = std::min(step, tile.bottom - y);
    prepared->prepare(y, rows);
    for (int64_t r = 0; r < count * model.scale; ++r) out_rows[r] = to.row(y * model.scale + r) + left;
    run_rows(model, emission, rows, tile.width(), count, out_rows, [&](int64_t x) {
      const int64_t block = tile.left + x, end = std::min(block + model.kernel.block, tile.right);
      const bool follows = !again.empty() && again.back().top == y;  // the last block of a row may overlap
      again.push_back({y, y + count, follows ? std::max(block, again.back().right) : block, end});
    });
  }
  int64_t pixels = 0;
  for (const Tile& block : again) {
    upscale_tile(*model.exact, runner, from, to, block);
    pixels += block.width() * (block.bottom - block.top);
  }
  return pixels;
}

}  // namespace

int64_t upscale_plane(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to) {
  std::atomic<int64_t> refused{0};
  for_each_tile(from.height, from.width, model.kernel.block, model.kernel.rows, runner.threads,
                [&](const Tile& tile) { refused += upscale_tile(model, runner, from, to, tile); });
  return refused;
}

}  // namespace upres
