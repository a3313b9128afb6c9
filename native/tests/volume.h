// Networks by plain loops at double precision, for tests of whole graphs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "conv/kinds.h"
#include "graph/run.h"

namespace upres::test {

// Row by row, channel by channel: values[(channel * height + y) * width + x].
struct Volume {
  int channels;
  int64_t height, width;
  std::vector<double> values;

  Volume(int c, int64_t h, int64_t w) : channels(c), height(h), width(w), values(static_cast<size_t>(c * h * w)) {}
  double& at(int c, int64_t y, int64_t x) { return values[static_cast<size_t>((c * height + y) * width + x)]; }
  double get(int c, int64_t y, int64_t x) const {
    const bool inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? values[static_cast<size_t>((c * height + y) * width + x)] : 0.0;
  }
};

inline std::vector<float> noise_floats(size_t count, double spread, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(0.0, spread);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(normal(engine));
  return values;
}

struct Layer {
  std::vector<float> weight, bias;
  int outputs, inputs, size;

  Layer(int o, int i, int k, unsigned seed)
      : weight(noise_floats(static_cast<size_t>(o * i * k * k), 1.0 / std::sqrt(i * k * k), seed)),
        bias(noise_floats(static_cast<size_t>(o), 0.1, seed + 1)),
        outputs(o),
        inputs(i),
        size(k) {}
  Filters filters() const { return {outputs, inputs, size, weight.data()}; }

  Volume operator()(const Volume& from) const {
    Volume to(outputs, from.height, from.width);
    for (int o = 0; o < outputs; ++o)
      for (int64_t y = 0; y < from.height; ++y)
        for (int64_t x = 0; x < from.width; ++x) {
          double sum = bias[static_cast<size_t>(o)];
          for (int c = 0; c < inputs; ++c)
            for (int t = 0; t < size * size; ++t)
              sum += from.get(c, y + t / size - size / 2, x + t % size - size / 2) *
                     static_cast<double>(filters().at(o, c, t));
          to.at(o, y, x) = sum;
        }
    return to;
  }
};

template <class Function>
Volume pointwise(const Volume& a, const Volume& b, Function function) {
  Volume to(a.channels, a.height, a.width);
  for (size_t i = 0; i < to.values.size(); ++i) to.values[i] = function(a.values[i], b.values[i]);
  return to;
}

inline Volume beside(const Volume& a, const Volume& b) {
  Volume to(a.channels + b.channels, a.height, a.width);
  std::copy(a.values.begin(), a.values.end(), to.values.begin());
  std::copy(b.values.begin(), b.values.end(), to.values.begin() + static_cast<int64_t>(a.values.size()));
  return to;
}

// `colors` planes of squares of pixels; or, where `inner`, a pixel's channels beside each other for each of them.
inline Volume shuffled(const Volume& from, int side, int channels, bool inner) {
  Volume to(channels, from.height * side, from.width * side);
  for (int c = 0; c < channels; ++c)
    for (int64_t y = 0; y < to.height; ++y)
      for (int64_t x = 0; x < to.width; ++x) {
        const auto phase = static_cast<int>(y % side * side + x % side);
        const int channel = inner ? phase * (from.channels / (side * side)) + c : c * side * side + phase;
        to.at(c, y, x) = from.get(channel, y / side, x / side);
      }
  return to;
}

inline std::vector<float> output_of(GraphRunner& runner, const std::vector<float>& picture, int64_t height, int64_t width,
                             int threads, int bands) {
  std::vector<float> out(picture.size() * 4, NAN);
  runner.run(picture.data(), height, width, out.data(), threads, bands);
  return out;
}

}  // namespace upres::test
