#include "graph/run.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "graph/passes.h"

namespace upres {

GraphRunner::GraphRunner(Graph graph, const Kernels& kernels)
    : graph_(std::move(graph)), kernels_(kernels), plan_(make_plan(graph_)) {
  for (const Operation& operation : graph_.operations()) {
    Epilogue epilogue;
    epilogue.operands = static_cast<int>(operation.operands.size());
    for (const StepOf& step : operation.steps) {
      epilogue.step[epilogue.steps++] = {step.kind, step.left, step.right, step.first.data(), step.second.data()};
    }
    epilogues_.push_back(epilogue);
  }
  zeros_.assign(static_cast<size_t>(zero_floats(graph_, plan_)), 0.0f);
}

int64_t GraphRunner::scratch_bytes(int threads) const {
  int64_t floats = 0;
  for (const Pass& pass : plan_.passes) floats = std::max(floats, scratch_floats(graph_, pass));
  return floats * 4 * threads;
}

int64_t GraphRunner::bytes(int64_t height, int64_t width, int threads) const {
  return Planes::bytes(plan_.slots, height / graph_.unshuffle(), width / graph_.unshuffle()) + scratch_bytes(threads);
}

void GraphRunner::require_sides(int64_t height, int64_t width) const {
  const int64_t side = graph_.unshuffle(), least = graph_.least_side();
  if (height % side != 0 || width % side != 0) throw std::invalid_argument("expected sides of whole squares of pixels");
  if (height < least || width < least) {
    throw std::invalid_argument("expected sides of at least " + std::to_string(least) + " pixels, got " +
                                std::to_string(height) + "x" + std::to_string(width));
  }
}

Frame GraphRunner::frame(const Plan& plan, const Planes& planes, int64_t height, int64_t width, float* out, Span out_rows,
                         std::vector<std::vector<float>>* largest_seen) const {
  return {graph_, kernels_, plan, epilogues_, planes, zeros_.data(), height, width, out, out_rows, views_, largest_seen};
}

int64_t GraphRunner::reach() const {
  const int64_t far = upres::reach(graph_, plan_);
  return far < 0 ? far : far * graph_.unshuffle() + graph_.unshuffle() - 1;
}

bool GraphRunner::has_integers() const {
  const auto& operations = graph_.operations();
  return kernels_.conv->minimal_int16 != nullptr &&
         std::any_of(operations.begin(), operations.end(), [](const Operation& each) { return each.takes_integers(); });
}

const Map& GraphRunner::input_of(size_t operation) const {
  return graph_.maps()[static_cast<size_t>(graph_.operations()[operation].inputs[0])];
}

void GraphRunner::look(const float* picture, int64_t height, int64_t width) {
  const auto& operations = graph_.operations();
  largest_seen_.assign(operations.size(), {});
  for (size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].takes_integers()) largest_seen_[i].resize(static_cast<size_t>(kMinimalPoints * input_of(i).stride));
  }
  const int64_t rows = height / graph_.unshuffle() * graph_.enlargement();
  const int64_t columns = width / graph_.unshuffle() * graph_.enlargement();
  std::vector<float> out(static_cast<size_t>(graph_.colors() * rows * columns));
  views_.clear();
  run_frame(picture, height, width, out.data(), 1, 1, &largest_seen_);
}

void GraphRunner::quantize(double margin) {
  const auto& operations = graph_.operations();
  if (!has_integers() || largest_seen_.empty()) throw std::invalid_argument("expected integers, and a look before");
  quantized_.assign(operations.size(), {});
  for (size_t i = 0; i < operations.size(); ++i) {
    if (!operations[i].takes_integers()) continue;
    quantized_[i] = upres::quantize(operations[i], input_of(i).channels, input_of(i).stride, largest_seen_[i].data(), margin);
  }
  views_.clear();
  for (const QuantizedWeights& each : quantized_) views_.push_back(each.view());
}

void GraphRunner::run(const float* from, int64_t height, int64_t width, float* to, int threads, int bands) {
  run_frame(from, height, width, to, threads, bands, nullptr);
}

void GraphRunner::run_frame(const float* from, int64_t height, int64_t width, float* to, int threads, int bands,
                            std::vector<std::vector<float>>* largest_seen) {
  if (height == 0 || width == 0) return;
  require_sides(height, width);
  const int side = graph_.unshuffle();
  const int64_t rows = height / side, columns = width / side;
  planes_.fit(plan_.slots, rows, columns, threads);
  load_pictures(graph_, plan_, planes_, from, {0, rows}, columns, threads);
  const Frame frame = this->frame(plan_, planes_, rows, columns, to, {0, rows}, largest_seen);
  for (const Pass& pass : plan_.passes) run_pass(frame, pass, {0, rows_made(graph_, pass, rows)}, threads, bands);
}

}  // namespace upres
