// Matrix products of few columns: pixels times weights, sums in registers, one pixel's value broadcast at a time.
#pragma once

#include "base/vector.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

constexpr int kVectors = kChannelBlock / kLanes;  // that hold a block of channels

// Pixels whose sums of that many blocks of channels fit the registers beside the weights and one pixel.
template <int kBlocks>
constexpr int kPixelsFor = kRegisters == 32 ? (kVectors == 1 ? (kBlocks == 3 ? 8 : kGroupTiles) : 6) : kVectors == 2 ? 6 : 2;
constexpr int kMostBlocks = kVectors == 1 ? 3 : 1;

// Weights are `[outputs / kChannelBlock][depth][kChannelBlock]`; `whole` is the depth of the whole product, of which
// this may be a part.
template <int kPixels, int kBlocks>
UPRES_INLINE void accumulate(const float* pixels, int64_t pitch, const float* taps, int64_t whole, int64_t depth,
                             Floats (&sums)[kPixels][kBlocks * kVectors]) {
#pragma GCC unroll 2
  for (int64_t k = 0; k < depth; ++k) {
    Floats weights[kBlocks * kVectors];
    UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) {
      weights[n] = load<Floats>(taps + (n / kVectors * whole + k) * kChannelBlock + n % kVectors * kLanes);
      pin(weights[n]);
    }
    UPRES_UNROLL for (int p = 0; p < kPixels; ++p) {
      Floats pixel = splat(pixels[p * pitch + k]);
      pin(pixel);
      UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) {
        sums[p][n] = multiply_add(pixel, weights[n], sums[p][n]);
      }
    }
  }
}

// One stretch of a product's depth: rows of pixels `pitch` floats apart.
struct Stretched {
  const float* pixels;
  int64_t pitch, depth;
};

// The operands of a product: several stretches, one after the other along the weights' depth.
struct Product {
  const Stretched* stretches;
  int count;
  int64_t depth;  // of all stretches
  const float *taps, *bias;  // bias may be null
  float* to;
  int64_t to_pitch;
};

template <int kPixels, int kBlocks>
void multiply_block(const Product& product, int64_t first) {
  Floats sums[kPixels][kBlocks * kVectors];
  UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) {
    const Floats start = product.bias == nullptr ? Floats{} : load<Floats>(product.bias + n * kLanes);
    UPRES_UNROLL for (int p = 0; p < kPixels; ++p) sums[p][n] = start;
  }
  const float* taps = product.taps;
  for (int s = 0; s < product.count; ++s) {
    const Stretched& from = product.stretches[s];
    accumulate<kPixels, kBlocks>(from.pixels + first * from.pitch, from.pitch, taps, product.depth, from.depth, sums);
    taps += from.depth * kChannelBlock;
  }
  float* to = product.to + first * product.to_pitch;
  UPRES_UNROLL for (int p = 0; p < kPixels; ++p) {
    UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) store(to + p * product.to_pitch + n * kLanes, sums[p][n]);
  }
}

template <int kPixels, int kBlocks>
void multiply_some(const Product& product, int64_t first, int64_t count) {
  if constexpr (kPixels > 1) {
    if (count < kPixels) return multiply_some<kPixels - 1, kBlocks>(product, first, count);
  }
  multiply_block<kPixels, kBlocks>(product, first);
}

// In blocks of nearly equal height: each pixel's sum is made the same way in a block of any.
template <int kBlocks>
void multiply_all(const Product& product, int64_t count) {
  constexpr int kMost = kPixelsFor<kBlocks>;
  int64_t done = 0;
  for (int64_t blocks = (count + kMost - 1) / kMost; blocks > 0; --blocks) {
    const int64_t now = (count - done + blocks - 1) / blocks;
    multiply_some<kMost, kBlocks>(product, done, now);
    done += now;
  }
}

// `count` pixels to all outputs, some blocks of channels at a time.
void multiply(Product product, int64_t count, int outputs) {
  for (int left = outputs / kChannelBlock; left > 0;) {
    const int now = kMostBlocks == 1 || left == 1 ? 1 : left == 3 ? 3 : 2;
    if constexpr (kMostBlocks == 3) {
      if (now == 3) multiply_all<3>(product, count);
      if (now == 2) multiply_all<2>(product, count);
    }
    if (now == 1) multiply_all<1>(product, count);
    product.taps += now * product.depth * kChannelBlock;
    if (product.bias != nullptr) product.bias += now * kChannelBlock;
    product.to += now * kChannelBlock;
    left -= now;
  }
}

}  // namespace
}  // namespace upres
