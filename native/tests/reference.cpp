#include "tests/reference.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/tiles.h"

namespace upres::test {
namespace {

double convolve(const float* filter, int size, const Image& plane, int64_t height, int64_t width, int64_t y, int64_t x) {
  double sum = 0.0;
  for (int dy = 0; dy < size; ++dy) {
    for (int dx = 0; dx < size; ++dx) {
      const int64_t row = y + dy - size / 2, column = x + dx - size / 2;
      const bool inside = row >= 0 && row < height && column >= 0 && column < width;
      if (inside) sum += static_cast<double>(filter[dy * size + dx]) * plane[static_cast<size_t>(row * width + column)];
    }
  }
  return sum;
}

double combine(Family family, const std::vector<double>& values, const std::vector<double>& keys) {
  if (family == kMax) return *std::max_element(values.begin(), values.end());
  const double top = *std::max_element(keys.begin(), keys.end());
  double numerator = 0.0, denominator = 0.0;
  for (size_t c = 0; c < values.size(); ++c) {
    const double weight = std::exp(keys[c] - top);
    numerator += values[c] * weight;
    denominator += weight;
  }
  return numerator / denominator;
}

double cubic(double x) {
  x = std::abs(x);
  if (x <= 1.0) return 1.5 * x * x * x - 2.5 * x * x + 1.0;
  if (x < 2.0) return -0.5 * x * x * x + 2.5 * x * x - 4.0 * x + 2.0;
  return 0.0;
}

double sample(const Image& plane, int64_t height, int64_t width, double y, double x) {
  const auto top = static_cast<int64_t>(std::floor(y)) - 1, left = static_cast<int64_t>(std::floor(x)) - 1;
  double sum = 0.0;
  for (int64_t row = top; row < top + 4; ++row) {
    for (int64_t column = left; column < left + 4; ++column) {
      const double weight = cubic(y - static_cast<double>(row)) * cubic(x - static_cast<double>(column));
      sum += weight * plane[static_cast<size_t>(reflected(row, height) * width + reflected(column, width))];
    }
  }
  return sum;
}

}  // namespace

Network make_network(Family family, int scale, int kernel_size, int channels, double key_spread, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 0.3f / static_cast<float>(kernel_size));
  const int window = kernel_size * kernel_size, values = channels * scale * scale;
  Network network{family, scale, kernel_size, channels, {}};
  for (int f = 0; f < values * (family + 1); ++f) {
    double sum = 0.0;
    for (int t = 0; t < window; ++t) {
      const float weight = normal(random) * (f < values ? 1.0f : static_cast<float>(key_spread));
      network.filters.push_back(weight);
      sum += static_cast<double>(weight);
    }
    if (f < values) network.filters[static_cast<size_t>(f * window + window / 2)] += static_cast<float>(1.0 - sum);
  }
  return network;
}

Network mirrored(Network network) {
  const int size = network.kernel_size, scale = network.scale;
  for (int part = 0; part <= network.family; ++part)
    for (int c = 0; c < network.channels; ++c)
      for (int p = 0; p < network.phases(); ++p) {
        const int column = p % scale, other = p + scale - 1 - 2 * column;
        if (column <= other % scale) continue;
        const auto at = [&](int phase) { return network.filters.begin() + (network.filter(part, c, phase) - network.filters.data()); };
        for (int y = 0; y < size; ++y)
          std::reverse_copy(at(other) + y * size, at(other) + (y + 1) * size, at(p) + y * size);
      }
  return network;
}

Image network_by_loops(const Network& network, const Image& plane, int64_t height, int64_t width) {
  const int scale = network.scale;
  Image out(plane.size() * static_cast<size_t>(network.phases()));
  for (int64_t y = 0; y < height * scale; ++y) {
    for (int64_t x = 0; x < width * scale; ++x) {
      const int phase = static_cast<int>(y % scale * scale + x % scale);
      const auto part = [&](int number, int channel) {
        return convolve(network.filter(number, channel, phase), network.kernel_size, plane, height, width, y / scale,
                        x / scale);
      };
      std::vector<double> values, keys;
      for (int c = 0; c < network.channels; ++c) {
        values.push_back(part(0, c));
        if (network.family == kTm) keys.push_back(part(1, c));
        if (network.family == kTr) keys.push_back(part(1, c) * part(2, c));
      }
      out[static_cast<size_t>(y * width * scale + x)] = combine(network.family, values, keys);
    }
  }
  return out;
}

Image cubic_by_loops(const Image& plane, int64_t height, int64_t width, int scale, double right,
                     double down) {
  Image out;
  for (int64_t y = 0; y < height * scale; ++y) {
    for (int64_t x = 0; x < width * scale; ++x) {
      const auto at = [&](int64_t i) { return (static_cast<double>(i) + 0.5) / scale - 0.5; };
      out.push_back(sample(plane, height, width, at(y) + down, at(x) + right));
    }
  }
  return out;
}

Image noise(int64_t count, bool binary, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Image image(static_cast<size_t>(count));
  for (double& value : image) value = binary ? std::round(uniform(random)) : uniform(random);
  return image;
}

double clamp_and_round(double value, double peak) { return std::floor(std::clamp(value, 0.0, peak) + 0.5); }

}  // namespace upres::test
