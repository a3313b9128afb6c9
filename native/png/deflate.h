// Streams of deflate that others follow: encoders that write whole streams can work on pieces, several at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace upres {

// A whole stream made the beginning of a longer one: its last block no longer says that it is the last, and an empty
// stored block fills the byte. Throws std::invalid_argument where the data is not one whole stream.
// Reference: RFC 1951.
std::vector<uint8_t> left_open(const uint8_t* data, int64_t size);

}  // namespace upres
