#include "pixels/steady.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/tiles.h"

namespace upres {
namespace {

// Where pixel `i` of a side begins when the side is made `to` pixels long.
int64_t made_at(int64_t i, int64_t from, int64_t to) { return i * to / from; }

int64_t words_for(int64_t samples, int bytes) { return rounded_up(samples * bytes + 3, 64) / 4; }

// One tile of the source and what was made of it. T: the planes' integers.
template <class T>
class StillTile {
 public:
  StillTile(const Runner& runner, const FilmPlanes& film, const Tile& tile)
      : kernels_(runner.kernels),
        film_(film),
        tile_(tile),
        samples_(tile.width() * film.channels),
        left_(made_at(tile.left, film.source.width, film.made.width)),
        made_width_(made_at(tile.right, film.source.width, film.made.width) - left_) {
    const int64_t distance_words = words_for(samples_, sizeof(T)), row_words = words_for(made_samples(), sizeof(T));
    auto* memory = static_cast<uint32_t*>(scratch(distance_words * kStillBlock + samples_ + 2 * row_words));
    for (int64_t r = 0; r < kStillBlock; ++r) distances_[r] = reinterpret_cast<T*>(memory + r * distance_words);
    sums_ = memory + kStillBlock * distance_words;
    moves_ = reinterpret_cast<T*>(sums_ + samples_);
    bounds_ = reinterpret_cast<T*>(sums_ + samples_ + row_words);
  }

  void run() {
    for (int64_t top = tile_.top; top < tile_.bottom; top += kStillBlock) {
      const int64_t rows = std::min(kStillBlock, tile_.bottom - top);
      compare(top, rows);
      if (!set_bounds(rows)) continue;
      for (int64_t r = 0; r < rows; ++r) steady_rows(top + r, distances_[r]);
    }
  }

 private:
  static constexpr Pixel kPixel = std::is_same_v<T, uint8_t> ? kU8 : kU16;

  int64_t made_samples() const { return made_width_ * film_.channels; }

  template <class AnyPlane>
  auto row_of(const AnyPlane& plane, int64_t y, int64_t x) const {
    return plane.row(y) + x * film_.channels * static_cast<int64_t>(sizeof(T));
  }

  void compare(int64_t top, int64_t rows) {
    std::fill_n(sums_, samples_, 0u);
    for (int64_t r = 0; r < rows; ++r) {
      kernels_.distance[kPixel](row_of(film_.source_before, top + r, tile_.left),
                                row_of(film_.source, top + r, tile_.left), samples_, distances_[r]);
      kernels_.add_up[kPixel](distances_[r], samples_, sums_);
    }
  }

  // How far the pixels of each block may be from what was made of them; false where none may be.
  bool set_bounds(int64_t rows) {
    bool any = false;
    for (int64_t x = tile_.left; x < tile_.right; x += kStillBlock) {
      const int64_t end = std::min(x + kStillBlock, tile_.right);
      const uint32_t* first = sums_ + (x - tile_.left) * film_.channels;
      int64_t sum = 0;
      for (int64_t i = 0; i < (end - x) * film_.channels; ++i) sum += first[i];
      const T bound = bound_for(sum, rows * (end - x) * film_.channels);
      const int64_t from = made_column(x), until = made_column(end);
      std::fill_n(bounds_ + from * film_.channels, (until - from) * film_.channels, bound);
      any |= bound != 0;
    }
    return any;
  }

  T bound_for(int64_t sum, int64_t count) const {
    const int64_t level = film_.level, bound = (kMovingLevels * level * count - sum) / (kMovingLevels / 2 * count);
    return static_cast<T>(std::clamp<int64_t>(bound, 0, level));
  }

  int64_t made_column(int64_t x) const { return made_at(x, film_.source.width, film_.made.width) - left_; }

  void steady_rows(int64_t y, const T* distances) {
    const int64_t top = made_at(y, film_.source.height, film_.made.height);
    const int64_t bottom = made_at(y + 1, film_.source.height, film_.made.height);
    if (top == bottom) return;
    spread(distances);
    for (int64_t row = top; row < bottom; ++row) {
      kernels_.steady[kPixel](row_of(film_.made_before, row, left_), moves_, bounds_, made_samples(),
                              row_of(film_.made, row, left_));
    }
  }

  // The distance of each pixel of the source to all pixels that were made of it.
  void spread(const T* distances) {
    const int64_t channels = film_.channels, factor = film_.made.width / film_.source.width;
    const bool whole = film_.made.width == factor * film_.source.width;
    if (whole && channels == 1 && factor >= kMinScale && factor <= kMaxScale) {
      kernels_.repeat[kPixel](distances, samples_, static_cast<int>(factor), moves_);
      return;
    }
    T* to = moves_;
    for (int64_t x = tile_.left; x < tile_.right; ++x, distances += channels) {
      for (int64_t i = made_column(x); i < made_column(x + 1); ++i, to += channels) {
        std::memcpy(to, distances, static_cast<size_t>(channels) * sizeof(T));
      }
    }
  }

  const Kernels& kernels_;
  const FilmPlanes& film_;
  const Tile& tile_;
  const int64_t samples_, left_, made_width_;
  T* distances_[kStillBlock];
  uint32_t* sums_;
  T *moves_, *bounds_;
};

}  // namespace

void steady_plane(const Runner& runner, const FilmPlanes& film) {
  const ConstPlane& source = film.source;
  for_each_tile(source.height, source.width, kStillBlock, kStillBlock, runner.threads, [&](const Tile& tile) {
    if (source.pixel == kU8) {
      StillTile<uint8_t>(runner, film, tile).run();
    } else {
      StillTile<uint16_t>(runner, film, tile).run();
    }
  });
}

}  // namespace upres
