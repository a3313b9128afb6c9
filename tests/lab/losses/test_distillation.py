"""A teacher's output as a second truth."""

import pytest
import torch

from upres.errors import CheckpointError, RecipeError, UnknownModelError
from upres.lab.checkpoint import build, describe, load, save, spec_of
from upres.lab.losses.criterion import LossTerm, criterion
from upres.lab.losses.distillation import distillation, teacher_of
from upres.models.catalog import find


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(2, 3, side, side, generator=generator) for side in (32, 32, 16))


def test_it_is_the_distance_to_the_teachers_picture(pictures):
    sr, hr, lr = pictures
    sr.requires_grad_()
    teacher, _ = load(find("rlfn_c32b6_x2").weights)
    with torch.no_grad():
        target = teacher(lr)
    loss = distillation(sr, hr, lr, teacher="rlfn_c32b6_x2")
    assert loss.item() == pytest.approx((sr - target).abs().mean().item(), rel=1e-5)
    squared = distillation(sr, hr, lr, teacher="rlfn_c32b6_x2", norm="l2")
    assert squared.item() == pytest.approx((sr - target).square().mean().item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, sr)
    torch.testing.assert_close(gradient, (sr - target).sign().detach() / sr.numel())
    assert distillation(target, hr, lr, teacher="rlfn_c32b6_x2").item() == 0


def test_it_stands_beside_the_truth_with_its_weight(pictures):
    sr, hr, lr = pictures
    term = LossTerm(name="distillation", weight=0.25, arguments={"teacher": "rlfn_c32b6_x2"})
    both = criterion([LossTerm(name="l1"), term])(sr, hr, lr)
    alone = distillation(sr, hr, lr, teacher="rlfn_c32b6_x2")
    assert both.item() == pytest.approx((sr - hr).abs().mean().item() + 0.25 * alone.item(), rel=1e-5)


def test_the_teacher_is_read_once_and_again_when_its_file_changes(tmp_path):
    path, spec = tmp_path / "teacher.safetensors", spec_of("esr_max_x2")
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = build(spec)
        save(path, network, describe(network, spec, name="teacher" + "s" * seed))
        before = torch.get_rng_state()
        read = teacher_of(path)
        assert torch.equal(torch.get_rng_state(), before), "the run's random numbers are left alone"
        assert teacher_of(path) is read
        assert torch.equal(read.filter.weight, network.filter.weight)
        assert not any(parameter.requires_grad for parameter in read.parameters())


def test_teachers_that_cannot_teach_are_refused(pictures, tmp_path):
    sr, hr, lr = pictures
    for teacher, says in (("", "needs the low-resolution picture"), ("esr_tm_x2", "luma"), ("rlfn_c32b6_x4", "makes")):
        with pytest.raises(RecipeError, match=says):
            distillation(sr, hr, lr, teacher=teacher)
    with pytest.raises(RecipeError, match="needs the low-resolution picture"):
        distillation(sr, hr, None, teacher="rlfn_c32b6_x2")
    with pytest.raises(RecipeError, match="choose another patch_size"):
        distillation(sr, hr, lr[..., :8, :8], teacher="rlfn_c32b6_x2")
    with pytest.raises(RecipeError, match="l1 or l2"):
        distillation(sr, hr, lr, teacher="rlfn_c32b6_x2", norm="l3")
    with pytest.raises(UnknownModelError, match="Did you mean"):
        distillation(sr, hr, lr, teacher="rlfn_c32b6_x5")
    (tmp_path / "x.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError):
        distillation(sr, hr, lr, teacher=str(tmp_path / "x.safetensors"))
