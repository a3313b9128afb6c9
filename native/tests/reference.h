// The networks and the interpolation in plain loops at double precision, to test the kernels against.
#pragma once

#include <cstdint>
#include <vector>

#include "edge_sr/network.h"

namespace upres::test {

using Image = std::vector<double>;  // row by row, values in 0 .. 1 unless said otherwise

// Random filters: values that all but keep constants, keys `key_spread` times as large.
Network make_network(Family family, int scale, int kernel_size, int channels, double key_spread, unsigned seed);

// The network with the filters right of the middle replaced by mirror images of those on the left.
Network mirrored(Network network);

// The network on a plane of `height` x `width`.
Image network_by_loops(const Network& network, const Image& plane, int64_t height, int64_t width);

// Bicubic interpolation (a = -0.5, edges reflected) by a whole factor.
Image cubic_by_loops(const Image& plane, int64_t height, int64_t width, int scale, double right,
                     double down);

// Uniform noise in 0 .. 1, or only 0 and 1.
Image noise(int64_t count, bool binary, unsigned seed);

double clamp_and_round(double value, double peak);

}  // namespace upres::test
