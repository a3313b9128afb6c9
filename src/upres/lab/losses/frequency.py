"""Losses on spectra."""

import torch
from torch import Tensor


def fourier_l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute difference of the real and imaginary parts of the orthonormal two-dimensional spectra.

    Every frequency counts alike, while in a pixel loss the few low ones that hold a picture's energy count most.

    Reference: Cho et al., 2021, arXiv:2108.05054, section 3.3 (multi-scale frequency reconstruction loss).
    """
    spectrum = torch.fft.rfft2(sr.float() - hr.float(), norm="ortho")
    return torch.view_as_real(spectrum).abs().mean()
