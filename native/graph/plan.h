// How a graph is run: which operations follow each other row by row, and which rows and columns each of them makes.
//
// A pass is a run of operations whose weights and rows in use fit the second-level cache. It works on strips of
// columns by bands of rows; within a strip it goes down the picture, and at step t each operation makes the four rows
// from 4 t + its row phase on, of which a ring keeps those that later ones still need. Only what other passes read goes
// to memory. Phases are such that a convolution needs one step of warming up and one tile of columns more than what
// reads it. They depend on nothing but the graph, so every tile is the same wherever strips and bands begin, and results
// are equal to the bit. A reduction is a pass of its own, which needs the whole of the maps before it.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace upres {

struct Span {
  int64_t begin, end;
  int64_t length() const { return end - begin; }
};

struct Stage {
  int operation;
  int64_t row_phase, column_phase;
  int64_t ring_rows;         // kept for operations of the pass; 0 where none reads it
  std::vector<int> readers;  // stages of the pass that read its map
  std::vector<int> halos;    // how far each of them looks
  bool kept;                 // for other passes, or the output
  bool reads_far = false;    // maps of the pass's own size that other passes make
};

struct Pass {
  std::vector<Stage> stages;
  Level level;
  int64_t strip;       // most columns of a strip
  int64_t ring_width;  // columns in a ring
};

// What each stage of a pass makes for one strip or band, in columns or in rows.
struct Extent {
  Span made;  // whole tiles
  Span read;  // by the pass, with what lies outside of the picture
};

// Memory for a map between passes; maps that are not needed at the same time share it.
struct Slot {
  int stride;
  Level level;
  int64_t rows = 0;  // kept at a time, row y in the place of row y - rows; 0: all
};

struct Plan {
  std::vector<Pass> passes;
  std::vector<Slot> slots;
  std::vector<int> slot_of_map;  // -1 where the map lives in a ring alone
};

Plan make_plan(const Graph& graph);

// How far from a pixel of the output, in pixels of scale 1, anything is looked at for it, tiles as wholes: what lies
// farther away changes no bit of it, as long as tiles begin at the same pixels. -1 where that is the whole picture, or
// maps are of several sizes.
int64_t reach(const Graph& graph, const Plan& plan);

// The passes for a picture that goes through in slabs of `rows` rows: every map has a slot, of as many rows as are needed
// at a time, and each pass makes what it can of the rows that are there. The first slabs may give nothing yet, and the
// last ones need nothing more.
struct Rolling {
  Plan plan;
  std::vector<int64_t> input_ends;             // of each slab: rows of the picture that have to be there
  std::vector<int64_t> output_ends;            // rows of scale 1 that are made then
  std::vector<std::vector<int64_t>> pass_ends; // of each slab and pass: rows of its maps that it has made then
};

// Whether a picture can go through in slabs: not where maps are larger than the picture.
bool rolls(const Graph& graph);

// Throws std::invalid_argument where it cannot.
Rolling roll(const Graph& graph, const Plan& plan, int64_t height, int64_t rows);

// Of the maps that a pass makes, for a picture of `height` rows of scale 1.
int64_t rows_made(const Graph& graph, const Pass& pass, int64_t height);

// For the output columns of a strip, or the output rows of a band, of a picture that is `length` long.
std::vector<Extent> column_extents(const Pass& pass, Span strip, int64_t length);
std::vector<Extent> row_extents(const Pass& pass, Span band, int64_t length);

}  // namespace upres
