// Vector types of the instruction set this source is being compiled for, and the few operations that the compiler's
// vector extensions lack. Everything here is internal to one translation unit: the same names mean other machine code
// in the next one.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define UPRES_INLINE inline __attribute__((always_inline))
#define UPRES_UNROLL _Pragma("GCC unroll 32")

namespace upres {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 32;
#else
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 16;
#endif
constexpr int kLanes = kVectorBytes / 4;

typedef float Floats __attribute__((vector_size(kVectorBytes)));
typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));
typedef int16_t Halves __attribute__((vector_size(kVectorBytes)));
typedef uint16_t Shorts __attribute__((vector_size(kVectorBytes / 2)));
typedef uint8_t Bytes __attribute__((vector_size(kVectorBytes / 4)));

template <class V>
UPRES_INLINE V load(const void* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
UPRES_INLINE void store(void* to, V v) {
  std::memcpy(to, &v, sizeof v);
}

#if defined(__AVX512F__)
// The masked intrinsics with every lane on: the plain ones read an undefined vector, at which GCC 12 warns.
constexpr __mmask16 kAllLanes = 0xffff;
#endif

UPRES_INLINE Floats splat(float x) { return x - Floats{}; }
UPRES_INLINE Ints splat(int32_t x) { return x - Ints{}; }

#if defined(__AVX512F__)
#define UPRES_REGISTER "+v"
#elif defined(__x86_64__)
#define UPRES_REGISTER "+x"
#else
#define UPRES_REGISTER "+w"
#endif

// Keeps a loaded value in a register. Without it GCC folds the load into every multiply-add that uses the value, and
// the load ports, not the multipliers, set the pace: half the speed.
template <class V>
UPRES_INLINE void pin(V& v) {
  asm("" : UPRES_REGISTER(v));
}

// Has the value computed though nobody asks for it.
template <class V>
UPRES_INLINE void keep(V& v) {
  asm volatile("" : UPRES_REGISTER(v));
}

// Contracted to one instruction where the set has a fused multiply-add (-ffp-contract=fast).
UPRES_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return a * b + c; }

template <class V>
UPRES_INLINE V largest(V a, V b) {
  return a > b ? a : b;
}

template <class V>
UPRES_INLINE V smallest(V a, V b) {
  return a < b ? a : b;
}

// 1 / v of a normal number below 2^126, to the last bit or the one before.
UPRES_INLINE Floats reciprocal(Floats v) {
#if defined(__AVX512F__)
  const Floats guess = (Floats)_mm512_maskz_rcp14_ps(kAllLanes, (__m512)v);
  return multiply_add(guess, splat(1.0f) - v * guess, guess);
#else
  return splat(1.0f) / v;
#endif
}

UPRES_INLINE Floats to_floats(Ints v) { return __builtin_convertvector(v, Floats); }
UPRES_INLINE Floats to_floats(Floats v) { return v; }

// The low half or quarter of every lane. GCC 12 converts well only where the instruction exists, and takes vectors
// apart when it can see where the lanes come from.
template <class Narrow, std::size_t... kLane>
UPRES_INLINE Narrow low_parts(Ints v, std::index_sequence<kLane...>) {
  using Part = std::remove_reference_t<decltype(Narrow{}[0])>;
  typedef Part Parts __attribute__((vector_size(kVectorBytes)));
  constexpr int kStep = 4 / sizeof(Part);
  return __builtin_shufflevector((Parts)v, (Parts)v, (int(kLane) * kStep)...);
}

template <class Narrow>
UPRES_INLINE Narrow narrow(Ints v) {
  if constexpr (std::is_same_v<Narrow, Ints>) return v;
  pin(v);
#if defined(__AVX512F__)
  return __builtin_convertvector(v, Narrow);
#elif defined(__AVX2__)
  return low_parts<Narrow>(v, std::make_index_sequence<kLanes>{});
#else
  return __builtin_convertvector(__builtin_convertvector(v, Shorts), Narrow);
#endif
}

template <class Same>
UPRES_INLINE Floats narrow(Floats v) {
  return v;
}

// Polynomials for 2^x of least maximal relative error, highest power first: 2e-7 by degree 5, 3e-6 by degree 4.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
constexpr float kExp2Fine[] = {1.8775767e-3f, 8.9893406e-3f, 5.5826319e-2f, 2.4015361e-1f, 6.9315308e-1f, 9.9999994e-1f};
constexpr float kExp2Coarse[] = {1.3534168e-2f, 5.2011464e-2f, 2.4144275e-1f, 6.9300383e-1f, 1.0000026f};  // on [0, 1]
#else
constexpr float kExp2Fine[] = {1.3276472e-3f, 9.6755419e-3f, 5.5507131e-2f, 2.4022120e-1f, 6.9314694e-1f, 1.0000001f};
constexpr float kExp2Coarse[] = {9.5701021e-3f, 5.5917863e-2f, 2.4024744e-1f, 6.9312179e-1f, 9.9999928e-1f};  // +-1/2
#endif

template <int kCount>
UPRES_INLINE Floats polynomial(Floats x, const float (&coefficients)[kCount]) {
  Floats sum = splat(coefficients[0]);
  UPRES_UNROLL for (int i = 1; i < kCount; ++i) sum = multiply_add(sum, x, splat(coefficients[i]));
  return sum;
}

// 2^x for -126 <= x <= 126.
template <bool kFine>
UPRES_INLINE Floats exp2_bounded(Floats x) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  const Floats rest = (Floats)_mm512_maskz_reduce_ps(kAllLanes, (__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#else
  const Floats shift = splat(12582912.0f);  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Floats shifted = x + shift;
  const Floats rest = x - (shifted - shift);
#endif
  Floats power;
  if constexpr (kFine) {
    power = polynomial(rest, kExp2Fine);
  } else {
    power = polynomial(rest, kExp2Coarse);
  }
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  return (Floats)_mm512_maskz_scalef_ps(kAllLanes, (__m512)power, (__m512)x);
#else
  return (Floats)((Ints)power + ((Ints)shifted << 23));
#endif
}

// sum + a0 * b0 + a1 * b1 in every 32-bit lane, a and b being pairs of 16-bit integers.
UPRES_INLINE Ints dot_add(Ints a, Ints b, Ints sum) {
#if defined(__AVX512VNNI__)
  return (Ints)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(__AVX512BW__)
  return sum + (Ints)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return sum + (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
  return sum + (Ints)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  Ints low_a = (a << 16) >> 16, low_b = (b << 16) >> 16;
  return sum + low_a * low_b + (a >> 16) * (b >> 16);
#endif
}

// One step of weaving `kStreams` vectors lane by lane: lane `Lane` of output `kOutput` from streams 0 .. kStream.
template <int kStreams, int kStream, int kOutput, class V, std::size_t... kLane>
UPRES_INLINE V weave_step(V woven, V stream, std::index_sequence<kLane...>) {
  constexpr int first = kOutput * kLanes;
  if constexpr (kStream == 1) {
    return __builtin_shufflevector(
        woven, stream, ((first + int(kLane)) / kStreams + ((first + int(kLane)) % kStreams == 1 ? kLanes : 0))...);
  } else {
    return __builtin_shufflevector(
        woven, stream,
        ((first + int(kLane)) % kStreams == kStream ? (first + int(kLane)) / kStreams + kLanes : int(kLane))...);
  }
}

// Lanes number kOutput * kLanes .. of the sequence v[0][0], v[1][0], .., v[0][1], v[1][1], ..
template <int kStreams, int kOutput, class V>
UPRES_INLINE V weave(const V (&v)[kStreams]) {
  using Lanes = std::make_index_sequence<kLanes>;
  V woven = weave_step<kStreams, 1, kOutput>(v[0], v[1], Lanes{});
  if constexpr (kStreams > 2) woven = weave_step<kStreams, 2, kOutput>(woven, v[2], Lanes{});
  if constexpr (kStreams > 3) woven = weave_step<kStreams, 3, kOutput>(woven, v[3], Lanes{});
  return woven;
}

}  // namespace
}  // namespace upres
