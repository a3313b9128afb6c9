#include "graph/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace upres {
namespace {

constexpr double kLargest = 32767.0;
constexpr double kFaintest = 1.0 / 16.0;  // a channel counts as no fainter than this beside the strongest one
// The most that the weights of a sum may amount to: times 2^15 it stays below 2^31.
constexpr double kMostOfSum = 65000.0;

// Which half of which pair a channel is: see `row_to_pairs`.
struct Place {
  int64_t pair;
  int half;
};

Place place_of(int channel, int stride) {
  const int block = channel / kChannelBlock, lane = channel % kChannelBlock, blocks = stride / kChannelBlock;
  if (block == blocks - 1 && blocks % 2 == 1) return {block * kChannelBlock / 2 + lane / 2, lane % 2};
  return {block / 2 * kChannelBlock + lane, block % 2};
}

}  // namespace

QuantizedWeights quantize(const Operation& operation, int channels, int stride, const float* largest_seen,
                          double margin) {
  const int outputs = operation.outputs;
  const int64_t depth = stride / 2, one = depth * outputs;
  QuantizedWeights made{std::vector<int32_t>(static_cast<size_t>(kMinimalPoints * one)),
                        std::vector<float>(static_cast<size_t>(kMinimalPoints * outputs)),
                        std::vector<float>(static_cast<size_t>(kMinimalPoints * stride))};
  for (int p = 0; p < kMinimalPoints; ++p) {
    const float* const seen = largest_seen + p * stride;
    const double strongest = *std::max_element(seen, seen + stride);
    float* const gains = made.gains.data() + p * stride;
    for (int k = 0; k < stride; ++k) {
      const double range = std::max<double>(seen[k], kFaintest * strongest);
      gains[k] = range > 0.0 ? static_cast<float>(kLargest / (margin * range)) : 1.0f;
    }
    const float* const taps = operation.taps.data() + static_cast<int64_t>(p) * channels * outputs;
    for (int o = 0; o < outputs; ++o) {
      const auto weight = [&](int k) {
        return static_cast<double>(taps[(int64_t{o} / kChannelBlock * channels + k) * kChannelBlock + o % kChannelBlock]) /
               static_cast<double>(gains[k]);
      };
      double most = 0.0, sum = 0.0;
      for (int k = 0; k < channels; ++k) {
        most = std::max(most, std::fabs(weight(k)));
        sum += std::fabs(weight(k));
      }
      if (sum == 0.0) continue;
      const double factor = std::min(kLargest / most, kMostOfSum / sum);
      made.units[static_cast<size_t>(p * outputs + o)] = static_cast<float>(1.0 / factor);
      int32_t* const pairs = made.pairs.data() + p * one + o / kChannelBlock * depth * kChannelBlock + o % kChannelBlock;
      for (int k = 0; k < channels; ++k) {
        const Place place = place_of(k, stride);
        const auto rounded = static_cast<uint32_t>(static_cast<uint16_t>(std::lrint(weight(k) * factor)));
        int32_t& pair = pairs[place.pair * kChannelBlock];
        pair = static_cast<int32_t>(static_cast<uint32_t>(pair) | rounded << (16 * place.half));
      }
    }
  }
  return made;
}

}  // namespace upres
