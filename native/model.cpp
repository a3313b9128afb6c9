#include "model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "minimal.h"

namespace upres {
namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLargestWeight = 32767.0;
constexpr double kLargestSum = 2147483647.0;

using Filter = std::vector<double>;

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

// Largest magnitude of what the filter makes of pixels in 0 .. 1.
double reach(const Filter& filter) { return std::max(positive_sum(filter), negative_sum(filter)); }

double largest_weight(const std::vector<Filter>& filters) {
  double largest = 0.0;
  for (const Filter& filter : filters)
    for (double w : filter) largest = std::max(largest, std::abs(w));
  return largest;
}

// The filters of one output phase in the form the kernels use.
struct Phase {
  std::vector<Filter> values;   // channels
  std::vector<Filter> keys;     // TM: channels - 1, minus the first; TR: channels
  std::vector<Filter> queries;  // TR: channels
};

Filter read(const Network& network, int part, int channel, int phase, double gain) {
  const float* from = network.filter(part, channel, phase);
  Filter filter(from, from + network.window());
  for (double& w : filter) w *= gain;
  return filter;
}

Filter minus(Filter a, const Filter& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

double reach_from(const std::vector<Filter>& keys, size_t origin) {
  double largest = 0.0;
  for (const Filter& key : keys) largest = std::max(largest, reach(minus(key, keys[origin])));
  return largest;
}

// Softmax sees differences of keys only: count them from the key that keeps them smallest, and drop that one.
void take_origin(Phase& phase) {
  size_t origin = 0;
  for (size_t c = 1; c < phase.keys.size(); ++c) {
    if (reach_from(phase.keys, c) < reach_from(phase.keys, origin)) origin = c;
  }
  std::swap(phase.keys[0], phase.keys[origin]);
  std::swap(phase.values[0], phase.values[origin]);
  for (size_t c = 1; c < phase.keys.size(); ++c) phase.keys[c] = minus(phase.keys[c], phase.keys[0]);
  phase.keys.erase(phase.keys.begin());
}

Phase read_phase(const Network& network, int index) {
  Phase phase;
  for (int c = 0; c < network.channels; ++c) {
    phase.values.push_back(read(network, 0, c, index, 1.0));
    if (network.family == kTm) phase.keys.push_back(read(network, 1, c, index, kLog2E));
    if (network.family == kTr) {
      phase.queries.push_back(read(network, 1, c, index, 1.0));
      phase.keys.push_back(read(network, 2, c, index, kLog2E));
    }
  }
  if (network.family == kTm) take_origin(phase);
  return phase;
}

std::vector<Phase> read_phases(const Network& network) {
  std::vector<Phase> phases;
  for (int p = 0; p < network.phases(); ++p) phases.push_back(read_phase(network, p));
  return phases;
}

// Largest magnitude of any key, in exponents of 2, over all images of 0 .. 1.
double bound_of(const std::vector<Phase>& phases) {
  double bound = 0.0;
  for (const Phase& phase : phases) {
    for (size_t c = 0; c < phase.keys.size(); ++c) {
      const double query = phase.queries.empty() ? 1.0 : reach(phase.queries[c]);
      bound = std::max(bound, query * reach(phase.keys[c]));
    }
  }
  return bound;
}

template <class Change>
void for_each_list(std::vector<Phase>& phases, std::vector<Filter> Phase::*list, Change change) {
  for (Phase& phase : phases)
    for (Filter& filter : phase.*list) change(filter);
}

// Rounds weights to whole numbers such that their sum is right too: flat areas, most of any picture, stay exact.
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

// Scales one list of filters to 16-bit whole numbers. Returns what one unit of their sums is worth.
double quantise(std::vector<Phase>& phases, std::vector<Filter> Phase::*list, double peak) {
  double weight = 0.0, sum = 0.0;
  for (const Phase& phase : phases) {
    weight = std::max(weight, largest_weight(phase.*list));
    for (const Filter& filter : phase.*list) sum = std::max(sum, reach(filter));
  }
  if (weight == 0.0) return 1.0;
  // Rounding, and keeping the sum, may add one to each of at most 49 weights.
  const double factor = std::min((kLargestWeight - 1.0) / weight, (kLargestSum / peak - 64.0) / sum);
  for_each_list(phases, list, [&](Filter& filter) {
    for (double& w : filter) w *= factor;
    round_keeping_sum(filter);
  });
  return 1.0 / (factor * peak);
}

// The filters of a group in the order in which the kernel sums them.
std::vector<const Filter*> group_filters(const Phase& phase, Family family, size_t first, size_t size) {
  std::vector<const Filter*> filters;
  for (size_t c = first; c < first + size; ++c) filters.push_back(&phase.values[c]);
  if (family == kTr)
    for (size_t c = first; c < first + size; ++c) filters.push_back(&phase.queries[c]);
  const size_t dropped = family == kTm ? 1 : 0;
  if (family != kMax)
    for (size_t c = std::max(first, dropped); c < first + size; ++c) filters.push_back(&phase.keys[c - dropped]);
  return filters;
}

int32_t pair_of(double low, double high) {
  const auto bits = [](double w) { return static_cast<uint32_t>(static_cast<int32_t>(w)); };
  return static_cast<int32_t>((bits(low) & 0xffffu) | bits(high) << 16);
}

void append_floats(const std::vector<const Filter*>& filters, int window, std::vector<float>& taps) {
  for (int t = 0; t < window; ++t)
    for (const Filter* filter : filters) taps.push_back(static_cast<float>((*filter)[static_cast<size_t>(t)]));
}

// Column `x` of a filter as a polynomial, at one of the points of minimal.h.
double value_at_point(const Filter& filter, int kernel_size, int x, int point) {
  const int points = minimal_points(kernel_size);
  const double scale = points == 6 ? kScales6[point] : kScales8[point];
  const auto at = [&](int y) { return filter[static_cast<size_t>(y * kernel_size + x)]; };
  if (point == points - 1) return at(kernel_size - 1) * scale;
  const double position = point == points - 2 ? 0.0 : kPoints[point];
  double sum = 0.0;
  for (int y = kernel_size - 1; y >= 0; --y) sum = sum * position + at(y);
  return sum * scale;
}

void append_minimal(const std::vector<const Filter*>& filters, int kernel_size, std::vector<float>& taps) {
  for (int point = 0; point < minimal_points(kernel_size); ++point)
    for (int x = 0; x < kernel_size; ++x)
      for (const Filter* filter : filters) {
        taps.push_back(static_cast<float>(value_at_point(*filter, kernel_size, x, point)));
      }
}

void append_pairs(const std::vector<const Filter*>& filters, int kernel_size, std::vector<int32_t>& taps) {
  const auto at = [&](const Filter& filter, int y, int x) {
    return x < kernel_size ? filter[static_cast<size_t>(y * kernel_size + x)] : 0.0;
  };
  for (int y = 0; y + 1 < kernel_size; y += 2)
    for (int x = 0; x < kernel_size; ++x)
      for (const Filter* filter : filters) taps.push_back(pair_of(at(*filter, y, x), at(*filter, y + 1, x)));
  const int y = kernel_size - 1;
  for (int x = 0; x < kernel_size; x += 2)
    for (const Filter* filter : filters) taps.push_back(pair_of(at(*filter, y, x), at(*filter, y, x + 1)));
}

// Float kernels see pixels of 0 .. peak; keys must not.
void scale_keys(std::vector<Phase>& phases, double peak) {
  const auto shrink = [&](Filter& filter) {
    for (double& w : filter) w /= peak;
  };
  for_each_list(phases, &Phase::keys, shrink);
  for_each_list(phases, &Phase::queries, shrink);
}

}  // namespace

PackedModel pack(const Network& network, const Kernels& kernels, Arithmetic arithmetic, float peak) {
  std::vector<Phase> phases = read_phases(network);
  PackedModel model{};
  model.arithmetic = arithmetic;
  model.scale = network.scale;
  model.kernel_size = network.kernel_size;
  const bool is_bounded = bound_of(phases) <= kKeyBound;
  model.kernel = kernels.edge(network.family, network.kernel_size, network.channels, arithmetic, is_bounded);
  if (model.kernel.run == nullptr) throw std::invalid_argument("no such kernel for this instruction set");
  float key_scale = 1.0f;
  if (arithmetic == kInteger) {
    if (peak > 1023.0f) throw std::invalid_argument("integer kernels take pixels of up to 10 bits");
    model.value_scale = static_cast<float>(quantise(phases, &Phase::values, peak));
    const double keys = quantise(phases, &Phase::keys, peak);
    const double queries = network.family == kTr ? quantise(phases, &Phase::queries, peak) : 1.0;
    key_scale = static_cast<float>(keys * queries);
  } else {
    model.value_scale = 1.0f / peak;
    scale_keys(phases, peak);
  }
  const int group = model.kernel.group;
  for (const Phase& phase : phases) {
    for (int first = 0; first < network.channels; first += group) {
      const auto filters = group_filters(phase, network.family, static_cast<size_t>(first), static_cast<size_t>(group));
      if (arithmetic == kFloat) append_floats(filters, network.window(), model.float_taps);
      if (arithmetic == kMinimal) append_minimal(filters, network.kernel_size, model.float_taps);
      if (arithmetic == kInteger) append_pairs(filters, network.kernel_size, model.integer_taps);
    }
  }
  const void* taps = arithmetic == kInteger ? static_cast<const void*>(model.integer_taps.data())
                                            : static_cast<const void*>(model.float_taps.data());
  model.weights = {taps, network.phases(), network.channels / group, key_scale};
  return model;
}

}  // namespace upres
