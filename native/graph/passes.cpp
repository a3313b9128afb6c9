#include "graph/passes.h"

#include <algorithm>
#include <vector>

#include "base/pool.h"
#include "base/tiles.h"

namespace upres {
namespace {

constexpr int64_t kLeastBand = 32;  // rows; each band warms up again
constexpr int kTasksPerThread = 2;

std::vector<Span> cut(Span whole, int64_t count) {
  std::vector<Span> parts;
  const int64_t tiles = (whole.length() + kTileRows - 1) / kTileRows;
  const auto end = [&](int64_t i) { return std::min(whole.begin + tiles * i / count * kTileRows, whole.end); };
  for (int64_t i = 0; i < count; ++i) parts.push_back({end(i), end(i + 1)});
  return parts;
}

// Rows of a coarser map, one by one.
void run_reduction(const Frame& frame, const Operation& operation, Span rows, int threads) {
  const int64_t columns = operation.level.reduced(operation.windows).length(frame.width);
  const auto slot = [&](int map) { return frame.plan.slot_of_map[static_cast<size_t>(map)]; };
  const int side = operation.windows.side, stride = operation.windows.stride;
  const Map& map = frame.graph.maps()[static_cast<size_t>(operation.inputs[0])];
  const ConvWeights weights{operation.taps.data(), operation.bias.data(), side, 1, {map.channels}, {map.stride},
                            map.channels, operation.outputs, nullptr};
  run_parallel(static_cast<int>(rows.length()), threads, [&](int row) {
    const int64_t y = rows.begin + row;
    const float* from[kMaxWindow];
    for (int i = 0; i < side; ++i) from[i] = frame.planes.at(slot(operation.inputs[0]), y * stride + i, 0);
    (frame.kernels.conv->*operation.reduce)(
        weights, {from, side, stride, columns, frame.planes.at(slot(operation.map), y, 0)});
  });
}

}  // namespace

void load_pictures(const Graph& graph, const Plan& plan, const Planes& planes, const float* from, Span rows,
                   int64_t width, int threads) {
  const int side = graph.unshuffle();
  const int64_t height = rows.length() * side, columns = width * side;
  run_parallel(static_cast<int>(rows.length()), threads, [&](int row) {
    for (const PictureMap& picture : graph.pictures()) {
      const int64_t stride = graph.maps()[static_cast<size_t>(picture.map)].stride;
      float* const first = planes.at(plan.slot_of_map[static_cast<size_t>(picture.map)], rows.begin + row, 0);
      std::fill(first, first + width * stride, 0.0f);
      int64_t channel = 0;
      for (int color = 0; color < graph.colors(); ++color) {
        const float factor = picture.factor[static_cast<size_t>(color)];
        const float summand = picture.summand[static_cast<size_t>(color)];
        for (int i = 0; i < side; ++i)
          for (int j = 0; j < side; ++j, ++channel) {
            const float* pixel = from + (color * height + int64_t{row} * side + i) * columns + j;
            for (int64_t x = 0; x < width; ++x) first[x * stride + channel] = pixel[x * side] * factor + summand;
          }
      }
    }
  });
}

void run_pass(const Frame& frame, const Pass& pass, Span rows, int threads, int64_t bands) {
  const Operation& first = frame.graph.operations()[static_cast<size_t>(pass.stages[0].operation)];
  if (first.is_barrier()) return run_reduction(frame, first, rows, threads);
  const int64_t height = rows.length(), width = pass.level.length(frame.width);
  int64_t across = (width + pass.strip - 1) / pass.strip;
  if (across > threads) across = rounded_up(across, threads);  // so that none has one strip less to do
  const std::vector<Span> strips = cut({0, width}, across);
  if (threads > 1) bands = std::max(bands, std::min((threads * kTasksPerThread + across - 1) / across, height / kLeastBand));
  const std::vector<Span> parts = cut(rows, std::clamp<int64_t>(bands, 1, (height + kTileRows - 1) / kTileRows));
  run_parallel(static_cast<int>(strips.size() * parts.size()), threads, [&](int number) {
    const auto task = static_cast<size_t>(number);
    run_task(frame, pass, strips[task % strips.size()], parts[task / strips.size()]);
  });
}

}  // namespace upres
