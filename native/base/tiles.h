// How work is cut: tiles few enough columns wide that a window of prepared rows stays in the first-level cache, few
// enough rows high that every thread gets several. Each pixel is computed the same way wherever a cut is.
#pragma once

#include <cstdint>
#include <functional>

namespace upres {

struct Tile {
  int64_t top, bottom, left, right;

  int64_t width() const { return right - left; }
};

// Calls `work` once for each tile of a `height` x `width` plane, on up to `threads` threads. All tiles but the
// rightmost are a multiple of `block` columns wide, all but the lowest a multiple of `step` rows high.
void for_each_tile(int64_t height, int64_t width, int64_t block, int64_t step, int threads,
                   const std::function<void(const Tile&)>& work);

// At least `words` 4-byte words for the calling thread alone, at a multiple of 64 bytes; valid until its next call.
void* scratch(int64_t words);

// Index of row or column `i` when the edges are reflected, the outermost pixel repeated.
int64_t reflected(int64_t i, int64_t length);

inline int64_t rounded_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace upres
