// Several output rows from fewer multiplications: Winograd's minimal filtering, along columns.
//
// A column of m outputs of a filter of K taps is a polynomial product of which n = m + K - 1 values suffice: the pixels'
// and the filter's polynomials are evaluated at the points 0, +-1, +-2, (+-1/2,) infinity, multiplied point by point,
// and the outputs interpolated. As every filter sees the same pixels, their side is transformed once for all filters.
// In the other direction the K columns are summed as ever: for 5x5 filters and m = 4, 40 multiply-adds and 14 additions
// make 4 outputs instead of 100 multiply-adds. All constants of the pixels' side are exact in binary.
//
// Rounding errors are some five times those of the direct sum, about 1e-6 of the range for values.
//
// Integer kernels cut the filter's rows in two, K / 2 above and the others from the middle row on, and take both
// halves' values at a point in one instruction: their products add up in the same sum. Six points then make four rows of
// a 5x5 filter, three of a 7x7 one. The pixels' side is exact in 16 bits, being at most 8 times white; only the filters'
// side is rounded. The upper half has a row less, so that at infinity only the lower one counts.
//
// Where a network is its own mirror image, the filter of an output pixel right of the middle is that of one on the left
// reversed. What the two have in common sees sums of pixels left and right, what they differ by sees differences: K + 1
// columns, and as many products, make both outputs instead of 2 K.
//
// Reference: Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, 2015, arXiv:1509.09308.
#pragma once

namespace upres {

constexpr int minimal_rows(int kernel_size) { return kernel_size == 7 ? 2 : 4; }
constexpr int minimal_points(int kernel_size) { return minimal_rows(kernel_size) + kernel_size - 1; }  // 6, 8, 8
constexpr int kMaxMinimalRows = 4;
constexpr int kMaxPoints = 8;

constexpr int kHalvedPoints = 6;
constexpr int halved_rows(int kernel_size) { return kHalvedPoints - kernel_size / 2; }  // 5, 4, 3
constexpr int halved_window(int kernel_size) { return kHalvedPoints + kernel_size / 2; }  // rows that are read
constexpr int kMaxHalvedWindow = halved_window(7);
constexpr double kHalvedReach = 8.0;  // the largest of the pixels' values at any point, white being 1
constexpr double kMirroredReach = 2.0 * kHalvedReach;

// Points come in pairs +p, -p, then 0, then infinity.
constexpr double kPoints[] = {1.0, -1.0, 2.0, -2.0, 0.5, -0.5};

// What the filters' side is multiplied by, because the pixels' side was freed of fractions.
constexpr double kScales6[] = {-1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0 / 4.0, 1.0};
constexpr double kScales8[] = {-2.0 / 9.0, -2.0 / 9.0, 1.0 / 90.0, 1.0 / 90.0, 32.0 / 45.0, 32.0 / 45.0, 1.0, 1.0};

}  // namespace upres
