// Networks of several convolutions: built from Python operation by operation, then run on batches of floats.
#include "graph/graph.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <new>
#include <optional>
#include <tuple>
#include <utility>

#include "bindings/bindings.h"
#include "graph/run.h"
#include "graph/stream.h"

namespace nb = nanobind;

namespace upres {
namespace {

using Batch = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using OutBatch = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using StepTuple = std::tuple<std::string, int, int, std::vector<float>, std::vector<float>>;
using OperandPair = std::pair<int, std::vector<int>>;
using ChoiceTuple = std::tuple<int, int, int, int, std::optional<int>>;

StepKind step_named(const std::string& name) {
  static const std::pair<const char*, StepKind> kNames[] = {
      {"slope", kSlope}, {"sigmoid", kSigmoid}, {"tanh", kTanh},         {"clamp", kClamp},
      {"affine", kAffine}, {"add", kAdd},       {"subtract", kSubtract}, {"multiply", kMultiply},
  };
  for (const auto& [known, kind] : kNames) {
    if (name == known) return kind;
  }
  throw nb::value_error(("no step '" + name + "'").c_str());
}

Filters filters_of(const Batch& weight, const std::vector<float>& bias) {
  if (weight.shape(2) != weight.shape(3)) throw nb::value_error("expected square filters");
  if (bias.size() != weight.shape(0)) throw nb::value_error("expected a bias for each output");
  return {static_cast<int>(weight.shape(0)), static_cast<int>(weight.shape(1)), static_cast<int>(weight.shape(2)),
          weight.data()};
}

int add_convolution(Graph& graph, const std::vector<int>& inputs, const Batch& weight, std::vector<float> bias,
                    const std::vector<OperandPair>& operands, const std::vector<StepTuple>& steps, int shuffle,
                    int channels, const std::optional<ChoiceTuple>& chosen) {
  std::vector<Operand> read;
  std::vector<StepOf> done;
  for (const auto& [map, chosen] : operands) read.push_back({map, chosen});
  for (const auto& [name, left, right, first, second] : steps) {
    done.push_back({step_named(name), left, right, first, second});
  }
  const Filters filters = filters_of(weight, bias);
  Choice choice = kAll;
  if (chosen) {
    const auto& [parts, candidates, kept, left, right] = *chosen;
    choice = {parts, candidates, kept, left, right.value_or(kNoPart)};
  }
  return graph.add_convolution(inputs, filters, std::move(bias), std::move(read), std::move(done), shuffle, channels,
                               choice);
}

int add_strided(Graph& graph, int input, const Batch& weight, std::vector<float> bias, int stride) {
  const Filters filters = filters_of(weight, bias);
  return graph.add_strided(input, filters, std::move(bias), stride);
}

int add_pooling(Graph& graph, int input, int side, int stride) { return graph.add_pooling(input, {side, stride}); }

void run(GraphRunner& runner, const Batch& from, const OutBatch& to, int threads, int bands) {
  const Graph& graph = runner.graph();
  const auto side = static_cast<size_t>(graph.unshuffle()), enlargement = static_cast<size_t>(graph.enlargement());
  const auto colors = static_cast<size_t>(graph.colors());
  if (from.shape(1) != colors || to.shape(1) != colors || from.shape(0) != to.shape(0)) {
    throw nb::value_error("expected batches of the network's colors, of as many pictures in and out");
  }
  if (from.shape(2) % side != 0 || from.shape(3) % side != 0) {
    throw nb::value_error("expected sides of whole squares of pixels");
  }
  if (to.shape(2) != from.shape(2) / side * enlargement || to.shape(3) != from.shape(3) / side * enlargement) {
    throw nb::value_error("expected an output as much larger as the network makes it");
  }
  const nb::gil_scoped_release release;
  const size_t size = colors * from.shape(2) * from.shape(3), out_size = colors * to.shape(2) * to.shape(3);
  for (size_t n = 0; n < from.shape(0); ++n) {
    runner.run(from.data() + n * size, static_cast<int64_t>(from.shape(2)), static_cast<int64_t>(from.shape(3)),
               to.data() + n * out_size, thread_count(threads), bands);
  }
}

using Picture = nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

void look(GraphRunner& runner, const Picture& picture) {
  if (picture.shape(0) != static_cast<size_t>(runner.graph().colors())) {
    throw nb::value_error("expected a picture of the network's colors");
  }
  runner.look(picture.data(), static_cast<int64_t>(picture.shape(1)), static_cast<int64_t>(picture.shape(2)));
}

// Of each slab: rows of the picture that have to be given, and rows of the output that are made, until it.
std::vector<std::pair<int64_t, int64_t>> ends_of(const GraphStream& stream) {
  std::vector<std::pair<int64_t, int64_t>> ends;
  for (int64_t slab = 0; slab < stream.slabs(); ++slab) ends.emplace_back(stream.input_end(slab), stream.output_end(slab));
  return ends;
}

void run_slab(GraphStream& stream, const Batch& from, const OutBatch& to, int threads) {
  const int64_t next = stream.next();
  if (next == stream.slabs()) throw nb::value_error("expected no more than the picture has");
  const Graph& graph = stream.graph();
  const auto length = [&](auto end) { return end(next) - (next == 0 ? 0 : end(next - 1)); };
  const auto rows = static_cast<size_t>(length([&](int64_t slab) { return stream.input_end(slab); }));
  const auto out_rows = static_cast<size_t>(length([&](int64_t slab) { return stream.output_end(slab); }));
  const auto colors = static_cast<size_t>(graph.colors()), width = static_cast<size_t>(stream.width());
  const size_t out_width = width / static_cast<size_t>(graph.unshuffle()) * static_cast<size_t>(graph.enlargement());
  if (from.shape(0) != 1 || from.shape(1) != colors || from.shape(2) != rows || from.shape(3) != width) {
    throw nb::value_error("expected the rows of the picture that the next slab needs");
  }
  if (to.shape(0) != 1 || to.shape(1) != colors || to.shape(2) != out_rows || to.shape(3) != out_width) {
    throw nb::value_error("expected room for the rows that the next slab makes");
  }
  const nb::gil_scoped_release release;
  stream.run(from.data(), to.data(), thread_count(threads));
}

int64_t bytes(const GraphRunner& runner, int64_t height, int64_t width, int threads) {
  return runner.bytes(height, width, thread_count(threads));
}

}  // namespace

void bind_graph(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Graph>(m, "Graph")
      .def(nb::init<int, int, int>(), "colors"_a, "unshuffle"_a, "enlargement"_a)
      .def("picture", &Graph::add_picture, "factor"_a, "summand"_a)
      .def("convolution", &add_convolution, "inputs"_a, "weight"_a, "bias"_a, "operands"_a, "steps"_a, "shuffle"_a,
           "channels"_a, "choice"_a = nb::none())
      .def("strided", &add_strided, "source"_a, "weight"_a, "bias"_a, "stride"_a)
      .def("pooling", &add_pooling, "source"_a, "side"_a, "stride"_a)
      .def_prop_ro("least_side", &Graph::least_side);
  m.attr("OUTPUT") = kPicture;
  nb::class_<GraphRunner>(m, "GraphRunner")
      .def("__init__", [](GraphRunner* self, const Graph& graph, const std::string& isa) {
        new (self) GraphRunner(graph, kernels_named(isa));
      }, "graph"_a, "isa"_a = "")
      .def_prop_ro("isa", [](const GraphRunner& runner) { return runner.kernels().name; })
      .def_prop_ro("reach", &GraphRunner::reach)
      .def_prop_ro("rolls", [](const GraphRunner& runner) { return rolls(runner.graph()); })
      .def_prop_ro("has_integers", &GraphRunner::has_integers)
      .def("look", &look, "picture"_a)
      .def("quantize", &GraphRunner::quantize, "margin"_a)
      .def("run", &run, "batch"_a, "out"_a, "threads"_a, "bands"_a = 1)
      .def("release", &GraphRunner::release)
      .def("bytes", &bytes, "height"_a, "width"_a, "threads"_a);
  nb::class_<GraphStream>(m, "GraphStream")
      .def(nb::init<const GraphRunner&, int64_t, int64_t, int64_t>(), "runner"_a, "height"_a, "width"_a, "rows"_a,
           nb::keep_alive<1, 2>())
      .def_prop_ro("ends", &ends_of)
      .def("run", &run_slab, "batch"_a, "out"_a, "threads"_a)
      .def("bytes", [](const GraphStream& stream, int threads) { return stream.bytes(thread_count(threads)); },
           "threads"_a);
}

}  // namespace upres
