// Whole planes and pictures: bands of rows through the kernels, on several threads.
#pragma once

#include <cstdint>
#include <functional>

#include "edge_sr/arithmetic.h"
#include "kernels/kernels.h"
#include "pixels/plane.h"

namespace upres {

// Where and how the phases of a row go.
struct Emission {
  Emit emit;
  float gain, peak;
};

// As many low-resolution rows of `width` pixels as the kernel takes at a time, prepared, through the network; of them
// `count` are wanted, each becoming `scale` of `out_rows`. Calls `refused` with the first pixel of each block that a
// guarded kernel refuses; nothing is written there.
void run_rows(const PackedModel& model, const Emission& emission, const void* const* rows, int64_t width, int64_t count,
              void* const* out_rows, const std::function<void(int64_t)>& refused = nullptr);

// Luma plane through the network: `to` is `scale` times as high and wide as `from`. Returns how many pixels of `from` a
// guarded kernel refused and the exact one made.
int64_t upscale_plane(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to);

// Interleaved RGB, widths in pixels: luma through the network, chroma by bicubic interpolation, one rounding.
void upscale_rgb(const PackedModel& model, const Runner& runner, const ConstPlane& from, const Plane& to);

}  // namespace upres
