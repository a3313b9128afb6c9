#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
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

// A filter seen in a mirror.
Filter reversed(const Filter& filter, int kernel_size) {
  Filter reversed = filter;
  for (auto row = reversed.begin(); row != reversed.end(); row += kernel_size) std::reverse(row, row + kernel_size);
  return reversed;
}

// The output phase in the same row and as far from the other side.
int mirror_of(int phase, int scale) { return phase / scale * scale + scale - 1 - phase % scale; }

// The filters of one output phase in the form the kernels use.
struct Phase {
  std::vector<Filter> values;   // channels
  std::vector<Filter> keys;     // TM: channels - 1, minus the first; TR: channels
  std::vector<Filter> queries;  // TR: channels
};

Filter read(const Network& network, int part, int channel, int phase) {
  const float* from = network.filter(part, channel, phase);
  return Filter(from, from + network.window());
}

// How a filter is read: `mirrored`, as the mean of itself and its mirror image's mirror image.
Filter read(const Network& network, int part, int channel, int phase, double gain, bool mirrored) {
  Filter filter = read(network, part, channel, phase);
  const int other = mirrored ? mirror_of(phase, network.scale) : phase;
  const Filter again = mirrored ? reversed(read(network, part, channel, other), network.kernel_size) : filter;
  for (size_t i = 0; i < filter.size(); ++i) filter[i] = (filter[i] + again[i]) / 2.0 * gain;
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

Phase read_phase(const Network& network, int index, bool mirrored) {
  const auto filter = [&](int part, int c, double gain) { return read(network, part, c, index, gain, mirrored); };
  Phase phase;
  for (int c = 0; c < network.channels; ++c) {
    phase.values.push_back(filter(0, c, 1.0));
    if (network.family == kTm) phase.keys.push_back(filter(1, c, kLog2E));
    if (network.family == kTr) {
      phase.queries.push_back(filter(1, c, 1.0));
      phase.keys.push_back(filter(2, c, kLog2E));
    }
  }
  if (network.family == kTm) take_origin(phase);
  return phase;
}

// Of a mirrored network those left of the middle.
std::vector<Phase> read_phases(const Network& network, bool mirrored) {
  std::vector<Phase> phases;
  for (int p = 0; p < network.phases(); ++p) {
    if (!mirrored || p < mirror_of(p, network.scale)) phases.push_back(read_phase(network, p, mirrored));
  }
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

// The filters of a group by kind.
struct Kinds {
  std::vector<const Filter*> values, queries, keys;

  Kinds(const Phase& phase, Family family, int first, int size) {
    for (int i = first; i < first + size; ++i) {
      const auto c = static_cast<size_t>(i);
      values.push_back(&phase.values[c]);
      if (family == kTr) queries.push_back(&phase.queries[c]);
      if (family == kTr) keys.push_back(&phase.keys[c]);
      if (family == kTm && c > 0) keys.push_back(&phase.keys[c - 1]);
    }
  }

  // In the order in which the kernels sum them all.
  std::vector<const Filter*> all() const {
    std::vector<const Filter*> filters = values;
    filters.insert(filters.end(), queries.begin(), queries.end());
    filters.insert(filters.end(), keys.begin(), keys.end());
    return filters;
  }
};

int32_t pair_of(double low, double high) {
  const auto bits = [](double w) { return static_cast<uint32_t>(static_cast<int32_t>(w)); };
  return static_cast<int32_t>((bits(low) & 0xffffu) | bits(high) << 16);
}

void append_floats(const std::vector<const Filter*>& filters, int window, std::vector<float>& taps) {
  for (int t = 0; t < window; ++t)
    for (const Filter* filter : filters) taps.push_back(static_cast<float>((*filter)[static_cast<size_t>(t)]));
}

// Rows first .. last of a filter's column `x` of `columns` as a polynomial, at one of that many points of minimal.h.
double value_at_point(const Filter& filter, int columns, int x, int first, int last, int point, int points) {
  const double scale = points == 6 ? kScales6[point] : kScales8[point];
  const auto at = [&](int y) { return filter[static_cast<size_t>(y * columns + x)]; };
  if (point == points - 1) return at(last) * scale;
  const double position = point == points - 2 ? 0.0 : kPoints[point];
  double sum = 0.0;
  for (int y = last; y >= first; --y) sum = sum * position + at(y);
  return sum * scale;
}

void append_minimal(const std::vector<const Filter*>& filters, int kernel_size, std::vector<float>& taps) {
  const int points = minimal_points(kernel_size);
  for (int point = 0; point < points; ++point)
    for (int x = 0; x < kernel_size; ++x)
      for (const Filter* filter : filters) {
        taps.push_back(static_cast<float>(value_at_point(*filter, kernel_size, x, 0, kernel_size - 1, point, points)));
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

// How the filters of halved_edge_sr.h are packed.
struct Halving {
  int kernel_size;
  bool mirrored;
  double peak;

  // The parts of a filter that are summed one after the other. Of a mirrored one what left and right of the middle have
  // in common and what they differ by, columns from the middle outwards; a half for the pixels' sums and differences.
  std::vector<Filter> parts(const Filter& filter) const {
    if (!mirrored) return {filter};
    const Filter other = reversed(filter, kernel_size);
    Filter common, difference;
    for (int y = 0; y < kernel_size; ++y) {
      for (int x = kernel_size / 2; x < kernel_size; ++x) {
        const auto i = static_cast<size_t>(y * kernel_size + x);
        const bool middle = x == kernel_size / 2;
        common.push_back((filter[i] + other[i]) * (middle ? 0.25 : 0.5));
        if (!middle) difference.push_back((filter[i] - other[i]) * 0.5);
      }
    }
    return {common, difference};
  }

  // What the halves of a part are at a point: pairs of the upper and the lower half at each column, or at the last point
  // the columns of the lower half and, if their number is odd, a zero.
  Filter at_point(const Filter& part, int point) const {
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

  // What weights can be multiplied by so that they are whole numbers of 16 bits and their sums of 32. The points of a
  // pair are added and subtracted before anything else.
  double factor(const Filter& part, int point) const {
    std::vector<Filter> halves{at_point(part, point)};
    if (point < 4) halves.push_back(at_point(part, point ^ 1));
    double sum = 0.0;
    for (const Filter& weights : halves) sum += positive_sum(weights) + negative_sum(weights);
    if (sum == 0.0) return HUGE_VAL;
    const double reached = (mirrored ? kMirroredReach : kHalvedReach) * peak;
    const double room = kLargestSum / reached - 64.0;  // rounding adds at most one to each weight
    return std::min((kLargestWeight - 1.0) / largest_weight(halves), room / sum);
  }

  // The same at +-1 for all parts of a filter.
  double near_factor(const Filter& filter) const {
    double least = HUGE_VAL;
    for (const Filter& part : parts(filter)) least = std::min(least, factor(part, 0));
    return least;
  }
};

// 16-bit weights of a part of a filter at the points.
struct HalvedPart {
  Filter weights[kHalvedPoints];
  std::vector<double> units;  // what sums at other points than +-1 are worth beside those, as they lie in memory

  // `near` is what weights at +-1 are multiplied by.
  HalvedPart(const Filter& part, const Halving& halving, double near) {
    double factors[kHalvedPoints];
    for (int p = 0; p < kHalvedPoints; ++p) {
      factors[p] = p < 2 ? near : std::min(halving.factor(part, p), kLargestSum);
      weights[p] = halving.at_point(part, p);
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

void append_halved_parts(const std::vector<HalvedPart>& parts, std::vector<int32_t>& taps) {
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
void append_halved(const std::vector<const Filter*>& filters, const Halving& halving, const std::vector<double>& near,
                   std::vector<int32_t>& taps) {
  if (filters.empty()) return;
  for (size_t number = 0; number < halving.parts(*filters[0]).size(); ++number) {
    std::vector<HalvedPart> parts;
    for (size_t f = 0; f < filters.size(); ++f) {
      parts.emplace_back(halving.parts(*filters[f])[number], halving, near[f]);
    }
    append_halved_parts(parts, taps);
  }
}

// A group as halved_edge_sr.h wants it; `near` is what the values' weights at +-1 are multiplied by, keys have their own.
void append_halved_group(const Kinds& kinds, const Halving& halving, double near, std::vector<int32_t>& taps) {
  const auto factors = [&](const std::vector<const Filter*>& filters) {
    std::vector<double> list;
    for (const Filter* filter : filters) list.push_back(std::min(halving.near_factor(*filter), kLargestSum));
    return list;
  };
  const std::vector<double> queries = factors(kinds.queries), keys = factors(kinds.keys);
  append_halved(kinds.queries, halving, queries, taps);
  append_halved(kinds.keys, halving, keys, taps);
  for (size_t c = 0; c < keys.size(); ++c) {
    const double query = queries.empty() ? 1.0 : queries[c] * halving.peak;
    append_float(1.0 / (keys[c] * halving.peak * query), taps);
  }
  append_halved(kinds.values, halving, std::vector<double>(kinds.values.size(), near), taps);
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

bool is_mirrored(const Network& network) {
  if (network.scale % 2 == 1) return false;
  constexpr double kRounding = 1e-6;
  for (int part = 0; part <= network.family; ++part)
    for (int c = 0; c < network.channels; ++c)
      for (int p = 0; p < network.phases(); ++p) {
        const Filter filter = read(network, part, c, p);
        const Filter mirror = reversed(read(network, part, c, mirror_of(p, network.scale)), network.kernel_size);
        if (largest_weight(minus(filter, mirror)) > kRounding * largest_weight(filter)) return false;
      }
  return true;
}

PackedModel pack(const Network& network, const Kernels& kernels, Arithmetic arithmetic, float peak) {
  const bool mirrored = arithmetic == kMirroredInteger;
  if (mirrored && !is_mirrored(network)) throw std::invalid_argument("the network is not its own mirror image");
  std::vector<Phase> phases = read_phases(network, mirrored);
  PackedModel model{};
  model.arithmetic = arithmetic;
  model.scale = network.scale;
  model.kernel_size = network.kernel_size;
  const bool is_bounded = bound_of(phases) <= kKeyBound;
  model.kernel = kernels.edge(network.family, network.kernel_size, network.channels, arithmetic, is_bounded);
  if (model.kernel.run == nullptr) throw std::invalid_argument("no such kernel for this instruction set");
  float key_scale = 1.0f;
  if (is_integer(arithmetic) && peak > 1023.0f) throw std::invalid_argument("integer kernels take pixels of up to 10 bits");
  const Halving halving{network.kernel_size, mirrored, peak};
  double near = kLargestSum;
  if (arithmetic == kMinimalInteger || mirrored) {
    for_each_list(phases, &Phase::values,
                  [&](const Filter& filter) { near = std::min(near, halving.near_factor(filter)); });
    model.value_scale = static_cast<float>(1.0 / (near * peak));
  } else if (arithmetic == kInteger) {
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
      const Kinds kinds(phase, network.family, first, group);
      const auto filters = kinds.all();
      if (arithmetic == kFloat) append_floats(filters, network.window(), model.float_taps);
      if (arithmetic == kMinimal) append_minimal(filters, network.kernel_size, model.float_taps);
      if (arithmetic == kInteger) append_pairs(filters, network.kernel_size, model.integer_taps);
      if (arithmetic == kMinimalInteger || mirrored) append_halved_group(kinds, halving, near, model.integer_taps);
    }
  }
  const void* taps = is_integer(arithmetic) ? static_cast<const void*>(model.integer_taps.data())
                                            : static_cast<const void*>(model.float_taps.data());
  model.weights = {taps, network.scale, network.channels / group, key_scale};
  if (model.kernel.guarded) model.exact = std::make_unique<PackedModel>(pack(network, kernels, kFloat, peak));
  return model;
}

}  // namespace upres
