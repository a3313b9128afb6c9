// What writing PNG takes from native/png, as functions of the Python module.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/bindings.h"
#include "png/deflate.h"
#include "png/rows.h"

namespace nb = nanobind;

namespace upres {
namespace {

constexpr int kMostPixelBytes = 8;

using Rows = nb::ndarray<const uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Filtered = nb::ndarray<uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void filtered(const Rows& rows, const std::optional<Bytes>& above, int pixel_bytes, const Filtered& out) {
  if (pixel_bytes < 1 || pixel_bytes > kMostPixelBytes) throw nb::value_error("expected pixels of 1 to 8 bytes");
  if (above && above->shape(0) != rows.shape(1)) throw nb::value_error("expected a row above as long as the others");
  if (out.shape(0) != rows.shape(0) || out.shape(1) != rows.shape(1) + 1) {
    throw nb::value_error("expected room for as many rows, each one byte longer");
  }
  const nb::gil_scoped_release release;
  filter_rows({rows.data(), above ? above->data() : nullptr, static_cast<int64_t>(rows.shape(0)),
               static_cast<int64_t>(rows.shape(1)), pixel_bytes},
              out.data());
}

nb::bytes opened(const nb::bytes& stream) {
  std::vector<uint8_t> open;
  {
    const auto* data = reinterpret_cast<const uint8_t*>(stream.c_str());
    const auto size = static_cast<int64_t>(stream.size());
    const nb::gil_scoped_release release;
    open = left_open(data, size);
  }
  return nb::bytes(open.data(), open.size());
}

}  // namespace

void bind_png(nb::module_& m) {
  using namespace nb::literals;
  m.def("png_rows", &filtered, "rows"_a, "above"_a.none(), "pixel_bytes"_a, "out"_a);
  m.def("deflate_left_open", &opened, "stream"_a);
}

}  // namespace upres
