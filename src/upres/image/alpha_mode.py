"""How colour under transparent pixels is treated; apart from the code that does it, which needs arrays."""

from typing import Literal

AlphaMode = Literal["bleed", "separate"]
"""``bleed``: the colour under wholly transparent pixels is made anew from what is visible, against seams. ``separate``:
colour and alpha are enlarged each by itself, for textures whose alpha is no transparency."""
