#include "edge_sr/network.h"

#include <algorithm>

namespace upres {
namespace {

constexpr double kLog2E = 1.4426950408889634;

// The output phase in the same row and as far from the other side.
int mirror_of(int phase, int scale) { return phase / scale * scale + scale - 1 - phase % scale; }

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

std::vector<Phase> read_phases(const Network& network, bool mirrored) {
  std::vector<Phase> phases;
  for (int p = 0; p < network.phases(); ++p) {
    if (!mirrored || p < mirror_of(p, network.scale)) phases.push_back(read_phase(network, p, mirrored));
  }
  return phases;
}

double key_bound(const std::vector<Phase>& phases) {
  double bound = 0.0;
  for (const Phase& phase : phases) {
    for (size_t c = 0; c < phase.keys.size(); ++c) {
      const double query = phase.queries.empty() ? 1.0 : reach(phase.queries[c]);
      bound = std::max(bound, query * reach(phase.keys[c]));
    }
  }
  return bound;
}

}  // namespace upres
