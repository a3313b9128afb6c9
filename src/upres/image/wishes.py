"""What may be asked for in words; apart from the code that does it, which needs arrays."""

from typing import Literal

AlphaMode = Literal["bleed", "separate"]
"""``bleed``: the colour under wholly transparent pixels is made anew from what is visible, against seams. ``separate``:
colour and alpha are enlarged each by itself, for textures whose alpha is no transparency."""

Colors = Literal["keep", "full"]
"""``keep``: what comes from a file of 1 bit or with a palette is written so again; ``full``: with all its colours."""
