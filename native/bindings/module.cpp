// The Python module upres.engines._native: arrays checked here, work done elsewhere, the GIL released meanwhile.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/pool.h"
#include "bindings/bindings.h"
#include "edge_sr/arithmetic.h"
#include "edge_sr/network.h"
#include "edge_sr/upscale.h"
#include "kernels/ceilings.h"
#include "kernels/kernels.h"
#include "pixels/cubic.h"
#include "pixels/plane.h"
#include "pixels/steady.h"

namespace nb = nanobind;

namespace upres {
namespace {

using Filters = nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using AnyArray = nb::ndarray<nb::device::cpu>;
using ConstArray = nb::ndarray<nb::ro, nb::device::cpu>;

Pixel pixel_of(nb::dlpack::dtype dtype) {
  if (dtype == nb::dtype<uint8_t>()) return kU8;
  if (dtype == nb::dtype<uint16_t>()) return kU16;
  if (dtype == nb::dtype<float>()) return kF32;
  throw nb::type_error("expected an array of uint8, uint16 or float32");
}

// The array as rows of pixels, read-only if the array is; `channels` is 1 for (H, W), 3 for (H, W, 3).
template <class Array>
auto plane_of(const Array& array, int channels, float peak) {
  const bool shaped = channels == 1 ? array.ndim() == 2 : array.ndim() == 3 && array.shape(2) == 3;
  if (!shaped) throw nb::value_error(channels == 1 ? "expected an array (H, W)" : "expected an array (H, W, 3)");
  const bool packed = (array.shape(1) <= 1 || array.stride(1) == channels) && (channels == 1 || array.stride(2) == 1);
  if (array.size() != 0 && !packed) throw nb::value_error("expected the pixels of a row next to each other in memory");
  if (!(peak > 0.0f && std::isfinite(peak))) throw nb::value_error("expected a positive peak that is finite");
  const Pixel pixel = pixel_of(array.dtype());
  return PlaneOf<std::remove_pointer_t<decltype(array.data())>>{
      array.data(),
      pixel,
      static_cast<int64_t>(array.shape(0)),
      static_cast<int64_t>(array.shape(1)),
      static_cast<int64_t>(array.stride(0)) * pixel_bytes(pixel),
      peak};
}

// First and last byte of a plane and the one behind; a negative stride walks backwards from `data`.
template <class AnyPlane>
std::pair<std::uintptr_t, std::uintptr_t> bytes_of(const AnyPlane& plane, int channels) {
  const auto first = reinterpret_cast<std::uintptr_t>(plane.data);
  const int64_t down = plane.stride * (plane.height - 1);
  const int64_t row = plane.width * channels * pixel_bytes(plane.pixel);
  return {first + std::min<int64_t>(down, 0), first + std::max<int64_t>(down, 0) + row};
}

// That the rows of the output lie apart from each other and from the input, as several threads write them.
void require_apart(const ConstPlane& from, const Plane& to, int channels) {
  if (to.height * to.width == 0) return;
  if (to.height > 1 && std::abs(to.stride) < to.width * channels * pixel_bytes(to.pixel)) {
    throw nb::value_error("expected the rows of the output apart from each other in memory");
  }
  const auto [first, end] = bytes_of(to, channels);
  const auto [from_first, from_end] = bytes_of(from, channels);
  if (first < from_end && from_first < end) {
    throw nb::value_error("expected an output that shares no memory with the input");
  }
}

void require_scaled(const ConstPlane& from, const Plane& to, int scale) {
  if (to.height != from.height * scale || to.width != from.width * scale) {
    throw nb::value_error("expected an output `scale` times as high and wide as the input");
  }
}

std::vector<std::string> instruction_sets() {
  const Kernels* list[4];
  const int count = available(list);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(list[i]->name);
  return names;
}

Family family_named(const std::string& name) {
  if (name == "max") return kMax;
  if (name == "tm") return kTm;
  if (name == "tr") return kTr;
  throw nb::value_error("expected a family of max, tm, tr");
}

class EdgeSR {
 public:
  EdgeSR(const std::string& family, int scale, const Filters& filters, const std::string& isa)
      : kernels_(kernels_named(isa)) {
    const int parts = family_named(family) + 1;
    const auto count = static_cast<int>(filters.shape(0)), size = static_cast<int>(filters.shape(1));
    if (scale < kMinScale || scale > kMaxScale) throw nb::value_error("expected a scale of 2, 3 or 4");
    if (filters.shape(2) != filters.shape(1) || (size != 3 && size != 5 && size != 7)) {
      throw nb::value_error("expected filters of 3x3, 5x5 or 7x7");
    }
    if (count == 0 || count % (parts * scale * scale) != 0) {
      throw nb::value_error("expected filters for every channel and output phase");
    }
    if (!std::all_of(filters.data(), filters.data() + filters.size(), [](float weight) { return std::isfinite(weight); })) {
      throw nb::value_error("expected finite filters, found NaN or infinity");
    }
    network_ = {family_named(family), scale, size, count / (parts * scale * scale),
                std::vector<float>(filters.data(), filters.data() + filters.size())};
  }

  const char* isa() const { return kernels_.name; }

  std::vector<const Arithmetic*> arithmetics() const {
    std::vector<const Arithmetic*> there;
    for (const Arithmetic& arithmetic : upres::arithmetics()) {
      if (exists(arithmetic, network_, kernels_)) there.push_back(&arithmetic);
    }
    return there;
  }

  bool within_peak(const ConstArray& plane, float peak, int threads) const {
    const ConstPlane source = plane_of(plane, 1, peak);
    const nb::gil_scoped_release release;
    return upres::within_peak({kernels_, thread_count(threads)}, source);
  }

  double upscale(const ConstArray& from, const AnyArray& to, float peak, float out_peak, const Arithmetic& arithmetic,
                 int threads) {
    const ConstPlane source = plane_of(from, 1, peak);
    const Plane target = plane_of(to, 1, out_peak);
    require_scaled(source, target, network_.scale);
    require_apart(source, target, 1);
    if (arithmetic.integers_only && source.pixel == kF32) {
      throw nb::value_error("integer kernels take uint8 and uint16 pixels");
    }
    const nb::gil_scoped_release release;
    const Runner runner{kernels_, thread_count(threads)};
    const int64_t refused = upscale_plane(packed(arithmetic, peak), runner, source, target);
    return static_cast<double>(refused) / static_cast<double>(std::max<int64_t>(source.height * source.width, 1));
  }

  void upscale_color(const ConstArray& from, const AnyArray& to, float peak, const Arithmetic& arithmetic,
                     int threads) {
    const ConstPlane source = plane_of(from, 3, peak);
    const Plane target = plane_of(to, 3, peak);
    require_scaled(source, target, network_.scale);
    require_apart(source, target, 3);
    if (source.pixel == kF32 || target.pixel != source.pixel) {
      throw nb::type_error("expected uint8 or uint16 RGB, the same in and out");
    }
    if (arithmetic.integers_only) throw nb::value_error("integer kernels take planes, not RGB");
    const nb::gil_scoped_release release;
    upscale_rgb(packed(arithmetic, peak), {kernels_, thread_count(threads)}, source, target);
  }

 private:
  const PackedModel& packed(const Arithmetic& arithmetic, float peak) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& model = models_[{&arithmetic, peak}];
    if (!model) model = std::make_unique<PackedModel>(pack(network_, kernels_, arithmetic, peak));
    return *model;
  }

  const Kernels& kernels_;
  Network network_;
  std::mutex mutex_;
  std::map<std::pair<const Arithmetic*, float>, std::unique_ptr<PackedModel>> models_;
};

void resize(const ConstArray& from, const AnyArray& to, int scale, float shift_right, float shift_down,
            float peak, int threads, const std::string& isa) {
  const ConstPlane source = plane_of(from, 1, peak);
  const Plane target = plane_of(to, 1, peak);
  if (scale < kMinScale || scale > kMaxScale) throw nb::value_error("expected a scale of 2, 3 or 4");
  for (const float shift : {shift_right, shift_down}) {
    if (!(shift >= 0.0f && shift < 0.25f)) throw nb::value_error("expected a shift of 0 to 0.25");
  }
  if (target.pixel != source.pixel) throw nb::type_error("expected the same dtype in and out");
  require_scaled(source, target, scale);
  require_apart(source, target, 1);
  const Runner runner{kernels_named(isa), thread_count(threads)};
  const nb::gil_scoped_release release;
  resize_plane(scale, shift_right, shift_down, runner, source, target);
}

void steady(const ConstArray& source_before, const ConstArray& source, const ConstArray& made_before,
            const AnyArray& made, int channels, int level, int threads, const std::string& isa) {
  FilmPlanes film{plane_of(source_before, 1, 1.0f), plane_of(source, 1, 1.0f), plane_of(made_before, 1, 1.0f),
                  plane_of(made, 1, 1.0f), channels, level};
  const ConstPlane target{film.made.data, film.made.pixel, film.made.height, film.made.width, film.made.stride, 1.0f};
  const auto alike = [](const ConstPlane& one, const ConstPlane& other) {
    return one.height == other.height && one.width == other.width;
  };
  if (!alike(film.source_before, film.source) || !alike(film.made_before, target)) {
    throw nb::value_error("expected both frames of one size");
  }
  for (const Pixel pixel : {film.source_before.pixel, film.source.pixel, film.made_before.pixel}) {
    if (pixel == kF32 || pixel != film.made.pixel) throw nb::type_error("expected uint8 or uint16, the same for all");
  }
  for (const ConstPlane* read : {&film.source_before, &film.source, &film.made_before}) {
    require_apart(*read, film.made, 1);
  }
  const bool whole = channels > 0 && film.source.width % channels == 0 && film.made.width % channels == 0;
  if (!whole) throw nb::value_error("expected rows of whole pixels");
  if (level < 1 || level > (film.made.pixel == kU8 ? 255 : 65535)) throw nb::value_error("expected a level of the dtype");
  for (ConstPlane* read : {&film.source_before, &film.source, &film.made_before}) read->width /= channels;
  film.made.width /= channels;
  const Runner runner{kernels_named(isa), thread_count(threads)};
  const nb::gil_scoped_release release;
  steady_plane(runner, film);
}

nb::dict ceilings(int threads, double seconds, const std::string& isa) {
  const Kernels& kernels = kernels_named(isa);
  double floats = 0.0, integers = 0.0, bytes = 0.0;
  {
    const nb::gil_scoped_release release;
    floats = multiply_adds_per_second(kernels.burn_float, thread_count(threads), seconds);
    integers = multiply_adds_per_second(kernels.burn_integer, thread_count(threads), seconds);
    bytes = bytes_read_per_second(thread_count(threads), seconds);
  }
  nb::dict result;
  result["float32_gmac_per_second"] = floats * 1e-9;
  result["int16_gmac_per_second"] = integers * 1e-9;
  result["memory_read_gb_per_second"] = bytes * 1e-9;
  return result;
}

}  // namespace

int thread_count(int threads) { return threads > 0 ? threads : hardware_threads(); }

const Kernels& kernels_named(const std::string& isa) {
  const Kernels* kernels = find_kernels(isa.c_str());
  if (kernels == nullptr) throw nb::value_error(("no instruction set '" + isa + "' in this build and processor").c_str());
  return *kernels;
}

}  // namespace upres

NB_MODULE(_native, m) {
  using namespace nb::literals;
  nb::set_leak_warnings(false);  // a process that ends by an error still holds its networks: nobody's fault
  nb::class_<upres::Arithmetic>(m, "Arithmetic")
      .def_ro("name", &upres::Arithmetic::name)
      .def_ro("precision", &upres::Arithmetic::precision)
      .def_ro("any_value", &upres::Arithmetic::any_value)
      .def_ro("largest_peak", &upres::Arithmetic::largest_peak);
  nb::class_<upres::EdgeSR>(m, "EdgeSR")
      .def(nb::init<const std::string&, int, const upres::Filters&, const std::string&>(), "family"_a, "scale"_a,
           "filters"_a, "isa"_a = "")
      .def_prop_ro("isa", &upres::EdgeSR::isa)
      .def_prop_ro("arithmetics", &upres::EdgeSR::arithmetics, nb::rv_policy::reference)
      .def("within_peak", &upres::EdgeSR::within_peak, "plane"_a, "peak"_a, "threads"_a)
      .def("upscale", &upres::EdgeSR::upscale, "plane"_a, "out"_a, "peak"_a, "out_peak"_a, "arithmetic"_a,
           "threads"_a)
      .def("upscale_rgb", &upres::EdgeSR::upscale_color, "rgb"_a, "out"_a, "peak"_a, "arithmetic"_a, "threads"_a);
  upres::bind_graph(m);
  upres::bind_png(m);
  m.def("resize", &upres::resize, "plane"_a, "out"_a, "scale"_a, "shift_right"_a, "shift_down"_a, "peak"_a,
        "threads"_a, "isa"_a = "");
  m.def("steady", &upres::steady, "source_before"_a, "source"_a, "made_before"_a, "made"_a, "channels"_a, "level"_a,
        "threads"_a, "isa"_a = "");
  m.def("instruction_sets", &upres::instruction_sets);
  m.def("give_way", &upres::give_way, "value"_a);
  m.def("ceilings", &upres::ceilings, "threads"_a, "seconds"_a, "isa"_a = "");
}
