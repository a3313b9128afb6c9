#include "graph/plan.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/tiles.h"
#include "graph/raising.h"

namespace upres {
namespace {

// Of a second-level cache of 1 MB; what is read and written once goes through the rest.
constexpr int64_t kPassBytes = 768 * 1024;
constexpr int64_t kStrip = 96;
constexpr int64_t kTile = kTileRows;

int64_t floor_to(int64_t value, int64_t phase) { return value - (((value - phase) % kTile) + kTile) % kTile; }
int64_t ceil_to(int64_t value, int64_t phase) { return value + (((phase - value) % kTile) + kTile) % kTile; }

template <class Visit>
void for_each_map_read(const Operation& operation, Visit visit) {
  for (int input : operation.inputs) visit(input, operation.halo());
  for (const Operand& operand : operation.operands) visit(operand.map, 0);
}

// The stage of the pass that makes a map which the pass reads row by row; -1 where none does.
int maker_of(const Graph& graph, const Pass& pass, int map) {
  for (size_t s = 0; s < pass.stages.size(); ++s) {
    const Operation& operation = graph.operations()[static_cast<size_t>(pass.stages[s].operation)];
    if (operation.map == map && operation.shuffle == 1) return static_cast<int>(s);
  }
  return -1;
}

void link(const Graph& graph, Pass& pass) {
  for (size_t s = 0; s < pass.stages.size(); ++s) {
    for_each_map_read(graph.operations()[static_cast<size_t>(pass.stages[s].operation)], [&](int map, int halo) {
      const int maker = maker_of(graph, pass, map);
      if (maker < 0) {
        pass.stages[s].reads_far |= graph.maps()[static_cast<size_t>(map)].level == pass.level;
        return;
      }
      pass.stages[static_cast<size_t>(maker)].readers.push_back(static_cast<int>(s));
      pass.stages[static_cast<size_t>(maker)].halos.push_back(halo);
    });
  }
}

void set_phases(Pass& pass) {
  std::vector<Stage>& stages = pass.stages;
  for (Stage& stage : stages)
    for (size_t r = 0; r < stage.readers.size(); ++r) {
      Stage& reader = stages[static_cast<size_t>(stage.readers[r])];
      reader.row_phase = std::min(reader.row_phase, stage.row_phase - stage.halos[r]);
    }
  const int64_t last = stages.back().row_phase;
  for (Stage& stage : stages) stage.row_phase -= last;
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    int64_t oldest = stage->row_phase + kTile;
    for (size_t r = 0; r < stage->readers.size(); ++r) {
      const Stage& reader = stages[static_cast<size_t>(stage->readers[r])];
      oldest = std::min(oldest, reader.row_phase - stage->halos[r]);
      stage->column_phase = std::min(stage->column_phase, reader.column_phase - stage->halos[r]);
    }
    stage->ring_rows = stage->row_phase + kTile - oldest;
  }
}

// The operations of one pass, before it is known what else reads their maps.
Pass make_pass(const Graph& graph, const Span& run) {
  Pass pass{{}, graph.operations()[static_cast<size_t>(run.begin)].level, kStrip, 0};
  for (int64_t i = run.begin; i < run.end; ++i) pass.stages.push_back({static_cast<int>(i), 0, 0, 0, {}, {}, false});
  link(graph, pass);
  set_phases(pass);
  return pass;
}

// Where to cut the operations into passes: such that least is written to memory and read from it, and that the weights
// and rings of each pass fit the cache.
class Cutting {
 public:
  explicit Cutting(const Graph& graph) : graph_(graph), operations_(graph.operations()) {
    maker_.assign(graph.maps().size(), -1);
    last_reader_.assign(graph.maps().size(), -1);
    for (int i = 0; i < count(); ++i) {
      if (at(i).map != kPicture) maker_[static_cast<size_t>(at(i).map)] = i;
      for_each_map_read(at(i), [&](int map, int) { last_reader_[static_cast<size_t>(map)] = i; });
    }
  }

  // Of operations: one span for each pass.
  std::vector<Span> best() const {
    std::vector<double> cost(static_cast<size_t>(count()) + 1, HUGE_VAL);
    std::vector<int64_t> from(cost.size(), 0);
    cost[0] = 0.0;
    for (int end = 1; end <= count(); ++end)
      for (int begin = end - 1; begin >= 0 && (begin == end - 1 || fits(begin, end)); --begin) {
        const double total = cost[static_cast<size_t>(begin)] + traffic(begin, end);
        if (total > cost[static_cast<size_t>(end)]) continue;
        cost[static_cast<size_t>(end)] = total;
        from[static_cast<size_t>(end)] = begin;
      }
    std::vector<Span> passes;
    for (int64_t end = count(); end > 0; end = passes.front().begin) {
      passes.insert(passes.begin(), {from[static_cast<size_t>(end)], end});
    }
    return passes;
  }

 private:
  int count() const { return static_cast<int>(operations_.size()); }
  const Operation& at(int i) const { return operations_[static_cast<size_t>(i)]; }
  int last_reader(int map) const { return last_reader_[static_cast<size_t>(map)]; }
  double floats_of(int map) const {
    const Map& facts = graph_.maps()[static_cast<size_t>(map)];
    double side = facts.level.scale;
    for (const Windows& windows : facts.level.reductions) side /= windows.stride;
    return facts.stride * side * side;
  }

  bool fits(int begin, int end) const {
    for (int i = begin; i < end; ++i) {
      if (at(i).is_barrier() || at(i).level != at(begin).level) return false;
    }
    int64_t floats = 0;
    for (const Stage& stage : make_pass(graph_, {begin, end}).stages) {
      floats += static_cast<int64_t>(at(stage.operation).taps.size());
      floats += stage.ring_rows * kStrip * at(stage.operation).outputs;
    }
    return floats * 4 <= kPassBytes;
  }

  // Floats for each pixel of scale 1.
  double traffic(int begin, int end) const {
    std::vector<int> seen;
    double floats = 0.0;
    for (int i = begin; i < end; ++i) {
      for_each_map_read(at(i), [&](int map, int) {
        const bool made_here = maker_[static_cast<size_t>(map)] >= begin;
        if (made_here || std::find(seen.begin(), seen.end(), map) != seen.end()) return;
        seen.push_back(map);
        floats += floats_of(map);
      });
      if (at(i).map != kPicture && last_reader(at(i).map) >= end) floats += floats_of(at(i).map);
    }
    return floats;
  }

  const Graph& graph_;
  const std::vector<Operation>& operations_;
  std::vector<int> maker_, last_reader_;
};

// The last pass that reads each map; -1 where none but the one that makes it does.
std::vector<int> last_readers(const Graph& graph, const Plan& plan) {
  std::vector<int> last(graph.maps().size(), -1);
  for (size_t p = 0; p < plan.passes.size(); ++p)
    for (const Stage& stage : plan.passes[p].stages)
      for_each_map_read(graph.operations()[static_cast<size_t>(stage.operation)], [&](int map, int) {
        if (maker_of(graph, plan.passes[p], map) < 0) last[static_cast<size_t>(map)] = static_cast<int>(p);
      });
  return last;
}

void share_slots(const Graph& graph, Plan& plan) {
  const std::vector<int> last = last_readers(graph, plan);
  std::vector<int> busy_until;
  plan.slot_of_map.assign(graph.maps().size(), -1);
  const auto place = [&](int map, int pass) {
    const Map& facts = graph.maps()[static_cast<size_t>(map)];
    size_t slot = 0;
    while (slot < plan.slots.size() && (plan.slots[slot].stride != facts.stride ||
                                        plan.slots[slot].level != facts.level || busy_until[slot] >= pass)) {
      ++slot;
    }
    if (slot == plan.slots.size()) {
      plan.slots.push_back({facts.stride, facts.level});
      busy_until.push_back(0);
    }
    busy_until[slot] = last[static_cast<size_t>(map)];
    plan.slot_of_map[static_cast<size_t>(map)] = static_cast<int>(slot);
  };
  for (const PictureMap& picture : graph.pictures()) place(picture.map, -1);
  for (size_t p = 0; p < plan.passes.size(); ++p)
    for (Stage& stage : plan.passes[p].stages) {
      const int map = graph.operations()[static_cast<size_t>(stage.operation)].map;
      stage.kept = map == kPicture || last[static_cast<size_t>(map)] >= 0;
      if (!stage.kept && stage.readers.empty()) throw std::invalid_argument("expected maps that something reads");
      if (stage.kept && map != kPicture) place(map, static_cast<int>(p));
    }
}

// From what the picture's part `wanted` needs of each stage kept, backwards to what each stage has to make.
std::vector<Extent> extents(const Pass& pass, Span wanted, int64_t length, int64_t Stage::*phase) {
  std::vector<Extent> all(pass.stages.size());
  for (size_t s = pass.stages.size(); s-- > 0;) {
    const Stage& stage = pass.stages[s];
    Span read = stage.kept ? wanted : Span{length, 0};
    for (size_t r = 0; r < stage.readers.size(); ++r) {
      const Span& made = all[static_cast<size_t>(stage.readers[r])].made;
      read.begin = std::min(read.begin, made.begin - stage.halos[r]);
      read.end = std::max(read.end, made.end + stage.halos[r]);
    }
    const int64_t first = std::max<int64_t>(read.begin, 0), end = std::min(read.end, length);
    all[s] = {{floor_to(first, stage.*phase), ceil_to(end, stage.*phase)}, read};
  }
  return all;
}

// What of each map is looked at for pixels `wanted` of the output, along one side, of a picture without ends.
std::vector<Span> looked_at(const Graph& graph, const Plan& plan, Span wanted, int64_t Stage::*phase) {
  std::vector<Span> spans(graph.maps().size(), {wanted.end, wanted.begin});
  const auto widen = [](Span& span, Span by) { span = {std::min(span.begin, by.begin), std::max(span.end, by.end)}; };
  for (size_t p = plan.passes.size(); p-- > 0;) {
    const Pass& pass = plan.passes[p];
    Span needed = {wanted.end, wanted.begin};
    for (const Stage& stage : pass.stages) {
      const int map = graph.operations()[static_cast<size_t>(stage.operation)].map;
      if (stage.kept) widen(needed, map == kPicture ? wanted : spans[static_cast<size_t>(map)]);
    }
    const std::vector<Extent> all = extents(pass, needed, 2 * wanted.end, phase);
    for (size_t s = 0; s < all.size(); ++s) {
      const Span& made = all[s].made;
      for_each_map_read(graph.operations()[static_cast<size_t>(pass.stages[s].operation)], [&](int map, int halo) {
        widen(spans[static_cast<size_t>(map)], {made.begin - halo, made.end + halo});
      });
    }
  }
  return spans;
}

// Rows of a map of `coarse` rows that rows `made` of `length` ones are enlarged from.
Span raised_from(Span made, int64_t length, int64_t coarse) {
  const auto first_of = [&](int64_t y) { return between(std::clamp<int64_t>(y, 0, length - 1), length, coarse).first; };
  return {first_of(made.begin), std::min(first_of(made.end - 1) + 2, coarse)};
}

// Calls `visit(map, rows)` for all that the pass reads, while it makes rows `band` of what it keeps, of maps that it
// does not make itself; some rows may lie outside of the picture.
template <class Visit>
void for_each_rows_read(const Graph& graph, const Pass& pass, Span band, int64_t height, Visit visit) {
  const auto operation_of = [&](const Stage& stage) -> const Operation& {
    return graph.operations()[static_cast<size_t>(stage.operation)];
  };
  if (const Operation& first = operation_of(pass.stages[0]); first.is_barrier()) {
    const auto [side, stride] = first.windows;
    return visit(first.inputs[0], {band.begin * stride, (band.end - 1) * stride + side});
  }
  const int64_t length = pass.level.length(height);
  const std::vector<Extent> all = row_extents(pass, band, length);
  for (size_t s = 0; s < all.size(); ++s) {
    const Span made = all[s].made;
    for_each_map_read(operation_of(pass.stages[s]), [&](int map, int halo) {
      const Level& level = graph.maps()[static_cast<size_t>(map)].level;
      if (maker_of(graph, pass, map) >= 0) return;
      visit(map, level == pass.level ? Span{made.begin - halo, made.end + halo}
                                     : raised_from(made, length, level.length(height)));
    });
  }
}

// How far a picture has come through the passes: rows of each map that are there, and that each pass has made.
struct Progress {
  std::vector<int64_t> maps, passes;
};

// The rows, `most` at most, that the pass can have made when such rows of the maps are there; it made `made` before.
int64_t farthest(const Graph& graph, const Pass& pass, int64_t made, int64_t most, int64_t height,
                 const std::vector<int64_t>& there) {
  const bool reduces = graph.operations()[static_cast<size_t>(pass.stages[0].operation)].is_barrier();
  while (made < most) {
    const int64_t next = std::min(most, reduces ? made + 1 : rounded_up(made + 1, kTile));
    bool can = true;
    for_each_rows_read(graph, pass, {made, next}, height, [&](int map, Span read) {
      const int64_t length = graph.maps()[static_cast<size_t>(map)].level.length(height);
      can = can && std::min(read.end, length) <= there[static_cast<size_t>(map)];
    });
    if (!can) break;
    made = next;
  }
  return made;
}

// What each pass can make of `given` rows of the picture. When these are all, passes that make maps of that height make
// `rows` more at most: else maps would hold all that is still to come.
void advance(const Graph& graph, const Plan& plan, int64_t given, int64_t rows, int64_t height, Progress& progress) {
  for (const PictureMap& picture : graph.pictures()) progress.maps[static_cast<size_t>(picture.map)] = given;
  for (size_t p = 0; p < plan.passes.size(); ++p) {
    const Pass& pass = plan.passes[p];
    const int64_t all = rows_made(graph, pass, height), before = progress.passes[p];
    const int64_t most = given == height && all == height ? std::min(all, before + rows) : all;
    progress.passes[p] = farthest(graph, pass, before, most, height, progress.maps);
    for (const Stage& stage : pass.stages) {
      const int map = graph.operations()[static_cast<size_t>(stage.operation)].map;
      if (stage.kept && map != kPicture) progress.maps[static_cast<size_t>(map)] = progress.passes[p];
    }
  }
}

// Sees to it that what the pass reads from row `begin` of its maps on is still there when they have so many rows.
void raise_rows(const Graph& graph, const Pass& pass, int64_t begin, int64_t height, const std::vector<int64_t>& there,
                Plan& plan) {
  const auto hold = [&](int map, int64_t first) {
    Slot& slot = plan.slots[static_cast<size_t>(plan.slot_of_map[static_cast<size_t>(map)])];
    slot.rows = std::max(slot.rows, there[static_cast<size_t>(map)] - std::max<int64_t>(first, 0));
  };
  for_each_rows_read(graph, pass, {begin, begin + 1}, height, [&](int map, Span read) { hold(map, read.begin); });
  for (const Stage& stage : pass.stages) {
    const int map = graph.operations()[static_cast<size_t>(stage.operation)].map;
    if (stage.kept && map != kPicture) hold(map, begin);
  }
}

}  // namespace

Rolling roll(const Graph& graph, const Plan& plan, int64_t height, int64_t rows) {
  if (!rolls(graph)) throw std::invalid_argument("expected a graph without maps larger than the picture");
  if (rows < 1) throw std::invalid_argument("expected slabs of a row or more");
  Rolling rolling{plan, {}, {}, {}};
  std::vector<Slot>& slots = rolling.plan.slots;
  std::vector<int>& slot_of_map = rolling.plan.slot_of_map;
  slots.clear();
  for (size_t map = 0; map < slot_of_map.size(); ++map) {
    if (slot_of_map[map] < 0) continue;
    slot_of_map[map] = static_cast<int>(slots.size());
    slots.push_back({graph.maps()[map].stride, graph.maps()[map].level, 1});
  }
  Progress progress{std::vector<int64_t>(graph.maps().size(), 0), std::vector<int64_t>(plan.passes.size(), 0)};
  for (int64_t given = 0; progress.passes.back() < height;) {
    const std::vector<int64_t> before = progress.passes;
    given = std::min(given + rows, height);
    advance(graph, rolling.plan, given, rows, height, progress);
    for (size_t p = 0; p < plan.passes.size(); ++p) {
      if (before[p] == rows_made(graph, plan.passes[p], height)) continue;
      raise_rows(graph, plan.passes[p], before[p], height, progress.maps, rolling.plan);
    }
    rolling.input_ends.push_back(given);
    rolling.output_ends.push_back(progress.passes.back());
    rolling.pass_ends.push_back(progress.passes);
  }
  return rolling;
}

bool rolls(const Graph& graph) {
  return std::all_of(graph.maps().begin(), graph.maps().end(), [](const Map& map) { return map.level.scale == 1; });
}

int64_t reach(const Graph& graph, const Plan& plan) {
  for (const Map& map : graph.maps()) {
    if (map.level != Level{1, {}}) return -1;
  }
  constexpr int64_t kFar = int64_t{1} << 20;
  int64_t farthest = 0;
  for (int64_t Stage::*phase : {&Stage::row_phase, &Stage::column_phase})
    for (int64_t pixel = kFar; pixel < kFar + kTile; ++pixel) {
      const std::vector<Span> spans = looked_at(graph, plan, {pixel, pixel + 1}, phase);
      for (const PictureMap& picture : graph.pictures()) {
        const Span& span = spans[static_cast<size_t>(picture.map)];
        farthest = std::max({farthest, pixel - span.begin, span.end - 1 - pixel});
      }
    }
  return farthest;
}

Plan make_plan(const Graph& graph) {
  if (!graph.is_complete()) throw std::invalid_argument("expected a graph with an output");
  Plan plan;
  for (const Span& run : Cutting(graph).best()) {
    plan.passes.push_back(make_pass(graph, run));
  }
  share_slots(graph, plan);
  for (Pass& pass : plan.passes) {
    // In the middle of a picture that goes on: nothing is cut off there.
    constexpr int64_t kFar = int64_t{1} << 20;
    for (const Extent& extent : column_extents(pass, {kFar, kFar + pass.strip}, 2 * kFar)) {
      const int64_t begin = std::min(extent.made.begin, extent.read.begin);
      pass.ring_width = std::max(pass.ring_width, std::max(extent.made.end, extent.read.end) - begin + kTile);
    }
  }
  return plan;
}

int64_t rows_made(const Graph& graph, const Pass& pass, int64_t height) {
  const Operation& first = graph.operations()[static_cast<size_t>(pass.stages[0].operation)];
  return (first.is_barrier() ? pass.level.reduced(first.windows) : pass.level).length(height);
}

std::vector<Extent> column_extents(const Pass& pass, Span strip, int64_t length) {
  return extents(pass, strip, length, &Stage::column_phase);
}

std::vector<Extent> row_extents(const Pass& pass, Span band, int64_t length) {
  return extents(pass, band, length, &Stage::row_phase);
}

}  // namespace upres
