#include "graph/graph.h"

#include <algorithm>
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

int64_t Level::length(int64_t smallest) const {
  int64_t now = smallest * scale;
  for (const Windows& windows : reductions) now = windows.count(now);
  return now;
}

Level Level::reduced(Windows windows) const {
  Level coarser = *this;
  coarser.reductions.push_back(windows);
  return coarser;
}

bool Level::is_below(const Level& other) const {
  return scale == other.scale && reductions.size() > other.reductions.size() &&
         std::equal(other.reductions.begin(), other.reductions.end(), reductions.begin());
}

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
  maps_.push_back({channels, picture_channels(channels), {1, {}}});
  pictures_.push_back({static_cast<int>(maps_.size()) - 1, std::move(factor), std::move(summand)});
  return pictures_.back().map;
}

int Graph::add_convolution(const std::vector<int>& inputs, const Filters& filters, std::vector<float> bias,
                           std::vector<Operand> operands, std::vector<StepOf> steps, int shuffle, int channels,
                           Choice choice) {
  require(!inputs.empty() && inputs.size() <= kMaxParts, "expected one to six inputs");
  require(!is_complete(), "expected nothing behind the output");
  std::vector<Part> parts;
  int total = 0;
  for (int input : inputs) {
    const Map& map = map_at(input);
    require(map.level == map_at(inputs[0]).level, "expected inputs of one size");
    parts.push_back({map.channels, map.stride});
    total += map.channels;
  }
  require(total == filters.inputs, "expected filters for as many channels as the inputs have");
  const ConvKind* kind = find_kind(filters, parts);
  require(kind != nullptr, "expected filters of a size for which there is a kernel");
  const Level level = map_at(inputs[0]).level;
  const int outputs = padded_channels(filters.outputs);
  check_outputs(filters.outputs, level, shuffle, channels, choice);
  bias.resize(static_cast<size_t>(outputs));
  Operation operation{kind,    nullptr, {0, 0}, inputs, kind->pack(filters, parts, outputs), std::move(bias),
                      outputs, std::move(operands), std::move(steps), shuffle, kPicture, level, choice, filters.outputs};
  for (StepOf& step : operation.steps) {
    step.first.resize(static_cast<size_t>(takes_first(step.kind) ? outputs : 0));
    step.second.resize(static_cast<size_t>(takes_second(step.kind) ? outputs : 0));
  }
  check_epilogue(operation);
  if (channels != kPicture) {
    maps_.push_back({channels, padded_channels(channels), {level.scale * shuffle, level.reductions}});
    operation.map = static_cast<int>(maps_.size()) - 1;
  }
  operations_.push_back(std::move(operation));
  return operations_.back().map;
}

int Graph::add_strided(int input, const Filters& filters, std::vector<float> bias, int stride) {
  const Map& map = map_at(input);
  require(map.channels == filters.inputs, "expected filters for as many channels as the input has");
  const int outputs = padded_channels(filters.outputs);
  bias.resize(static_cast<size_t>(outputs));
  return add_reduction(input, {nullptr, &ConvTable::strided, {filters.kernel_size, stride}, {input},
                               pack_direct(filters, {{map.channels, map.stride}}, outputs), std::move(bias), outputs,
                               {}, {}, 1, kPicture, map.level}, filters.outputs);
}

int Graph::add_pooling(int input, Windows windows) {
  const Map& map = map_at(input);
  return add_reduction(input, {nullptr, &ConvTable::pool, windows, {input}, {}, {}, map.stride, {}, {}, 1, kPicture,
                               map.level}, map.channels);
}

int Graph::add_reduction(int input, Operation operation, int channels) {
  const Windows windows = operation.windows;
  require(!is_complete(), "expected nothing behind the output");
  require(map_at(input).stride % kChannelBlock == 0, "expected a map, not the picture");
  require(windows.side > 0 && windows.side <= kMaxWindow && windows.stride > 0, "expected windows of 1 to 16 pixels");
  maps_.push_back({channels, operation.outputs, operation.level.reduced(windows)});
  operation.map = static_cast<int>(maps_.size()) - 1;
  operations_.push_back(std::move(operation));
  return operations_.back().map;
}

int64_t Graph::least_side() const {
  int64_t least = 1;
  for (const Map& map : maps_) {
    while (map.level.length(least) < 1) ++least;
  }
  return least * unshuffle_;
}

void Graph::check_outputs(int outputs, Level level, int shuffle, int channels, const Choice& choice) const {
  require(shuffle > 0 && (channels == kPicture || channels > 0), "expected a positive number of channels");
  require(level.reductions.empty() || (shuffle == 1 && channels != kPicture), "expected a coarse map to stay one");
  if (choice.candidates > 0) {
    require(channels == kPicture, "expected a choice for the output alone");
    require(choice.left >= 0 && choice.left < choice.parts && choice.right >= kNoPart && choice.right < choice.parts,
            "expected scores of parts that there are");
    require(outputs == choice.parts * choice.candidates * choice.kept, "expected candidates for each value kept");
    outputs = choice.kept;
  }
  if (channels == kPicture) {
    require(outputs == colors_ * shuffle * shuffle, "expected a value for each color and pixel of the output");
    require(level.scale * shuffle == enlargement_, "expected an output of the promised size");
  } else {
    require(outputs == shuffle * shuffle * (shuffle > 1 ? padded_channels(channels) : channels),
            "expected a value for each channel and pixel of the map");
  }
}

void Graph::check_epilogue(const Operation& operation) const {
  require(operation.operands.size() <= kMaxOperands && operation.steps.size() <= kMaxSteps, "too long an epilogue");
  for (const Operand& operand : operation.operands) {
    const Map& map = map_at(operand.map);
    const bool coarser = map.level.is_below(operation.level) && operand.channels.empty();
    require(map.level == operation.level || coarser, "expected operands of the input's size, or coarser ones");
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
