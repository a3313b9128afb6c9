// The kernels of convolutions for one instruction set, UPRES_ISA; as kernels/table.cpp, and with its restraint.
#include "conv/choose.h"
#include "conv/direct_conv.h"
#include "conv/minimal_conv.h"
#include "conv/reduce.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace upres {

extern const ConvTable UPRES_JOIN(conv_table_, UPRES_ISA);
const ConvTable UPRES_JOIN(conv_table_, UPRES_ISA) = {convolve_minimal, convolve_direct, convolve_product, convolve_strided,
                                                            pool,             raise,           choose};

}  // namespace upres
