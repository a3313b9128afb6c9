#include "conv/kinds.h"

#include <cstddef>

#include "conv/narrow.h"

namespace upres {
namespace {

constexpr int kMostDirect = 4;  // 9 products for each of these against 36 / 16 for each of a block of channels
constexpr int kAny = 1 << 20;
constexpr int kPoints = 6, kTaps = 3;

// Three taps to the points 0, 1, -1, 2, -2 and infinity.
constexpr double kToPoints[kPoints][kTaps] = {{1.0 / 4, 0, 0},
                                              {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                              {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                              {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                              {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                              {0, 0, 1}};

float at_points(const Filters& filters, int output, int input, int row, int column) {
  double sum = 0.0;
  for (int i = 0; i < kTaps; ++i)
    for (int j = 0; j < kTaps; ++j)
      sum += kToPoints[row][i] * kToPoints[column][j] * static_cast<double>(filters.at(output, input, i * kTaps + j));
  return static_cast<float>(sum);
}

// Index into [outputs / kChannelBlock][depth][kChannelBlock].
size_t place(int output, int64_t depth, int64_t k) {
  return static_cast<size_t>((output / kChannelBlock * depth + k) * kChannelBlock + output % kChannelBlock);
}

std::vector<float> pack_minimal(const Filters& filters, const std::vector<Part>&, int outputs) {
  const int depth = filters.inputs;
  const size_t one = static_cast<size_t>(depth) * outputs;
  std::vector<float> taps(kPoints * kPoints * one);
  for (int p = 0; p < kPoints * kPoints; ++p)
    for (int o = 0; o < filters.outputs; ++o)
      for (int k = 0; k < filters.inputs; ++k)
        taps[static_cast<size_t>(p) * one + place(o, depth, k)] = at_points(filters, o, k, p / kPoints, p % kPoints);
  return taps;
}

std::vector<float> pack_product(const Filters& filters, const std::vector<Part>&, int outputs) {
  const int depth = filters.inputs;
  std::vector<float> taps(static_cast<size_t>(depth) * outputs);
  for (int o = 0; o < filters.outputs; ++o)
    for (int k = 0; k < depth; ++k) taps[place(o, depth, k)] = filters.at(o, k, 0);
  return taps;
}

// [outputs / kQuad][rows of taps, or the points that three of them become][inputs][kernel_size][kQuad]
std::vector<float> pack_narrow(const Filters& filters, const std::vector<Part>&, int) {
  const int size = filters.kernel_size;
  const bool by_points = goes_by_points(size, filters.inputs);
  const int rows = by_points ? kPoints : size;
  const auto tap = [&](int output, int input, int row, int column) {
    double sum = 0.0;
    for (int i = 0; i < size && output < filters.outputs; ++i) {
      const double part = by_points ? kToPoints[row][i] : i == row;
      sum += part * static_cast<double>(filters.at(output, input, i * size + column));
    }
    return static_cast<float>(sum);
  };
  std::vector<float> taps;
  for (int first = 0; first < filters.outputs; first += kQuad)
    for (int row = 0; row < rows; ++row)
      for (int k = 0; k < filters.inputs; ++k)
        for (int column = 0; column < size; ++column)
          for (int o = first; o < first + kQuad; ++o) taps.push_back(tap(o, k, row, column));
  return taps;
}

// What pads the channels of a map is left out.
std::vector<float> pack_taps(const Filters& filters, const std::vector<Part>& parts, int outputs) {
  return pack_direct(filters, {{parts[0].channels, parts[0].channels}}, outputs);
}

constexpr ConvKind kKinds[] = {
    {"narrow", "f32", 3, kAny, kNarrowOutputs, false, &ConvTable::narrow, pack_narrow},
    {"narrow", "f32", 5, kAny, kNarrowOutputs, false, &ConvTable::narrow, pack_narrow},
    {"direct", "f32", 3, kMostDirect, kAny, false, &ConvTable::direct, pack_taps},
    {"direct", "f32", 3, kThinChannels, kChannelBlock, false, &ConvTable::direct, pack_taps},
    {"direct", "f32", 5, kAny, kAny, false, &ConvTable::direct, pack_taps},
    {"minimal", "f32", 3, kAny, kAny, false, &ConvTable::minimal, pack_minimal},
    {"product", "f32", 1, kAny, kAny, true, &ConvTable::product, pack_product},
};

}  // namespace

const ConvKind* find_kind(const Filters& filters, const std::vector<Part>& parts) {
  for (const ConvKind& kind : kKinds) {
    const bool fits = parts[0].channels <= kind.most_channels && filters.outputs <= kind.most_outputs &&
                      (parts.size() == 1 || kind.many_parts);
    if (fits && filters.kernel_size == kind.kernel_size) return &kind;
  }
  return nullptr;
}

std::vector<float> pack_direct(const Filters& filters, const std::vector<Part>& parts, int outputs) {
  const int channels = parts[0].stride, all = filters.kernel_size * filters.kernel_size, depth = all * channels;
  std::vector<float> taps(static_cast<size_t>(depth) * outputs);
  for (int o = 0; o < filters.outputs; ++o)
    for (int k = 0; k < filters.inputs; ++k)
      for (int t = 0; t < all; ++t) taps[place(o, depth, t * channels + k)] = filters.at(o, k, t);
  return taps;
}

int padded_channels(int channels) { return (channels + kChannelBlock - 1) / kChannelBlock * kChannelBlock; }

int picture_channels(int channels) { return channels <= kMostDirect ? channels : padded_channels(channels); }

}  // namespace upres
