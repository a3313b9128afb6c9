// The dispatch table: which kernels exist. Compiled once per instruction set, with UPRES_ISA naming the set.
// Nothing of the standard library that could leave a function behind is used here or in what is included: the linker
// keeps one copy of it, which might be the one for the newest processor.
#include "edge_sr/edge_sr.h"
#include "edge_sr/halved_edge_sr.h"
#include "edge_sr/minimal_edge_sr.h"
#include "kernels/kernels.h"
#include "pixels/pixels.h"

namespace upres {
namespace {

// Sums and their operands have to fit the registers: 24 sums of 32, 12 of 16.
constexpr int kSums = kRegisters == 32 ? 24 : 12;

constexpr int group_for(Family family, int channels) {
  const int most = kRegisters == 32 || family == kMax ? 4 : 2;
  return channels % 4 == 0 && most == 4 ? 4 : channels % 2 == 0 ? 2 : 1;
}

template <Family kFamily, int kGroup>
constexpr int wide_for() {
  const int filters = filters_per_channel(kFamily) * kGroup;
  const int wide = kSums / filters;
  return wide > 6 ? 6 : wide < 1 ? 1 : wide;
}

constexpr int kHalvedVectors = 6;  // one after the other

// Without an instruction that multiplies pairs and adds them to a sum, minimal filtering is as fast as integers.
#if defined(__AVX512VNNI__)
constexpr bool kHasIntegers = true;
#else
constexpr bool kHasIntegers = false;
#endif

template <Arithmetic kArithmetic, Family kFamily, int kKernel, int kGroup, Softening kSoftening>
EdgeKernel edge_kernel() {
  constexpr int wide = wide_for<kFamily, kGroup>();
  constexpr bool guarded = kFamily != kMax && kSoftening == kGuarded;
  if constexpr (kArithmetic == kMinimal) {
    using Kernel = MinimalEdge<kFamily, kKernel, kGroup, wide, kSoftening>;
    return {Kernel::run, wide * kLanes, kGroup, minimal_rows(kKernel), guarded};
  } else if constexpr (kArithmetic == kMinimalInteger || kArithmetic == kMirroredInteger) {
    using Kernel = HalvedEdge<kFamily, kKernel, kGroup, kHalvedVectors, kSoftening, kArithmetic == kMirroredInteger>;
    return {Kernel::run, kHalvedVectors * kLanes, kGroup, halved_rows(kKernel), guarded};
  } else {
    using Words = std::conditional_t<kArithmetic == kInteger, IntegerArithmetic, FloatArithmetic>;
    return {Edge<Words, kFamily, kKernel, kGroup, wide, kSoftening>::run, wide * kLanes, kGroup, 1, guarded};
  }
}

// Only TM's keys are bounded in practice, TR's are products. What takes any values takes unbounded keys. Integers are
// too coarse for large keys: where those are as good as equal, the rounding decides.
template <Arithmetic kArithmetic, Family kFamily, int kKernel, int kGroup>
EdgeKernel by_bound(bool bounded) {
  constexpr bool exact = kArithmetic == kFloat || kArithmetic == kMinimal;
  if constexpr (kFamily == kTm && kArithmetic != kFloat) {
    if (bounded) return edge_kernel<kArithmetic, kFamily, kKernel, kGroup, kBounded>();
  }
  return edge_kernel<kArithmetic, kFamily, kKernel, kGroup, exact ? kRunning : kGuarded>();
}

template <Arithmetic kArithmetic, Family kFamily, int kKernel>
EdgeKernel by_group(int channels, bool bounded) {
  switch (group_for(kFamily, channels)) {
    case 4:
      if constexpr (group_for(kFamily, 4) == 4) return by_bound<kArithmetic, kFamily, kKernel, 4>(bounded);
      [[fallthrough]];
    case 2:
      return by_bound<kArithmetic, kFamily, kKernel, 2>(bounded);
    default:
      return by_bound<kArithmetic, kFamily, kKernel, 1>(bounded);
  }
}

template <Arithmetic kArithmetic, Family kFamily>
EdgeKernel by_kernel_size(int kernel_size, int channels, bool bounded) {
  switch (kernel_size) {
    case 3:
      if constexpr (kArithmetic == kMinimalInteger || kArithmetic == kMirroredInteger) return {};
      return by_group<kArithmetic, kFamily, 3>(channels, bounded);
    case 5:
      return by_group<kArithmetic, kFamily, 5>(channels, bounded);
    case 7:
      return by_group<kArithmetic, kFamily, 7>(channels, bounded);
    default:
      return {};
  }
}

template <Arithmetic kArithmetic>
EdgeKernel by_family(Family family, int kernel_size, int channels, bool bounded) {
  switch (family) {
    case kMax:
      return by_kernel_size<kArithmetic, kMax>(kernel_size, channels, bounded);
    case kTm:
      return by_kernel_size<kArithmetic, kTm>(kernel_size, channels, bounded);
    case kTr:
      return by_kernel_size<kArithmetic, kTr>(kernel_size, channels, bounded);
  }
  return {};
}

template <int kKernel>
constexpr Halve halve_for() {
  if constexpr (kHasIntegers) return halve<kKernel>;
  return nullptr;
}

EdgeKernel edge(Family family, int kernel_size, int channels, Arithmetic arithmetic, bool bounded) {
  switch (arithmetic) {
    case kFloat:
      return by_family<kFloat>(family, kernel_size, channels, bounded);
    case kMinimal:
      return by_family<kMinimal>(family, kernel_size, channels, bounded);
    case kInteger:
      if constexpr (kHasIntegers) return by_family<kInteger>(family, kernel_size, channels, bounded);
      return {};
    case kMinimalInteger:
      if constexpr (kHasIntegers) return by_family<kMinimalInteger>(family, kernel_size, channels, bounded);
      return {};
    case kMirroredInteger:
      if constexpr (kHasIntegers) return by_family<kMirroredInteger>(family, kernel_size, channels, bounded);
      return {};
  }
  return {};
}

#define UPRES_STRING_(x) #x
#define UPRES_STRING(x) UPRES_STRING_(x)
#define UPRES_JOIN_(a, b) a##b
#define UPRES_JOIN(a, b) UPRES_JOIN_(a, b)

constexpr Kernels kTable = {
    UPRES_STRING(UPRES_ISA),
    kLanes,
    edge,
    {widen<uint8_t>, widen<uint16_t>, widen<float>},
    {pair<uint8_t>, pair<uint16_t>},
    {shorten<uint8_t>, shorten<uint16_t>},
    {halve_for<5>(), halve_for<7>()},
    {transform<6>, transform<8>},
    within,
    {{},
     {},
     {emit<2, kU8>, emit<2, kU16>, emit<2, kF32>},
     {emit<3, kU8>, emit<3, kU16>, emit<3, kF32>},
     {emit<4, kU8>, emit<4, kU16>, emit<4, kF32>}},
    {split<uint8_t>, split<uint16_t>},
    {join<kU8>, join<kU16>},
    stretch,
    {blend<kU8>, blend<kU16>, blend<kF32>},
    burn_float,
    burn_integer,
};

}  // namespace

const Kernels* UPRES_JOIN(kernels_, UPRES_ISA)() { return &kTable; }

}  // namespace upres
