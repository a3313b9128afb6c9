#include "edge_sr/halving.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "edge_sr/minimal.h"

namespace upres {
namespace {

// The parts of a filter that are summed one after the other. Of a mirrored one what left and right of the middle have in
// common and what they differ by, columns from the middle outwards; a half for the pixels' sums and differences.
std::vector<Filter> parts_of(const Filter& filter, const Halving& halving) {
  if (!halving.mirrored) return {filter};
  const int size = halving.kernel_size;
  const Filter other = reversed(filter, size);
  Filter common, difference;
  for (int y = 0; y < size; ++y) {
    for (int x = size / 2; x < size; ++x) {
      const auto i = static_cast<size_t>(y * size + x);
      const bool middle = x == size / 2;
      common.push_back((filter[i] + other[i]) * (middle ? 0.25 : 0.5));
      if (!middle) difference.push_back((filter[i] - other[i]) * 0.5);
    }
  }
  return {common, difference};
}

// What the halves of a part are at a point: pairs of the upper and the lower half at each column, or at the last point
// the columns of the lower half and, if their number is odd, a zero.
Filter halves_at_point(const Filter& part, int kernel_size, int point) {
  const int middle = kernel_size / 2, last = kernel_size - 1, columns = static_cast<int>(part.size()) / kernel_size;
  const bool both = point < kHalvedPoints - 1;
  Filter halves;
  for (int x = 0; x < columns; ++x) {
    if (both) halves.push_back(value_at_point(part, columns, x, 0, middle - 1, point, kHalvedPoints));
    halves.push_back(value_at_point(part, columns, x, middle, last, point, kHalvedPoints));
  }
  if (halves.size() % 2 == 1) halves.push_back(0.0);
  return halves;
}

// What weights can be multiplied by so that they are whole numbers of 16 bits and their sums of 32. The points of a pair
// are added and subtracted before anything else. Without end where all are zero.
double factor_at_point(const Filter& part, const Halving& halving, int point) {
  std::vector<Filter> halves{halves_at_point(part, halving.kernel_size, point)};
  if (point < 4) halves.push_back(halves_at_point(part, halving.kernel_size, point ^ 1));
  double sum = 0.0;
  for (const Filter& weights : halves) sum += positive_sum(weights) + negative_sum(weights);
  if (sum == 0.0) return kLargestSum;
  const double reached = (halving.mirrored ? kMirroredReach : kHalvedReach) * halving.peak;
  const double room = kLargestSum / reached - 64.0;  // rounding adds at most one to each weight
  return std::min((kLargestWeight - 1.0) / largest_weight(halves), room / sum);
}

// 16-bit weights of a part of a filter at the points.
struct HalvedPart {
  Filter weights[kHalvedPoints];
  std::vector<double> units;  // what sums at other points than +-1 are worth beside those, as they lie in memory

  // `near` is what weights at +-1 are multiplied by.
  HalvedPart(const Filter& part, const Halving& halving, double near) {
    double factors[kHalvedPoints];
    for (int p = 0; p < kHalvedPoints; ++p) {
      factors[p] = p < 2 ? near : factor_at_point(part, halving, p);
      weights[p] = halves_at_point(part, halving.kernel_size, p);
      for (double& w : weights[p]) w *= factors[p];
      round_keeping_sum(weights[p]);
    }
    for (int row = 0; row < halved_rows(halving.kernel_size); ++row) units.push_back(near / factors[2] * (1 << row));
    for (int p : {4, 5}) units.push_back(near / factors[p]);
  }
};

void append_float(double value, std::vector<int32_t>& words) {
  const auto narrow = static_cast<float>(value);
  int32_t bits;
  std::memcpy(&bits, &narrow, sizeof bits);
  words.push_back(bits);
}

void append_parts(const std::vector<HalvedPart>& parts, std::vector<int32_t>& taps) {
  const auto append = [&](int point, size_t pair) {
    for (const HalvedPart& p : parts) taps.push_back(pair_of(p.weights[point][2 * pair], p.weights[point][2 * pair + 1]));
  };
  for (size_t x = 0; x < parts[0].weights[0].size() / 2; ++x)
    for (int p = 0; p < kHalvedPoints - 1; ++p) append(p, x);
  for (size_t i = 0; i < parts[0].weights[kHalvedPoints - 1].size() / 2; ++i) append(kHalvedPoints - 1, i);
  for (size_t i = 0; i < parts[0].units.size(); ++i)
    for (const HalvedPart& p : parts) append_float(p.units[i], taps);
}

// Filters of one kind; `near` is what the weights at +-1 of each are multiplied by.
void append_kind(const FilterList& filters, const Halving& halving, const std::vector<double>& near,
                 std::vector<int32_t>& taps) {
  if (filters.empty()) return;
  for (size_t number = 0; number < parts_of(*filters[0], halving).size(); ++number) {
    std::vector<HalvedPart> parts;
    for (size_t f = 0; f < filters.size(); ++f) {
      parts.emplace_back(parts_of(*filters[f], halving)[number], halving, near[f]);
    }
    append_parts(parts, taps);
  }
}

}  // namespace

double Halving::near_factor(const Filter& filter) const {
  double least = kLargestSum;
  for (const Filter& part : parts_of(filter, *this)) least = std::min(least, factor_at_point(part, *this, 0));
  return least;
}

void Halving::append_group(const FilterList& values, const FilterList& queries, const FilterList& keys, double near,
                           std::vector<int32_t>& taps) const {
  const auto factors = [&](const FilterList& filters) {
    std::vector<double> list;
    for (const Filter* filter : filters) list.push_back(near_factor(*filter));
    return list;
  };
  const std::vector<double> of_queries = factors(queries), of_keys = factors(keys);
  append_kind(queries, *this, of_queries, taps);
  append_kind(keys, *this, of_keys, taps);
  for (size_t c = 0; c < keys.size(); ++c) {
    const double query = queries.empty() ? 1.0 : of_queries[c] * peak;
    append_float(1.0 / (of_keys[c] * peak * query), taps);
  }
  append_kind(values, *this, std::vector<double>(values.size(), near), taps);
}

}  // namespace upres
