// What main.cpp runs, but for the first for every instruction set.
#pragma once

#include "graph/graph.h"
#include "kernels/kernels.h"

namespace upres::test {

void test_png();
void test_planes(const Kernels& kernels);
void test_color(const Kernels& kernels);
void test_conv(const Kernels& kernels);
void test_maps(const Kernels& kernels);
void test_graph(const Kernels& kernels);
void test_barriers(const Kernels& kernels);
void test_steady(const Kernels& kernels);
void test_stream(const Kernels& kernels);

// Two blocks with RLFN's attention, for x2.
Graph attentive_graph(int channels);

}  // namespace upres::test
