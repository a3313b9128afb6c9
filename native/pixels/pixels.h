// Pixels in and out of the arithmetic: widening, pairing and emitting rows, colour conversion, chroma interpolation.
#pragma once

#include "base/vector.h"
#include "kernels/kernels.h"

namespace upres {
namespace {

// The part [begin, end) of `count` values from position `first` that lies inside a row of `width`.
struct Inside {
  int64_t begin, end;
  Inside(const void* row, int64_t width, int64_t first, int64_t count) {
    begin = first < 0 ? -first : 0;
    end = width - first < count ? width - first : count;
    if (row == nullptr || end < begin) begin = end = count;
  }
};

template <class Word>
void clear(Word* to, int64_t begin, int64_t end) {
  if (begin < end) std::memset(to + begin, 0, static_cast<size_t>(end - begin) * sizeof(Word));
}

// Pixels first .. first + count of a row, each converted; zero outside of the row.
template <class T, class Word, class Convert>
UPRES_INLINE void convert_inside(const void* row, int64_t width, int64_t first, int64_t count, Word* to,
                                 Convert convert) {
  const Inside inside(row, width, first, count);
  const T* from = static_cast<const T*>(row) + (inside.begin < inside.end ? first + inside.begin : 0);
  Word* out = to + inside.begin;
  clear(to, 0, inside.begin < inside.end ? inside.begin : count);
  for (int64_t x = 0; x < inside.end - inside.begin; ++x) out[x] = convert(from[x]);
  clear(to, inside.end, count);
}

template <class T>
void widen(const void* row, int64_t width, int64_t first, int64_t count, float limit, float* to) {
  convert_inside<T>(row, width, first, count, to, [limit](T pixel) {
    float v = static_cast<float>(pixel);
    v = v > -limit ? v : -limit;
    return v < limit ? v : limit;
  });
}

template <class T>
void shorten(const void* row, int64_t width, int64_t first, int64_t count, int limit, int16_t* to) {
  convert_inside<T>(row, width, first, count, to, [limit](T pixel) {
    const int v = pixel;
    return static_cast<int16_t>(v < limit ? v : limit);
  });
}

bool within(const float* row, int64_t count, float peak) {
  Ints inside = ~Ints{};
  int64_t x = 0;
  for (; x + kLanes <= count; x += kLanes) {
    const Floats v = load<Floats>(row + x);
    inside &= (v >= Floats{}) & (v <= splat(peak));
  }
  bool all = true;
  for (int lane = 0; lane < kLanes; ++lane) all &= inside[lane] != 0;
  for (; x < count; ++x) all &= row[x] >= 0.0f && row[x] <= peak;
  return all;
}

// One row clamped to 0 .. limit and zero outside.
template <class T>
UPRES_INLINE int32_t pixel_or_zero(const T* row, int64_t x, int64_t width, int32_t limit) {
  if (row == nullptr || x < 0 || x >= width) return 0;
  int32_t v = row[x];
  return v < limit ? v : limit;
}

template <class T>
void pair(const void* upper_row, const void* lower_row, bool across, int64_t width, int64_t first, int64_t count,
          int limit, int32_t* to) {
  const T* upper = static_cast<const T*>(upper_row);
  const T* lower = static_cast<const T*>(lower_row);
  const int64_t step = across ? 1 : 0;
  const T* low = across ? lower : upper;
  // Both halves are inside between these two; the few others go one by one.
  int64_t begin = first < 0 ? -first : 0;
  int64_t end = width - step - first < count ? width - step - first : count;
  if (low == nullptr || lower == nullptr || end < begin) begin = end = 0;
  const auto slow = [&](int64_t from, int64_t until) {
    for (int64_t x = from; x < until; ++x) {
      to[x] = pixel_or_zero(low, first + x, width, limit) | pixel_or_zero(lower, first + x + step, width, limit) << 16;
    }
  };
  slow(0, begin);
  if (begin < end) {
    const T* a = low + first;
    const T* b = lower + first + step;
    for (int64_t x = begin; x < end; ++x) {
      int32_t p = a[x], q = b[x];
      p = p < limit ? p : limit;
      q = q < limit ? q : limit;
      to[x] = p | q << 16;
    }
  }
  slow(end, count);
}

template <Pixel kPixel>
struct Stored;
template <>
struct Stored<kU8> {
  using Type = uint8_t;
  using Vector = Bytes;
};
template <>
struct Stored<kU16> {
  using Type = uint16_t;
  using Vector = Shorts;
};
template <>
struct Stored<kF32> {
  using Type = float;
  using Vector = Floats;
};

// To the nearest value of the type, halves up; floats as they are.
template <Pixel kPixel>
UPRES_INLINE auto rounded(Floats v, float peak) {
  if constexpr (kPixel == kF32) {
    return v;
  } else {
    v = smallest(largest(v + splat(0.5f), Floats{}), splat(peak));
    return __builtin_convertvector(v, Ints);
  }
}

// Stores kStreams vectors woven into one row; only `count` pixels of each if fewer than a vector.
template <Pixel kPixel, int kStreams, class V, int... kOutput>
UPRES_INLINE void store_woven(const V (&streams)[kStreams], typename Stored<kPixel>::Type* to, int64_t count,
                              std::integer_sequence<int, kOutput...>) {
  using Vector = typename Stored<kPixel>::Vector;
  using Type = typename Stored<kPixel>::Type;
  if constexpr (kStreams * sizeof(Type) == 2 || (kStreams * sizeof(Type) == 4 && sizeof(Type) < 4)) {
    // All streams' pixels fit a lane.
    Ints lanes = streams[0];
    UPRES_UNROLL for (int j = 1; j < kStreams; ++j) lanes |= streams[j] << (8 * j * int(sizeof(Type)));
    const auto packed = narrow<std::conditional_t<kStreams * sizeof(Type) == 2, Shorts, Ints>>(lanes);
    if (count >= kLanes) {
      store(to, packed);
    } else {
      std::memcpy(to, &packed, static_cast<size_t>(count) * kStreams * sizeof(Type));
    }
  } else if (count >= kLanes) {
    (store(to + kOutput * kLanes, narrow<Vector>(weave<kStreams, kOutput>(streams))), ...);
  } else {
    Type last[kStreams * kLanes];
    (store(last + kOutput * kLanes, narrow<Vector>(weave<kStreams, kOutput>(streams))), ...);
    std::memcpy(to, last, static_cast<size_t>(count) * kStreams * sizeof(Type));
  }
}

template <int kScale, Pixel kPixel>
void emit(const float* phases, int64_t stride, int64_t count, float gain, float peak, void* const* rows, int64_t x) {
  using Type = typename Stored<kPixel>::Type;
  for (int r = 0; r < kScale; ++r) {
    Type* to = static_cast<Type*>(rows[r]) + x * kScale;
    const float* from = phases + r * kScale * stride;
    for (int64_t i = 0; i < count; i += kLanes) {
      decltype(rounded<kPixel>(Floats{}, peak)) streams[kScale];
      UPRES_UNROLL for (int j = 0; j < kScale; ++j) {
        streams[j] = rounded<kPixel>(load<Floats>(from + j * stride + i) * splat(gain), peak);
      }
      store_woven<kPixel>(streams, to + i * kScale, count - i, std::make_integer_sequence<int, kScale>{});
    }
  }
}

// Full-range luma (ITU-T T.871) is green + kRed * (red - green) + kBlue * (blue - green). Colour travels as these two
// differences, of which Cb and Cr are sums with fixed weights: interpolation is linear, so the result is the same, and
// where both are zero grey stays grey to the bit.
constexpr float kRed = 0.299f, kBlue = 0.114f;

template <class T>
void split(const void* rgb, int64_t width, float* luma, float* red, float* blue) {
  const T* from = static_cast<const T*>(rgb);
  for (int64_t x = 0; x < width; ++x) {
    const float green = from[3 * x + 1];
    const float r = from[3 * x] - green, b = from[3 * x + 2] - green;
    luma[x] = green + (kRed * r + kBlue * b);
    red[x] = r;
    blue[x] = b;
  }
}

UPRES_INLINE Floats blend4(const float* const* rows, const float* taps, int64_t x) {
  Floats sum = load<Floats>(rows[0] + x) * splat(taps[0]);
  UPRES_UNROLL for (int t = 1; t < 4; ++t) sum = multiply_add(load<Floats>(rows[t] + x), splat(taps[t]), sum);
  return sum;
}

// Rows may be read up to a vector beyond `width`.
template <Pixel kPixel>
void join(const float* luma, const float* const* red, const float* const* blue, const float* taps, int64_t width,
          float peak, void* rgb) {
  auto* to = static_cast<typename Stored<kPixel>::Type*>(rgb);
  for (int64_t x = 0; x < width; x += kLanes) {
    const Floats r = blend4(red, taps, x), b = blend4(blue, taps, x);
    const Floats green = multiply_add(b, splat(-kBlue), multiply_add(r, splat(-kRed), load<Floats>(luma + x)));
    const Ints streams[3] = {rounded<kPixel>(green + r, peak), rounded<kPixel>(green, peak),
                             rounded<kPixel>(green + b, peak)};
    store_woven<kPixel>(streams, to + 3 * x, width - x, std::make_integer_sequence<int, 3>{});
  }
}

template <int kScale>
void stretch_by(const float* from, int64_t width, const float* taps, const int* first, float* to) {
  for (int64_t x = 0; x < width; x += kLanes) {
    Floats streams[kScale];
    UPRES_UNROLL for (int p = 0; p < kScale; ++p) {
      const float* at = from + x + first[p];
      Floats sum = load<Floats>(at) * splat(taps[4 * p]);
      UPRES_UNROLL for (int t = 1; t < 4; ++t) {
        sum = multiply_add(load<Floats>(at + t), splat(taps[4 * p + t]), sum);
      }
      streams[p] = sum;
    }
    store_woven<kF32>(streams, to + x * kScale, width - x, std::make_integer_sequence<int, kScale>{});
  }
}

void stretch(const float* from, int64_t width, int scale, const float* taps, const int* first, float* to) {
  if (scale == 2) stretch_by<2>(from, width, taps, first, to);
  if (scale == 3) stretch_by<3>(from, width, taps, first, to);
  if (scale == 4) stretch_by<4>(from, width, taps, first, to);
}

template <Pixel kPixel>
void blend(const float* const* rows, const float* taps, int64_t width, float peak, void* row) {
  using Vector = typename Stored<kPixel>::Vector;
  auto* to = static_cast<typename Stored<kPixel>::Type*>(row);
  for (int64_t x = 0; x < width; x += kLanes) {
    const Vector v = narrow<Vector>(rounded<kPixel>(blend4(rows, taps, x), peak));
    const int64_t count = width - x < kLanes ? width - x : kLanes;
    std::memcpy(to + x, &v, static_cast<size_t>(count) * sizeof *to);
  }
}

// Twelve independent chains: more than latency times ports on every processor we know, and they fit 16 registers.
template <class V, class Step>
UPRES_INLINE int64_t burn(int64_t rounds, int per_lane, Step step) {
  constexpr int kChains = 12;
  V sums[kChains], factor = V{};
  UPRES_UNROLL for (int i = 0; i < kChains; ++i) sums[i] = V{};
  for (int64_t round = 0; round < rounds; ++round) {
    UPRES_UNROLL for (int i = 0; i < kChains; ++i) {
      pin(factor);  // as far as the compiler knows it is another one each time: no product is used twice
      sums[i] = step(factor, sums[i]);
      keep(sums[i]);
    }
  }
  return rounds * kChains * kLanes * per_lane;
}

int64_t burn_float(int64_t rounds) {
  return burn<Floats>(rounds, 1, [](Floats x, Floats sum) { return multiply_add(x, x, sum); });
}

int64_t burn_integer(int64_t rounds) {
  return burn<Ints>(rounds, 2, [](Ints x, Ints sum) { return dot_add(x, x, sum); });
}

}  // namespace
}  // namespace upres
