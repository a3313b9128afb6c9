// What whole pictures and slabs of them have in common: pixels into maps, and one pass over some rows.
#pragma once

#include <cstdint>

#include "graph/task.h"

namespace upres {

// Rows of scale 1 of each of the graph's pictures. `from` holds the pixels of these rows, (colors, rows, columns).
void load_pictures(const Graph& graph, const Plan& plan, const Planes& planes, const float* from, Span rows,
                   int64_t width, int threads);

// These rows of the maps that the pass makes; but for a reduction in strips, each cut into `bands` at least.
void run_pass(const Frame& frame, const Pass& pass, Span rows, int threads, int64_t bands);

}  // namespace upres
