// Pictures in slabs, from the top down, against whole ones: equal to the bit, whatever slabs are cut.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "base/tiles.h"
#include "graph/stream.h"
#include "tests/check.h"
#include "tests/tests.h"
#include "tests/volume.h"

namespace upres::test {
namespace {

// A head, residual blocks with a gate that reads their beginning, all joined with the head's map at the very end.
Graph residual(int side, int channels, int blocks) {
  Graph graph(3, side, 2 * side);
  const Layer head(channels, 3 * side * side, 3, 1), fusion(channels, 2 * channels, 1, 9),
      last(12 * side * side, channels, 3, 13);
  const int picture = graph.add_picture({2.0f, 1.0f, 1.0f}, {0.0f, -0.5f, 0.0f});
  const int shallow = graph.add_convolution({picture}, head.filters(), head.bias, {}, {}, 1, channels);
  const std::vector<StepOf> leaky = {{kSlope, 0, 0, std::vector<float>(static_cast<size_t>(channels), 0.1f), {}}};
  int features = shallow;
  for (int block = 0; block < blocks; ++block) {
    const auto seed = static_cast<unsigned>(20 + 4 * block);
    const Layer first(channels, channels, 3, seed), second(channels, channels, 3, seed + 2);
    const int one = graph.add_convolution({features}, first.filters(), first.bias, {}, leaky, 1, channels);
    features = graph.add_convolution({one}, second.filters(), second.bias, {{features, {}}}, {{kAdd, 0, 1, {}, {}}}, 1,
                                     channels);
  }
  const int fused = graph.add_convolution({features, shallow}, fusion.filters(), fusion.bias, {}, {}, 1, channels);
  graph.add_convolution({fused}, last.filters(), last.bias, {}, {}, 2 * side, kPicture);
  return graph;
}

// Two layers and a choice among candidates, as eSR-CNN has.
Graph choosing() {
  Graph graph(1, 1, 2);
  const Layer head(6, 1, 5, 21), last(32, 6, 3, 23);
  const int picture = graph.add_picture({1}, {0});
  const int features =
      graph.add_convolution({picture}, head.filters(), head.bias, {}, {{kTanh, 0, 0, {}, {}}}, 1, 6);
  graph.add_convolution({features}, last.filters(), last.bias, {}, {}, 2, kPicture, {2, 4, 4, 1, 1});
  return graph;
}

std::vector<float> streamed(const GraphRunner& runner, const std::vector<float>& picture, int64_t height, int64_t width,
                            int64_t rows, int threads) {
  GraphStream stream(runner, height, width, rows);
  const int colors = runner.graph().colors();
  std::vector<float> out(picture.size() * 4, NAN), given, made;
  int64_t from = 0, to = 0;
  for (int64_t slab = 0; slab < stream.slabs(); ++slab) {
    const int64_t input_end = stream.input_end(slab), output_end = stream.output_end(slab);
    given.assign(static_cast<size_t>(colors * (input_end - from) * width), NAN);
    made.assign(static_cast<size_t>(colors * (output_end - to) * 2 * width), NAN);
    for (int color = 0; color < colors; ++color) {
      std::copy_n(picture.begin() + (color * height + from) * width, (input_end - from) * width,
                  given.begin() + color * (input_end - from) * width);
    }
    std::fill_n(static_cast<float*>(scratch(1 << 20)), 1 << 20, NAN);  // what is stale must not be seen
    stream.run(given.data(), made.data(), threads);
    const int64_t count = (output_end - to) * 2 * width;
    for (int color = 0; color < colors; ++color) {
      std::copy_n(made.begin() + color * count, count, out.begin() + (color * 2 * height + to) * 2 * width);
    }
    from = input_end;
    to = output_end;
  }
  check(from == height && to == 2 * height, "a stream takes %d rows and makes %d of a picture of %d",
        static_cast<int>(from), static_cast<int>(to), static_cast<int>(height));
  return out;
}

using Sizes = std::vector<std::pair<int64_t, int64_t>>;

void check_streams(GraphRunner& runner, int64_t side, double spread,
                   const Sizes& sizes = {{1, 5}, {3, 9}, {37, 130}, {101, 20}}) {
  for (const auto& [height, width] : sizes) {
    const int64_t high = height * side, wide = width * side;
    const std::vector<float> picture =
        noise_floats(static_cast<size_t>(runner.graph().colors() * high * wide), spread, 99);
    const std::vector<float> whole = output_of(runner, picture, high, wide, 1, 1);
    for (int64_t rows : {1, 4, 20, 64, 1000})
      for (int threads : {1, 3}) {
        const std::vector<float> out = streamed(runner, picture, high, wide, rows, threads);
        check(std::memcmp(out.data(), whole.data(), out.size() * sizeof(float)) == 0,
              "%s: slabs of %d rows and %d threads change a picture of %dx%d", runner.kernels().name,
              static_cast<int>(rows), threads, static_cast<int>(wide), static_cast<int>(high));
      }
  }
}

void test_slabs(const Kernels& kernels) {
  for (const auto& [side, channels, blocks] : {std::tuple<int, int, int>{1, 16, 5}, {1, 36, 2}, {2, 48, 3}}) {
    GraphRunner runner(residual(side, channels, blocks), kernels);
    check_streams(runner, side, 0.5);
    if (!runner.has_integers()) continue;
    const std::vector<float> seen = noise_floats(static_cast<size_t>(3 * 32 * side * 32 * side), 0.5, 5);
    runner.look(seen.data(), 32 * side, 32 * side);
    runner.quantize(2.0);
    check_streams(runner, side, 1.5);  // some tiles do not fit
  }
  GraphRunner chooser(choosing(), kernels);
  check_streams(chooser, 1, 0.5);
  for (int channels : {16, 36}) {
    GraphRunner attentive(attentive_graph(channels), kernels);
    check_streams(attentive, 1, 0.5, {{15, 15}, {37, 130}, {300, 33}, {301, 17}});
  }
}

void test_memory(const Kernels& kernels) {
  const GraphRunner runner(residual(1, 32, 6), kernels);
  const GraphStream low(runner, 4000, 1000, 16), high(runner, 4000, 1000, 64), short_one(runner, 400, 1000, 16);
  check(low.bytes(1) < high.bytes(1) && high.bytes(1) < runner.bytes(4000, 1000, 1) / 4,
        "%s: slabs do not save memory", kernels.name);
  check(low.bytes(1) == short_one.bytes(1), "%s: memory of slabs grows with the picture", kernels.name);
  const GraphRunner attentive(attentive_graph(32), kernels);
  const GraphStream far(attentive, 4000, 1000, 16), far_short(attentive, 1000, 1000, 16);
  check(far.bytes(1) < attentive.bytes(4000, 1000, 1) / 8 && far.bytes(1) < far_short.bytes(1) * 21 / 20,
        "%s: slabs of a network with barriers do not save memory", kernels.name);
  check(low.bytes(2) > low.bytes(1), "%s: memory does not grow with threads", kernels.name);
}

template <class Function>
void check_refused(const char* what, Function function) {
  try {
    function();
    check(false, "%s is no error", what);
  } catch (const std::invalid_argument&) {
  }
}

void test_refusals(const Kernels& kernels) {
  GraphRunner runner(residual(2, 16, 1), kernels);
  check_refused("an odd height", [&] { GraphStream(runner, 5, 4, 8); });
  check_refused("a slab of no rows", [&] { GraphStream(runner, 4, 4, 0); });
  GraphStream stream(runner, 4, 4, 8);
  std::vector<float> from(3 * 4 * 4), to(3 * 8 * 8);
  stream.run(from.data(), to.data(), 1);
  check_refused("a slab beyond the picture's end", [&] { stream.run(from.data(), to.data(), 1); });

  Graph levels(3, 1, 4);
  const Layer head(16, 3, 3, 1), raise(64, 16, 3, 3), last(12, 16, 3, 5);
  const int picture = levels.add_picture({1, 1, 1}, {0, 0, 0});
  const int features = levels.add_convolution({picture}, head.filters(), head.bias, {}, {}, 1, 16);
  const int raised = levels.add_convolution({features}, raise.filters(), raise.bias, {}, {}, 2, 16);
  levels.add_convolution({raised}, last.filters(), last.bias, {}, {}, 2, kPicture);
  const GraphRunner several(levels, kernels);
  check_refused("a graph of maps of several sizes", [&] { GraphStream(several, 8, 8, 8); });
}

}  // namespace

void test_stream(const Kernels& kernels) {
  test_slabs(kernels);
  test_memory(kernels);
  test_refusals(kernels);
}

}  // namespace upres::test
