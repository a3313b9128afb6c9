// Numbers for tests, the same on every machine that has this generator.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace upres::test {

struct Randoms {
  std::mt19937 engine;
  std::vector<float> operator()(size_t count, double spread = 1.0) {
    std::normal_distribution<double> normal(0.0, spread);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(normal(engine));
    return values;
  }
};

}  // namespace upres::test
