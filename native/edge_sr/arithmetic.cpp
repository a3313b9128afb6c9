#include "edge_sr/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "edge_sr/halving.h"
#include "edge_sr/minimal.h"
#include "edge_sr/rows.h"

namespace upres {
namespace {

template <class Change>
void for_each_list(std::vector<Phase>& phases, std::vector<Filter> Phase::*list, Change change) {
  for (Phase& phase : phases)
    for (Filter& filter : phase.*list) change(filter);
}

// Float kernels see pixels of 0 .. peak; keys must not.
void scale_keys(std::vector<Phase>& phases, double peak) {
  const auto shrink = [&](Filter& filter) {
    for (double& w : filter) w /= peak;
  };
  for_each_list(phases, &Phase::keys, shrink);
  for_each_list(phases, &Phase::queries, shrink);
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

// Every group of every phase, in the order in which the kernels read them.
template <class Append>
void for_each_group(const Packing& packing, const PackedModel& model, Append append) {
  const int group = model.kernel.group;
  for (const Phase& phase : packing.phases)
    for (int first = 0; first < packing.network.channels; first += group) {
      append(Kinds(phase, packing.network.family, first, group));
    }
}

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

void start_floats(Packing& packing, PackedModel& model) {
  scale_keys(packing.phases, packing.peak);
  model.value_scale = 1.0f / packing.peak;
}

void pack_direct(Packing packing, PackedModel& model) {
  start_floats(packing, model);
  for_each_group(packing, model, [&](const Kinds& kinds) {
    append_floats(kinds.all(), packing.network.window(), model.float_taps);
  });
  model.weights.taps = model.float_taps.data();
}

void pack_minimal(Packing packing, PackedModel& model) {
  start_floats(packing, model);
  const int size = packing.network.kernel_size;
  for_each_group(packing, model, [&](const Kinds& kinds) { append_minimal(kinds.all(), size, model.float_taps); });
  model.weights.taps = model.float_taps.data();
  model.transform = packing.kernels.transform[minimal_points(size) == 8 ? 1 : 0];
}

void pack_pairs(Packing packing, PackedModel& model) {
  const double peak = packing.peak;
  model.value_scale = static_cast<float>(quantise(packing.phases, &Phase::values, peak));
  const double keys = quantise(packing.phases, &Phase::keys, peak);
  const double queries = packing.network.family == kTr ? quantise(packing.phases, &Phase::queries, peak) : 1.0;
  model.weights.key_scale = static_cast<float>(keys * queries);
  for_each_group(packing, model, [&](const Kinds& kinds) {
    append_pairs(kinds.all(), packing.network.kernel_size, model.integer_taps);
  });
  model.weights.taps = model.integer_taps.data();
}

void pack_halves(Packing packing, PackedModel& model) {
  const Halving halving{packing.network.kernel_size, model.arithmetic->mirrored_only, packing.peak};
  double near = kLargestSum;
  for_each_list(packing.phases, &Phase::values,
                [&](const Filter& filter) { near = std::min(near, halving.near_factor(filter)); });
  model.value_scale = static_cast<float>(1.0 / (near * packing.peak));
  for_each_group(packing, model, [&](const Kinds& kinds) {
    halving.append_group(kinds.values, kinds.queries, kinds.keys, near, model.integer_taps);
  });
  model.weights.taps = model.integer_taps.data();
}

constexpr float kAnyPeak = std::numeric_limits<float>::infinity();
constexpr float kTenBits = 1023.0f;  // deeper pixels would overflow the sums

}  // namespace

const std::vector<Arithmetic>& arithmetics() {
  static const std::vector<Arithmetic> table{
      // name, precision, integers only, any value, mirrored only, largest peak, kernel, packing, rows
      {"mirrored_integer", "int16", true, false, true, kTenBits, &EdgeTable::mirrored_halves, pack_halves,
       make_rows<HalvedRows>},
      {"minimal_integer", "int16", true, false, false, kTenBits, &EdgeTable::halves, pack_halves,
       make_rows<HalvedRows>},
      {"integer", "int16", true, false, false, kTenBits, &EdgeTable::pairs, pack_pairs, make_rows<PairedRows>},
      {"minimal", "f32", false, false, false, kAnyPeak, &EdgeTable::minimal, pack_minimal, make_rows<WidenedRows>},
      {"float", "f32", false, true, false, kAnyPeak, &EdgeTable::direct, pack_direct, make_rows<WidenedRows>},
  };
  return table;
}

namespace {

EdgeKernel kernel_of(const Arithmetic& arithmetic, const Network& network, const Kernels& kernels, bool bounded) {
  return (kernels.edge.*arithmetic.kernel)(network.family, network.kernel_size, network.channels, bounded);
}

}  // namespace

bool exists(const Arithmetic& arithmetic, const Network& network, const Kernels& kernels) {
  if (arithmetic.mirrored_only && !is_mirrored(network)) return false;
  return kernel_of(arithmetic, network, kernels, false).run != nullptr;
}

PackedModel pack(const Network& network, const Kernels& kernels, const Arithmetic& arithmetic, float peak) {
  const std::string name = arithmetic.name;
  if (!exists(arithmetic, network, kernels)) {
    throw std::invalid_argument("no such kernel: " + name + " for this network on " + kernels.name);
  }
  if (peak > arithmetic.largest_peak) {
    throw std::invalid_argument("expected a white of at most " + std::to_string(std::lround(arithmetic.largest_peak)) +
                                " for " + name + " kernels, got " + std::to_string(std::lround(peak)));
  }
  Packing packing{network, kernels, read_phases(network, arithmetic.mirrored_only), peak};
  PackedModel model{};
  model.arithmetic = &arithmetic;
  model.scale = network.scale;
  model.kernel_size = network.kernel_size;
  model.kernel = kernel_of(arithmetic, network, kernels, key_bound(packing.phases) <= kKeyBound);
  model.weights = {nullptr, network.scale, network.channels / model.kernel.group, 1.0f};
  arithmetic.pack(std::move(packing), model);
  if (model.kernel.guarded) {
    model.exact = std::make_unique<PackedModel>(pack(network, kernels, arithmetics().back(), peak));
  }
  return model;
}

}  // namespace upres
