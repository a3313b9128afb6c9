// Convolutions to a few channels, by definition, but 3x3 of more than a few by minimal filtering F(4, 3) down the columns.
//
// Channels would leave most lanes of a vector idle, so columns are the lanes here: each row is transposed to one plane
// for each channel, and what is made is transposed back, four outputs at a time. Down the columns, four rows of 3x3 are
// six products instead of twelve, and no transform moves anything between lanes.
#pragma once

#include "conv/direct_conv.h"
#include "conv/minimal_conv.h"
#include "conv/narrow.h"
#include "conv/transpose.h"

namespace upres {
namespace {

constexpr int kVectorsAcross = kRegisters == 32 ? 4 : 2;  // whose sums fit the registers beside weights and pixels

// Planes of some columns of one row, one for each channel, kNarrowPitch floats apart.
struct ChannelPlanes {
  float* first;

  float* of(int64_t channel) const { return first + channel * kNarrowPitch; }
};

// As many pixels as there are lanes, from column x on and `stride` floats apart: one vector for each channel
// from `channel` on; behind the last pixel that one again.
UPRES_INLINE void load_transposed(const float* row, int64_t stride, int64_t x, int64_t last, int64_t channel,
                                  Floats (&v)[kLanes]) {
  if (stride == 1 && x + kLanes <= last) {
    v[0] = load<Floats>(row + x);
    return;
  }
  if (stride < kChannelBlock) {  // a picture, whose channels are not padded
    for (int64_t c = 0; c < stride; ++c)
      for (int i = 0; i < kLanes; ++i) v[c][i] = row[(x + i < last ? x + i : last) * stride + c];
    return;
  }
  UPRES_UNROLL for (int i = 0; i < kLanes; ++i) {
    v[i] = load<Floats>(row + (x + i < last ? x + i : last) * stride + channel);
  }
  transpose(v);
}

UPRES_INLINE int64_t live(int64_t channels, int64_t channel) {
  return channels - channel < kLanes ? channels - channel : kLanes;
}

void rows_to_planes(const ConvWeights& weights, const ConvRows& rows, int64_t first, int64_t count,
                    const ChannelPlanes* planes) {
  const int64_t stride = weights.strides[0], channels = weights.channels[0];
  const int64_t last = rows.columns + weights.kernel_size - 2;
  for (int r = 0; r < kTileRows + weights.kernel_size - 1; ++r) {
    for (int64_t x = 0; x < count; x += kLanes) {
      for (int64_t c = 0; c < channels; c += kLanes) {
        Floats v[kLanes];
        load_transposed(rows.from[r], stride, first + x, last, c, v);
        for (int64_t i = 0; i < live(channels, c); ++i) store(planes[r].of(c + i) + x, v[i]);
      }
    }
  }
}

// The same of the six rows at the vertical points of minimal filtering.
void points_to_planes(const ConvWeights& weights, const ConvRows& rows, int64_t first, int64_t count,
                      const ChannelPlanes* planes) {
  const int64_t stride = weights.strides[0], channels = weights.channels[0], last = rows.columns + 1;
  for (int64_t x = 0; x < count; x += kLanes) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats squares[kTilePoints][kLanes];
      UPRES_UNROLL for (int r = 0; r < kTilePoints; ++r) {
        load_transposed(rows.from[r], stride, first + x, last, c, squares[r]);
      }
      for (int64_t i = 0; i < live(channels, c); ++i) {
        Floats pixels[kTilePoints], points[kTilePoints];
        UPRES_UNROLL for (int r = 0; r < kTilePoints; ++r) pixels[r] = squares[r][i];
        to_points(pixels, points);
        UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) store(planes[p].of(c + i) + x, points[p]);
      }
    }
  }
}

// Of four outputs, in as many vectors of columns.
template <int kVectors>
using NarrowSums = Floats[kQuad][kVectors];

template <int kVectors>
UPRES_INLINE void begin_sums(const float* bias, NarrowSums<kVectors>& sums) {
  UPRES_UNROLL for (int o = 0; o < kQuad; ++o) {
    UPRES_UNROLL for (int v = 0; v < kVectors; ++v) sums[o][v] = bias == nullptr ? Floats{} : splat(bias[o]);
  }
}

// Adds what a row of taps makes of one row: all channels at all neighbours. `taps`: [channels][size][kQuad].
template <int kVectors>
UPRES_INLINE void add_row_of_taps(const ChannelPlanes& planes, int64_t x, int64_t channels, int size, const float* taps,
                                  NarrowSums<kVectors>& sums) {
  for (int64_t k = 0; k < channels; ++k) {
    const float* from = planes.of(k) + x;
    for (int i = 0; i < size; ++i, ++from, taps += kQuad) {
      Floats weights[kQuad];
      UPRES_UNROLL for (int o = 0; o < kQuad; ++o) {
        Floats weight = splat(taps[o]);
        pin(weight);
        weights[o] = weight;
      }
      UPRES_UNROLL for (int v = 0; v < kVectors; ++v) {
        Floats pixels = load<Floats>(from + v * kLanes);
        pin(pixels);
        UPRES_UNROLL for (int o = 0; o < kQuad; ++o) sums[o][v] = multiply_add(pixels, weights[o], sums[o][v]);
      }
    }
  }
}

// The weights of four outputs: for each row of taps, or each point that three of them become, [channels][size][kQuad].
struct NarrowTaps {
  const float *first, *bias;
  int size;
  int64_t channels;

  bool by_points() const { return goes_by_points(size, channels); }
  const float* row(int i) const { return first + i * channels * size * kQuad; }
  int rows() const { return by_points() ? kTilePoints : size; }
  NarrowTaps next() const { return {row(rows()), bias + kQuad, size, channels}; }
};

// Sums of kVectors vectors of columns from x on, four rows of them, by definition.
template <int kVectors>
void sum_directly(const NarrowTaps& taps, const ChannelPlanes* planes, int64_t x, NarrowSums<kVectors>* rows) {
  for (int r = 0; r < kTileRows; ++r) {
    NarrowSums<kVectors> sums;
    begin_sums<kVectors>(taps.bias, sums);
    for (int i = 0; i < taps.size; ++i) {
      add_row_of_taps<kVectors>(planes[r + i], x, taps.channels, taps.size, taps.row(i), sums);
    }
    std::memcpy(rows[r], sums, sizeof sums);
  }
}

// The same by points. A constant is seen by the point 1 alone and gets through it as it is: so the bias begins there.
template <int kVectors>
void sum_by_points(const NarrowTaps& taps, const ChannelPlanes* planes, int64_t x, NarrowSums<kVectors>* rows) {
  NarrowSums<kVectors> products[kTilePoints];
  for (int p = 0; p < kTilePoints; ++p) {
    NarrowSums<kVectors> sums;
    begin_sums<kVectors>(p == 1 ? taps.bias : nullptr, sums);
    add_row_of_taps<kVectors>(planes[p], x, taps.channels, taps.size, taps.row(p), sums);
    std::memcpy(products[p], sums, sizeof sums);
  }
  UPRES_UNROLL for (int o = 0; o < kQuad; ++o) {
    UPRES_UNROLL for (int v = 0; v < kVectors; ++v) {
      Floats m[kTilePoints], y[kTileOutputs];
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) m[p] = products[p][o][v];
      from_points(m, y);
      UPRES_UNROLL for (int r = 0; r < kTileRows; ++r) rows[r][o][v] = y[r];
    }
  }
}

// Where sums of four rows and two vectors of columns are, of one output.
template <int kVectors>
struct InPlanes {
  NarrowSums<kVectors>* rows;
  int output, vector, channel;

  Floats& at(int i) const {
    const int v = vector + i % 2;
    return rows[i / 2][output][v < kVectors ? v : kVectors - 1];
  }
  Floats constant(const float* of_channels) const { return splat(of_channels[channel]); }
  Floats operand(int, int) const { return Floats{}; }
  void put(int i, Floats value) const { at(i) = value; }
};

template <int kVectors>
UPRES_INLINE void finish_planes(const Epilogue& epilogue, int channel, NarrowSums<kVectors>* rows) {
  with_form(epilogue, [&](auto form) {
    for (int o = 0; o < kQuad; ++o) {
      for (int v = 0; v < kVectors; v += 2) {
        const InPlanes<kVectors> place{rows, o, v, channel + o};
        Floats sum[kChunk];
        UPRES_UNROLL for (int i = 0; i < kChunk; ++i) sum[i] = place.at(i);
        finish<decltype(form)::value>(epilogue, place, sum);
      }
    }
  });
}

using Four = float[kQuad];

// Vectors of columns, one for each of four outputs, to pixels `outputs` floats apart.
UPRES_INLINE void store_pixels(Floats (&v)[kQuad], int64_t count, int64_t outputs, float* to) {
  transpose_fours(v);
  for (int64_t x = 0; x < count; ++x) {
    const char* const from = reinterpret_cast<const char*>(v + x % kQuad);
    std::memcpy(to + x * outputs, from + x / kQuad * sizeof(Four), sizeof(Four));
  }
}

// Some columns of a call, of which planes are made already.
struct NarrowCall {
  const NarrowTaps& taps;
  const Epilogue& epilogue;
  const ChannelPlanes* planes;
  float* const* to;
  int outputs_made;
  int64_t outputs, pitch;  // as in ConvWeights and ConvRows
};

// One vector of columns of four outputs to its place in a row.
UPRES_INLINE void store_columns(const NarrowCall& call, int row, int64_t x, int64_t count, int channel,
                                Floats (&columns)[kQuad]) {
  if (call.pitch == 0) {
    store_pixels(columns, count, call.outputs, call.to[row] + x * call.outputs + channel);
    return;
  }
  UPRES_UNROLL for (int o = 0; o < kQuad; ++o) store(call.to[row] + (channel + o) * call.pitch + x, columns[o]);
}

template <int kVectors>
void convolve_columns(const NarrowCall& call, int64_t x, int64_t count) {
  const bool now = call.epilogue.operands == 0 && call.epilogue.steps > 0;
  NarrowTaps taps = call.taps;
  for (int channel = 0; channel < call.outputs_made; channel += kQuad, taps = taps.next()) {
    NarrowSums<kVectors> sums[kTileRows];
    taps.by_points() ? sum_by_points<kVectors>(taps, call.planes, x, sums)
                     : sum_directly<kVectors>(taps, call.planes, x, sums);
    if (now) finish_planes<kVectors>(call.epilogue, channel, sums);
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v * kLanes < count; ++v) {
        const int64_t left = count - v * kLanes;
        Floats columns[kQuad];
        UPRES_UNROLL for (int o = 0; o < kQuad; ++o) columns[o] = sums[r][o][v];
        store_columns(call, r, x + v * kLanes, left < kLanes ? left : kLanes, channel, columns);
      }
    }
  }
}

template <int kVectors>
void convolve_vectors(const NarrowCall& call, int64_t x, int64_t vectors, int64_t count) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return convolve_vectors<kVectors - 1>(call, x, vectors, count);
  }
  convolve_columns<kVectors>(call, x, count);
}

void convolve_narrow(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  const NarrowTaps taps{weights.taps, weights.bias, weights.kernel_size, weights.channels[0]};
  const int64_t outputs = weights.outputs, step = rows.pitch == 0 ? outputs : 1;
  ChannelPlanes planes[kTileRows + 2 * kMaxHalo];
  for (int r = 0; r < kTileRows + 2 * kMaxHalo; ++r) planes[r].first = rows.scratch + r * taps.channels * kNarrowPitch;
  constexpr int64_t kMost = kNarrowPitch - kLanes;
  for (int64_t first = 0; first < rows.columns; first += kMost) {
    const int64_t count = kMost < rows.columns - first ? kMost : rows.columns - first;
    const int64_t read = count + weights.kernel_size - 1;
    taps.by_points() ? points_to_planes(weights, rows, first, read, planes)
                     : rows_to_planes(weights, rows, first, read, planes);
    float* to[kTileRows];
    const float* operands[kMaxOperands * kTileRows];
    for (int i = 0; i < epilogue.operands * kTileRows; ++i) operands[i] = rows.operands[i] + first * outputs;
    for (int r = 0; r < kTileRows; ++r) {
      to[r] = rows.to[r] + first * step;
      if (rows.pitch == 0) std::memset(to[r], 0, static_cast<size_t>(count * outputs) * sizeof(float));
    }
    const NarrowCall call{taps, epilogue, planes, to, weights.outputs_made, outputs, rows.pitch};
    // In groups of nearly as many vectors.
    int64_t left = (count + kLanes - 1) / kLanes, x = 0;
    for (int64_t groups = (left + kVectorsAcross - 1) / kVectorsAcross; groups > 0; --groups) {
      const int64_t now = (left + groups - 1) / groups;
      convolve_vectors<kVectorsAcross>(call, x, now, count - x < now * kLanes ? count - x : now * kLanes);
      x += now * kLanes;
      left -= now;
    }
    if (epilogue.operands > 0) finish_rows(epilogue, {nullptr, count, to, operands, nullptr}, outputs);
  }
}

}  // namespace
}  // namespace upres
