// What the kernel of narrow convolutions and what packs their weights have to agree on.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace upres {

constexpr int kQuad = 4;  // outputs that are made together

// Whether rows of taps become the points of minimal filtering F(4, 3).
constexpr bool goes_by_points(int kernel_size, int64_t channels) { return kernel_size == 3 && channels > kThinChannels; }

}  // namespace upres
