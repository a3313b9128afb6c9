#include "graph/stream.h"

#include <algorithm>
#include <stdexcept>

#include "base/tiles.h"
#include "graph/passes.h"

namespace upres {

GraphStream::GraphStream(const GraphRunner& runner, int64_t height, int64_t width, int64_t rows)
    : runner_(runner), height_(height / runner.graph().unshuffle()), width_(width / runner.graph().unshuffle()) {
  runner.require_sides(height, width);
  const int64_t side = runner.graph().unshuffle();
  rolling_ = roll(runner.graph(), runner.plan(), height_, rounded_up((rows + side - 1) / side, kTileRows));
}

int64_t GraphStream::input_end(int64_t slab) const {
  return rolling_.input_ends.at(static_cast<size_t>(slab)) * runner_.graph().unshuffle();
}

int64_t GraphStream::output_end(int64_t slab) const {
  return rolling_.output_ends.at(static_cast<size_t>(slab)) * runner_.graph().enlargement();
}

int64_t GraphStream::bytes(int threads) const {
  return Planes::bytes(rolling_.plan.slots, height_, width_) + runner_.scratch_bytes(threads);
}

void GraphStream::run(const float* from, float* to, int threads) {
  if (next_ == slabs()) throw std::invalid_argument("expected no more than the picture has");
  const auto now = static_cast<size_t>(next_);
  const auto before = [&](const std::vector<int64_t>& ends) { return now == 0 ? 0 : ends[now - 1]; };
  planes_.fit(rolling_.plan.slots, height_, width_, threads);
  load_pictures(runner_.graph(), rolling_.plan, planes_, from, {before(rolling_.input_ends), rolling_.input_ends[now]},
                width_, threads);
  const Frame frame = runner_.frame(rolling_.plan, planes_, height_, width_, to,
                                    {before(rolling_.output_ends), rolling_.output_ends[now]});
  for (size_t p = 0; p < rolling_.plan.passes.size(); ++p) {
    const Span rows{now == 0 ? 0 : rolling_.pass_ends[now - 1][p], rolling_.pass_ends[now][p]};
    if (rows.length() > 0) run_pass(frame, rolling_.plan.passes[p], rows, threads, 1);
  }
  ++next_;
}

}  // namespace upres
