// Graphs with maps of several sizes against plain loops: windows that need the whole map before them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "base/tiles.h"
#include "graph/run.h"
#include "tests/check.h"
#include "tests/tests.h"
#include "tests/volume.h"

namespace upres::test {
namespace {

Volume in_windows(const Volume& from, int side, int stride, const Layer* layer) {
  const Windows windows{side, stride};
  Volume to(layer == nullptr ? from.channels : layer->outputs, windows.count(from.height), windows.count(from.width));
  for (int o = 0; o < to.channels; ++o)
    for (int64_t y = 0; y < to.height; ++y)
      for (int64_t x = 0; x < to.width; ++x) {
        double most = -HUGE_VAL, sum = layer == nullptr ? 0.0 : layer->bias[static_cast<size_t>(o)];
        for (int t = 0; t < side * side; ++t) {
          const int64_t row = y * stride + t / side, column = x * stride + t % side;
          most = std::max(most, from.get(o % from.channels, row, column));
          for (int c = 0; layer != nullptr && c < from.channels; ++c)
            sum += from.get(c, row, column) * static_cast<double>(layer->filters().at(o, c, t));
        }
        to.at(o, y, x) = layer == nullptr ? most : sum;
      }
  return to;
}

Volume raised(const Volume& from, int64_t height, int64_t width) {
  Volume to(from.channels, height, width);
  const auto place = [](int64_t i, int64_t length, int64_t coarse) {
    const double center = (static_cast<double>(i) + 0.5) * static_cast<double>(coarse) / static_cast<double>(length);
    return std::clamp(center - 0.5, 0.0, static_cast<double>(coarse - 1));
  };
  for (int c = 0; c < from.channels; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const double v = place(y, height, from.height), u = place(x, width, from.width);
        const auto top = static_cast<int64_t>(v), left = static_cast<int64_t>(u);
        const double down = v - static_cast<double>(top), across = u - static_cast<double>(left);
        const auto row = [&](int64_t i) {
          return (1.0 - across) * from.get(c, i, left) + across * from.get(c, i, left + 1);
        };
        to.at(c, y, x) = (1.0 - down) * row(top) + down * row(top + 1);
      }
  return to;
}

// A block with RLFN's attention, twice: every value of the coarse map depends on 63 rows and columns.
struct Attentive {
  int width;
  Layer head, inner, squeeze, strided, coarse, skip, excite, last;

  explicit Attentive(int channels)
      : width(channels),
        head(channels, 3, 3, 1),
        inner(channels, channels, 3, 3),
        squeeze(16, channels, 1, 5),
        strided(16, 16, 3, 7),
        coarse(20, 16, 3, 9),
        skip(20, 16, 1, 11),
        excite(channels, 20, 1, 13),
        last(12, channels, 3, 15) {}

  Graph graph() const {
    Graph graph(3, 1, 2);
    const int picture = graph.add_picture({1, 1, 1}, {0, 0, 0});
    int features = graph.add_convolution({picture}, head.filters(), head.bias, {}, {}, 1, width);
    for (int block = 0; block < 2; ++block) {
      features = graph.add_convolution({features}, inner.filters(), inner.bias, {}, {}, 1, width);
      const int narrow = graph.add_convolution({features}, squeeze.filters(), squeeze.bias, {}, {}, 1, 16);
      const int pooled = graph.add_pooling(graph.add_strided(narrow, strided.filters(), strided.bias, 2), {7, 3});
      const int map = graph.add_convolution({pooled}, coarse.filters(), coarse.bias, {}, {}, 1, 20);
      const std::vector<StepOf> add = {{kAdd, 0, 1, {}, {}}};
      const int sum = graph.add_convolution({narrow}, skip.filters(), skip.bias, {{map, {}}}, add, 1, 20);
      const std::vector<StepOf> gate = {{kSigmoid, 0, 0, {}, {}}, {kMultiply, 1, 2, {}, {}}};
      features = graph.add_convolution({sum}, excite.filters(), excite.bias, {{features, {}}}, gate, 1, width);
    }
    graph.add_convolution({features}, last.filters(), last.bias, {}, {}, 2, kPicture);
    check(graph.least_side() == 15, "the least side is %d, not 15", static_cast<int>(graph.least_side()));
    return graph;
  }

  Volume by_loops(const std::vector<float>& picture, int64_t height, int64_t columns) const {
    Volume features(3, height, columns);
    std::copy(picture.begin(), picture.end(), features.values.begin());
    features = head(features);
    for (int block = 0; block < 2; ++block) {
      features = inner(features);
      const Volume narrow = squeeze(features);
      const Volume map = coarse(in_windows(in_windows(narrow, 3, 2, &strided), 7, 3, nullptr));
      const auto sum = [](double a, double b) { return a + b; };
      const Volume logit = excite(pointwise(skip(narrow), raised(map, height, columns), sum));
      features = pointwise(logit, features, [](double a, double x) { return x / (1.0 + std::exp(-a)); });
    }
    return shuffled(last(features), 2, 3, false);
  }
};

void test_coarse_maps(const Kernels& kernels) {
  const int64_t sizes[][2] = {{15, 15}, {16, 31}, {40, 21}, {33, 130}, {90, 230}};
  for (int channels : {16, 32}) {
    const Attentive example(channels);
    GraphRunner runner(example.graph(), kernels);
    for (const auto& [height, width] : sizes) {
      const std::vector<float> picture = noise_floats(static_cast<size_t>(3 * height * width), 0.5, 77);
      const std::vector<float> out = output_of(runner, picture, height, width, 1, 1);
      const Volume expected = example.by_loops(picture, height, width);
      double worst = 0.0;
      for (size_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::abs(out[i] - expected.values[i]));
      check(worst < 2e-5, "%s: attention of %d channels on %dx%d is off by %g", kernels.name, channels,
            static_cast<int>(width), static_cast<int>(height), worst);
      for (int threads : {2, 3})
        for (int bands : {1, 4}) {
          std::fill_n(static_cast<float*>(scratch(1 << 20)), 1 << 20, NAN);  // what is stale must not be seen
          const std::vector<float> again = output_of(runner, picture, height, width, threads, bands);
          check(std::memcmp(again.data(), out.data(), out.size() * sizeof(float)) == 0,
                "%s: %d threads and %d bands change the attention", kernels.name, threads, bands);
        }
    }
    bool refused = false;
    try {
      const std::vector<float> small(3 * 14 * 20);
      output_of(runner, small, 14, 20, 1, 1);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    check(refused, "%s: a picture without a window was not refused", kernels.name);
  }
}

}  // namespace

Graph attentive_graph(int channels) { return Attentive(channels).graph(); }

void test_barriers(const Kernels& kernels) { test_coarse_maps(kernels); }

}  // namespace upres::test
