"""Distillation blocks: equal forms of one computation."""

import pytest
import torch

from upres.lab.blocks.distill import DistillationBlock, SplitDistillationBlock


def test_splitting_one_convolution_is_two_parallel_ones():
    """IMDB-R is IMDB written differently, apart from the activation of the last stage, which IMDB lacks."""
    torch.manual_seed(0)
    split = SplitDistillationBlock(num_channels=8, distilled_channels=2)
    parallel = DistillationBlock(
        num_channels=8,
        distilled_channels=2,
        remaining_channels=6,
        distill_kernel_size=3,
        residual=False,
        block_skip=True,
        attention_first=True,
    )
    with torch.no_grad():
        for stage, distil, remain in zip(split.stages, parallel.distilled, parallel.remaining, strict=True):
            for name in ("weight", "bias"):
                kept, rest = getattr(stage, name).split([2, 6])
                getattr(distil, name).copy_(kept)
                getattr(remain, name).copy_(rest)
        split.last.bias.fill_(100.0)  # far from the kink: there the activation is the identity
        parallel.last.load_state_dict(split.last.state_dict())
        parallel.fusion.load_state_dict(split.fusion.state_dict())
        x = torch.rand(1, 8, 7, 9)
        torch.testing.assert_close(parallel(x), split(x))


def test_a_residual_stage_refuses_to_change_its_width():
    with pytest.raises(ValueError, match="remaining_channels must be 8, got 6"):
        DistillationBlock(num_channels=8, distilled_channels=2, remaining_channels=6)


def test_an_identity_in_a_stage_is_a_one_in_the_middle_of_its_kernel():
    torch.manual_seed(0)
    arguments = {"num_channels": 6, "distilled_channels": 3, "remaining_channels": 6}
    residual = DistillationBlock(**arguments)
    plain = DistillationBlock(**arguments, residual=False)
    plain.load_state_dict(residual.state_dict())
    with torch.no_grad():
        for stage in plain.remaining:
            stage.weight[range(6), range(6), 1, 1] += 1.0
        x = torch.rand(1, 6, 5, 5)
        torch.testing.assert_close(plain(x), residual(x))


def test_the_block_skip_adds_the_input():
    torch.manual_seed(0)
    arguments = {"num_channels": 6, "distilled_channels": 3, "remaining_channels": 6}
    without = DistillationBlock(**arguments)
    with_skip = DistillationBlock(**arguments, block_skip=True)
    with_skip.load_state_dict(without.state_dict())
    x = torch.rand(1, 6, 5, 5)
    torch.testing.assert_close(with_skip(x), without(x) + x)
