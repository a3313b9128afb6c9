#include "png/deflate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace upres {
namespace {

constexpr int kMostBits = 15;      // of a code
constexpr int kLengthBits = 7;     // of a code for code lengths
constexpr int kLiterals = 288, kDistances = 32, kLengths = 19;
constexpr int kEnd = 256;

[[noreturn]] void damaged() { throw std::invalid_argument("expected one whole stream of deflate"); }

class Bits {
 public:
  Bits(const uint8_t* data, int64_t size) : data_(data), size_(size) {}

  int64_t position() const { return position_; }

  // The next 57 bits and more, the first one lowest; zeros behind the end.
  uint64_t ahead() const {
    const int64_t byte = position_ >> 3;
    uint64_t word = 0;
    if (byte + 8 <= size_) {
      std::memcpy(&word, data_ + byte, 8);
    } else if (byte < size_) {
      std::memcpy(&word, data_ + byte, size_ - byte);
    }
    return word >> (position_ & 7);
  }

  void skip(int64_t bits) {
    position_ += bits;
    if (position_ > 8 * size_) damaged();
  }

  int take(int bits) {
    const auto value = static_cast<int>(ahead() & ((uint64_t{1} << bits) - 1));
    skip(bits);
    return value;
  }

  void to_byte() { position_ = (position_ + 7) & ~int64_t{7}; }

 private:
  const uint8_t* data_;
  int64_t size_, position_ = 0;
};

// What stands behind the next bits: a symbol, and how many bits it takes; none where no code begins like this.
struct Entry {
  uint16_t symbol;
  uint8_t bits;
};

// A code of Huffman's from the lengths of its symbols, as a table of all that `kMostBits` bits can begin with.
class Code {
 public:
  void make(const uint8_t* lengths, int count, int bits) {
    bits_ = bits;
    table_.assign(size_t{1} << bits, Entry{0, 0});
    std::array<int, kMostBits + 1> first{}, many{};
    for (int symbol = 0; symbol < count; ++symbol) ++many[lengths[symbol]];
    many[0] = 0;
    for (int length = 1; length <= kMostBits; ++length) first[length] = (first[length - 1] + many[length - 1]) << 1;
    for (int symbol = 0; symbol < count; ++symbol) {
      if (lengths[symbol] != 0) add(symbol, lengths[symbol], first[lengths[symbol]]++);
    }
  }

  Entry at(uint64_t ahead) const {
    const Entry entry = table_[ahead & (table_.size() - 1)];
    if (entry.bits == 0) damaged();
    return entry;
  }

 private:
  void add(int symbol, int length, int code) {
    if (code >> length) damaged();  // more codes than there is room for
    int reversed = 0;
    for (int bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1) << (length - 1 - bit);
    const Entry entry{static_cast<uint16_t>(symbol), static_cast<uint8_t>(length)};
    for (int i = reversed; i < 1 << bits_; i += 1 << length) table_[i] = entry;
  }

  int bits_ = 0;
  std::vector<Entry> table_;
};

// Bits that follow the code of a length (symbols from 257) or of a distance (symbols from 0).
int bits_of_length(int symbol) { return symbol < 265 || symbol == 285 ? 0 : (symbol - 261) >> 2; }
int bits_of_distance(int symbol) { return symbol < 4 ? 0 : (symbol >> 1) - 1; }

// Walks over the blocks of a stream without unpacking anything.
class Walk {
 public:
  Walk(const uint8_t* data, int64_t size) : bits_(data, size), bytes_(size) {
    do {
      last_ = bits_.position();
    } while (!block());
    if ((bits_.position() + 7) >> 3 != bytes_) damaged();
  }

  int64_t last() const { return last_; }           // bit at which the last block begins
  int64_t end() const { return bits_.position(); }  // bit behind it

 private:
  bool block() {
    const bool is_last = bits_.take(1);
    const int kind = bits_.take(2);
    if (kind == 0) {
      stored();
    } else if (kind == 1) {
      fixed();
    } else if (kind == 2) {
      dynamic();
    } else {
      damaged();
    }
    return is_last;
  }

  void stored() {
    bits_.to_byte();
    const int length = bits_.take(16);
    if (length + bits_.take(16) != 0xffff) damaged();
    bits_.skip(int64_t{8} * length);
  }

  void fixed() {
    std::array<uint8_t, kLiterals + kDistances> lengths;
    std::fill_n(lengths.begin(), 144, uint8_t{8});
    std::fill_n(lengths.begin() + 144, 112, uint8_t{9});
    std::fill_n(lengths.begin() + 256, 24, uint8_t{7});
    std::fill_n(lengths.begin() + 280, 8, uint8_t{8});
    std::fill_n(lengths.begin() + kLiterals, kDistances, uint8_t{5});
    symbols(lengths.data(), kLiterals, kDistances);
  }

  void dynamic() {
    constexpr uint8_t order[kLengths] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const int literals = bits_.take(5) + 257, distances = bits_.take(5) + 1, given = bits_.take(4) + 4;
    if (literals > kLiterals) damaged();
    std::array<uint8_t, kLengths> of_lengths{};
    for (int i = 0; i < given; ++i) of_lengths[order[i]] = static_cast<uint8_t>(bits_.take(3));
    lengths_.make(of_lengths.data(), kLengths, kLengthBits);
    std::array<uint8_t, kLiterals + kDistances> lengths{};
    for (int i = 0; i < literals + distances;) {
      const Entry entry = lengths_.at(bits_.ahead());
      bits_.skip(entry.bits);
      int times = 1;
      uint8_t length = static_cast<uint8_t>(entry.symbol);
      if (entry.symbol == 16) {
        if (i == 0) damaged();
        length = lengths[i - 1];
        times = 3 + bits_.take(2);
      } else if (entry.symbol > 16) {
        length = 0;
        times = entry.symbol == 17 ? 3 + bits_.take(3) : 11 + bits_.take(7);
      }
      if (i + times > literals + distances) damaged();
      std::fill_n(lengths.begin() + i, times, length);
      i += times;
    }
    symbols(lengths.data(), literals, distances);
  }

  void symbols(const uint8_t* lengths, int literals, int distances) {
    literals_.make(lengths, literals, kMostBits);
    distances_.make(lengths + literals, distances, kMostBits);
    for (;;) {
      uint64_t ahead = bits_.ahead();  // a length and a distance take 48 bits at most
      const Entry entry = literals_.at(ahead);
      int taken = entry.bits;
      if (entry.symbol > kEnd) {
        taken += bits_of_length(entry.symbol);
        const Entry distance = distances_.at(ahead >> taken);
        taken += distance.bits + bits_of_distance(distance.symbol);
      }
      bits_.skip(taken);
      if (entry.symbol == kEnd) return;
    }
  }

  Bits bits_;
  int64_t bytes_, last_ = 0;
  Code lengths_, literals_, distances_;
};

}  // namespace

std::vector<uint8_t> left_open(const uint8_t* data, int64_t size) {
  const Walk walk(data, size);
  std::vector<uint8_t> open(data, data + size);
  open[walk.last() >> 3] &= static_cast<uint8_t>(~(1u << (walk.last() & 7)));
  const int64_t used = walk.end() & 7;  // of the last byte; the empty block's three bits are zeros
  if (used != 0) open.back() &= static_cast<uint8_t>((1u << used) - 1);
  if (used == 0 || used > 5) open.push_back(0);
  open.insert(open.end(), {0, 0, 0xff, 0xff});
  return open;
}

}  // namespace upres
