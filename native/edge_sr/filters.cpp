#include "edge_sr/filters.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "edge_sr/minimal.h"

namespace upres {

double positive_sum(const Filter& filter) {
  double sum = 0.0;
  for (double w : filter) sum += std::max(w, 0.0);
  return sum;
}

double negative_sum(const Filter& filter) {
  double sum = 0.0;
  for (double w : filter) sum += std::max(-w, 0.0);
  return sum;
}

double reach(const Filter& filter) { return std::max(positive_sum(filter), negative_sum(filter)); }

double largest_weight(const Filter& filter) {
  double largest = 0.0;
  for (double w : filter) largest = std::max(largest, std::abs(w));
  return largest;
}

double largest_weight(const std::vector<Filter>& filters) {
  double largest = 0.0;
  for (const Filter& filter : filters) largest = std::max(largest, largest_weight(filter));
  return largest;
}

Filter minus(Filter a, const Filter& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

Filter reversed(const Filter& filter, int kernel_size) {
  Filter reversed = filter;
  for (auto row = reversed.begin(); row != reversed.end(); row += kernel_size) std::reverse(row, row + kernel_size);
  return reversed;
}

void round_keeping_sum(Filter& filter) {
  std::vector<double> error(filter.size());
  double total = 0.0, rounded_total = 0.0;
  for (size_t i = 0; i < filter.size(); ++i) {
    const double rounded = std::round(filter[i]);
    total += filter[i];
    rounded_total += rounded;
    error[i] = filter[i] - rounded;
    filter[i] = rounded;
  }
  int missing = static_cast<int>(std::lround(total - rounded_total));
  const double step = missing > 0 ? 1.0 : -1.0;
  std::vector<size_t> order(filter.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return error[a] * step > error[b] * step; });
  for (size_t i = 0; i < order.size() && missing != 0; ++i, missing -= static_cast<int>(step)) filter[order[i]] += step;
}

double value_at_point(const Filter& filter, int columns, int x, int first, int last, int point, int points) {
  const double scale = points == 6 ? kScales6[point] : kScales8[point];
  const auto at = [&](int y) { return filter[static_cast<size_t>(y * columns + x)]; };
  if (point == points - 1) return at(last) * scale;
  const double position = point == points - 2 ? 0.0 : kPoints[point];
  double sum = 0.0;
  for (int y = last; y >= first; --y) sum = sum * position + at(y);
  return sum * scale;
}

int32_t pair_of(double low, double high) {
  const auto bits = [](double w) { return static_cast<uint32_t>(static_cast<int32_t>(w)); };
  return static_cast<int32_t>((bits(low) & 0xffffu) | bits(high) << 16);
}

}  // namespace upres
