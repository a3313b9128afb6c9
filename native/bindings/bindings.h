// What the sources of the Python module have in common.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "kernels/kernels.h"

namespace upres {

// As many as asked for; 0: one for every core that this process may use.
int thread_count(int threads);

// Throws nanobind::value_error where this build and processor have no such instruction set; "" is the best.
const Kernels& kernels_named(const std::string& isa);

void bind_graph(nanobind::module_& m);
void bind_png(nanobind::module_& m);

}  // namespace upres
