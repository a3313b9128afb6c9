"""HDR metadata: what a film says once about the screen it was made on, and what it says anew for each frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from struct import Struct
from typing import Any

from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame

DYNAMIC = {
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DOVI_METADATA: "Dolby Vision",
    Type.DOVI_RPU_BUFFER: "Dolby Vision",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid",
}
_MASTERING = Struct("<20iii")
_LIGHT = Struct("<II")
_CHROMA_STEPS, _LIGHT_STEPS = 50000, 10000


@dataclass(frozen=True, kw_only=True)
class StaticHDR:
    """SMPTE ST 2086 and CTA-861.3."""

    primaries: tuple[tuple[Fraction, Fraction], ...] = ()
    """x and y of red, green, blue and white; empty where the file does not tell."""
    luminance: tuple[Fraction, Fraction] | None = None
    """Darkest and lightest, in candela per square metre."""
    content_light: tuple[int, int] | None = None
    """Lightest pixel and lightest mean of a frame, in candela per square metre."""

    @classmethod
    def of(cls, side_data: Iterable[SideData]) -> "StaticHDR | None":
        """What a frame carries; ``None`` where it carries neither."""
        primaries: tuple[tuple[Fraction, Fraction], ...] = ()
        luminance = light = None
        for each in side_data:
            if each.type is Type.MASTERING_DISPLAY_METADATA:
                *numbers, has_primaries, has_luminance = _MASTERING.unpack(bytes(each)[: _MASTERING.size])
                ratios = [Fraction(up, down or 1) for up, down in zip(numbers[::2], numbers[1::2], strict=True)]
                if has_primaries:
                    primaries = tuple(zip(ratios[0:8:2], ratios[1:8:2], strict=True))
                if has_luminance:
                    luminance = (ratios[8], ratios[9])
            elif each.type is Type.CONTENT_LIGHT_LEVEL:
                light = _LIGHT.unpack(bytes(each)[: _LIGHT.size])
        if not primaries and luminance is None and light is None:
            return None
        return cls(primaries=primaries, luminance=luminance, content_light=light)

    @property
    def mastering_in_steps(self) -> str | None:
        """``G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`` in whole steps, as x264 and x265 take it; ``None`` if incomplete."""
        if not self.primaries or self.luminance is None:
            return None
        red, green, blue, white = (
            f"({round(x * _CHROMA_STEPS)},{round(y * _CHROMA_STEPS)})" for x, y in self.primaries
        )
        darkest, lightest = (round(value * _LIGHT_STEPS) for value in self.luminance)
        return f"G{green}B{blue}R{red}WP{white}L({lightest},{darkest})"

    @property
    def mastering_in_decimals(self) -> str | None:
        """The same as SVT-AV1 takes it."""
        if not self.primaries or self.luminance is None:
            return None
        red, green, blue, white = (f"({float(x):.5f},{float(y):.5f})" for x, y in self.primaries)
        darkest, lightest = (f"{float(value):.4f}" for value in self.luminance)
        return f"G{green}B{blue}R{red}WP{white}L({lightest},{darkest})"


def side_data_of(frame: VideoFrame) -> list[SideData]:
    """What the frame carries besides samples. PyAV's mapping yields its values where others yield keys."""
    found: Any = frame.side_data
    return list(found)


def dynamic_kinds(side_data: Iterable[SideData]) -> list[str]:
    """Names of the metadata on this frame that changes from frame to frame."""
    return [DYNAMIC[each.type] for each in side_data if each.type in DYNAMIC]
