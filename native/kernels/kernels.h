// Every kernel of the native engine by name, and the table that each instruction set fills with its own machine code.
// A kernel works on one row, or on one block of a row; bands, threads and borders are the business of its callers.
#pragma once

#include <cstdint>

namespace upres {

enum Family { kMax, kTm, kTr };

enum Pixel { kU8, kU16, kF32 };
constexpr int kPixels = 3;

// Keys as exponents of 2 that stay within this bound need no running maximum: 2^90 times any sum of values is far from
// the end of float32.
constexpr float kKeyBound = 90.0f;

constexpr int kMinScale = 2, kMaxScale = 4;
constexpr int kMaxBlock = 96;  // pixels that a kernel computes at a time, at most

inline int pixel_bytes(Pixel pixel) { return pixel == kU8 ? 1 : pixel == kU16 ? 2 : 4; }

// What an edge-SR kernel reads of a packed model (edge_sr.h says how the weights lie).
struct EdgeWeights {
  const void* taps;
  int scale;
  int groups;       // of channels
  float key_scale;  // from the direct integer kernels' products to exponents of 2; unused by the others

  int phases() const { return scale * scale; }
};

// One block of a low-resolution row through the whole network: `phases[p * block + x]` is the unscaled value of output
// phase p at pixel x of the block. `rows` are prepared rows (see `Widen`, `Pair`, `Transform`), `x` the first pixel.
// Where the kernel makes several rows at a time, those of the next row follow. False where the keys leave the range for
// which the kernel is made: nothing of the block is to be used then.
using EdgeBlock = bool (*)(const EdgeWeights& weights, const void* const* rows, int64_t x, float* phases);

struct EdgeKernel {
  EdgeBlock run;  // null where there is no such kernel
  int block;      // pixels
  int group;      // channels in a group
  int rows;       // low-resolution rows at a time
  bool guarded;   // whether `run` may return false
};

// The kernel for a network; `run` is null where there is none. Where `bounded`, no image pushes a key beyond kKeyBound.
using FindEdge = EdgeKernel (*)(Family, int kernel_size, int channels, bool bounded);

// One for each arithmetic, in the order of edge_sr/arithmetic.cpp.
struct EdgeTable {
  FindEdge mirrored_halves;  // half as many multiplications as `halves`, for networks that are their own mirror image
  FindEdge halves;           // as `pairs` with fewer multiplications, for 5x5 and 7x7 filters
  FindEdge pairs;            // 16-bit integers, two multiply-adds in a 32-bit lane; with VNNI only
  FindEdge minimal;          // float32 with fewer multiplications (minimal.h)
  FindEdge direct;           // float32 multiply-adds
};

// Pixels first .. first + count of a row of `width` pixels as floats, zero outside the row; `row` may be null for a
// row outside the image. Values are clamped to +-limit, and what is not a number becomes -limit.
using Widen = void (*)(const void* row, int64_t width, int64_t first, int64_t count, float limit, float* to);

// The same as pairs of 16-bit integers in 32 bits, low half first: two rows at one pixel, or, where `across`, two
// neighbours of the row `lower`.
using Pair = void (*)(const void* upper, const void* lower, bool across, int64_t width, int64_t first, int64_t count,
                      int limit, int32_t* to);

// The same as 16-bit integers, clamped to 0 .. limit.
using Shorten = void (*)(const void* row, int64_t width, int64_t first, int64_t count, int limit, int16_t* to);

// Rows of 16-bit integers, halved_window(kernel_size) of them, to pairs at the kHalvedPoints points of minimal.h: the
// upper and the lower half at one pixel, low half first, but for the last point each pixel of the lower half and its
// right neighbour, and in one more row, unless that is null, its left one. `count` is rounded up to two vectors; `last`
// has room for one row and a pixel on either side.
using Halve = void (*)(const int16_t* const* rows, int64_t count, int16_t* last, int32_t* const* to);

// Rows to their transforms at the points of minimal.h, as many as there are rows; `count` is rounded up to a vector.
using Transform = void (*)(const float* const* rows, int64_t count, float* const* to);

// Whether all values are in 0 .. peak; false where one is not a number.
using Within = bool (*)(const float* row, int64_t count, float peak);

// Phases to `scale` output rows: pixel (x + i) * scale + j of row r is phases[(r * scale + j) * stride + i] * gain,
// for i < count; integers are clamped to 0 .. peak and rounded half up.
using Emit = void (*)(const float* phases, int64_t stride, int64_t count, float gain, float peak, void* const* rows,
                      int64_t x);

// A row of interleaved RGB to full-range luma, red minus green and blue minus green, all in units of the input.
using Split = void (*)(const void* rgb, int64_t width, float* luma, float* red, float* blue);

// One output row of these three back to RGB; the vertical half of the interpolation of the differences, four rows each.
using Join = void (*)(const float* luma, const float* const* red, const float* const* blue, const float* taps,
                      int64_t width, float peak, void* rgb);

// Four-tap interpolation along a row: to[x * scale + p] = sum over t of taps[p * 4 + t] * from[x + first[p] + t].
using Stretch = void (*)(const float* from, int64_t width, int scale, const float* taps, const int* first, float* to);

// Weighted sum of four rows to one row of pixels.
using Blend = void (*)(const float* const* rows, const float* taps, int64_t width, float peak, void* to);

// How far the pixels of two rows are from each other.
using Distance = void (*)(const void* one, const void* other, int64_t count, void* to);

// Adds a row of pixels to as many sums.
using AddUp = void (*)(const void* row, int64_t count, uint32_t* sums);

// Each pixel of a row kMinScale .. kMaxScale times, side by side.
using Repeat = void (*)(const void* row, int64_t count, int factor, void* to);

// Moves each pixel of a row to within `moves` of the one of the row `before`, but no further than `bounds`.
using Steady = void (*)(const void* before, const void* moves, const void* bounds, int64_t count, void* row);

// What is done to the sums of a convolution before they are stored, step by step. Value 0 is the sum, values 1 .. are
// the operands, and each step makes one more value of two there are (`right` only where the step takes two); the last
// value is stored. `first` and `second` hold a number for each channel.
enum StepKind { kSlope, kSigmoid, kTanh, kClamp, kAffine, kAdd, kSubtract, kMultiply };
constexpr int kMaxOperands = 4, kMaxSteps = 12;

struct Step {
  StepKind kind;
  int left, right;
  const float *first, *second;  // kSlope: slope below 0; kClamp: lower, upper; kAffine: factor, summand
};

struct Epilogue {
  int operands = 0, steps = 0;
  Step step[kMaxSteps];
};

// Maps are pixel-major: all channels of a pixel lie beside each other, a multiple of kChannelBlock of them but for
// pictures. Convolutions make kTileRows rows at a time, of a multiple of four columns.
constexpr int kChannelBlock = 16, kTileRows = 4, kMaxParts = 6, kMaxHalo = 2, kMaxWindow = 16;

// The weights of a convolution by minimal filtering in 16-bit integers, and what multiplies pixels and sums. `pairs`:
// [36][outputs / kChannelBlock][inputs / 2][kChannelBlock] pairs of weights, `units`: [36][outputs], `gains`: [36][inputs].
struct Quantized {
  const int32_t* pairs;
  const float *units, *gains;
};

// `taps` lie as each kind of convolution packs them (conv/kinds.h). Of each part of a concatenated input: `channels`
// that count, and `strides`, those that it has in memory; so `outputs_made` and `outputs`.
struct ConvWeights {
  const float *taps, *bias;
  int kernel_size, parts, channels[kMaxParts], strides[kMaxParts], outputs_made, outputs;
  const Quantized* quantized;  // null where it runs in floats
};

// `from`: the input rows of each part, from as far above the first row made as the convolution looks beyond its own
// pixel, each at the first column read. `operands`: kTileRows rows each. `scratch`: conv_scratch(widest) floats. Where
// `pitch` is not 0, what a narrow convolution makes stays in planes so far apart, one for each output, of as many columns
// rounded up to a vector: for epilogues without operands. `far`: what is read comes from beyond the second-level cache.
struct ConvRows {
  const float* const* from;
  int64_t columns;
  float* const* to;
  const float* const* operands;
  float* scratch;
  int64_t pitch = 0;
  bool far = false;
};

using Convolve = void (*)(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows);

// Windows of `side` x `side` pixels, `stride` apart. `from`: the rows of one row of windows, each at the first column
// of the first window; `columns` windows.
struct WindowRows {
  const float* const* from;
  int side, stride;
  int64_t columns;
  float* to;
};

// Raises each of [36][inputs] values to the largest distance from 0 of what minimal filtering multiplies there.
using Look = void (*)(const ConvWeights& weights, const ConvRows& rows, float* largest_seen);

using Reduce = void (*)(const ConvWeights& weights, const WindowRows& rows);

// One row between two rows of a coarse map, stretched: `lower_part` of the way from `upper` to `lower`, and pixel x
// `part[x]` of the way from the pixel that begins at float `left[x]` to the next one. `count` floats of the rows are
// read; `blended` has room for as many.
struct RaisedRow {
  const float *upper, *lower;
  float lower_part;
  int64_t count;
  const int32_t* left;
  const float* part;
  int64_t columns, channels;
  float *blended, *to;
};

using Raise = void (*)(const RaisedRow& row);

// A choice among candidates: the channels of a pixel are `parts` times `candidates` times those that are `kept`. Part 0
// are the candidates' values. Each scores its channel of part `left`, times that of part `right` unless that is kNoPart,
// and what is kept is their sum, weighted by the softmax of the scores.
struct Choice {
  int parts, candidates, kept, left, right;
};
constexpr int kNoPart = -1;

// One row of pixels `stride` floats apart, of which channels up to a multiple of the vector's lanes are read, to planes
// `pitch` floats apart, of as many pixels rounded up to a vector. `scratch`: choice_scratch(stride) floats.
struct ChoiceRow {
  const float* from;
  int64_t columns, stride;
  float* scratch;
  float* to;
  int64_t pitch;
};
constexpr int64_t choice_scratch(int64_t channels) { return channels * 16; }

using Choose = void (*)(const Choice& choice, const ChoiceRow& row);

// One for each kind of operation on maps in float32.
struct ConvTable {
  Convolve minimal;        // 3x3 by F(4x4, 3x3)
  Convolve minimal_int16;  // the same by products of integers, of `quantized` weights; null where it is not built
  Look look_at_points;     // what these see
  Convolve direct;   // by its definition: 3x3 of a few channels, 5x5
  Convolve narrow;   // 3x3 and 5x5 to at most kNarrowOutputs channels, columns in the lanes
  Convolve product;  // 1x1, of several maps beside each other
  Reduce strided;    // a convolution of windows that begin `stride` pixels apart
  Reduce pool;       // the largest value of each channel in each window
  Raise raise;       // bilinear enlargement, a row at a time
  Choose choose;     // one value of several candidates
};

// Tiles that a convolution by minimal filtering transforms at a time, columns that a narrow one reads at a time, and the
// floats that either needs meanwhile.
constexpr int kGroupTiles = 13;
constexpr int kNarrowOutputs = 8, kNarrowPitch = 80;
// Of so few channels transforms take as long as the products that they save, and rounding would cost eSR-CNN 2e-5.
constexpr int kThinChannels = 9;
constexpr int64_t conv_scratch(int64_t channels) {
  constexpr int64_t kTiles = 6 * (4 * kGroupTiles + 2) + 9 * kGroupTiles, kPlanes = (kTileRows + 2 * kMaxHalo) * kNarrowPitch;
  return (kTiles > kPlanes ? kTiles : kPlanes) * channels;
}

// Arithmetic with nothing else to do, for the ceilings: returns multiply-adds done.
using Burn = int64_t (*)(int64_t rounds);

struct Kernels {
  const char* name;
  int lanes;
  EdgeTable edge;
  Widen widen[kPixels];
  Pair pair[2];
  Shorten shorten[2];
  Halve halve[2];  // for 5x5 and 7x7 filters; null where there are no integer kernels
  Transform transform[2];  // of 6 and of 8 rows
  Within within;
  Emit emit[kMaxScale + 1][kPixels];
  Split split[2];
  Join join[2];
  Stretch stretch;
  Blend blend[kPixels];
  Distance distance[2];
  AddUp add_up[2];
  Repeat repeat[2];
  Steady steady[2];
  const ConvTable* conv;
  Burn burn_float;
  Burn burn_integer;
};

// One instruction set each; null where it was not built.
const Kernels* kernels_avx512vnni();
const Kernels* kernels_avx512();
const Kernels* kernels_avx2();
const Kernels* kernels_baseline();

// The instruction sets that were built and that this processor runs, best first.
int available(const Kernels* (&list)[4]);

// The one of that name, or the best for an empty name; null where it is not available.
const Kernels* find_kernels(const char* name);

}  // namespace upres
