"""One small network of each architecture whose wiring differs from the others'."""

from torch import nn

from upres.lab.archs.carn import CARN
from upres.lab.archs.ecbsr import ECBSR
from upres.lab.archs.edsr import EDSR
from upres.lab.archs.imdn import IMDN
from upres.lab.archs.plain import PlainSR
from upres.lab.archs.rdn import RDN
from upres.lab.archs.rfdn import RFDN
from upres.lab.archs.rlfn import RLFN
from upres.lab.archs.rrdbnet import RRDBNet
from upres.lab.archs.span import SPAN
from upres.lab.archs.vdsr import VDSR
from upres.lab.blocks.reparam import fold_network

SMALL: dict[str, nn.Module] = {
    "edsr": EDSR(scale=4, num_channels=8, num_blocks=2),
    "vdsr": VDSR(scale=2, num_channels=8, num_layers=5),
    "rdn": RDN(scale=2, num_channels=8, num_blocks=2, num_layers=3, growth=4),
    "carn": CARN(scale=2, num_channels=8),
    "carn_m": CARN(scale=2, num_channels=8, groups=4, efficient=True, shared=True),
    "imdn": IMDN(scale=2, num_channels=16, num_blocks=2, attention_reduction=4),
    "rfdn": RFDN(scale=2, num_channels=12, num_blocks=2),
    "e_rfdn": RFDN(scale=2, num_channels=12, num_blocks=2, attention="esa"),
    "rlfn": RLFN(scale=2, num_channels=8, num_blocks=2, esa_channels=4),
    "span": fold_network(SPAN(scale=2, num_channels=8, num_blocks=3)),
    "plain": PlainSR(scale=2, num_channels=8, num_blocks=2, gate="hard"),
    "ecbsr": fold_network(ECBSR(scale=2, num_channels=8, num_blocks=2)),
    "rrdbnet": RRDBNet(scale=2, num_channels=8, num_grow_channels=4, num_blocks=1),
}
