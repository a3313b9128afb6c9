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
    "vdsr": "upres.lab.archs.vdsr:VDSR",
    "edsr": "upres.lab.archs.edsr:EDSR",
    "rdn": "upres.lab.archs.rdn:RDN",
    "carn": "upres.lab.archs.carn:CARN",
    "imdn": "upres.lab.archs.imdn:IMDN",
    "rfdn": "upres.lab.archs.rfdn:RFDN",
    "ecbsr": "upres.lab.archs.ecbsr:ECBSR",
    "rlfn": "upres.lab.archs.rlfn:RLFN",
    "bsrn": "upres.lab.archs.bsrn:BSRN",
    "fmen": "upres.lab.archs.fmen:FMEN",
    "efdn": "upres.lab.archs.efdn:EFDN",
    "neesr": "upres.lab.archs.neesr:NEESR",
    "mobilesr": "upres.lab.archs.mobilesr:MobileSR",
    "imdn_plus": "upres.lab.archs.imdn_plus:IMDNPlus",
    "lwfanet": "upres.lab.archs.lwfanet:LWFANet",
    "span": "upres.lab.archs.span:SPAN",
    "plain": "upres.lab.archs.plain:PlainSR",
    "rrdbnet": "upres.lab.archs.rrdbnet:RRDBNet",
    "srvggnet_compact": "upres.lab.archs.srvggnet_compact:SRVGGNetCompact",
    "mirnet": "upres.lab.archs.mirnet:MIRNet",
    "mirnet_v2": "upres.lab.archs.mirnet_v2:MIRNetV2",
    "nafnet": "upres.lab.archs.nafnet:NAFNet",
    "enlarged": "upres.lab.archs.enlarged:EnlargedFirst",
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
    "vdsr": ("vdsr", {}),
    "edsr_baseline": ("edsr", {"num_channels": 64, "num_blocks": 16, "residual_scale": 1.0}),
    "edsr": ("edsr", {}),
    "rdn": ("rdn", {}),
    "carn": ("carn", {}),
    "carn_m": ("carn", {"groups": 4, "efficient": True, "shared": True}),
    "imdn": ("imdn", {}),
    "imdn_ntire": ("imdn", {"num_blocks": 8, "attention_reduction": None, "fuse_blocks": False}),
    "xilinxsr": ("imdn", {"num_blocks": 7, "attention_reduction": None, "fuse_blocks": False}),
    **{
        f"ladder_{block}": (
            "rfdn",
            {
                "num_channels": 64,
                "block": block,
                "distillation_ratio": 0.25,
                "block_skip": True,
                "attention_reduction": 16,
                "attention_first": True,
            },
        )
        for block in ("imdb", "imdb_r", "imdb_r_fdc", "imdb_r_srb", "rfdb")
    },
    "rfdn": ("rfdn", {}),
    "rfdn_l": ("rfdn", {"num_channels": 52}),
    "e_rfdn": ("rfdn", {"num_channels": 50, "num_blocks": 4, "attention": "esa"}),
    "rlfn": ("rlfn", {}),
    "rlfn_s": ("rlfn", {"num_channels": 48}),
    "rlfn_c32b6": ("rlfn", {"num_channels": 32}),
    "rlfn_ntire": ("rlfn", {"num_channels": 46, "mid_channels": 48, "num_blocks": 4}),
    "megsr": (
        "rfdn",
        {
            "num_channels": 40,
            "num_blocks": 4,
            "block": "imdb_r_fdc",
            "remaining_channels": 40,
            "attention": "esa",
            "attention_channels": 12,
        },
    ),
    "ecbsr_m4c8": ("ecbsr", {"num_channels": 8}),
    "ecbsr_m4c16": ("ecbsr", {}),
    "ecbsr_m10c32": ("ecbsr", {"num_blocks": 10, "num_channels": 32}),
    "ecbsr_m16c64": ("ecbsr", {"num_blocks": 16, "num_channels": 64}),
    "bsrn": ("bsrn", {}),
    "bsrn_ntire": ("bsrn", {"num_channels": 48, "num_blocks": 5, "challenge": True}),
    "fmen": ("fmen", {}),
    "efdn": ("efdn", {}),
    "neesr": ("neesr", {}),
    "mobilesr": ("mobilesr", {}),
    "imdn_plus": ("imdn_plus", {}),
    "lwfanet": ("lwfanet", {}),
    "span": ("span", {}),
    "span_ntire": ("span", {"num_channels": 28, "cat_channels": 20}),
    "plain_c32b6": ("plain", {"num_channels": 32, "num_blocks": 6, "gate": "hard"}),
    "plain_c48b4": ("plain", {"num_channels": 48, "num_blocks": 4, "gate": "hard"}),
    "rrdbnet": ("rrdbnet", {}),
    "rrdbnet_b6": ("rrdbnet", {"num_blocks": 6}),
    "srvggnet_compact": ("srvggnet_compact", {}),
    "srvggnet_compact_l32": ("srvggnet_compact", {"num_layers": 32}),
    "enlarged_mirnet_n16": (
        "enlarged",
        {"body": "mirnet", "arguments": {"num_channels": 16, "num_groups": 1, "num_blocks": 1}},
    ),
    "enlarged_plain_c32b6": (
        "enlarged",
        {"body": "plain", "arguments": {"num_channels": 32, "num_blocks": 6, "gate": "hard", "unshuffle": 2}},
    ),
}
"""Name without its ``_x{scale}`` -> architecture and arguments.

TeamInception's entry to NTIRE 2022 would stand here too: its network was never published (known are 0.505 M parameters
and 74 convolutions).
"""

_KEEPING_THE_SIZE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "mirnet": ("mirnet", {}),
    "mirnet_n16": ("mirnet", {"num_channels": 16, "num_groups": 1, "num_blocks": 1}),
    "mirnet_n16_enhance": ("mirnet", {"num_channels": 16, "num_groups": 1, "num_blocks": 1, "task": "enhance"}),
    "mirnet_v2": ("mirnet_v2", {}),
    "mirnet_v2_n16": ("mirnet_v2", {"num_channels": 16}),
    "nafnet_w32": ("nafnet", {}),
    "nafnet_w64": ("nafnet", {"num_channels": 64}),
    "nafnet_w16": (
        "nafnet",
        {"num_channels": 16, "encoder_blocks": [1, 1, 2, 4], "middle_blocks": 4, "decoder_blocks": [1, 1, 1, 1]},
    ),
    **{
        f"plain_c{num_channels}b6_{task}": (
            "plain",
            {"num_channels": num_channels, "num_blocks": 6, "gate": "hard", "unshuffle": 2, "task": task},
        )
        for task in ("denoise", "deblock", "enhance")
        for num_channels in (32, 48)
    },
}
"""Name -> architecture and arguments."""

MODELS: Mapping[str, ModelSpec] = {
    f"{name}_x{scale}": ModelSpec(architecture=architecture, scale=scale, arguments=arguments)
    for name, (architecture, arguments) in _AT_EVERY_SCALE.items()
    for scale in SCALES
} | {
    name: ModelSpec(architecture=architecture, scale=1, arguments=arguments)
    for name, (architecture, arguments) in _KEEPING_THE_SIZE.items()
}
"""Named configurations, e.g. ``esr_tm_x2`` or ``espcn_d22s32_x4``; what keeps the size, at scale 1, has no ``_x1``."""
