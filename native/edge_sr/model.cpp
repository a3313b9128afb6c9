#include "edge_sr/model.h"

#include <algorithm>
#include <stdexcept>

#include "edge_sr/halving.h"
#include "edge_sr/minimal.h"

namespace upres {
namespace {

constexpr double kLog2E = 1.4426950408889634;

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

// `mirrored`: the mean of the filter and of its counterpart on the other side seen in a mirror.
Filter read(const Network& network, int part, int channel, int phase, double gain, bool mirrored) {
  Filter filter = read(network, part, channel, phase);
  const int other = mirrored ? mirror_of(phase, network.scale) : phase;
  const Filter again = mirrored ? reversed(read(network, part, channel, other), network.kernel_size) : filter;
  for (size_t i = 0; i < filter.size(); ++i) filter[i] = (filter[i] + again[i]) / 2.0 * gain;
  return filter;
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
  FilterList values, queries, keys;

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
  FilterList all() const {
    FilterList filters = values;
    filters.insert(filters.end(), queries.begin(), queries.end());
    filters.insert(filters.end(), keys.begin(), keys.end());
    return filters;
  }
};

void append_floats(const FilterList& filters, int window, std::vector<float>& taps) {
  for (int t = 0; t < window; ++t)
    for (const Filter* filter : filters) taps.push_back(static_cast<float>((*filter)[static_cast<size_t>(t)]));
}

void append_minimal(const FilterList& filters, int kernel_size, std::vector<float>& taps) {
  const int points = minimal_points(kernel_size);
  for (int point = 0; point < points; ++point)
    for (int x = 0; x < kernel_size; ++x)
      for (const Filter* filter : filters) {
        taps.push_back(static_cast<float>(value_at_point(*filter, kernel_size, x, 0, kernel_size - 1, point, points)));
      }
}

void append_pairs(const FilterList& filters, int kernel_size, std::vector<int32_t>& taps) {
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
  const bool mirrored = arithmetic == kMirroredInteger, halved = mirrored || arithmetic == kMinimalInteger;
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
  if (is_integer(arithmetic) && peak > 1023.0f) {
    throw std::invalid_argument("integer kernels take pixels of up to 10 bits");
  }
  const Halving halving{network.kernel_size, mirrored, peak};
  double near = kLargestSum;
  if (halved) {
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
      if (halved) halving.append_group(kinds.values, kinds.queries, kinds.keys, near, model.integer_taps);
    }
  }
  const void* taps = is_integer(arithmetic) ? static_cast<const void*>(model.integer_taps.data())
                                            : static_cast<const void*>(model.float_taps.data());
  model.weights = {taps, network.scale, network.channels / group, key_scale};
  if (model.kernel.guarded) model.exact = std::make_unique<PackedModel>(pack(network, kernels, kFloat, peak));
  return model;
}

}  // namespace upres
