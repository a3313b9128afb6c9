// Every kind of convolution and every step of an epilogue against plain loops at double precision.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

#include "conv/kinds.h"
#include "graph/quantize.h"
#include "graph/raising.h"
#include "tests/check.h"
#include "tests/randoms.h"
#include "tests/tests.h"

namespace upres::test {
namespace {

struct Case {
  int kernel_size;
  std::vector<int> inputs;  // channels of each part
  int outputs;
  int columns;
  bool picture;  // whether the input's channels are not padded
};

// One call of a kernel: four rows, with all that it reads around them.
struct Call {
  Case shape;
  std::vector<Part> parts;
  std::vector<std::vector<float>> maps;  // (kTileRows + 2 halo, columns + 2 halo, stride) each
  std::vector<float> filters, bias;
  int outputs;  // padded

  int halo() const { return shape.kernel_size / 2; }
  int total() const {
    int sum = 0;
    for (const Part& part : parts) sum += part.channels;
    return sum;
  }
  double pixel(size_t part, int row, int column, int channel) const {
    return maps[part][static_cast<size_t>((row * (shape.columns + 2 * halo()) + column) * parts[part].stride + channel)];
  }
  double sum(int row, int column, int output) const {
    const int size = shape.kernel_size;
    double total_sum = output < shape.outputs ? bias[static_cast<size_t>(output)] : 0.0;
    if (output >= shape.outputs) return 0.0;
    int first = 0;
    for (size_t p = 0; p < parts.size(); first += parts[p++].channels)
      for (int c = 0; c < parts[p].channels; ++c)
        for (int t = 0; t < size * size; ++t)
          total_sum += pixel(p, row + t / size, column + t % size, c) *
                       filters[static_cast<size_t>((output * total() + first + c) * size * size + t)];
    return total_sum;
  }
};

Call make_call(const Case& shape, unsigned seed) {
  Randoms randoms{std::mt19937(seed)};
  Call call{shape, {}, {}, {}, {}, padded_channels(shape.outputs)};
  const int halo = call.halo();
  for (int channels : shape.inputs) {
    const int stride = shape.picture ? picture_channels(channels) : padded_channels(channels);
    call.parts.push_back({channels, stride});
    call.maps.push_back(randoms(static_cast<size_t>((kTileRows + 2 * halo) * (shape.columns + 2 * halo) * stride)));
  }
  call.filters = randoms(static_cast<size_t>(shape.outputs * call.total() * shape.kernel_size * shape.kernel_size), 0.2);
  call.bias = randoms(static_cast<size_t>(call.outputs));
  std::fill(call.bias.begin() + shape.outputs, call.bias.end(), 0.0f);
  return call;
}

// What the kernel makes of it, (kTileRows, columns, outputs); by integers with gains for `largest_seen`, or for all
// that the call itself sees where that is empty.
std::vector<float> run(const Call& call, const Kernels& kernels, const Epilogue& epilogue,
                       const std::vector<std::vector<float>>& operands, std::vector<float>* largest_seen = nullptr) {
  const Case& shape = call.shape;
  const Filters filters{shape.outputs, call.total(), shape.kernel_size, call.filters.data()};
  const ConvKind* kind = find_kind(filters, call.parts);
  check(kind != nullptr, "no kind of convolution takes %dx%d", shape.kernel_size, shape.kernel_size);
  const std::vector<float> taps = kind->pack(filters, call.parts, call.outputs);
  ConvWeights weights{taps.data(),   call.bias.data(), shape.kernel_size, static_cast<int>(call.parts.size()), {},
                      {},           shape.outputs,    call.outputs,      nullptr};
  std::vector<const float*> from, operand_rows;
  int widest = call.outputs;
  for (size_t p = 0; p < call.parts.size(); ++p) {
    weights.channels[p] = call.parts[p].channels;
    weights.strides[p] = call.parts[p].stride;
    widest = std::max(widest, call.parts[p].stride);
    for (int r = 0; r < kTileRows + 2 * call.halo(); ++r)
      from.push_back(call.maps[p].data() + r * (shape.columns + 2 * call.halo()) * call.parts[p].stride);
  }
  std::vector<float> out(static_cast<size_t>(kTileRows * shape.columns * call.outputs));
  float* to[kTileRows];
  for (int r = 0; r < kTileRows; ++r) to[r] = out.data() + r * shape.columns * call.outputs;
  for (const auto& operand : operands)
    for (int r = 0; r < kTileRows; ++r) operand_rows.push_back(operand.data() + r * shape.columns * call.outputs);
  std::vector<float> scratch(static_cast<size_t>(conv_scratch(widest)), NAN);  // what is stale must not be seen
  const ConvRows rows{from.data(), shape.columns, to, operand_rows.data(), scratch.data()};
  if (largest_seen == nullptr) {
    (kernels.conv->*kind->kernel)(weights, epilogue, rows);
    return out;
  }
  if (largest_seen->empty()) {
    largest_seen->resize(static_cast<size_t>(kMinimalPoints * call.parts[0].stride));
    kernels.conv->look_at_points(weights, rows, largest_seen->data());
  }
  Operation operation{};
  operation.taps = taps;
  operation.outputs = call.outputs;
  const QuantizedWeights made = quantize(operation, call.parts[0].channels, call.parts[0].stride, largest_seen->data(), 2.0);
  const Quantized view = made.view();
  weights.quantized = &view;
  kernels.conv->minimal_int16(weights, epilogue, rows);
  return out;
}

void test_kinds(const Kernels& kernels) {
  const Case cases[] = {
      {3, {3}, 32, 4, true},   {3, {1}, 16, 20, true},  {3, {4}, 48, 8, true},    {3, {12}, 32, 12, true},
      {3, {32}, 32, 4, false}, {3, {32}, 12, 8, false}, {3, {20}, 27, 52, false}, {3, {48}, 48, 56, false},
      {3, {16}, 80, 40, false}, {1, {32}, 32, 4, false}, {1, {48}, 16, 28, false}, {1, {16, 48, 32, 16}, 48, 12, false},
      {3, {3}, 6, 28, false},  {3, {9}, 16, 8, false},
      {5, {1}, 22, 16, true},  {5, {3}, 64, 4, true},   {5, {20}, 6, 12, false},
      {3, {24}, 4, 96, false}, {3, {9}, 1, 4, false},   {3, {33}, 3, 52, false},  {5, {56}, 4, 12, false},
      {5, {16}, 4, 100, false}, {5, {5}, 2, 76, false},   {5, {1}, 3, 100, true},
      {3, {3}, 7, 36, true},   {3, {6}, 8, 20, false},
  };
  for (const Case& shape : cases) {
    const Call call = make_call(shape, 7);
    const std::vector<float> out = run(call, kernels, {}, {});
    double worst = 0.0;
    for (int r = 0; r < kTileRows; ++r)
      for (int x = 0; x < shape.columns; ++x)
        for (int o = 0; o < call.outputs; ++o) {
          const double found = out[static_cast<size_t>((r * shape.columns + x) * call.outputs + o)];
          worst = std::max(worst, std::abs(found - call.sum(r, x, o)));
          check(std::isfinite(found), "%s: %d to %d channels: stale values got in", kernels.name, call.total(), o);
        }
    check(worst < 1e-4, "%s: %dx%d of %d to %d channels is off by %g", kernels.name, shape.kernel_size,
          shape.kernel_size, call.total(), shape.outputs, worst);
  }
}

double step_by_definition(const Step& step, int channel, double a, double b) {
  switch (step.kind) {
    case kSlope:
      return a > 0.0 ? a : a * step.first[channel];
    case kSigmoid:
      return 1.0 / (1.0 + std::exp(-a));
    case kTanh:
      return std::tanh(a);
    case kClamp:
      return std::min(std::max(a, static_cast<double>(step.first[channel])), static_cast<double>(step.second[channel]));
    case kAffine:
      return a * step.first[channel] + step.second[channel];
    case kAdd:
      return a + b;
    case kSubtract:
      return a - b;
    case kMultiply:
      return a * b;
  }
  return 0.0;
}

// All steps in one epilogue with two operands, on each kind of convolution; and those that have code of their own.
void test_epilogues(const Kernels& kernels) {
  Randoms randoms{std::mt19937(3)};
  const Case cases[] = {{3, {16}, 32, 8, false}, {3, {3}, 16, 4, true}, {1, {16}, 32, 52, false},
                        {3, {16}, 5, 36, false}, {5, {1}, 3, 20, true}};
  for (const Case& shape : cases) {
    const Call call = make_call(shape, 5);
    const auto channels = static_cast<size_t>(call.outputs);
    const std::vector<float> low(channels, -0.5f), high(channels, 0.75f), slope = randoms(channels, 0.5),
                             factor = randoms(channels), summand = randoms(channels);
    const std::vector<std::vector<float>> operands = {randoms(kTileRows * shape.columns * channels),
                                                      randoms(kTileRows * shape.columns * channels)};
    Epilogue all;
    all.operands = 2;
    const Step steps[] = {{kSlope, 0, 0, slope.data(), nullptr}, {kAdd, 3, 1, nullptr, nullptr},
                          {kSigmoid, 4, 0, nullptr, nullptr},    {kAffine, 0, 0, factor.data(), summand.data()},
                          {kTanh, 6, 0, nullptr, nullptr},       {kMultiply, 7, 5, nullptr, nullptr},
                          {kSubtract, 8, 2, nullptr, nullptr},   {kClamp, 9, 0, low.data(), high.data()}};
    for (const Step& step : steps) all.step[all.steps++] = step;
    const auto of = [](int read, std::initializer_list<Step> taken) {
      Epilogue epilogue;
      epilogue.operands = read;
      for (const Step& step : taken) epilogue.step[epilogue.steps++] = step;
      return epilogue;
    };
    const Epilogue tangent = of(0, {{kTanh, 0, 0, nullptr, nullptr}});
    const Epilogue alone = of(0, {steps[0]}), skip = of(1, {steps[0], {kAdd, 2, 1, nullptr, nullptr}});
    const Epilogue mask = of(2, {{kAdd, 0, 2, nullptr, nullptr},
                                 {kSigmoid, 3, 0, nullptr, nullptr},
                                 {kMultiply, 1, 4, nullptr, nullptr}});
    const Epilogue own = of(0, {steps[0], {kAffine, 1, 0, factor.data(), summand.data()}, {kSigmoid, 2, 0, nullptr, nullptr},
                                {kClamp, 3, 0, low.data(), high.data()}, {kMultiply, 4, 0, nullptr, nullptr}});
    const Epilogue* const each[] = {&all, &alone, &skip, &mask, &tangent, &own};
    for (const Epilogue* epilogue : each) {
      const std::vector<float> out = run(call, kernels, *epilogue, operands);
      for (size_t i = 0; i < out.size(); ++i) {
        const auto pixel = static_cast<int>(i / channels), channel = static_cast<int>(i % channels);
        if (channel >= shape.outputs) continue;
        std::vector<double> values = {call.sum(pixel / shape.columns, pixel % shape.columns, channel)};
        for (int k = 0; k < epilogue->operands; ++k) values.push_back(operands[static_cast<size_t>(k)][i]);
        for (int s = 0; s < epilogue->steps; ++s) {
          const Step& step = epilogue->step[s];
          values.push_back(step_by_definition(step, channel, values[static_cast<size_t>(step.left)],
                                              values[static_cast<size_t>(step.right)]));
        }
        check(std::abs(out[i] - values.back()) < 1e-4, "%s: an epilogue of %d steps gives %g, expected %g",
              kernels.name, epilogue->steps, static_cast<double>(out[i]), values.back());
      }
    }
  }
}

// Convolutions of integers: near the sums by definition; tiles that do not fit are equal to the float kernel's.
void test_integers(const Kernels& kernels) {
  if (kernels.conv->minimal_int16 == nullptr) return;
  const Case cases[] = {{3, {16}, 16, 4, false}, {3, {32}, 32, 52, false}, {3, {48}, 48, 56, false},
                        {3, {80}, 80, 12, false}, {3, {20}, 27, 108, false}, {3, {64}, 16, 8, false}};
  for (const Case& shape : cases) {
    Call call = make_call(shape, 17);
    const int channels = call.parts[0].channels, stride = call.parts[0].stride;
    for (size_t i = 0; i < call.maps[0].size(); ++i) {
      if (static_cast<int>(i) % stride >= channels) call.maps[0][i] = 0.0f;  // as maps are padded
    }
    std::vector<float> seen;
    const std::vector<float> out = run(call, kernels, {}, {}, &seen), floats = run(call, kernels, {}, {});
    double squares = 0.0, all = 0.0;
    for (int r = 0; r < kTileRows; ++r)
      for (int x = 0; x < shape.columns; ++x)
        for (int o = 0; o < shape.outputs; ++o) {
          const double sum = call.sum(r, x, o);
          const double error = out[static_cast<size_t>((r * shape.columns + x) * call.outputs + o)] - sum;
          squares += error * error;
          all += sum * sum;
        }
    check(squares > 0.0 && squares < 1e-4 * all, "%s: integers of %d to %d channels are off by %g of the sums",
          kernels.name, channels, shape.outputs, std::sqrt(squares / all));
    for (float& each : seen) each *= 0.25f;  // half of what there is fits
    const std::vector<float> refused = run(call, kernels, {}, {}, &seen);
    int same = 0;
    for (int tile = 0; tile < shape.columns / 4; ++tile) {
      bool equal = true;
      for (int r = 0; r < kTileRows; ++r) {
        const auto first = static_cast<size_t>((r * shape.columns + 4 * tile) * call.outputs);
        const auto count = static_cast<size_t>(4 * call.outputs) * sizeof(float);
        equal = equal && std::memcmp(&refused[first], &floats[first], count) == 0;
      }
      same += equal;
    }
    check(same > 0, "%s: no tile of %d channels was made in floats", kernels.name, channels);
  }
}

// What is not finite stays so through every step, and reaches the tiles that see it, no others.
void test_not_finite(const Kernels& kernels, int outputs) {
  Call call = make_call({3, {16}, outputs, 12, false}, 9);
  const int row = 2, column = 3, stride = call.parts[0].stride;
  std::vector<float> seen;
  const bool has_integers = kernels.conv->minimal_int16 != nullptr && outputs > kNarrowOutputs;
  if (has_integers) run(call, kernels, {}, {}, &seen);
  for (float bad : {NAN, INFINITY}) {
    call.maps[0][static_cast<size_t>((row * (call.shape.columns + 2) + column) * stride)] = bad;
    const std::vector<float> zero(16, -0.5f), one(16, 1.0f);
    Epilogue steps;
    const Step each[] = {{kSlope, 0, 0, one.data(), nullptr},
                         {kClamp, 1, 0, zero.data(), one.data()},
                         {kSigmoid, 2, 0, nullptr, nullptr},
                         {kTanh, 3, 0, nullptr, nullptr}};
    for (const Step& step : each) steps.step[steps.steps++] = step;
    for (std::vector<float>* gains : {static_cast<std::vector<float>*>(nullptr), &seen}) {
      if (gains != nullptr && !has_integers) continue;
      const std::vector<float> out = run(call, kernels, steps, {}, gains);
      for (int r = 0; r < kTileRows; ++r)
        for (int x = 0; x < call.shape.columns; ++x)
          for (int o = 0; o < outputs; ++o) {
            const bool finite = std::isfinite(out[static_cast<size_t>((r * call.shape.columns + x) * 16 + o)]);
            check(x < 4 || finite, "%s: a value that is not finite left its tile", kernels.name);
            const bool reached = std::abs(r + 1 - row) <= 1 && std::abs(x + 1 - column) <= 1;
            check(!reached || std::isinf(bad) || !finite, "%s: a pixel that is not a number was lost", kernels.name);
          }
    }
  }
}

}  // namespace

void test_conv(const Kernels& kernels) {
  test_kinds(kernels);
  test_epilogues(kernels);
  test_integers(kernels);
  test_not_finite(kernels, 16);
  test_not_finite(kernels, 3);
}

}  // namespace upres::test
