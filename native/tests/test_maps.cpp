// What is done to maps beside convolutions against plain loops: windows, enlargement, choices among candidates.
#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "conv/kinds.h"
#include "graph/raising.h"
#include "tests/check.h"
#include "tests/randoms.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

// Rows of windows by a strided convolution and by pooling, with a pixel that is not a number and an infinite one.
void test_windows(const Kernels& kernels) {
  Randoms randoms{std::mt19937(11)};
  struct Shape {
    int side, stride, channels, outputs, columns;
  };
  for (const Shape& shape : {Shape{3, 2, 16, 16, 1}, {3, 2, 32, 48, 9}, {7, 3, 16, 16, 6}, {2, 2, 48, 16, 30}}) {
    const int taps_each = shape.side * shape.side;
    const int width = (shape.columns - 1) * shape.stride + shape.side;
    std::vector<float> map = randoms(static_cast<size_t>(shape.side * width * shape.channels));
    const auto weight = randoms(static_cast<size_t>(shape.outputs * shape.channels * taps_each), 0.1);
    const std::vector<float> bias = randoms(static_cast<size_t>(shape.outputs));
    const Filters filters{shape.outputs, shape.channels, shape.side, weight.data()};
    const std::vector<float> taps = pack_direct(filters, {{shape.channels, shape.channels}}, shape.outputs);
    const auto pixel = [&](int x, int i, int j, int c) {
      return map[static_cast<size_t>((i * width + x * shape.stride + j) * shape.channels + c)];
    };
    std::vector<const float*> from;
    for (int i = 0; i < shape.side; ++i) from.push_back(map.data() + i * width * shape.channels);
    std::vector<float> out(static_cast<size_t>(shape.columns * shape.outputs), NAN);
    kernels.conv->strided({taps.data(), bias.data(), shape.side, 1, {shape.channels}, {shape.channels}, shape.outputs, shape.outputs,
                           nullptr},
                          {from.data(), shape.side, shape.stride, shape.columns, out.data()});
    for (int x = 0; x < shape.columns; ++x)
      for (int o = 0; o < shape.outputs; ++o) {
        double sum = bias[static_cast<size_t>(o)];
        for (int c = 0; c < shape.channels; ++c)
          for (int t = 0; t < taps_each; ++t) {
            const double value = pixel(x, t / shape.side, t % shape.side, c);
            sum += value * static_cast<double>(filters.at(o, c, t));
          }
        const double found = out[static_cast<size_t>(x * shape.outputs + o)];
        check(std::abs(found - sum) < 1e-4, "%s: windows of %d to %d channels give %g, expected %g", kernels.name,
              shape.side, shape.outputs, found, sum);
      }
    map[0] = NAN;
    map[1] = INFINITY;
    map[map.size() - 1] = NAN;
    std::vector<float> pooled(static_cast<size_t>(shape.columns * shape.channels));
    kernels.conv->pool({nullptr, nullptr, shape.side, 1, {shape.channels}, {shape.channels}, shape.channels, shape.channels,
                        nullptr},
                       {from.data(), shape.side, shape.stride, shape.columns, pooled.data()});
    for (int x = 0; x < shape.columns; ++x)
      for (int c = 0; c < shape.channels; ++c) {
        float most = -INFINITY;
        bool none = false;
        for (int t = 0; t < taps_each; ++t) {
          const float value = pixel(x, t / shape.side, t % shape.side, c);
          none = none || std::isnan(value);
          most = std::max(most, value);
        }
        const float found = pooled[static_cast<size_t>(x * shape.channels + c)];
        check(none ? std::isnan(found) : found == most, "%s: the largest of windows of %d is %g, expected %g",
              kernels.name, shape.side, static_cast<double>(found), static_cast<double>(most));
      }
  }
}

// A row between two coarse ones, at both ends and where a strip begins in the middle of the picture.
void test_raising(const Kernels& kernels) {
  Randoms randoms{std::mt19937(13)};
  const std::array<int, 3> sizes[] = {{15, 1, 16}, {40, 6, 32}, {100, 15, 48}, {7, 7, 16}};
  for (const auto& [width, coarse, channels] : sizes) {
    std::vector<float> rows = randoms(static_cast<size_t>(2 * (coarse + 1) * channels));
    const float *upper = rows.data(), *lower = upper + (coarse + 1) * channels;
    for (const Span& columns : {Span{0, width}, Span{width / 3, width + 3}, Span{-2, width / 2 + 1}}) {
      const Raising raising(columns, width, coarse, channels);
      const int64_t first = raising.first() * channels;
      std::vector<float> blended(rows.size()), out(static_cast<size_t>(columns.length() * channels), NAN);
      kernels.conv->raise(raising.row(upper + first, lower + first, 0.25f, blended.data(), out.data()));
      for (int64_t x = 0; x < columns.length(); ++x)
        for (int c = 0; c < channels; ++c) {
          const double place = (static_cast<double>(x + columns.begin) + 0.5) * coarse / width - 0.5;
          const double inside = std::clamp(place, 0.0, coarse - 1.0), left = std::floor(inside);
          const double right = std::min(left + 1.0, coarse - 1.0);
          const auto at = [&](double column) {
            const auto index = static_cast<size_t>(column) * static_cast<size_t>(channels) + static_cast<size_t>(c);
            return 0.75 * static_cast<double>(upper[index]) + 0.25 * static_cast<double>(lower[index]);
          };
          const double expected = at(left) + (inside - left) * (at(right) - at(left));
          const double found = out[static_cast<size_t>(x * channels + c)];
          check(std::abs(found - expected) < 1e-5, "%s: %d pixels raised to %d give %g, expected %g", kernels.name,
                coarse, width, found, expected);
        }
    }
  }
}

// The softmax of the scores by definition, the largest first taken away; of value k of a pixel.
double chosen_by_definition(const Choice& choice, const float* pixel, int k) {
  const auto at = [&](int part, int c) {
    return static_cast<double>(pixel[(part * choice.candidates + c) * choice.kept + k]);
  };
  std::vector<double> scores;
  for (int c = 0; c < choice.candidates; ++c) {
    scores.push_back(at(choice.left, c) * (choice.right == kNoPart ? 1.0 : at(choice.right, c)));
  }
  const double best = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0, weights = 0.0;
  for (int c = 0; c < choice.candidates; ++c) {
    const double weight = std::exp(scores[static_cast<size_t>(c)] - best);
    sum += weight * at(0, c);
    weights += weight;
  }
  return sum / weights;
}

// Rows of any width, scores of any size, and one that is not finite, which stays with its pixel.
void test_choice(const Kernels& kernels) {
  Randoms randoms{std::mt19937(17)};
  const Choice choices[] = {{2, 4, 4, 1, 1}, {2, 1, 9, 1, kNoPart}, {3, 3, 16, 1, 2}, {2, 8, 27, 1, 1}, {2, 5, 1, 1, kNoPart}};
  for (const Choice& choice : choices)
    for (int columns : {1, 3, 16, 37})
      for (double spread : {1.0, 30.0}) {
        const int channels = choice.parts * choice.candidates * choice.kept, stride = padded_channels(channels);
        const int pitch = 48;
        std::vector<float> row = randoms(static_cast<size_t>(columns * stride), spread);
        const auto run_row = [&] {
          std::vector<float> scratch(static_cast<size_t>(choice_scratch(stride)), NAN);
          std::vector<float> out(static_cast<size_t>(choice.kept * pitch), NAN);
          kernels.conv->choose(choice, {row.data(), columns, stride, scratch.data(), out.data(), pitch});
          return out;
        };
        const std::vector<float> out = run_row();
        // scores are rounded once: with a spread of 30 they reach thousands, and what is chosen 30 times as much
        const double tolerance = spread == 1.0 ? 1e-5 : 2e-2;
        for (int x = 0; x < columns; ++x)
          for (int k = 0; k < choice.kept; ++k) {
            const double expected = chosen_by_definition(choice, row.data() + x * stride, k);
            const double found = out[static_cast<size_t>(k * pitch + x)];
            check(std::abs(found - expected) < tolerance, "%s: of %d candidates %g is chosen, expected %g", kernels.name,
                  choice.candidates, found, expected);
          }
        const int at = columns / 2, last = channels - 1 - (choice.parts - 1 - choice.left) * choice.candidates * choice.kept;
        for (float bad : {NAN, INFINITY}) {
          row[static_cast<size_t>(at * stride + last)] = bad;
          const std::vector<float> broken = run_row();
          for (int x = 0; x < columns; ++x)
            for (int k = 0; k < choice.kept; ++k) {
              const auto place = static_cast<size_t>(k * pitch + x);
              const bool seen = x == at && k == choice.kept - 1;
              if (seen && std::isinf(bad) && choice.right > choice.left) continue;  // it may score least of all
              check(seen ? !std::isfinite(broken[place]) : broken[place] == out[place],
                    "%s: a score that is not finite was lost or spread", kernels.name);
            }
        }
      }
}

}  // namespace

void test_maps(const Kernels& kernels) {
  test_windows(kernels);
  test_raising(kernels);
  test_choice(kernels);
}

}  // namespace upres::test
