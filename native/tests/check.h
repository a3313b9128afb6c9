// The smallest test harness that names what failed.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace upres::test {

// Ends the program with a message if `holds` is false.
template <class... Values>
void check(bool holds, const char* what, Values... values) {
  if (holds) return;
  std::fprintf(stderr, what, values...);
  std::fputc('\n', stderr);
  std::exit(1);
}

}  // namespace upres::test
