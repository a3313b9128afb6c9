// Planes and pictures where they lie in memory, and what works on them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/kernels.h"

namespace upres {

// Far beyond any picture, and the largest key that can come of it is still finite.
constexpr float kFloatLimit = 1099511627776.0f;  // 2^40

// Rows of pixels; pixels of a row are next to each other, rows `stride` bytes apart.
template <class Void>
struct PlaneOf {
  using Byte = std::conditional_t<std::is_const_v<Void>, const char, char>;

  Void* data;
  Pixel pixel;
  int64_t height, width, stride;
  float peak;  // the value that means white

  float limit() const { return pixel == kF32 ? kFloatLimit : peak; }
  Byte* row(int64_t y) const { return static_cast<Byte*>(data) + y * stride; }
};

using Plane = PlaneOf<void>;
using ConstPlane = PlaneOf<const void>;

struct Runner {
  const Kernels& kernels;
  int threads;
};

// Whether every pixel is in 0 .. peak, as integers are once they are clamped on their way in.
bool within_peak(const Runner& runner, const ConstPlane& plane);

}  // namespace upres
