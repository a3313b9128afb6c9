// Steady films against a loop over pixels. Buffers are exactly as large as their planes.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "pixels/steady.h"
#include "tests/check.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

struct Shape {
  int64_t height, width, made_height, made_width, channels;
  int level;
};

template <class T>
struct Film {
  std::vector<T> source_before, source, made_before, made;
};

// A frame and the next one: a quarter moves, one moves a little, one hardly does, one is as it was.
template <class T>
Film<T> make_film(const Shape& s, unsigned seed) {
  std::mt19937 engine(seed);
  const int white = s.level * 255;
  const auto next = [&](int below) { return static_cast<int>(engine() % static_cast<unsigned>(below)); };
  const auto near = [&](T value, int by) {
    return static_cast<T>(std::clamp(static_cast<int>(value) + next(2 * by + 1) - by, 0, white));
  };
  const int spreads[] = {white, 5 * s.level, 3 * s.level, 0};
  Film<T> film;
  for (int64_t i = 0; i < s.height * s.width * s.channels; ++i) {
    const T value = static_cast<T>(next(white + 1));
    film.source_before.push_back(value);
    film.source.push_back(near(value, spreads[i / s.channels % s.width * 4 / s.width]));
  }
  for (int64_t i = 0; i < s.made_height * s.made_width * s.channels; ++i) {
    const T value = static_cast<T>(next(4) == 0 ? next(2) * white : next(white + 1));
    film.made_before.push_back(value);
    film.made.push_back(near(value, 4 * s.level));
  }
  return film;
}

int64_t owner(int64_t at, int64_t from, int64_t to) {
  int64_t i = 0;
  while ((i + 1) * to / from <= at) ++i;
  return i;
}

template <class T>
std::vector<T> by_loops(const Shape& s, const Film<T>& film) {
  std::vector<T> result = film.made;
  const auto off = [&](int64_t y, int64_t x, int64_t c) {
    const size_t i = static_cast<size_t>((y * s.width + x) * s.channels + c);
    return std::abs(static_cast<int64_t>(film.source[i]) - static_cast<int64_t>(film.source_before[i]));
  };
  for (int64_t i = 0; i < static_cast<int64_t>(result.size()); ++i) {
    const int64_t c = i % s.channels, y = owner(i / s.channels / s.made_width, s.height, s.made_height);
    const int64_t x = owner(i / s.channels % s.made_width, s.width, s.made_width);
    int64_t sum = 0, count = 0;
    for (int64_t v = y / 8 * 8; v < std::min(y / 8 * 8 + 8, s.height); ++v) {
      for (int64_t u = x / 8 * 8; u < std::min(x / 8 * 8 + 8, s.width); ++u) {
        for (int64_t k = 0; k < s.channels; ++k, ++count) sum += off(v, u, k);
      }
    }
    const int64_t bound = std::clamp<int64_t>((4 * s.level * count - sum) / (2 * count), 0, s.level);
    const int64_t made = film.made[static_cast<size_t>(i)], last = film.made_before[static_cast<size_t>(i)];
    const int64_t moved = std::clamp(made, last - off(y, x, c), last + off(y, x, c));
    const int64_t by = bound + std::min(bound, off(y, x, c));
    result[static_cast<size_t>(i)] = static_cast<T>(std::clamp(moved, made - by, made + by));
  }
  return result;
}

template <class T>
void check_shape(const Shape& s, Pixel pixel, const Kernels& kernels) {
  const Film<T> film = make_film<T>(s, static_cast<unsigned>(s.made_width));
  const std::vector<T> expected = by_loops(s, film);
  check(expected != film.made, "nothing was steadied in %d columns", static_cast<int>(s.made_width));
  const auto plane = [&](auto* data, int64_t height, int64_t width) {
    return PlaneOf<std::remove_pointer_t<std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(data)>>,
                                                             const void*, void*>>>{
        data, pixel, height, width, width * s.channels * pixel_bytes(pixel), 1.0f};
  };
  for (int threads : {1, 3}) {
    std::vector<T> made = film.made;
    steady_plane({kernels, threads}, {plane(film.source_before.data(), s.height, s.width),
                                      plane(film.source.data(), s.height, s.width),
                                      plane(film.made_before.data(), s.made_height, s.made_width),
                                      plane(made.data(), s.made_height, s.made_width), s.channels, s.level});
    const auto [found, wanted] = std::mismatch(made.begin(), made.end(), expected.begin());
    check(found == made.end(), "%s: steady differs at %d of %d columns, %d threads", kernels.name,
          static_cast<int>(found - made.begin()), static_cast<int>(s.made_width), threads);
  }
}

}  // namespace

void test_steady(const Kernels& kernels) {
  for (int64_t scale = 1; scale <= 5; ++scale) {
    check_shape<uint8_t>({19, 83, 19 * scale, 83 * scale, 1, 1}, kU8, kernels);
    check_shape<uint16_t>({19, 83, 19 * scale, 83 * scale, 1, 4}, kU16, kernels);
  }
  check_shape<uint16_t>({8, 40, 16, 80, 1, 257}, kU16, kernels);
  check_shape<uint8_t>({21, 1100, 42, 2200, 1, 1}, kU8, kernels);
  check_shape<uint8_t>({21, 61, 31, 91, 1, 1}, kU8, kernels);
  check_shape<uint8_t>({21, 61, 13, 50, 1, 1}, kU8, kernels);
  check_shape<uint8_t>({17, 50, 34, 100, 3, 1}, kU8, kernels);
  check_shape<uint16_t>({17, 50, 51, 150, 4, 257}, kU16, kernels);
  check_shape<uint8_t>({1, 24, 2, 48, 1, 1}, kU8, kernels);
}

}  // namespace upres::test
