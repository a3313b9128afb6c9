"""How the encoders are set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What the caller asked of an encoder."""

    quality: int | None = None
    """1 to 100, or ``None`` for the format's own default here."""
    lossless: bool = False
    """WebP without loss."""
