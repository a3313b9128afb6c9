// Memory for maps between passes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "graph/plan.h"

namespace upres {

// Floats between rows of `width` pixels that lie `stride` apart: a multiple of a cache line, and not of 4096 bytes, at
// which rows above each other would take the same few places of a cache.
int64_t row_pitch(int64_t width, int64_t stride);

// Maps of a picture, with columns of zeros at both sides.
class Planes {
 public:
  // Makes room for pictures of `height` x `width` at scale 1. What lies beside the picture is zero from then on. Each
  // page of new memory is touched, by several threads at once: a system may take as long for that as a network to run.
  void fit(const std::vector<Slot>& slots, int64_t height, int64_t width, int threads);

  // Gives the room back; `fit` makes it anew.
  void release();

  // Channel 0 of a pixel; columns from -kBorder to width + kBorder exist.
  float* at(int slot, int64_t row, int64_t column) const {
    const Plane& plane = planes_[static_cast<size_t>(slot)];
    return plane.origin + row % plane.rows * plane.pitch + column * plane.stride;
  }

  static int64_t bytes(const std::vector<Slot>& slots, int64_t height, int64_t width);

  static constexpr int64_t kBorder = 8;

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  struct Plane {
    float* origin;  // the picture's first pixel
    int64_t pitch, rows, columns;
    int stride;

    void clear_borders(int threads) const;
  };

  std::unique_ptr<float, Free> memory_;
  int64_t capacity_ = 0, height_ = 0, width_ = 0;
  std::vector<Plane> planes_;
};

}  // namespace upres
