// Colour and chroma planes against plain loops.
#include <cmath>

#include "edge_sr/upscale.h"
#include "pixels/cubic.h"
#include "tests/check.h"
#include "tests/reference.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

constexpr double kRedLuma = 0.299, kGreenLuma = 0.587, kBlueLuma = 0.114;

// RGB to YCbCr, luma through the network, chroma through bicubic, back, all in units of the input.
Image picture_by_loops(const Network& network, const std::vector<uint8_t>& rgb, int64_t height, int64_t width) {
  Image luma, blue, red;
  for (size_t i = 0; i < rgb.size(); i += 3) {
    const double y = kRedLuma * rgb[i] + kGreenLuma * rgb[i + 1] + kBlueLuma * rgb[i + 2];
    luma.push_back(y / 255.0);
    blue.push_back((rgb[i + 2] - y) / 1.772);
    red.push_back((rgb[i] - y) / 1.402);
  }
  luma = network_by_loops(network, luma, height, width);
  blue = cubic_by_loops(blue, height, width, network.scale, 0.0, 0.0);
  red = cubic_by_loops(red, height, width, network.scale, 0.0, 0.0);
  Image out;
  for (size_t i = 0; i < luma.size(); ++i) {
    const double y = luma[i] * 255.0, r = y + 1.402 * red[i], b = y + 1.772 * blue[i];
    out.insert(out.end(), {r, (y - kRedLuma * r - kBlueLuma * b) / kGreenLuma, b});
  }
  return out;
}

void check_picture(const Kernels& kernels, int scale, int kernel_size, int64_t height, int64_t width) {
  const Network network = make_network(kTm, scale, kernel_size, 2, 2.0, 5);
  std::vector<uint8_t> rgb;
  for (double value : noise(3 * height * width, false, 6)) rgb.push_back(static_cast<uint8_t>(value * 255.0));
  std::vector<uint8_t> out(rgb.size() * static_cast<size_t>(scale * scale));
  const ConstPlane from{rgb.data(), kU8, height, width, 3 * width, 255.0f};
  const Plane to{out.data(), kU8, height * scale, width * scale, 3 * width * scale, 255.0f};
  const Image expected = picture_by_loops(network, rgb, height, width);
  for (const Arithmetic& arithmetic : arithmetics()) {
    if (arithmetic.integers_only) continue;
    upscale_rgb(pack(network, kernels, arithmetic, 255.0f), {kernels, 2}, from, to);
    for (size_t i = 0; i < out.size(); ++i) {
      const double off = std::abs(out[i] - clamp_and_round(expected[i], 255.0));
      check(off <= 1.0, "%s %s: %dx%d picture x%d is off by %g", kernels.name, arithmetic.name,
            static_cast<int>(height), static_cast<int>(width), scale, off);
    }
  }
}

void check_chroma(const Kernels& kernels, int scale, float right, float down, int64_t height, int64_t width) {
  const Image plane = noise(height * width, false, 7);
  const Image expected = cubic_by_loops(plane, height, width, scale, static_cast<double>(right),
                                        static_cast<double>(down));
  std::vector<float> in(plane.begin(), plane.end()), out(expected.size());
  const ConstPlane from{in.data(), kF32, height, width, 4 * width, 1.0f};
  const Plane to{out.data(), kF32, height * scale, width * scale, 4 * width * scale, 1.0f};
  resize_plane(scale, right, down, {kernels, 2}, from, to);
  for (size_t i = 0; i < out.size(); ++i) {
    const double off = std::abs(static_cast<double>(out[i]) - expected[i]);
    check(off < 2e-6, "%s: %dx%d chroma x%d is off by %g", kernels.name, static_cast<int>(height),
          static_cast<int>(width), scale, off);
  }
}

}  // namespace

void test_color(const Kernels& kernels) {
  for (int scale = kMinScale; scale <= kMaxScale; ++scale) {
    for (auto [height, width] : {std::pair{1, 1}, {2, 1}, {1, 2}, {9, 35}, {35, 4}}) {
      check_picture(kernels, scale, 3, height, width);
      check_picture(kernels, scale, 7, height, width);
      const float sited = 0.25f - 0.25f / static_cast<float>(scale);
      check_chroma(kernels, scale, 0.0f, 0.0f, height, width);
      check_chroma(kernels, scale, sited, 0.0f, height, width);
      check_chroma(kernels, scale, sited, sited, height, width);
    }
  }
  check_picture(kernels, 2, 5, 3, 1040);
  check_chroma(kernels, 2, 0.0f, 0.0f, 3, 1040);
}

}  // namespace upres::test
