"""All that can befall a picture.

A step is a frozen dataclass in a file of its own, with a name, ranges to draw from, and a method that gives the picture
after it. Its random numbers come from ``crop.stream(name)`` and from nothing else, so that a new line here shifts
nothing that another step draws, wherever the line stands. Its default is off, and its ranges become settings
(``{name}_{field}``) of recipes, cards and ``--set`` by themselves.

The first four, `Blur`, `Resize`, `Noise` and `Jpeg`, are older than that rule and share one stream (`first_draws`).
"""

from upres.lab.data.degradations.blur import Blur
from upres.lab.data.degradations.camera_noise import CameraNoise
from upres.lab.data.degradations.correlated_noise import CorrelatedNoise
from upres.lab.data.degradations.earlier_jpeg import EarlierJpeg
from upres.lab.data.degradations.jpeg import Jpeg
from upres.lab.data.degradations.low_light import LowLight
from upres.lab.data.degradations.noise import Noise
from upres.lab.data.degradations.poisson_noise import PoissonNoise
from upres.lab.data.degradations.resize import Resize
from upres.lab.data.degradations.second_order import SecondOrder
from upres.lab.data.degradations.sharpened import Sharpened
from upres.lab.data.degradations.step import Step
from upres.lab.data.degradations.underexposed import Underexposed

STEPS: tuple[type[Step], ...] = (
    Blur,
    Resize,  # what stands above sees the high-resolution picture, what stands below the low-resolution one
    SecondOrder,
    LowLight,
    CameraNoise,
    PoissonNoise,
    Noise,
    CorrelatedNoise,
    EarlierJpeg,
    Jpeg,
    Underexposed,  # with a JPEG of its own, which comes before the lift
    Sharpened,  # the truth, which is sharpened as it is shown
)
"""In the order in which they are applied."""
