// Whole planes and pictures: bands of rows through the kernels, on several threads.
#pragma once

#include <cstdint>
#include <functional>

#include "edge_sr/model.h"
#include "kernels/kernels.h"

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

// As many low-resolution rows of `width` pixels as the kernel takes at a time, prepared, through the network; of them
// `count` are wanted, each becoming `scale` of `out_rows`. Calls `refused` with the first pixel of each block that a
// guarded kernel refuses; nothing is written there.
void run_rows(const PackedModel& model, const Emission& emission, const void* const* rows, int64_t width, int64_t count,
              void* const* out_rows, const std::function<void(int64_t)>& refused = nullptr);

// Rows of floats on their way to a kernel: the input rows that one step down the image needs, and if the kernel wants
// them so, their transforms. Row r of the image is kept in slot r modulo the number of slots.
class FloatRows {
 public:
  static constexpr int64_t kSlots = 8;  // more than the highest window, of the network or of the cubic kernel

  // Each row has `count` values, the first of them at `offset` read by kernels for the first pixel.
  FloatRows(const PackedModel& model, const Kernels& kernels, int64_t count, int64_t offset);
  int64_t words() const { return pitch_ * (kSlots + 1 + kMaxKernelRows); }
  // Starts in memory of `words()`, all black.
  void start(float* memory);
  // Where to write row r, and where it is read: the black row if it is outside of an image of `height` rows.
  float* row(int64_t r, int64_t height) const;
  // The rows that the kernel reads for the output rows from y on.
  void prepare(int64_t y, int64_t height, const void** rows) const;

 private:
  static constexpr int64_t kMaxKernelRows = 8;
  const PackedModel& model_;
  const Kernels& kernels_;
  int64_t pitch_, offset_;
  float* memory_ = nullptr;
};

// Whether every pixel is in 0 .. peak.
bool within_peak(const Runner& runner, const Plane& plane);

// Luma plane through the network: `to` is `scale` times as high and wide as `from`. Returns how many pixels of `from` a
// guarded kernel refused and the exact one made.
int64_t upscale_plane(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to);

// Interleaved RGB, widths in pixels: luma through the network, chroma by bicubic interpolation, one rounding.
void upscale_rgb(const PackedModel& model, const Runner& runner, const Plane& from, const Plane& to);

// Bicubic (a = -0.5) with reflected edges; `shift` moves the sampling points, in pixels of `from`, to the right:
// chroma that sits on the left of its luma pixels needs 0.25 * (1 - 1 / scale).
void resize_plane(int scale, float shift, const Runner& runner, const Plane& from, const Plane& to);

}  // namespace upres
