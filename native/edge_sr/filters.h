// The filters of a network as plain lists of weights, row by row, while a model is packed.
#pragma once

#include <cstdint>
#include <vector>

namespace upres {

using Filter = std::vector<double>;

constexpr double kLargestWeight = 32767.0;  // of the integer kernels
constexpr double kLargestSum = 2147483647.0;

double positive_sum(const Filter& filter);
double negative_sum(const Filter& filter);

// Largest magnitude of what the filter makes of pixels in 0 .. 1.
double reach(const Filter& filter);

double largest_weight(const Filter& filter);
double largest_weight(const std::vector<Filter>& filters);

Filter minus(Filter a, const Filter& b);

// A filter seen in a mirror.
Filter reversed(const Filter& filter, int kernel_size);

// Rounds weights to whole numbers such that their sum is right too: flat areas, most of any picture, stay exact.
void round_keeping_sum(Filter& filter);

// Rows first .. last of a filter's column `x` of `columns` as a polynomial, at one of that many points of minimal.h.
double value_at_point(const Filter& filter, int columns, int x, int first, int last, int point, int points);

// Two 16-bit weights in a 32-bit word.
int32_t pair_of(double low, double high);

}  // namespace upres
