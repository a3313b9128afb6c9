// What the machine can do at best, measured.
#pragma once

#include "kernels/kernels.h"

namespace upres {

// Multiply-adds per second of this arithmetic over `seconds` on `threads` threads.
double multiply_adds_per_second(Burn burn, int threads, double seconds);

// Bytes per second that `threads` threads read from memory, from a buffer far larger than the caches.
double bytes_read_per_second(int threads, double seconds);

}  // namespace upres
