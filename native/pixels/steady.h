// Still regions of a film that move no more than their source does.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "pixels/plane.h"

namespace upres {

constexpr int64_t kStillBlock = 8;    // pixels of the source, each way, that are still or moving together
constexpr int64_t kMovingLevels = 4;  // mean change of a block that moves; up to half of it a block is still

// A frame and the one before, as they came and as they were made, of any size. All have pixels of the same integers.
struct FilmPlanes {
  ConstPlane source_before, source, made_before;
  Plane made;
  int64_t channels;  // samples that lie beside each other for a pixel; `width` counts pixels
  int level;         // one of 255, in the planes' own unit
};

// Where the source hardly changes, moves pixels of `made` towards `made_before`: a pixel of a still block changes no
// more than the source's pixel under it, unless it would leave the level around what it was, or two levels where the
// source's pixel changes by one. Between still and moving blocks this bound falls to nothing; moving blocks stay as they
// are.
void steady_plane(const Runner& runner, const FilmPlanes& film);

}  // namespace upres
