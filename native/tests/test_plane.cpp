// Planes through every kernel of the table, against plain loops. Buffers are exactly as large as their planes, so that
// the sanitizers see any step beyond.
#include <cmath>
#include <string>

#include "edge_sr/upscale.h"
#include "tests/check.h"
#include "tests/reference.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

struct Case {
  Network network;
  int64_t height, width;
  double key_spread;
  Image pixels;    // whole levels of 0 .. 255
  Image expected;  // 0 .. 1
};

Case make_case(Family family, int scale, int kernel_size, int channels, int64_t height, int64_t width, bool binary,
               double key_spread = 3.0) {
  const auto seed = static_cast<unsigned>(height * 1000 + width + channels);
  const Network network = mirrored(make_network(family, scale, kernel_size, channels, key_spread, seed));
  Case made{network, height, width, key_spread, {}, {}};
  made.pixels = noise(height * width, binary, seed);
  for (double& p : made.pixels) p = std::round(p * 255.0);
  Image unit = made.pixels;
  for (double& p : unit) p /= 255.0;
  made.expected = network_by_loops(made.network, unit, height, width);
  return made;
}

// One plane of `T` through the kernels; rows of the output are `gap` pixels apart, which must stay untouched.
template <class T>
std::vector<T> run(const Case& c, const Kernels& kernels, Pixel pixel, const Arithmetic& arithmetic, float peak,
                   int threads) {
  constexpr int64_t kGap = 3;
  std::vector<T> from(c.pixels.size());
  for (size_t i = 0; i < from.size(); ++i) {
    from[i] = static_cast<T>(pixel == kF32 ? static_cast<float>(c.pixels[i] / 255.0) : static_cast<float>(c.pixels[i]));
  }
  const int64_t out_height = c.height * c.network.scale, out_width = c.width * c.network.scale;
  const int64_t stride = out_width + kGap, bytes = pixel_bytes(pixel);
  std::vector<T> to(static_cast<size_t>(out_height * stride - kGap), T{7});
  const ConstPlane source{from.data(), pixel, c.height, c.width, c.width * bytes, peak};
  const Plane target{to.data(), pixel, out_height, out_width, stride * bytes, peak};
  const Runner runner{kernels, threads};
  check(within_peak(runner, source), "a plane is not within its own range");
  const PackedModel model = pack(c.network, kernels, arithmetic, peak);
  upscale_plane(model, runner, source, target);
  std::vector<T> packed;
  for (int64_t y = 0; y < out_height; ++y) {
    for (int64_t x = 0; x < stride && y * stride + x < static_cast<int64_t>(to.size()); ++x) {
      const T value = to[static_cast<size_t>(y * stride + x)];
      if (x < out_width) packed.push_back(value);
      check(x < out_width || value == T{7}, "wrote beyond row %d", static_cast<int>(y));
    }
  }
  return packed;
}

template <class T>
double worst(const std::vector<T>& result, const Image& expected, double peak) {
  double largest = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value = static_cast<double>(result[i]);
    const double wanted = peak > 1.0 ? clamp_and_round(expected[i] * peak, peak) : expected[i];
    check(std::isfinite(value), "not a number at %d", static_cast<int>(i));
    largest = std::fmax(largest, std::abs(value - wanted));
  }
  return largest;
}

void check_case(const Case& c, const Kernels& kernels) {
  const Network& n = c.network;
  for (const Arithmetic& arithmetic : arithmetics()) {
    if (!exists(arithmetic, n, kernels)) continue;
    const bool nearly = !arithmetic.integers_only && !arithmetic.any_value;
    if (nearly && c.key_spread >= 10.0) continue;  // very large keys need all of float32's digits
    const std::string name = std::string(kernels.name) + " " + arithmetic.name + " family " + std::to_string(n.family) +
                             " x" + std::to_string(n.scale) + " K" + std::to_string(n.kernel_size) + " C" +
                             std::to_string(n.channels) + " " + std::to_string(c.height) + "x" + std::to_string(c.width);
    if (!arithmetic.integers_only) {
      const double off = worst(run<float>(c, kernels, kF32, arithmetic, 1.0f, 2), c.expected, 1.0);
      check(off < (nearly ? 5e-5 : 1e-5), "%s: float32 is off by %g", name.c_str(), off);
    }
    const auto bytes = run<uint8_t>(c, kernels, kU8, arithmetic, 255.0f, 2);
    check(worst(bytes, c.expected, 255.0) <= 1.0, "%s: uint8 is off", name.c_str());
    const auto wide = run<uint16_t>(c, kernels, kU16, arithmetic, 255.0f, 1);
    check(std::equal(wide.begin(), wide.end(), bytes.begin()), "%s: uint16 differs from uint8", name.c_str());
  }
}

}  // namespace

void test_planes(const Kernels& kernels) {
  for (Family family : {kMax, kTm, kTr}) {
    for (int scale = kMinScale; scale <= kMaxScale; ++scale) {
      check_case(make_case(family, scale, 5, 4, 5, 37, false), kernels);
      check_case(make_case(family, scale, 3, 3, 1, 1, false), kernels);
    }
    for (int kernel_size : {3, 5, 7})
      for (int channels : {1, 2, 4, 6, 8}) check_case(make_case(family, 2, kernel_size, channels, 3, 100, true), kernels);
    check_case(make_case(family, 2, 3, 2, 40, 3, false), kernels);
    check_case(make_case(family, 2, 5, 4, 9, 1030, false), kernels);
    check_case(make_case(family, 2, 7, 4, 4, 33, true, 40.0), kernels);
  }
}

}  // namespace upres::test
