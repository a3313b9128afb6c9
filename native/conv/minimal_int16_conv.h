// 3x3 convolutions by F(4x4, 3x3) with products of 16-bit integers, two in an instruction; transforms stay in float32.
//
// What is seen of each channel at each of the 36 points has a gain of its own, found on a picture, and the weights of
// each output at each point have a unit of their own, so that no sum overflows. A tile of which any value does not fit is
// made anew in floats, as are tiles with values that are not numbers: which tiles these are depends on their own
// pixels alone, so results are equal to the bit however a picture is cut.
#pragma once

#include "conv/minimal_conv.h"

namespace upres {
namespace {

// Added to a float of 16 signed bits, it leaves them plus 2^15 in the low half of a float whose high half is known.
constexpr float kShift = 12582912.0f + 32768.0f;  // 1.5 * 2^23
constexpr int32_t kHighHalf = 0x4b400000, kSigns = static_cast<int32_t>(0x80008000u);

// GCC 12 copies the sum before the intrinsic.
UPRES_INLINE Ints plus_products(Ints sum, Ints a, Ints b) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}

// Rounded to 16 bits, which lie in the low half without their sign; `seen` gathers bits of the high half where they do
// not fit.
UPRES_INLINE Ints rounded(Floats v, Floats gain, Ints& seen) {
  const Ints bits = (Ints)multiply_add(v, gain, splat(kShift));
  seen |= bits ^ splat(kHighHalf);
  return bits;
}

// One transformed row to the horizontal points, as pairs of channels in 32 bits: of two blocks of channels those of one
// lane, of a block that is left over neighbours. `pitch`: 32-bit integers from one point to the next.
void row_to_pairs(const float* row, int64_t tiles, int64_t channels, const float* gains, int32_t* to, int64_t pitch,
                  Ints* seen) {
  for (int64_t t = 0; t < tiles; ++t) {
    Ints unfit = seen[t];
    int64_t c = 0;
    const auto points_of = [&](int64_t channel, Floats(&points)[kTilePoints]) {
      Floats x[kTilePoints];
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) {
        x[p] = load<Floats>(row + (t * kTileOutputs + p) * channels + channel);
      }
      to_points(x, points);
    };
    int32_t* const pairs = to + t * channels / 2;
    for (; c + 2 * kLanes <= channels; c += 2 * kLanes) {
      Floats low[kTilePoints], high[kTilePoints];
      points_of(c, low);
      points_of(c + kLanes, high);
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) {
        const float* const gain = gains + p * channels + c;
        const Ints a = rounded(low[p], load<Floats>(gain), unfit);
        const Ints b = rounded(high[p], load<Floats>(gain + kLanes), unfit);
        store(pairs + p * pitch + c / 2, ((a & splat(0xffff)) | (b << 16)) ^ splat(kSigns));
      }
    }
    if (c < channels) {
      Floats points[kTilePoints];
      points_of(c, points);
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) {
        const Shorts narrowed = narrow<Shorts>(rounded(points[p], load<Floats>(gains + p * channels + c), unfit));
        store(pairs + p * pitch + c / 2, narrowed ^ static_cast<uint16_t>(0x8000));
      }
    }
    seen[t] = unfit;
  }
}

// The operands of a product of pairs: its sums times `units`, plus the bias, which may be null.
struct PairProduct {
  const int32_t* pixels;
  int64_t pitch, depth;  // in pairs
  const int32_t* taps;
  const float *units, *bias;
  float* to;
  int64_t to_pitch;

  // As `Product::make`.
  template <int kPixels, int kBlocks>
  void make(int64_t block, int64_t first) const {
    static_assert(kVectors == 1, "a vector holds a block of channels");
    const int64_t channel = block * kChannelBlock, between = pitch;
    Ints sums[kPixels][kBlocks];
    UPRES_UNROLL for (int p = 0; p < kPixels; ++p)
      UPRES_UNROLL for (int n = 0; n < kBlocks; ++n) sums[p][n] = Ints{};
    const int32_t* const from = pixels + first * between;
#pragma GCC unroll 2
    for (int64_t k = 0; k < depth; ++k) {
      Ints weights[kBlocks];
      UPRES_UNROLL for (int n = 0; n < kBlocks; ++n) {
        weights[n] = load<Ints>(taps + channel * depth + (n * depth + k) * kChannelBlock);
        pin(weights[n]);
      }
      UPRES_UNROLL for (int p = 0; p < kPixels; ++p) {
        Ints pixel = splat(from[p * between + k]);
        pin(pixel);
        UPRES_UNROLL for (int n = 0; n < kBlocks; ++n) sums[p][n] = plus_products(sums[p][n], pixel, weights[n]);
      }
    }
    float* const rows = to + first * to_pitch + channel;
    const int64_t apart = to_pitch;
    UPRES_UNROLL for (int n = 0; n < kBlocks; ++n) {
      const Floats unit = load<Floats>(units + channel + n * kLanes);
      const Floats start = bias == nullptr ? Floats{} : load<Floats>(bias + channel + n * kLanes);
      UPRES_UNROLL for (int p = 0; p < kPixels; ++p) {
        store(rows + p * apart + n * kLanes, multiply_add(to_floats(sums[p][n]), unit, start));
      }
    }
  }
};

UPRES_INLINE bool fits(Ints seen) {
  int32_t lanes[kLanes], all = 0;
  store(lanes, seen);
  for (int i = 0; i < kLanes; ++i) all |= lanes[i];
  return (all & ~0xffff) == 0;
}

UPRES_INLINE bool any_fits(const Ints* seen, int64_t tiles) {
  for (int64_t t = 0; t < tiles; ++t) {
    if (fits(seen[t])) return true;
  }
  return false;
}

// The sums of all tiles to `points`, vertical points as rows; false where none of the tiles fits, and nothing is made.
bool multiply_group(const ConvWeights& weights, const ConvRows& rows, int64_t first, int64_t tiles, int64_t pitch,
                    Ints* seen) {
  const Quantized& quantized = *weights.quantized;
  const int64_t inputs = weights.strides[0], outputs = weights.outputs, depth = inputs / 2;
  const int64_t slot = tiles * outputs, pairs_slot = tiles * depth;
  float *points = rows.scratch, *slots = points + kTilePoints * pitch;
  auto* pairs = reinterpret_cast<int32_t*>(slots + kTilePoints * slot);
  columns_to_points(rows.from, first * inputs, (tiles * kTileOutputs + 2) * inputs, points, pitch);
  const int32_t* taps = quantized.pairs;
  for (int i = 0; i < kTilePoints; ++i) {
    float* row = points + i * pitch;
    row_to_pairs(row, tiles, inputs, quantized.gains + i * kTilePoints * inputs, pairs, pairs_slot, seen);
    if (!any_fits(seen, tiles)) return false;
    for (int j = 0; j < kTilePoints; ++j) {
      const bool at_one = i == 1 && j == 1;
      const float* units = quantized.units + (i * kTilePoints + j) * outputs;
      const PairProduct product{pairs + j * pairs_slot, depth, depth, taps, units,
                                at_one ? weights.bias : nullptr, slots + j * slot, outputs};
      multiply(product, tiles, weights.outputs);
      taps += depth * outputs;
    }
    row_from_points(slots, slot, tiles, outputs, row);
  }
  return true;
}

void convolve_group_int16(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows, int64_t first,
                          int64_t tiles) {
  const int64_t inputs = weights.strides[0], outputs = weights.outputs, columns = tiles * kTileOutputs;
  const int64_t pitch = (columns + 2) * (inputs > outputs ? inputs : outputs);
  Ints seen[kGroupTiles] = {};
  if (multiply_group(weights, rows, first, tiles, pitch, seen)) {
    with_form(epilogue, [&](auto form) {
      columns_from_points<decltype(form)::value>(rows.scratch, pitch, epilogue, rows, first, columns, outputs);
    });
  }
  for (int64_t t = 0; t < tiles;) {  // whole runs of tiles that do not fit
    int64_t end = t;
    while (end < tiles && !fits(seen[end])) ++end;
    if (end > t) convolve_group(weights, epilogue, rows, first + t * kTileOutputs, end - t);
    t = end + 1;
  }
}

void convolve_minimal_int16(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  for_groups(rows, [&](int64_t first, int64_t tiles) { convolve_group_int16(weights, epilogue, rows, first, tiles); });
}

}  // namespace
}  // namespace upres
