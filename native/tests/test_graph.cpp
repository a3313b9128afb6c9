// Whole graphs against plain loops, and against themselves on other threads, bands and memory.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/tiles.h"
#include "graph/run.h"
#include "graph/task.h"
#include "tests/check.h"
#include "tests/tests.h"
#include "tests/volume.h"

namespace upres::test {
namespace {

double hard_gate(double last, double x) {
  return (last + x) * std::min(std::max(last / 4.0, -0.5), 0.5) + x;
}

// A network with all that graphs have: a picture of squares, residual blocks over several passes, two maps beside each
// other, a map enlarged on the way, and the picture's own pixels added to the output.
struct Example {
  int side, width;
  Layer head, first, second, third, fusion, raise, last;

  Example(int unshuffle, int channels)
      : side(unshuffle),
        width(channels),
        head(channels, 3 * side * side, 3, 1),
        first(channels, channels, 3, 3),
        second(channels, channels, 3, 5),
        third(channels, channels, 3, 7),
        fusion(channels, 2 * channels, 1, 9),
        raise(4 * padded_channels(channels), channels, 3, 11),
        last(3 * side * side, channels, 3, 13) {}

  Graph graph() const {
    Graph graph(3, side, 2 * side);
    const int picture = graph.add_picture({2.0f, 1.0f, 1.0f}, {0.0f, -0.5f, 0.0f});
    const int shallow = graph.add_convolution({picture}, head.filters(), head.bias, {}, {}, 1, width);
    const std::vector<float> slope(static_cast<size_t>(width), 0.1f), quarter(static_cast<size_t>(width), 0.25f),
        none(static_cast<size_t>(width)), low(static_cast<size_t>(width), -0.5f), high(static_cast<size_t>(width), 0.5f);
    const std::vector<StepOf> leaky = {{kSlope, 0, 0, slope, {}}};
    const std::vector<StepOf> gate = {{kAdd, 0, 1, {}, {}},      {kAffine, 0, 0, quarter, none}, {kClamp, 3, 0, low, high},
                                      {kMultiply, 2, 4, {}, {}}, {kAdd, 5, 1, {}, {}}};
    int features = shallow;
    for (int block = 0; block < 2; ++block) {
      const int one = graph.add_convolution({features}, first.filters(), first.bias, {}, leaky, 1, width);
      const int two = graph.add_convolution({one}, second.filters(), second.bias, {}, leaky, 1, width);
      features = graph.add_convolution({two}, third.filters(), third.bias, {{features, {}}}, gate, 1, width);
    }
    const int fused = graph.add_convolution({features, shallow}, fusion.filters(), fusion.bias, {}, {}, 1, width);
    const int raised = graph.add_convolution({fused}, raise.filters(), raise.bias, {}, {}, 2, width);
    const int end = graph.add_convolution({raised}, last.filters(), last.bias, {}, leaky_of(), side, kPicture);
    check(end == kPicture, "the output is no map");
    return graph;
  }

  std::vector<StepOf> leaky_of() const {
    return {{kSlope, 0, 0, std::vector<float>(static_cast<size_t>(last.outputs), 0.5f), {}}};
  }

  Volume by_loops(const std::vector<float>& picture, int64_t height, int64_t columns) const {
    Volume squares(3 * side * side, height / side, columns / side);
    for (int c = 0; c < 3; ++c)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < columns; ++x) {
          const double pixel = picture[static_cast<size_t>((c * height + y) * columns + x)];
          squares.at(static_cast<int>((c * side + y % side) * side + x % side), y / side, x / side) =
              c == 0 ? 2.0 * pixel : c == 1 ? pixel - 0.5 : pixel;
        }
    const auto leaky = [](double slope) { return [slope](double a, double) { return a > 0.0 ? a : a * slope; }; };
    const Volume shallow = head(squares);
    Volume features = shallow;
    for (int block = 0; block < 2; ++block) {
      const Volume one = first(features), one_done = pointwise(one, one, leaky(0.1f));
      const Volume two = second(one_done), two_done = pointwise(two, two, leaky(0.1f));
      features = pointwise(third(two_done), features, hard_gate);
    }
    const Volume end = last(shuffled(raise(fusion(beside(features, shallow))), 2, width, true));
    return shuffled(pointwise(end, end, leaky(0.5)), side, 3, false);
  }
};

// Threads and bands leave every bit as it is.
void check_cuts(GraphRunner& runner, const std::vector<float>& picture, int64_t height, int64_t width,
                const std::vector<float>& out) {
  for (int threads : {1, 3})
    for (int bands : {1, 2, 5}) {
      std::fill_n(static_cast<float*>(scratch(1 << 20)), 1 << 20, NAN);  // what is stale must not be seen
      const std::vector<float> again = output_of(runner, picture, height, width, threads, bands);
      check(std::memcmp(again.data(), out.data(), out.size() * sizeof(float)) == 0,
            "%s: %d threads and %d bands change a picture of %dx%d", runner.kernels().name, threads, bands,
            static_cast<int>(width), static_cast<int>(height));
    }
}

void test_sizes(const Kernels& kernels) {
  const int64_t sizes[][2] = {{1, 1}, {1, 9}, {7, 1}, {4, 4}, {5, 6}, {13, 21}, {9, 130}, {37, 101}};
  for (const auto& shape : {std::pair<int, int>{1, 16}, {1, 20}, {2, 48}}) {
    const Example example(shape.first, shape.second);
    GraphRunner runner(example.graph(), kernels);
    for (const auto& size : sizes) {
      const int64_t height = size[0] * shape.first, width = size[1] * shape.first;
      const std::vector<float> picture = noise_floats(static_cast<size_t>(3 * height * width), 0.5, 99);
      const std::vector<float> out = output_of(runner, picture, height, width, 1, 1);
      const Volume expected = example.by_loops(picture, height, width);
      double worst = 0.0, largest = 1.0;  // random weights may leave 0 .. 1
      for (double value : expected.values) largest = std::max(largest, std::abs(value));
      for (size_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::abs(out[i] - expected.values[i]) / largest);
      check(worst < 2e-5, "%s: a graph of %d channels on %dx%d is off by %g", kernels.name, shape.second,
            static_cast<int>(width), static_cast<int>(height), worst);
      check_cuts(runner, picture, height, width, out);
    }
  }
}

// Integers with gains from one picture, on others: some tiles of the last, which is three times as strong, do not fit.
void test_integers(const Kernels& kernels) {
  check(!GraphRunner(Example(1, 16).graph(), kernels).has_integers(), "%s: thin maps took integers", kernels.name);
  for (const auto& shape : {std::pair<int, int>{1, 32}, {1, 36}, {2, 48}}) {
    const Example example(shape.first, shape.second);
    GraphRunner runner(example.graph(), kernels), floats(example.graph(), kernels);
    check(runner.has_integers() == (kernels.conv->minimal_int16 != nullptr), "%s: wide maps take integers", kernels.name);
    if (!runner.has_integers()) continue;
    const int64_t side = 32 * shape.first;
    const std::vector<float> seen = noise_floats(static_cast<size_t>(3 * side * side), 0.5, 5);
    runner.look(seen.data(), side, side);
    runner.quantize(2.0);
    for (double spread : {0.5, 1.5}) {
      const int64_t height = 37 * shape.first, width = 101 * shape.first;
      const std::vector<float> picture = noise_floats(static_cast<size_t>(3 * height * width), spread, 98);
      const std::vector<float> out = output_of(runner, picture, height, width, 1, 1);
      const std::vector<float> expected = output_of(floats, picture, height, width, 1, 1);
      double squares = 0.0, all = 0.0;
      for (size_t i = 0; i < out.size(); ++i) {
        const double error = static_cast<double>(out[i]) - static_cast<double>(expected[i]);
        squares += error * error;
        all += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
      }
      check(squares > 0.0 && squares < 1e-4 * all, "%s: a graph of integers is off by %g", kernels.name,
            std::sqrt(squares / all));
      check_cuts(runner, picture, height, width, out);
    }
  }
}

// A strip must give what the whole picture gives: pixels of its own, computed in tiles that begin elsewhere in memory.
void test_memory(const Kernels& kernels) {
  const Example example(1, 32);
  GraphRunner runner(example.graph(), kernels);
  const std::vector<float> small = noise_floats(3 * 8 * 12, 0.5, 1), large = noise_floats(3 * 40 * 300, 0.5, 2);
  const std::vector<float> before = output_of(runner, small, 8, 12, 1, 1);
  std::vector<float> bad = large;
  std::fill(bad.begin(), bad.end(), NAN);
  output_of(runner, bad, 40, 300, 2, 2);
  const std::vector<float> after = output_of(runner, small, 8, 12, 1, 1);
  check(std::memcmp(before.data(), after.data(), before.size() * sizeof(float)) == 0,
        "%s: a picture of another call is seen", kernels.name);
  runner.release();
  const std::vector<float> anew = output_of(runner, small, 8, 12, 1, 1);
  check(std::memcmp(before.data(), anew.data(), before.size() * sizeof(float)) == 0,
        "%s: a run after `release` gives another picture", kernels.name);
  check(runner.bytes(40, 300, 2) > runner.bytes(8, 12, 2) && runner.bytes(8, 12, 2) > runner.bytes(8, 12, 1),
        "%s: memory does not grow with pictures and threads", kernels.name);
}

// Two layers and a choice among `count` candidates with squared scores, as eSR-CNN has.
void test_choosing(const Kernels& kernels) {
  for (const auto& [side, count] : {std::pair<int, int>{2, 4}, {3, 2}, {4, 8}, {1, 3}, {5, 2}}) {
    const int kept = side * side;
    const Layer head(6, 1, 5, 21), last(2 * count * kept, 6, 3, 23);
    Graph graph(1, 1, side);
    const int picture = graph.add_picture({1}, {0}), features = graph.add_convolution(
        {picture}, head.filters(), head.bias, {}, {{kTanh, 0, 0, {}, {}}}, 1, 6);
    graph.add_convolution({features}, last.filters(), last.bias, {}, {}, side, kPicture, {2, count, kept, 1, 1});
    GraphRunner runner(graph, kernels);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {9, 130}, {30, 101}}) {
      const std::vector<float> pixels = noise_floats(static_cast<size_t>(height * width), 0.5, 55);
      Volume luma(1, height, width), all(kept, height, width);
      std::copy(pixels.begin(), pixels.end(), luma.values.begin());
      const Volume first = head(luma);
      const Volume candidates = last(pointwise(first, first, [](double a, double) { return std::tanh(a); }));
      for (int k = 0; k < kept; ++k)
        for (int64_t y = 0; y < height; ++y)
          for (int64_t x = 0; x < width; ++x) {
            double sum = 0.0, weights = 0.0;
            for (int c = 0; c < count; ++c) {
              const double weight = std::exp(std::pow(candidates.get((count + c) * kept + k, y, x), 2.0));
              sum += weight * candidates.get(c * kept + k, y, x);
              weights += weight;
            }
            all.at(k, y, x) = sum / weights;
          }
      const Volume expected = shuffled(all, side, 1, false);
      std::vector<float> out(expected.values.size(), NAN);
      runner.run(pixels.data(), height, width, out.data(), 1, 1);
      for (size_t i = 0; i < out.size(); ++i) {
        check(std::abs(out[i] - expected.values[i]) < 1e-5, "%s: a choice of %d gives %g, expected %g", kernels.name,
              count, static_cast<double>(out[i]), expected.values[i]);
      }
      for (int threads : {1, 3})
        for (int bands : {2, 5}) {
          std::fill_n(static_cast<float*>(scratch(1 << 20)), 1 << 20, NAN);  // what is stale must not be seen
          std::vector<float> again(out.size(), NAN);
          runner.run(pixels.data(), height, width, again.data(), threads, bands);
          check(std::memcmp(again.data(), out.data(), out.size() * sizeof(float)) == 0,
                "%s: %d threads and %d bands change what is chosen", kernels.name, threads, bands);
        }
    }
  }
}

// A last layer to few channels, which stays in planes: of squares of any size, and of several colors.
void test_planes_of_output(const Kernels& kernels) {
  struct Last {
    int colors, side, kernel;
  };
  for (const auto& [colors, side, kernel] : {Last{1, 2, 5}, {1, 1, 3}, {2, 2, 3}, {3, 1, 5}}) {
    const Layer head(20, colors, 3, 31), last(colors * side * side, 20, kernel, 33);
    Graph graph(colors, 1, side);
    const std::vector<float> ones(static_cast<size_t>(colors), 1.0f), zeros(static_cast<size_t>(colors), 0.0f);
    const int features =
        graph.add_convolution({graph.add_picture(ones, zeros)}, head.filters(), head.bias, {}, {}, 1, 20);
    graph.add_convolution({features}, last.filters(), last.bias, {}, {{kSigmoid, 0, 0, {}, {}}}, side, kPicture);
    GraphRunner runner(graph, kernels);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {9, 130}, {70, 101}}) {
      const std::vector<float> pixels = noise_floats(static_cast<size_t>(colors * height * width), 0.5, 57);
      Volume picture(colors, height, width);
      std::copy(pixels.begin(), pixels.end(), picture.values.begin());
      const Volume sums = last(head(picture));
      const Volume expected =
          shuffled(pointwise(sums, sums, [](double a, double) { return 1.0 / (1.0 + std::exp(-a)); }), side, colors, false);
      for (int threads : {1, 3}) {
        std::fill_n(static_cast<float*>(scratch(1 << 20)), 1 << 20, NAN);  // what is stale must not be seen
        std::vector<float> out(expected.values.size(), NAN);
        runner.run(pixels.data(), height, width, out.data(), threads, threads);
        for (size_t i = 0; i < out.size(); ++i) {
          check(std::abs(out[i] - expected.values[i]) < 1e-5, "%s: %d colors of squares of %d give %g, expected %g",
                kernels.name, colors, side, static_cast<double>(out[i]), expected.values[i]);
        }
      }
    }
  }
}

}  // namespace

void test_graph(const Kernels& kernels) {
  test_sizes(kernels);
  test_integers(kernels);
  test_memory(kernels);
  test_choosing(kernels);
  test_planes_of_output(kernels);
}

}  // namespace upres::test
