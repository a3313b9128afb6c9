// Rows of pixels as PNG stores them: each as what a filter leaves of it, behind that filter's number.
#pragma once

#include <cstdint>

namespace upres {

struct PngRows {
  const uint8_t* data;
  const uint8_t* above;  // the row before the first; null where that is the picture's first
  int64_t count, bytes;  // of rows; of one row, which follow each other
  int64_t pixel_bytes;   // 1 to 8
};

// Writes `count` rows of `bytes` + 1 to `out`. Each row is filtered in the way that leaves the smallest sum of absolute
// values, taken as signed bytes: what deflate packs best, as a rule (PNG specification, section 12.7).
void filter_rows(const PngRows& rows, uint8_t* out);

}  // namespace upres
