#include "graph/planes.h"

#include <algorithm>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/pool.h"
#include "base/tiles.h"

namespace upres {
namespace {

constexpr int64_t kLine = 16;                      // floats in a cache line
constexpr int64_t kHugePage = int64_t{1} << 21;    // bytes
constexpr int64_t kTogether = 2 * kHugePage;       // a thread takes so much: two at one page would both make it

int64_t rows_in(const Slot& slot, int64_t height) {
  const int64_t all = slot.level.length(height);
  return slot.rows > 0 ? std::min(slot.rows, all) : all;
}

int64_t floats_in(const Slot& slot, int64_t height, int64_t width) {
  return row_pitch(slot.level.length(width) + 2 * Planes::kBorder, slot.stride) * rows_in(slot, height);
}

}  // namespace

int64_t row_pitch(int64_t width, int64_t stride) {
  constexpr int64_t kPage = 1024, kApart = 3 * kLine;
  const int64_t pitch = rounded_up(width * stride, kLine);
  const int64_t over = pitch % kPage;
  return over < kApart ? pitch + kApart - over : over > kPage - kApart ? pitch + kPage + kApart - over : pitch;
}

int64_t Planes::bytes(const std::vector<Slot>& slots, int64_t height, int64_t width) {
  int64_t floats = 0;
  for (const Slot& slot : slots) floats += floats_in(slot, height, width);
  return floats * 4;
}

void Planes::release() {
  planes_.clear();
  memory_.reset();
  height_ = width_ = capacity_ = 0;
}

void Planes::fit(const std::vector<Slot>& slots, int64_t height, int64_t width, int threads) {
  if (height == height_ && width == width_) return;
  const int64_t needed = rounded_up(bytes(slots, height, width), kHugePage);
  if (needed > capacity_) {
    release();
    memory_.reset(static_cast<float*>(std::aligned_alloc(kHugePage, static_cast<size_t>(needed))));
    if (!memory_) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(memory_.get(), static_cast<size_t>(needed), MADV_HUGEPAGE);  // a third of a network's time by small pages
#endif
    capacity_ = needed;
  }
  planes_.clear();
  float* next = memory_.get();
  for (const Slot& slot : slots) {
    const int64_t columns = slot.level.length(width), rows = rows_in(slot, height);
    const int64_t pitch = row_pitch(columns + 2 * kBorder, slot.stride);
    planes_.push_back({next + kBorder * slot.stride, pitch, rows, columns, slot.stride});
    next += floats_in(slot, height, width);
  }
  for (const Plane& plane : planes_) plane.clear_borders(threads);
  height_ = height;
  width_ = width;
}

void Planes::Plane::clear_borders(int threads) const {
  const int64_t border = kBorder * stride, together = std::max<int64_t>(kTogether / (pitch * 4), 1);
  run_parallel(static_cast<int>((rows + together - 1) / together), threads, [&](int block) {
    for (int64_t y = block * together; y < std::min((block + 1) * together, rows); ++y) {
      float* const row = origin + y * pitch;
      std::fill(row - border, row, 0.0f);
      std::fill(row + columns * stride, row + pitch - border, 0.0f);
    }
  });
}

}  // namespace upres
