"""Every layout of weight file that can be opened."""

from upres.lab.foreign.layouts import distillation, edge, foldable, real_esrgan, residual, restoration
from upres.lab.foreign.layouts.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
    *edge.LAYOUTS,
    *distillation.LAYOUTS,
    *foldable.LAYOUTS,
    *residual.LAYOUTS,
    *real_esrgan.LAYOUTS,
    *restoration.LAYOUTS,
)
"""In the order in which they are asked."""
