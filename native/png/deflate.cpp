#include "png/deflate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace upres {
namespace {

constexpr int kMostBits = 15;  // of a code
constexpr int kLiterals = 288, kDistances = 32, kLengths = 19;
constexpr int kEnd = 256;
constexpr int kAhead = 57;

[[noreturn]] void damaged() { throw std::invalid_argument("expected one whole stream of deflate"); }

class Bits {
 public:
  Bits(const uint8_t* data, int64_t size) : data_(data), size_(size) {}

  int64_t position() const { return position_; }

  // The next `kAhead` bits and more, the first one lowest; zeros behind the end.
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

// A symbol, and how many bits it takes with those that follow its code; none where no code begins like this.
struct Entry {
  uint16_t symbol;
  uint8_t bits;
};

// A code of Huffman's from the lengths of its symbols: a table of what `kFastBits` can begin with, and for longer codes
// the symbols in the order of their codes.
class Code {
 public:
  template <class ExtraBits>
  void make(const uint8_t* lengths, int count, const ExtraBits& extra_bits) {
    fast_.fill(Entry{0, 0});
    many_.fill(0);
    for (int symbol = 0; symbol < count; ++symbol) ++many_[lengths[symbol]];
    many_[0] = 0;
    std::array<int, kMostBits + 1> code{}, place{};
    for (int length = 1; length <= kMostBits; ++length) {
      code[length] = (code[length - 1] + many_[length - 1]) << 1;
      place[length] = place[length - 1] + many_[length - 1];
      if (code[length] + many_[length] > 1 << length) damaged();  // more codes than there is room for
    }
    for (int symbol = 0; symbol < count; ++symbol) {
      const int length = lengths[symbol];
      if (length == 0) continue;
      const Entry entry{static_cast<uint16_t>(symbol), static_cast<uint8_t>(length + extra_bits(symbol))};
      in_order_[place[length]++] = entry;
      add(entry, length, code[length]++);
    }
  }

  Entry at(uint64_t ahead) const {
    const Entry entry = fast_[ahead & ((1 << kFastBits) - 1)];
    return entry.bits != 0 ? entry : longer(ahead);
  }

 private:
  static constexpr int kFastBits = 11;

  void add(Entry entry, int length, int code) {
    if (length > kFastBits) return;
    int reversed = 0;
    for (int bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1) << (length - 1 - bit);
    for (int i = reversed; i < 1 << kFastBits; i += 1 << length) fast_[i] = entry;
  }

  Entry longer(uint64_t ahead) const {
    int code = 0, first = 0, place = 0;
    for (int length = 1; length <= kMostBits; ++length) {
      code = code << 1 | static_cast<int>(ahead >> (length - 1) & 1);
      first <<= 1;
      if (code - first < many_[length]) return in_order_[place + code - first];
      first += many_[length];
      place += many_[length];
    }
    damaged();
  }

  std::array<Entry, 1 << kFastBits> fast_;
  std::array<Entry, kLiterals> in_order_;
  std::array<int, kMostBits + 1> many_;
};

// Bits that follow the code of a length (symbols from 257), of a distance (symbols from 0), of a code length.
int bits_of_length(int symbol) { return symbol < 265 || symbol >= 285 ? 0 : (symbol - 261) >> 2; }
int bits_of_distance(int symbol) { return symbol < 4 ? 0 : (symbol >> 1) - 1; }
int no_bits(int) { return 0; }

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
    lengths_.make(of_lengths.data(), kLengths, no_bits);
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
    literals_.make(lengths, literals, bits_of_length);
    distances_.make(lengths + literals, distances, bits_of_distance);
    for (;;) {
      const uint64_t ahead = bits_.ahead();
      int taken = 0;
      Entry entry = literals_.at(ahead);
      while (entry.symbol < kEnd && taken + 2 * kMostBits <= kAhead) {
        taken += entry.bits;
        entry = literals_.at(ahead >> taken);
      }
      bits_.skip(taken + entry.bits);
      if (entry.symbol == kEnd) return;
      if (entry.symbol > kEnd) bits_.skip(distances_.at(bits_.ahead()).bits);
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
