// Whole planes and pictures: bands of rows through the kernels, on several threads.
#pragma once

#include <cstdint>

#include "kernels.h"
#include "model.h"

namespace upres {

// Far beyond any picture, and the largest key that can come of it is still finite.
constexpr float kFloatLimit = 1099511627776.0f;  // 2^40

// Rows of pixels in memory; pixels of a row are next to each other, rows `stride` bytes apart.
struct Plane {
  void* data;
  Pixel pixel;
  int64_t height, width, stride;
  float peak;  // the value that means white

  float limit() const { return pixel == kF32 ? kFloatLimit : peak; }
  char* row(int64_t y) const { return static_cast<char*>(data) + y * stride; }
};

struct Runner {
  const Kernels& kernels;
  int threads;
};

// Where and how the phases of a row go.
struct Emission {
  Emit emit;
  float gain, peak;
};

// One prepared low-resolution row of `width` pixels through the network, to `scale` output rows.
void run_row(const PackedModel& model, const Emission& emission, const void* const* rows, int64_t width,
             void* const* out_rows);

// Whether every pixel is in 0 .. peak.
bool within_peak(const Runner& runner, const Plane& plane);

// Luma plane through the network: `to` is `scale` times as high and wide as `from`.
void upscale_plane(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to);

// Interleaved RGB, widths in pixels: luma through the network, chroma by bicubic interpolation, one rounding.
void upscale_rgb(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to);

// Bicubic (a = -0.5) with reflected edges; `shift` moves the sampling points, in pixels of `from`, to the right:
// chroma that sits on the left of its luma pixels needs 0.25 * (1 - 1 / scale).
void resize_plane(int scale, float shift, const Runner& runner, const Plane& from, const Plane& to);

}  // namespace upres
