"""Networks without their last blocks, and what read the outputs of all."""

import pytest
import torch

from tests.lab.compress.networks import SMALL
from upres.lab.archs.imdn import IMDN
from upres.lab.archs.rdn import RDN
from upres.lab.archs.span import SPAN
from upres.lab.blocks.reparam import fold_network
from upres.lab.compress.prune.operation import prune


@pytest.mark.parametrize("name", ["edsr", "rlfn", "plain"])
def test_a_chain_of_blocks_ends_earlier(name):
    network = SMALL[name].eval()
    pruned, step = prune(network, blocks=1)
    assert step == {"name": "prune", "layers": {}, "blocks": 1}
    kept = {key for key in network.state_dict() if not key.startswith("blocks.1.")}
    assert set(pruned.state_dict()) == kept


@pytest.mark.parametrize(
    "network",
    [
        RDN(scale=2, num_channels=8, num_blocks=3, num_layers=2, growth=4),
        IMDN(scale=2, num_channels=16, num_blocks=3, attention_reduction=4),
    ],
)
def test_what_reads_all_blocks_reads_those_that_stay(network):
    network.eval()
    width = network.head.out_channels
    with torch.no_grad():
        network.fusion[0].weight[:, 2 * width :] = 0.0
    pruned, step = prune(network, blocks=2)
    x = torch.rand(1, 3, 12, 16)
    with torch.no_grad():
        assert torch.allclose(pruned(x), network(x), atol=1e-6)
    assert step["layers"] == {"fusion.0": [width, 2 * width]}
    assert pruned.halo is None or pruned.halo < network.halo


def test_span_shows_the_first_activation_of_the_block_that_is_now_the_last():
    network = fold_network(SPAN(scale=2, num_channels=8, num_blocks=3))
    pruned, step = prune(network, blocks=2)
    assert step["layers"] == {}
    narrow = fold_network(SPAN(scale=2, num_channels=8, num_blocks=2)).eval()
    narrow.load_state_dict(pruned.state_dict())
    x = torch.rand(1, 3, 12, 16)
    with torch.no_grad():
        assert torch.equal(narrow(x), pruned.eval()(x))
