"""Every architecture by name, and the configurations that have names of their own. Nothing is imported here."""

from collections.abc import Mapping
from typing import Any

from upres.models.card import ModelSpec

ARCHITECTURES: Mapping[str, str] = {
    "bicubic_conv": "upres.lab.archs.bicubic:BicubicConv",
    "esr_max": "upres.lab.archs.edge_sr:EdgeSRMax",
    "esr_tm": "upres.lab.archs.edge_sr:EdgeSRTM",
    "esr_tr": "upres.lab.archs.edge_sr:EdgeSRTR",
    "esr_cnn": "upres.lab.archs.edge_sr:EdgeSRCNN",
    "espcn": "upres.lab.archs.espcn:ESPCN",
    "fsrcnn": "upres.lab.archs.fsrcnn:FSRCNN",
    "rfdn": "upres.lab.archs.rfdn:RFDN",
    "rlfn": "upres.lab.archs.rlfn:RLFN",
}
"""Name -> ``module:Class``, imported when a network is built."""

SCALES = (2, 3, 4)

_AT_EVERY_SCALE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bicubic_conv": ("bicubic_conv", {}),
    "esr_max": ("esr_max", {"kernel_size": 5, "num_channels": 4}),
    "esr_max_k7c2": ("esr_max", {"kernel_size": 7, "num_channels": 2}),
    "esr_max_k7c8": ("esr_max", {"kernel_size": 7, "num_channels": 8}),
    "esr_tm": ("esr_tm", {"kernel_size": 5, "num_channels": 4}),
    "esr_tm_k7c4": ("esr_tm", {"kernel_size": 7, "num_channels": 4}),
    "esr_tm_k7c8": ("esr_tm", {"kernel_size": 7, "num_channels": 8}),
    "esr_tr": ("esr_tr", {"kernel_size": 5, "num_channels": 4}),
    "esr_tr_k7c8": ("esr_tr", {"kernel_size": 7, "num_channels": 8}),
    "esr_cnn": ("esr_cnn", {"num_channels": 4, "num_features": 3, "num_shrink": 6}),
    "esr_cnn_c8d9s15": ("esr_cnn", {"num_channels": 8, "num_features": 9, "num_shrink": 15}),
    "espcn": ("espcn", {"num_features": 16, "num_shrink": 24}),
    "espcn_d22s32": ("espcn", {"num_features": 22, "num_shrink": 32}),
    "espcn_opencv": ("espcn", {"num_features": 64, "num_shrink": 32, "activation": "relu", "output": "tanh"}),
    "fsrcnn": ("fsrcnn", {"num_features": 56, "num_shrink": 12, "num_blocks": 4}),
    "fsrcnn_opencv": ("fsrcnn", {"tail": "subpixel", "channel_slopes": True}),
    "fsrcnn_small_opencv": (
        "fsrcnn",
        {"num_features": 32, "num_shrink": 5, "num_blocks": 1, "tail": "subpixel", "channel_slopes": True},
    ),
    "rfdn": ("rfdn", {}),
    "rfdn_l": ("rfdn", {"num_channels": 52}),
    "e_rfdn": ("rfdn", {"num_channels": 50, "num_blocks": 4, "attention": "esa"}),
    "rlfn": ("rlfn", {}),
    "rlfn_s": ("rlfn", {"num_channels": 48}),
    "rlfn_ntire": ("rlfn", {"num_channels": 46, "mid_channels": 48, "num_blocks": 4}),
}
"""Name without its ``_x{scale}`` -> architecture and arguments."""

MODELS: Mapping[str, ModelSpec] = {
    f"{name}_x{scale}": ModelSpec(architecture=architecture, scale=scale, arguments=arguments)
    for name, (architecture, arguments) in _AT_EVERY_SCALE.items()
    for scale in SCALES
}
"""Named configurations, e.g. ``esr_tm_x2`` or ``espcn_d22s32_x4``."""
