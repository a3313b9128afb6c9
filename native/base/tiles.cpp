#include "base/tiles.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/pool.h"

namespace upres {
namespace {

constexpr int64_t kTileWidth = 1024;
constexpr int64_t kMaxTileHeight = 32, kMinTileHeight = 4;
constexpr int64_t kTilesPerThread = 6;
constexpr size_t kCacheLine = 64;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

}  // namespace

void for_each_tile(int64_t height, int64_t width, int64_t block, int64_t step, int threads,
                   const std::function<void(const Tile&)>& work) {
  if (height <= 0 || width <= 0) return;
  const int64_t columns = (width + kTileWidth - 1) / kTileWidth;
  const int64_t tile_width = rounded_up((width + columns - 1) / columns, block);
  const int64_t across = (width + tile_width - 1) / tile_width;
  const int64_t unit = rounded_up(kMinTileHeight, step);
  const int64_t wanted = rounded_up(height * across / (threads * kTilesPerThread), unit);
  const int64_t tile_height = std::clamp(wanted, unit, kMaxTileHeight / unit * unit);
  const int64_t down = (height + tile_height - 1) / tile_height;
  run_parallel(static_cast<int>(across * down), threads, [&](int number) {
    const int64_t top = number / across * tile_height, left = number % across * tile_width;
    work({top, std::min(top + tile_height, height), left, std::min(left + tile_width, width)});
  });
}

void* scratch(int64_t words) {
  thread_local std::unique_ptr<void, Free> memory;
  thread_local size_t capacity = 0;
  const size_t bytes = static_cast<size_t>(rounded_up(words * 4, static_cast<int64_t>(kCacheLine)));
  if (bytes > capacity) {
    capacity = 0;
    memory.reset(std::aligned_alloc(kCacheLine, bytes));
    if (!memory) throw std::bad_alloc();
    capacity = bytes;
  }
  return memory.get();
}

int64_t reflected(int64_t i, int64_t length) {
  const int64_t period = 2 * length;
  i = ((i % period) + period) % period;
  return i < length ? i : period - 1 - i;
}

}  // namespace upres
