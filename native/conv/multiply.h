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
// this may be a part. `meanwhile(k)` is called at each step.
template <int kPixels, int kBlocks, class Meanwhile>
UPRES_INLINE void accumulate(const float* pixels, int64_t pitch, const float* taps, int64_t whole, int64_t depth,
                             Floats (&sums)[kPixels][kBlocks * kVectors], Meanwhile meanwhile) {
#pragma GCC unroll 2
  for (int64_t k = 0; k < depth; ++k) {
    meanwhile(k);
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

// The operands of a product: several stretches, one after the other along the weights' depth. Products are made by
// reference: a copy of what was just written would wait for it.
struct Product {
  const Stretched* stretches;
  int count;
  int64_t depth;  // of all stretches
  const float *taps, *bias;  // bias may be null
  float* to;
  int64_t to_pitch;

  // kPixels pixels from `first` on, to kBlocks blocks of channels from `block` on.
  template <int kPixels, int kBlocks>
  void make(int64_t block, int64_t first) const {
    make_while<kPixels, kBlocks>(block, first, [](int64_t) {});
  }

  template <int kPixels, int kBlocks, class Meanwhile>
  UPRES_INLINE void make_while(int64_t block, int64_t first, Meanwhile meanwhile) const {
    const int64_t channel = block * kChannelBlock;
    Floats sums[kPixels][kBlocks * kVectors];
    UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) {
      const Floats start = bias == nullptr ? Floats{} : load<Floats>(bias + channel + n * kLanes);
      UPRES_UNROLL for (int p = 0; p < kPixels; ++p) sums[p][n] = start;
    }
    const float* weights = taps + channel * depth;
    for (int s = 0; s < count; ++s) {
      const Stretched& from = stretches[s];
      accumulate<kPixels, kBlocks>(from.pixels + first * from.pitch, from.pitch, weights, depth, from.depth, sums,
                                   meanwhile);
      weights += from.depth * kChannelBlock;
    }
    float* row = to + first * to_pitch + channel;
    const int64_t pitch = to_pitch;  // which no store to the row may change
    UPRES_UNROLL for (int p = 0; p < kPixels; ++p, row += pitch) {
      UPRES_UNROLL for (int n = 0; n < kBlocks * kVectors; ++n) store(row + n * kLanes, sums[p][n]);
    }
  }
};

// A product that asks, with each step along its depth, for some of what is read soon after it. To ask for all of that
// at once would take as long as to read it.
struct FetchingProduct {
  const Product& product;
  const float *coming, *met;  // of the pixel that `product` begins at: inputs of pixels to come, and what its sums meet
  int64_t coming_channels, met_channels;  // floats of a pixel

  template <int kPixels, int kBlocks>
  void make(int64_t block, int64_t first) const {
    if (block > 0) return product.make<kPixels, kBlocks>(block, first);
    const float *inputs = coming + first * coming_channels, *operands = met + first * met_channels;
    const int64_t input_step = kPixels * coming_channels / product.depth;
    const int64_t operand_step = kPixels * met_channels / product.depth;
    product.make_while<kPixels, kBlocks>(block, first, [&](int64_t k) {
      __builtin_prefetch(inputs + k * input_step);
      __builtin_prefetch(operands + k * operand_step);
      __builtin_prefetch(operands + k * operand_step + operand_step / 2);
    });
  }
};

template <int kPixels, int kBlocks, class Operands>
void multiply_some(const Operands& product, int64_t block, int64_t first, int64_t count) {
  if constexpr (kPixels > 1) {
    if (count < kPixels) return multiply_some<kPixels - 1, kBlocks>(product, block, first, count);
  }
  product.template make<kPixels, kBlocks>(block, first);
}

// In blocks of nearly equal height: each pixel's sum is made the same way in a block of any.
template <int kBlocks, class Operands>
void multiply_all(const Operands& product, int64_t block, int64_t count) {
  constexpr int kMost = kPixelsFor<kBlocks>;
  int64_t done = 0;
  for (int64_t blocks = (count + kMost - 1) / kMost; blocks > 0; --blocks) {
    const int64_t now = (count - done + blocks - 1) / blocks;
    multiply_some<kMost, kBlocks>(product, block, done, now);
    done += now;
  }
}

// `count` pixels to all outputs, some blocks of channels at a time.
template <class Operands>
void multiply(const Operands& product, int64_t count, int outputs) {
  const int blocks = outputs / kChannelBlock;
  for (int block = 0; block < blocks;) {
    const int left = blocks - block, now = kMostBlocks == 1 || left == 1 ? 1 : left == 3 ? 3 : 2;
    if constexpr (kMostBlocks == 3) {
      if (now == 3) multiply_all<3>(product, block, count);
      if (now == 2) multiply_all<2>(product, block, count);
    }
    if (now == 1) multiply_all<1>(product, block, count);
    block += now;
  }
}

}  // namespace
}  // namespace upres
