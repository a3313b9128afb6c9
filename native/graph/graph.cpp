#include "graph/graph.h"

#include <stdexcept>
#include <utility>

namespace upres {
namespace {

void require(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

bool takes_two(StepKind kind) { return kind == kAdd || kind == kSubtract || kind == kMultiply; }
bool takes_first(StepKind kind) { return kind == kSlope || kind == kClamp || kind == kAffine; }
bool takes_second(StepKind kind) { return kind == kClamp || kind == kAffine; }

}  // namespace

Graph::Graph(int colors, int unshuffle, int enlargement)
    : colors_(colors), unshuffle_(unshuffle), enlargement_(enlargement) {
  require(colors > 0 && unshuffle > 0 && enlargement > 0, "expected positive numbers of colors and factors");
}

const Map& Graph::map_at(int index) const {
  require(index >= 0 && index < static_cast<int>(maps_.size()), "expected the number of a map that there is");
  return maps_[static_cast<size_t>(index)];
}

int Graph::add_picture(std::vector<float> factor, std::vector<float> summand) {
  const auto colors = static_cast<size_t>(colors_);
  require(factor.size() == colors && summand.size() == colors, "expected a factor and a summand for each color");
  const int channels = colors_ * unshuffle_ * unshuffle_;
  maps_.push_back({channels, picture_channels(channels), 1});
  pictures_.push_back({static_cast<int>(maps_.size()) - 1, std::move(factor), std::move(summand)});
  return pictures_.back().map;
}

int Graph::add_convolution(const std::vector<int>& inputs, const Filters& filters, std::vector<float> bias,
                           std::vector<Operand> operands, std::vector<StepOf> steps, int shuffle, int channels) {
  require(!inputs.empty() && inputs.size() <= kMaxParts, "expected one to six inputs");
  require(!is_complete(), "expected nothing behind the output");
  std::vector<Part> parts;
  int total = 0;
  for (int input : inputs) {
    const Map& map = map_at(input);
    require(map.scale == map_at(inputs[0]).scale, "expected inputs of one size");
    parts.push_back({map.channels, map.stride});
    total += map.channels;
  }
  require(total == filters.inputs, "expected filters for as many channels as the inputs have");
  const ConvKind* kind = find_kind(filters, parts);
  require(kind != nullptr, "expected filters of a size for which there is a kernel");
  require(shuffle > 0 && (channels == kPicture || channels > 0), "expected a positive number of channels");
  const int scale = map_at(inputs[0]).scale, outputs = padded_channels(filters.outputs);
  if (channels == kPicture) {
    require(filters.outputs == colors_ * shuffle * shuffle, "expected a value for each color and pixel of the output");
    require(scale * shuffle == enlargement_, "expected an output of the promised size");
  } else {
    require(filters.outputs == shuffle * shuffle * (shuffle > 1 ? padded_channels(channels) : channels),
            "expected a value for each channel and pixel of the map");
  }
  bias.resize(static_cast<size_t>(outputs));
  Operation operation{kind,    inputs, kind->pack(filters, parts, outputs), std::move(bias), outputs, std::move(operands),
                      std::move(steps), shuffle, kPicture, scale};
  for (StepOf& step : operation.steps) {
    step.first.resize(static_cast<size_t>(takes_first(step.kind) ? outputs : 0));
    step.second.resize(static_cast<size_t>(takes_second(step.kind) ? outputs : 0));
  }
  check_epilogue(operation);
  if (channels != kPicture) {
    maps_.push_back({channels, padded_channels(channels), scale * shuffle});
    operation.map = static_cast<int>(maps_.size()) - 1;
  }
  operations_.push_back(std::move(operation));
  return operations_.back().map;
}

void Graph::check_epilogue(const Operation& operation) const {
  require(operation.operands.size() <= kMaxOperands && operation.steps.size() <= kMaxSteps, "too long an epilogue");
  for (const Operand& operand : operation.operands) {
    const Map& map = map_at(operand.map);
    require(map.scale == operation.scale, "expected operands of the input's size");
    require(!operand.channels.empty() || map.stride == operation.outputs, "expected operands of as many channels");
    require(static_cast<int>(operand.channels.size()) <= operation.outputs, "expected a channel for each output");
    for (int channel : operand.channels) require(channel >= 0 && channel < map.channels, "expected channels there are");
  }
  auto values = static_cast<int>(1 + operation.operands.size());
  for (const StepOf& step : operation.steps) {
    const bool there = step.left >= 0 && step.left < values && step.right >= 0 && step.right < values;
    require(there && (takes_two(step.kind) || step.right == 0), "expected steps on values that there are");
    ++values;
  }
}

}  // namespace upres
