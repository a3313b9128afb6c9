// A network as a list of operations on maps, and what it needs to run on a picture of any size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conv/kinds.h"
#include "kernels/kernels.h"

namespace upres {

// Windows of `side` x `side` pixels, `stride` apart, none of them beyond the edges: a pixel of a coarser map each.
struct Windows {
  int side, stride;
  int64_t count(int64_t length) const { return length < side ? 0 : (length - side) / stride + 1; }
  bool operator==(const Windows& other) const { return side == other.side && stride == other.stride; }
};

// How high and wide a map is: `scale` times the smallest maps of the network that no window made smaller, and then made
// smaller by one kind of windows after the other.
struct Level {
  int scale;
  std::vector<Windows> reductions;

  int64_t length(int64_t smallest) const;
  Level reduced(Windows windows) const;
  // Whether maps of this level are made of those of the other.
  bool is_below(const Level& other) const;
  bool operator==(const Level& other) const { return scale == other.scale && reductions == other.reductions; }
  bool operator!=(const Level& other) const { return !(*this == other); }
};

// Numbers for all pixels of a picture: `stride` floats each, of which `channels` count and the rest are zeros.
struct Map {
  int channels, stride;
  Level level;
};

// A map of the picture itself: squares of `unshuffle` pixels as one, each color times a factor and plus a summand.
struct PictureMap {
  int map;
  std::vector<float> factor, summand;
};

// A map that an epilogue reads. Where `channels` is not empty, it says which channel of the map each of the values
// comes from. A coarser map is enlarged bilinearly to the size of the operation's.
struct Operand {
  int map;
  std::vector<int> channels;
};

struct StepOf {
  StepKind kind;
  int left, right;
  std::vector<float> first, second;
};

// Where everything that a convolution makes is kept.
constexpr Choice kAll = {0, 0, 0, 0, kNoPart};

struct Operation {
  const ConvKind* kind;       // null where it is a reduction, which is a barrier: it runs when all of its input is made
  Reduce ConvTable::*reduce;  // null where it is none
  Windows windows;            // of a reduction
  std::vector<int> inputs;
  std::vector<float> taps, bias;
  int outputs;  // padded
  std::vector<Operand> operands;
  std::vector<StepOf> steps;
  int shuffle;  // side of the squares of pixels that each pixel's values become
  int map;      // that it makes; kPicture where it makes the network's output
  Level level;  // of its inputs
  Choice choice = kAll;  // of what it makes of a pixel, before the shuffle
  int outputs_made = 0;  // of a convolution: the outputs that are not padding

  bool is_barrier() const { return reduce != nullptr; }
  bool chooses() const { return choice.candidates > 0; }
  // Whether its products may be of integers: of fewer channels they save no time.
  bool takes_integers() const {
    constexpr size_t kPoints = 36, kLeastChannels = 32;
    const bool minimal = kind != nullptr && kind->kernel == &ConvTable::minimal && !chooses();
    return minimal && taps.size() >= kPoints * kLeastChannels * static_cast<size_t>(outputs);
  }
  int halo() const { return kind == nullptr ? 0 : kind->halo(); }
};

constexpr int kPicture = -1;

class Graph {
 public:
  // Pictures have `colors` planes and sides that are multiples of `unshuffle`; the output is `enlargement` times as
  // high and wide as the maps of scale 1.
  Graph(int colors, int unshuffle, int enlargement);

  // Each adds one thing and returns the number of its map. They throw std::invalid_argument for what does not fit.
  int add_picture(std::vector<float> factor, std::vector<float> summand);
  // `channels` of the map that is made, or kPicture for `channels`: the output. The values of one pixel are squares of
  // `shuffle` pixels: of a map those of a pixel lie beside each other (each padded), of the output those of a color.
  // A choice among candidates makes an output alone.
  int add_convolution(const std::vector<int>& inputs, const Filters& filters, std::vector<float> bias,
                      std::vector<Operand> operands, std::vector<StepOf> steps, int shuffle, int channels,
                      Choice choice = kAll);
  // Convolutions of windows `stride` apart, no zeros beyond the edges; and the largest values in windows.
  int add_strided(int input, const Filters& filters, std::vector<float> bias, int stride);
  int add_pooling(int input, Windows windows);

  int colors() const { return colors_; }
  int unshuffle() const { return unshuffle_; }
  int enlargement() const { return enlargement_; }
  const std::vector<Map>& maps() const { return maps_; }
  const std::vector<PictureMap>& pictures() const { return pictures_; }
  const std::vector<Operation>& operations() const { return operations_; }
  // Pixels that each side of a picture must have, so that each reduction has a window.
  int64_t least_side() const;
  bool is_complete() const { return !operations_.empty() && operations_.back().map == kPicture; }

 private:
  const Map& map_at(int index) const;
  void check_outputs(int outputs, Level level, int shuffle, int channels, const Choice& choice) const;
  void check_epilogue(const Operation& operation) const;
  int add_reduction(int input, Operation operation, int channels);

  int colors_, unshuffle_, enlargement_;
  std::vector<Map> maps_;
  std::vector<PictureMap> pictures_;
  std::vector<Operation> operations_;
};

}  // namespace upres
