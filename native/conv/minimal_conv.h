// 3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3): 36 products for the 144 of 16 outputs.
//
// Four rows of tiles are made at a time. Columns are transformed first, once for all tiles, into six rows. Then, one
// vertical point at a time, each row is transformed to the horizontal points, multiplied by the weights of the 36th
// part, and transformed back over itself. Last, columns are transformed back, through the epilogue. Channels are the
// lanes of a vector, so no transform moves anything between lanes. Lavin and Gray, 2016, arXiv:1509.09308.
#pragma once

#include "conv/epilogue.h"
#include "conv/multiply.h"

namespace upres {
namespace {

constexpr int kTilePoints = 6, kTileOutputs = 4;

// Six neighbours to the points 0, 1, -1, 2, -2 and infinity: 12 operations.
UPRES_INLINE void to_points(const Floats (&x)[kTilePoints], Floats (&to)[kTilePoints]) {
  const Floats two = splat(2.0f), four = splat(4.0f), five = splat(5.0f);
  const Floats even = x[4] - four * x[2], odd = x[3] - four * x[1];
  const Floats far_even = x[4] - x[2], far_odd = x[3] - x[1];
  to[0] = multiply_add(four, x[0], x[4] - five * x[2]);
  to[1] = even + odd;
  to[2] = even - odd;
  to[3] = multiply_add(two, far_odd, far_even);
  to[4] = far_even - two * far_odd;
  to[5] = multiply_add(four, x[1], x[5] - five * x[3]);
}

// The products at the points to four outputs: 10 operations.
UPRES_INLINE void from_points(const Floats (&m)[kTilePoints], Floats (&to)[kTileOutputs]) {
  const Floats sum = m[1] + m[2], difference = m[1] - m[2];
  const Floats far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  to[0] = m[0] + sum + far_sum;
  to[1] = multiply_add(splat(2.0f), far_difference, difference);
  to[2] = multiply_add(splat(4.0f), far_sum, sum);
  to[3] = multiply_add(splat(8.0f), far_difference, difference + m[5]);
}

// Six rows of `count` floats to the vertical points, `pitch` floats apart.
void columns_to_points(const float* const* rows, int64_t offset, int64_t count, float* to, int64_t pitch) {
  for (int64_t i = 0; i < count; i += kLanes) {
    Floats x[kTilePoints], points[kTilePoints];
    UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) x[p] = load<Floats>(rows[p] + offset + i);
    to_points(x, points);
    UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) store(to + p * pitch + i, points[p]);
  }
}

// One transformed row of `tiles` tiles to the horizontal points, `pitch` floats apart.
void row_to_points(const float* row, int64_t tiles, int64_t channels, float* to, int64_t pitch) {
  for (int64_t t = 0; t < tiles; ++t) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats x[kTilePoints], points[kTilePoints];
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) {
        x[p] = load<Floats>(row + (t * kTileOutputs + p) * channels + c);
      }
      to_points(x, points);
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) store(to + p * pitch + t * channels + c, points[p]);
    }
  }
}

void row_from_points(const float* products, int64_t pitch, int64_t tiles, int64_t channels, float* row) {
  for (int64_t t = 0; t < tiles; ++t) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats m[kTilePoints], y[kTileOutputs];
      UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) m[p] = load<Floats>(products + p * pitch + t * channels + c);
      from_points(m, y);
      UPRES_UNROLL for (int i = 0; i < kTileOutputs; ++i) store(row + (t * kTileOutputs + i) * channels + c, y[i]);
    }
  }
}

template <Form kForm>
void columns_from_points(const float* points, int64_t pitch, const Epilogue& epilogue, const ConvRows& rows,
                         int64_t first, int64_t columns, int64_t channels) {
  for (int64_t x = 0; x < columns; x += 2) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats sum[kChunk];
      UPRES_UNROLL for (int i = 0; i < 2; ++i) {
        Floats m[kTilePoints], y[kTileOutputs];
        UPRES_UNROLL for (int p = 0; p < kTilePoints; ++p) {
          m[p] = load<Floats>(points + p * pitch + (x + i) * channels + c);
        }
        from_points(m, y);
        UPRES_UNROLL for (int r = 0; r < kTileRows; ++r) sum[2 * r + i] = y[r];
      }
      finish<kForm>(epilogue, InPixels{rows, first + x, c, channels}, sum);
    }
  }
}

void convolve_group(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows, int64_t first,
                    int64_t tiles) {
  const int64_t inputs = weights.strides[0], outputs = weights.outputs, depth = weights.channels[0];
  const int64_t widest = inputs > outputs ? inputs : outputs, columns = tiles * kTileOutputs;
  const int64_t pitch = (columns + 2) * widest, slot = tiles * widest;
  float *points = rows.scratch, *slots = points + kTilePoints * pitch;
  columns_to_points(rows.from, first * inputs, (columns + 2) * inputs, points, pitch);
  const float* taps = weights.taps;
  for (int i = 0; i < kTilePoints; ++i) {
    float* row = points + i * pitch;
    row_to_points(row, tiles, inputs, slots + slot, slot);
    for (int j = 0; j < kTilePoints; ++j) {
      // Products go one slot before the pixels they are made of, where nothing is needed any more. A constant is seen
      // by the point 1 alone, in both directions, and gets through it as it is: so the bias begins there.
      const Stretched pixels{slots + (j + 1) * slot, inputs, depth};
      const bool at_one = i == 1 && j == 1;
      multiply(Product{&pixels, 1, depth, taps, at_one ? weights.bias : nullptr, slots + j * slot, outputs}, tiles,
               weights.outputs);
      taps += depth * outputs;
    }
    row_from_points(slots, slot, tiles, outputs, row);
  }
  with_form(epilogue, [&](auto form) {
    columns_from_points<decltype(form)::value>(points, pitch, epilogue, rows, first, columns, outputs);
  });
}

// Calls `work(first column, tiles)` for groups of nearly as many tiles.
template <class Work>
UPRES_INLINE void for_groups(const ConvRows& rows, Work work) {
  const int64_t tiles = rows.columns / kTileOutputs;
  int64_t done = 0;
  for (int64_t groups = (tiles + kGroupTiles - 1) / kGroupTiles; groups > 0; --groups) {
    const int64_t now = (tiles - done + groups - 1) / groups;
    work(done * kTileOutputs, now);
    done += now;
  }
}

void convolve_minimal(const ConvWeights& weights, const Epilogue& epilogue, const ConvRows& rows) {
  for_groups(rows, [&](int64_t first, int64_t tiles) { convolve_group(weights, epilogue, rows, first, tiles); });
}

// The largest distance from 0 of what is seen of each channel at each of the 36 points, where it is larger than what is
// there.
void look_at_points(const ConvWeights& weights, const ConvRows& rows, float* largest_seen) {
  for_groups(rows, [&](int64_t first, int64_t tiles) {
    const int64_t inputs = weights.strides[0], columns = tiles * kTileOutputs, pitch = (columns + 2) * inputs;
    float *points = rows.scratch, *slots = points + kTilePoints * pitch;
    columns_to_points(rows.from, first * inputs, (columns + 2) * inputs, points, pitch);
    for (int i = 0; i < kTilePoints; ++i) {
      row_to_points(points + i * pitch, tiles, inputs, slots, tiles * inputs);
      for (int j = 0; j < kTilePoints; ++j) {
        float* const most = largest_seen + (i * kTilePoints + j) * inputs;
        for (int64_t k = 0; k < tiles * inputs; k += kLanes) {
          const Floats value = load<Floats>(slots + j * tiles * inputs + k);
          float* const to = most + k % inputs;
          store(to, largest(load<Floats>(to), largest(value, -value)));
        }
      }
    }
  });
}

}  // namespace
}  // namespace upres
