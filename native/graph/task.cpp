#include "graph/task.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/tiles.h"
#include "graph/quantize.h"
#include "graph/raising.h"

namespace upres {
namespace {

// Columns of which all candidates are made before a choice among them.
constexpr int64_t kChoiceColumns = 48;

int64_t widest_map(const Graph& graph) {
  int64_t widest = kChannelBlock;
  for (const Map& map : graph.maps()) widest = std::max<int64_t>(widest, map.stride);
  for (const Operation& operation : graph.operations()) widest = std::max<int64_t>(widest, operation.outputs);
  return widest;
}

// Whether what an operation makes goes to the output in planes, never in pixels.
bool stays_in_planes(const Operation& operation) {
  return operation.map == kPicture && operation.kind->kernel == &ConvTable::narrow && operation.operands.empty() &&
         !operation.chooses();
}

// Where each thing lies in a thread's scratch memory.
struct Layout {
  std::vector<int64_t> rings, pitches;  // of each stage
  int64_t spare, gathered, blended, candidates, planes, kernel, total;
  int64_t row;    // floats in a row of `spare`, `gathered` and `blended`
  int64_t plane;  // floats in one of `planes`

  Layout(const Graph& graph, const Pass& pass) {
    int64_t next = 0, most_candidates = 0, most_planes = 0;
    row = rounded_up(pass.ring_width * widest_map(graph), kChannelBlock);
    plane = rounded_up(pass.ring_width, kChannelBlock);
    for (const Stage& stage : pass.stages) {
      const Operation& operation = graph.operations()[static_cast<size_t>(stage.operation)];
      pitches.push_back(row_pitch(pass.ring_width, operation.outputs));
      rings.push_back(next);
      next += stage.ring_rows * pitches.back();
      if (stays_in_planes(operation)) most_planes = std::max(most_planes, kTileRows * kNarrowOutputs * plane);
      if (!operation.chooses()) continue;
      most_candidates = std::max(most_candidates, choice_scratch(operation.outputs));
      most_planes = std::max(most_planes, operation.choice.kept * kChoiceColumns);
    }
    spare = next;
    gathered = spare + kTileRows * row;
    blended = gathered + kMaxOperands * kTileRows * row;
    candidates = blended + row;
    planes = candidates + most_candidates;
    kernel = planes + most_planes;
    total = kernel + conv_scratch(widest_map(graph));
  }
};

class Task {
 public:
  Task(const Frame& frame, const Pass& pass, Span strip, Span band)
      : frame_(frame),
        pass_(pass),
        layout_(frame.graph, pass),
        strip_(strip),
        band_(band),
        height_(pass.level.length(frame.height)),
        width_(pass.level.length(frame.width)),
        columns_(column_extents(pass, strip, width_)),
        rows_(row_extents(pass, band, height_)),
        memory_(static_cast<float*>(scratch(layout_.total))) {
    for (size_t s = 0; s < pass.stages.size(); ++s) {
      for (const Operand& operand : operation(s).operands) {
        const Map& map = map_of(operand);
        if (map.level == pass.level) continue;
        const int64_t coarse = map.level.length(frame.width);
        raisings_.push_back({s, operand.map, Raising(columns_[s].made, width_, coarse, map.stride)});
      }
    }
  }

  void run() {
    int64_t first = INT64_MAX, end = INT64_MIN;
    for (size_t s = 0; s < pass_.stages.size(); ++s) {
      first = std::min(first, rows_[s].made.begin - pass_.stages[s].row_phase);
      end = std::max(end, rows_[s].made.end - pass_.stages[s].row_phase);
    }
    for (int64_t step = first; step < end; step += kTileRows) {
      for (size_t s = 0; s < pass_.stages.size(); ++s) {
        const int64_t y = step + pass_.stages[s].row_phase;
        if (y >= rows_[s].made.begin && y < rows_[s].made.end) make_rows(s, y);
      }
    }
  }

 private:
  const Operation& operation(size_t stage) const {
    return frame_.graph.operations()[static_cast<size_t>(pass_.stages[stage].operation)];
  }

  const Map& map_of(const Operand& operand) const { return frame_.graph.maps()[static_cast<size_t>(operand.map)]; }

  // Column 0 of the ring, which is the first one that anybody reads or writes.
  int64_t origin(size_t stage) const { return std::min(columns_[stage].made.begin, columns_[stage].read.begin); }

  float* in_ring(size_t stage, int64_t y, int64_t x) const {
    const int64_t count = pass_.stages[stage].ring_rows, place = ((y % count) + count) % count;
    return memory_ + layout_.rings[stage] + place * layout_.pitches[stage] +
           (x - origin(stage)) * operation(stage).outputs;
  }

  // Row y of a map from column x on: zeros outside of the picture.
  const float* source(int map, int64_t y, int64_t x) const {
    if (y < 0 || y >= height_) return frame_.zeros;
    for (size_t s = 0; s < pass_.stages.size(); ++s) {
      if (operation(s).map == map && pass_.stages[s].ring_rows > 0) return in_ring(s, y, x);
    }
    return frame_.planes.at(frame_.plan.slot_of_map[static_cast<size_t>(map)], y, x);
  }

  // Whether a row can be made where it is kept: no pixel of it belongs to another task.
  bool made_in_place(size_t stage, int64_t y) const {
    const Operation& op = operation(stage);
    const Span& made = columns_[stage].made;
    return pass_.stages[stage].kept && pass_.stages[stage].ring_rows == 0 && op.map != kPicture && op.shuffle == 1 &&
           made.begin == strip_.begin && made.end == strip_.end && y >= band_.begin && y < band_.end;
  }

  // Where a row goes at first: to memory for other passes, into the ring, or where it may be looked at for a moment.
  float* target(size_t stage, int64_t y, int number) const {
    if (made_in_place(stage, y)) {
      return frame_.planes.at(frame_.plan.slot_of_map[static_cast<size_t>(operation(stage).map)], y, strip_.begin);
    }
    const bool inside = y >= 0 && y < height_;
    if (inside && pass_.stages[stage].ring_rows > 0) return in_ring(stage, y, columns_[stage].made.begin);
    return memory_ + layout_.spare + number * layout_.row;
  }

  void make_rows(size_t stage, int64_t y) {
    const Operation& op = operation(stage);
    const Span& made = columns_[stage].made;
    const int halo = op.halo();
    const float *from[kMaxParts * (kTileRows + 2 * kMaxHalo)], *operands[kMaxOperands * kTileRows];
    float* to[kTileRows];
    const auto number = static_cast<size_t>(pass_.stages[stage].operation);
    const bool quantized = op.takes_integers() && !frame_.quantized.empty();
    ConvWeights weights{op.taps.data(), op.bias.data(), op.kind->kernel_size, static_cast<int>(op.inputs.size()), {}, {},
                        op.outputs_made, op.outputs, quantized ? &frame_.quantized[number] : nullptr};
    int next = 0;
    for (size_t p = 0; p < op.inputs.size(); ++p) {
      const Map& map = frame_.graph.maps()[static_cast<size_t>(op.inputs[p])];
      weights.channels[p] = map.channels;
      weights.strides[p] = map.stride;
      for (int r = -halo; r < kTileRows + halo; ++r) from[next++] = source(op.inputs[p], y + r, made.begin - halo);
    }
    for (size_t o = 0; o < op.operands.size(); ++o) {
      for (int r = 0; r < kTileRows; ++r) {
        const auto place = static_cast<int>(o) * kTileRows + r;
        operands[place] = operand_row(stage, op.operands[o], y + r, place);
      }
    }
    for (int r = 0; r < kTileRows; ++r) to[r] = target(stage, y + r, r);
    const ConvRows rows{from, made.length(), to, operands, memory_ + layout_.kernel, 0,
                        pass_.stages[stage].reads_far};
    if (op.chooses()) return choose_rows(stage, y, weights, rows, from, operands);
    if (stays_in_planes(op)) return make_planes(stage, y, weights, rows);
    const ConvTable& conv = *frame_.kernels.conv;
    if (op.takes_integers() && frame_.largest_seen != nullptr) {
      conv.look_at_points(weights, rows, (*frame_.largest_seen)[number].data());
    }
    (conv.*(quantized ? &ConvTable::minimal_int16 : op.kind->kernel))(weights, frame_.epilogues[number], rows);
    for (int r = 0; r < kTileRows; ++r) {
      if (y + r < 0 || y + r >= height_) continue;
      if (pass_.stages[stage].ring_rows > 0) clear_beside(stage, y + r);
      const bool kept = pass_.stages[stage].kept && y + r >= band_.begin && y + r < band_.end;
      if (kept && !made_in_place(stage, y + r)) keep(op, made.begin, y + r, to[r]);
    }
  }

  // The same in planes, which go to the output.
  void make_planes(size_t stage, int64_t y, const ConvWeights& weights, ConvRows rows) {
    const Operation& op = operation(stage);
    float* to[kTileRows];
    for (int r = 0; r < kTileRows; ++r) to[r] = memory_ + layout_.planes + r * kNarrowOutputs * layout_.plane;
    rows.to = to;
    rows.pitch = layout_.plane;
    (frame_.kernels.conv->*op.kind->kernel)(
        weights, frame_.epilogues[static_cast<size_t>(pass_.stages[stage].operation)], rows);
    for (int r = 0; r < kTileRows; ++r) {
      if (y + r < band_.begin || y + r >= band_.end) continue;
      const float* const first = to[r] + strip_.begin - columns_[stage].made.begin;
      keep_planes(op, y + r, strip_.begin, strip_.length(), first, layout_.plane);
    }
  }

  // The same where candidates are made, some columns at a time, and the output is chosen of them.
  void choose_rows(size_t stage, int64_t y, const ConvWeights& weights, ConvRows rows, const float** from,
                   const float** operands) {
    const Operation& op = operation(stage);
    const int64_t end = rows.columns;
    for (int64_t first = 0; first < end; first += kChoiceColumns) {
      rows.columns = std::min(kChoiceColumns, end - first);
      (frame_.kernels.conv->*op.kind->kernel)(
          weights, frame_.epilogues[static_cast<size_t>(pass_.stages[stage].operation)], rows);
      const int64_t x = columns_[stage].made.begin + first, count = std::min(rows.columns, strip_.end - x);
      for (int r = 0; r < kTileRows; ++r) {
        if (y + r < band_.begin || y + r >= band_.end || count <= 0) continue;
        float* const planes = memory_ + layout_.planes;
        frame_.kernels.conv->choose(
            op.choice, {rows.to[r], count, op.outputs, memory_ + layout_.candidates, planes, kChoiceColumns});
        keep_planes(op, y + r, x, count, planes, kChoiceColumns);
      }
      const int rows_read = kTileRows + 2 * op.halo();
      for (size_t i = 0; i < op.inputs.size() * static_cast<size_t>(rows_read); ++i) {
        from[i] += kChoiceColumns * weights.strides[i / static_cast<size_t>(rows_read)];
      }
      for (size_t i = 0; i < op.operands.size() * kTileRows; ++i) operands[i] += kChoiceColumns * op.outputs;
    }
  }

  // The columns made of row y of an operand, as wide as the operation's output: where they lie, or in `gathered`.
  const float* operand_row(size_t stage, const Operand& operand, int64_t y, int number) {
    const Span& made = columns_[stage].made;
    if (map_of(operand).level != pass_.level) return raised(stage, operand, y, number);
    const float* row = source(operand.map, y, made.begin);
    return operand.channels.empty() ? row : gather(operation(stage), operand, row, made, number);
  }

  const float* raised(size_t stage, const Operand& operand, int64_t y, int number) {
    if (y < 0 || y >= height_) return frame_.zeros;
    const int64_t rows = map_of(operand).level.length(frame_.height);
    const int slot = frame_.plan.slot_of_map[static_cast<size_t>(operand.map)];
    float* const to = memory_ + layout_.gathered + number * layout_.row;
    const Between at = between(y, height_, rows);
    const auto own = std::find_if(raisings_.begin(), raisings_.end(), [&](const Raised& each) {
      return each.stage == stage && each.map == operand.map;
    });
    const int64_t first = own->raising.first();
    const float* upper = frame_.planes.at(slot, at.first, first);
    const float* lower = frame_.planes.at(slot, std::min(at.first + 1, rows - 1), first);
    frame_.kernels.conv->raise(own->raising.row(upper, lower, at.part, memory_ + layout_.blended, to));
    return to;
  }

  const float* gather(const Operation& op, const Operand& operand, const float* row, const Span& columns, int number) {
    const int64_t stride = map_of(operand).stride;
    float* const first = memory_ + layout_.gathered + number * layout_.row;
    const size_t count = operand.channels.size();
    for (int64_t x = 0; x < columns.length(); ++x) {
      float* to = first + x * op.outputs;
      for (size_t c = 0; c < count; ++c) to[c] = row[x * stride + operand.channels[c]];
      std::fill(to + count, to + op.outputs, 0.0f);
    }
    return first;
  }

  // Zeros where a row of the ring lies outside of the picture, for what looks there.
  void clear_beside(size_t stage, int64_t y) {
    const Extent& extent = columns_[stage];
    const int64_t channels = operation(stage).outputs, end = std::max(extent.made.end, extent.read.end);
    float* const row = in_ring(stage, y, origin(stage));
    const int64_t left = std::max<int64_t>(-origin(stage), 0), right = std::min(end, width_) - origin(stage);
    std::fill(row, row + left * channels, 0.0f);
    std::fill(row + right * channels, row + (end - origin(stage)) * channels, 0.0f);
  }

  // The strip's part of a row, which begins at column `first`, to the output or to memory for other passes.
  void keep(const Operation& op, int64_t first, int64_t y, const float* row) {
    const float* from = row + (strip_.begin - first) * op.outputs;
    if (op.map == kPicture) return keep_colors(op, y, from);
    const Map& map = frame_.graph.maps()[static_cast<size_t>(op.map)];
    const int slot = frame_.plan.slot_of_map[static_cast<size_t>(op.map)];
    const auto bytes = static_cast<size_t>(map.stride) * sizeof(float);
    if (op.shuffle == 1) {
      std::memcpy(frame_.planes.at(slot, y, strip_.begin), from, bytes * static_cast<size_t>(strip_.length()));
      return;
    }
    for (int64_t x = strip_.begin; x < strip_.end; ++x)
      for (int i = 0; i < op.shuffle; ++i)
        for (int j = 0; j < op.shuffle; ++j, from += map.stride)
          std::memcpy(frame_.planes.at(slot, y * op.shuffle + i, x * op.shuffle + j), from, bytes);
  }

  void keep_colors(const Operation& op, int64_t y, const float* from) {
    switch (op.shuffle) {  // a constant, so that what is copied fits a register
      case 2:
        return keep_squares(op, y, from, std::integral_constant<int, 2>{});
      case 3:
        return keep_squares(op, y, from, std::integral_constant<int, 3>{});
      case 4:
        return keep_squares(op, y, from, std::integral_constant<int, 4>{});
      default:
        return keep_squares(op, y, from, op.shuffle);
    }
  }

  template <class Side>
  void keep_squares(const Operation& op, int64_t y, const float* from, Side side) {
    const int64_t columns = width_ * side;
    for (int color = 0; color < frame_.graph.colors(); ++color)
      for (int i = 0; i < side; ++i) {
        const float* values = from + (color * side + i) * side;
        float* to = out_row(color, y, side) + i * columns + strip_.begin * side;
        for (int64_t x = 0; x < strip_.length(); ++x, values += op.outputs, to += side)
          std::memcpy(to, values, static_cast<size_t>(side) * sizeof(float));
      }
  }

  // The first of the rows of the output that row y becomes.
  float* out_row(int color, int64_t y, int64_t side) const {
    const int64_t scale = height_ / frame_.height;
    const int64_t rows = frame_.out_rows.length() * scale, first = frame_.out_rows.begin * scale;
    return frame_.out + (color * rows + y - first) * side * (width_ * side);
  }

  // The same from planes of one value each, `pitch` floats apart.
  void keep_planes(const Operation& op, int64_t y, int64_t x, int64_t count, const float* planes, int64_t pitch) {
    const int64_t side = op.shuffle, columns = width_ * side;
    for (int color = 0; color < frame_.graph.colors(); ++color, planes += side * side * pitch) {
      float* const first = out_row(color, y, side);
      if (side >= kMinScale && side <= kMaxScale) {
        void* rows[kMaxScale];
        for (int i = 0; i < side; ++i) rows[i] = first + i * columns;
        frame_.kernels.emit[side][kF32](planes, pitch, count, 1.0f, 1.0f, rows, x);
        continue;
      }
      for (int64_t i = 0; i < side * side; ++i)
        for (int64_t column = 0; column < count; ++column)
          first[i / side * columns + (x + column) * side + i % side] = planes[i * pitch + column];
    }
  }

  // How the coarse operands of a stage are enlarged.
  struct Raised {
    size_t stage;
    int map;
    Raising raising;
  };

  const Frame& frame_;
  const Pass& pass_;
  const Layout layout_;
  const Span strip_, band_;
  const int64_t height_, width_;
  const std::vector<Extent> columns_, rows_;
  float* const memory_;
  std::vector<Raised> raisings_;
};

}  // namespace

int64_t zero_floats(const Graph& graph, const Plan& plan) {
  int64_t width = 0;
  for (const Pass& pass : plan.passes) width = std::max(width, pass.ring_width);
  return (width + 2 * kMaxHalo) * widest_map(graph);
}

int64_t scratch_floats(const Graph& graph, const Pass& pass) { return Layout(graph, pass).total; }

void run_task(const Frame& frame, const Pass& pass, Span strip, Span band) { Task(frame, pass, strip, band).run(); }

}  // namespace upres
