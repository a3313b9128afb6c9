// The dispatch table: which kernels exist. Compiled once per instruction set, with UPRES_ISA naming the set.
// Nothing of the standard library that could leave a function behind is used here or in what is included: the linker
// keeps one copy of it, which might be the one for the newest processor.
#include "edge_sr/edge_sr.h"
#include "edge_sr/halved_edge_sr.h"
#include "edge_sr/minimal_edge_sr.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "pixels/pixels.h"
#include "pixels/steadying.h"

namespace upres {

extern const ConvTable UPRES_JOIN(conv_table_, UPRES_ISA);  // conv/table.cpp

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

// Without an instruction that multiplies pairs and adds them to a sum, minimal filtering is as fast as integers.
#if defined(__AVX512VNNI__)
constexpr bool kHasIntegers = true;
#else
constexpr bool kHasIntegers = false;
#endif

// What `find_edge` asks about the kernels of an arithmetic: whether this instruction set has them, the smallest filters
// they take, whether pixels outside of 0 .. peak reach them, how they soften keys of any size, and which kernel it is.
struct DirectEdges {
  static constexpr bool kBuilt = true, kAnyValue = true;
  static constexpr int kSmallest = 3;
  static constexpr Softening kUnbounded = kRunning;
  template <Family kFamily, int kKernel, int kGroup, Softening kSoftening>
  using Kernel = Edge<FloatArithmetic, kFamily, kKernel, kGroup, wide_for<kFamily, kGroup>(), kSoftening>;
};

struct MinimalEdges {
  static constexpr bool kBuilt = true, kAnyValue = false;
  static constexpr int kSmallest = 3;
  static constexpr Softening kUnbounded = kRunning;
  template <Family kFamily, int kKernel, int kGroup, Softening kSoftening>
  using Kernel = MinimalEdge<kFamily, kKernel, kGroup, wide_for<kFamily, kGroup>(), kSoftening>;
};

// Integers are too coarse for large keys: where those are as good as equal, the rounding decides.
struct PairedEdges {
  static constexpr bool kBuilt = kHasIntegers, kAnyValue = false;
  static constexpr int kSmallest = 3;
  static constexpr Softening kUnbounded = kGuarded;
  template <Family kFamily, int kKernel, int kGroup, Softening kSoftening>
  using Kernel = Edge<IntegerArithmetic, kFamily, kKernel, kGroup, wide_for<kFamily, kGroup>(), kSoftening>;
};

template <bool kMirrored>
struct HalvedEdges {
  static constexpr bool kBuilt = kHasIntegers, kAnyValue = false;
  static constexpr int kSmallest = 5, kVectors = 6;
  static constexpr Softening kUnbounded = kGuarded;
  template <Family kFamily, int kKernel, int kGroup, Softening kSoftening>
  using Kernel = HalvedEdge<kFamily, kKernel, kGroup, kVectors, kSoftening, kMirrored>;
};

template <class Edges, Family kFamily, int kKernel, int kGroup, Softening kSoftening>
EdgeKernel edge_kernel() {
  using Kernel = typename Edges::template Kernel<kFamily, kKernel, kGroup, kSoftening>;
  return {Kernel::run, Kernel::kBlock, kGroup, Kernel::kRows, kFamily != kMax && kSoftening == kGuarded};
}

// Only TM's keys are bounded in practice, TR's are products.
template <class Edges, Family kFamily, int kKernel, int kGroup>
EdgeKernel by_bound(bool bounded) {
  if constexpr (kFamily == kTm && !Edges::kAnyValue) {
    if (bounded) return edge_kernel<Edges, kFamily, kKernel, kGroup, kBounded>();
  }
  return edge_kernel<Edges, kFamily, kKernel, kGroup, Edges::kUnbounded>();
}

template <class Edges, Family kFamily, int kKernel>
EdgeKernel by_group(int channels, bool bounded) {
  switch (group_for(kFamily, channels)) {
    case 4:
      if constexpr (group_for(kFamily, 4) == 4) return by_bound<Edges, kFamily, kKernel, 4>(bounded);
      [[fallthrough]];
    case 2:
      return by_bound<Edges, kFamily, kKernel, 2>(bounded);
    default:
      return by_bound<Edges, kFamily, kKernel, 1>(bounded);
  }
}

template <class Edges, Family kFamily>
EdgeKernel by_kernel_size(int kernel_size, int channels, bool bounded) {
  switch (kernel_size) {
    case 3:
      if constexpr (Edges::kSmallest <= 3) return by_group<Edges, kFamily, 3>(channels, bounded);
      return {};
    case 5:
      return by_group<Edges, kFamily, 5>(channels, bounded);
    case 7:
      return by_group<Edges, kFamily, 7>(channels, bounded);
    default:
      return {};
  }
}

template <class Edges>
EdgeKernel find_edge(Family family, int kernel_size, int channels, bool bounded) {
  if constexpr (Edges::kBuilt) {
    switch (family) {
      case kMax:
        return by_kernel_size<Edges, kMax>(kernel_size, channels, bounded);
      case kTm:
        return by_kernel_size<Edges, kTm>(kernel_size, channels, bounded);
      case kTr:
        return by_kernel_size<Edges, kTr>(kernel_size, channels, bounded);
    }
  }
  return {};
}

template <int kKernel>
constexpr Halve halve_for() {
  if constexpr (kHasIntegers) return halve<kKernel>;
  return nullptr;
}

// GCC 12 gives the kernels other registers where they are named in another order: a few per cent, either way.
constexpr Kernels kTable = {
    UPRES_STRING(UPRES_ISA),
    kLanes,
    {find_edge<HalvedEdges<true>>, find_edge<HalvedEdges<false>>, find_edge<PairedEdges>, find_edge<MinimalEdges>,
     find_edge<DirectEdges>},
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
    {distance<uint8_t>, distance<uint16_t>},
    {add_up<uint8_t>, add_up<uint16_t>},
    {repeat<uint8_t>, repeat<uint16_t>},
    {steady<uint8_t>, steady<uint16_t>},
    &UPRES_JOIN(conv_table_, UPRES_ISA),
    burn_float,
    burn_integer,
};

}  // namespace

const Kernels* UPRES_JOIN(kernels_, UPRES_ISA)() { return &kTable; }

}  // namespace upres
