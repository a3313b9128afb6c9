// The kernels of convolutions for one instruction set, UPRES_ISA; as kernels/table.cpp, and with its restraint.
#include "conv/choose.h"
#include "conv/direct_conv.h"
#include "conv/minimal_conv.h"
#if defined(__AVX512VNNI__)
#include "conv/minimal_int16_conv.h"
#endif
#include "conv/narrow_conv.h"
#include "conv/reduce.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace upres {

// Without an instruction that multiplies pairs and adds them to a sum, integers are no faster than floats.
#if defined(__AVX512VNNI__)
#define UPRES_INT16(kernel) kernel
#else
#define UPRES_INT16(kernel) nullptr
#endif

extern const ConvTable UPRES_JOIN(conv_table_, UPRES_ISA);
const ConvTable UPRES_JOIN(conv_table_, UPRES_ISA) = {
    convolve_minimal, UPRES_INT16(convolve_minimal_int16), look_at_points, convolve_direct, convolve_narrow,
    convolve_product, convolve_strided, pool, raise, choose};

}  // namespace upres
