"""The encoders, in one table: what each takes, how good and how fast it is told to be, how HDR is spelled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from upres.errors import Hint, VideoError, near_miss
from upres.image.samples import Siting
from upres.video.hdr import StaticHDR
from upres.video.pixel_formats import PixelFormat, pixel_format

Quality = Literal["crf", "none"]


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """One way to write a picture stream."""

    name: str
    library: str
    """libavcodec's name."""
    codec: str
    """libavcodec's name of what comes out."""
    pixel_formats: tuple[str, ...]
    crf: int | None = None
    """Default of the constant quality; ``None`` where there is none to choose."""
    most_crf: int = 51
    preset: str | None = None
    """Default of the preset; ``None`` where there is none to choose."""
    preset_option: str = "preset"
    presets: tuple[str, ...] = ()
    even_chroma: bool = False
    """True where sides that chroma halves must be even."""
    always_lossless: bool = False


_X26_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_420, _422, _444 = (tuple(f"yuv{chroma}p{depth}" for depth in ("", "10le")) for chroma in ("420", "422", "444"))
_12 = ("yuv420p12le", "yuv422p12le", "yuv444p12le")
_FFV1_DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
_FFV1 = (
    *(f"yuv{chroma}p{depth}" for chroma in ("420", "422", "444") for depth in _FFV1_DEPTHS),
    *(f"yuva{chroma}p{depth}" for chroma in ("420", "422", "444") for depth in ("", "9le", "10le", "16le")),
    *(f"gray{depth}" for depth in _FFV1_DEPTHS),
    *("bgr0", "bgra", "gbrp16le", "gbrap16le"),
)

ENCODERS: dict[str, Encoder] = {
    each.name: each
    for each in (
        Encoder(
            name="x264",
            library="libx264",
            codec="h264",
            pixel_formats=(*_420, *_422, *_444, "gray", "gray10le"),
            crf=18,
            preset="veryfast",
            presets=_X26_PRESETS,
            even_chroma=True,
        ),
        Encoder(
            name="x265",
            library="libx265",
            codec="hevc",
            pixel_formats=(*_420, *_422, *_444, *_12, "gray", "gray10le", "gray12le"),
            crf=20,
            preset="fast",
            presets=_X26_PRESETS,
            even_chroma=True,
        ),
        Encoder(
            name="av1",
            library="libsvtav1",
            codec="av1",
            pixel_formats=_420,
            crf=28,
            most_crf=63,
            preset="8",
            presets=tuple(map(str, range(14))),
        ),
        Encoder(
            name="vp9",
            library="libvpx-vp9",
            codec="vp9",
            pixel_formats=("yuv420p", "yuv422p", "yuv444p"),
            crf=24,
            most_crf=63,
            preset="5",
            preset_option="cpu-used",
            presets=tuple(map(str, range(9))),
        ),
        Encoder(name="ffv1", library="ffv1", codec="ffv1", pixel_formats=_FFV1, always_lossless=True),
        Encoder(
            name="prores",
            library="prores_ks",
            codec="prores",
            pixel_formats=("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An encoder with all that it is told."""

    encoder: Encoder
    pixel_format: str
    options: Mapping[str, str]


def encoder_named(name: str) -> Encoder:
    """The encoder of that name.

    Raises:
        VideoError: If there is none.
    """
    if name not in ENCODERS:
        raise VideoError(f"no codec '{name}'.{near_miss(name, ENCODERS)} There are: auto, {', '.join(ENCODERS)}")
    return ENCODERS[name]


def automatic(source: PixelFormat, size: tuple[int, int], *, lossless: bool, is_hdr: bool) -> list[Encoder]:
    """The encoders that take pictures of this kind, the best first: every player's, unless that cannot hold them.

    Args:
        source: The pictures.
        size: Height and width of the result.
        lossless: Whether no sample may change.
        is_hdr: Whether luma is on the curve of PQ or HLG.
    """
    names = ["x265", "av1"] if source.bits > 8 or is_hdr else ["x264", "av1", "vp9"]
    names = ["ffv1"] if lossless else [*names, "ffv1", "prores"]
    return takers(source, size, names)


def takers(source: PixelFormat, size: tuple[int, int], names: Iterable[str] = ENCODERS) -> list[Encoder]:
    """Those of the encoders of these names that take pictures of this kind, height and width; ffv1 takes all."""
    offered = [(ENCODERS[name], fitting_format(ENCODERS[name], source)) for name in names]
    return [each for each, chosen in offered if chosen is not None and not halves_odd_sides(each, chosen, size)]


def halves_odd_sides(encoder: Encoder, chosen: str, size: tuple[int, int]) -> bool:
    """Whether the encoder cannot take pictures of this height and width, because their chroma has half of odd sides."""
    layout = getattr(pixel_format(chosen), "layout", "rgb")
    halved = {"yuv420": size, "yuv422": size[1:]}.get(layout, ())
    return encoder.even_chroma and any(side % 2 for side in halved)


def fitting_format(encoder: Encoder, source: PixelFormat) -> str | None:
    """The encoder's pixel format that keeps most of the source's samples; ``None`` where it takes nothing like them.

    The layout stays, the depth may grow, and alpha is dropped where the encoder has none.
    """
    offered = [found for name in encoder.pixel_formats if (found := pixel_format(name)) is not None]
    if source.is_rgb:
        return _format_for_colors(encoder, source)
    alike = [each for each in offered if each.layout == source.layout and each.bits >= source.bits]
    if not alike and encoder.name == "prores":
        alike = [each for each in offered if each.layout == "yuv444" and source.layout == "yuv444"]
        alike = alike or [each for each in offered if each.layout == "yuv422"]
    best = min(alike, key=lambda each: (each.alpha != source.alpha, each.bits), default=None)
    return None if best is None else best.name


def _format_for_colors(encoder: Encoder, source: PixelFormat) -> str | None:
    wishes = ["yuv444p10le", "yuv420p10le"] if source.bits > 8 else []
    if encoder.name == "ffv1":
        deep = "gbrap16le" if source.alpha else "gbrp16le"
        return deep if source.bits > 8 else ("bgra" if source.alpha else "bgr0")
    wishes += ["yuv420p", "yuva444p10le" if source.alpha else "yuv444p10le"]
    return next((name for name in wishes if name in encoder.pixel_formats), None)


def options_of(
    encoder: Encoder,
    *,
    crf: int | None,
    preset: str | None,
    lossless: bool,
    hdr: StaticHDR | None,
    siting: Siting | None,
    pixel_format: str,
) -> dict[str, str]:
    """What libavcodec is told.

    Args:
        encoder: Which.
        crf: Constant quality; ``None``: the default.
        preset: One of the encoder's; ``None``: the default.
        lossless: Whether no sample may change.
        hdr: To be written into the stream.
        siting: Where chroma lies, if that is to be written.
        pixel_format: What goes in.

    Raises:
        VideoError: If the encoder has no such setting.
    """
    options = _quality(encoder, crf, lossless)
    if preset is not None and preset not in encoder.presets:
        there_are = f"there are {', '.join(encoder.presets)}" if encoder.presets else "it has none"
        raise VideoError(f"{encoder.name}: no preset '{preset}'; {there_are}")
    if encoder.preset is not None:
        options[encoder.preset_option] = preset or encoder.preset
    if siting is not None:
        options["chroma_sample_location"] = {"centre": "center"}.get(siting, siting)
    return options | _own(encoder, hdr, siting, lossless=lossless, pixel_format=pixel_format)


def _quality(encoder: Encoder, crf: int | None, lossless: bool) -> dict[str, str]:
    if crf is not None and (encoder.crf is None or lossless):
        raise VideoError(f"{encoder.name}: has no constant quality to choose" + " where nothing is lost" * lossless)
    if crf is not None and not 0 <= crf <= encoder.most_crf:
        raise VideoError(f"{encoder.name}: expected a constant quality of 0 to {encoder.most_crf}, got {crf}")
    if lossless and not encoder.always_lossless and encoder.name not in ("x264", "x265", "vp9"):
        raise VideoError(
            f"{encoder.name} always loses something; these need not: ffv1, x264, x265, vp9", hint=Hint.OTHER_CODEC
        )
    if lossless:
        return {"x264": {"qp": "0"}, "vp9": {"lossless": "1"}}.get(encoder.name, {})
    return {} if encoder.crf is None else {"crf": str(encoder.crf if crf is None else crf)}


def _own(
    encoder: Encoder, hdr: StaticHDR | None, siting: Siting | None, *, lossless: bool, pixel_format: str
) -> dict[str, str]:
    """Options that only this encoder has."""
    light = None if hdr is None else hdr.content_light
    if encoder.name == "x264":
        return _joined("x264-params", _x264(hdr, light))
    if encoder.name == "x265":
        return _joined("x265-params", _x265(hdr, light, siting, lossless=lossless))
    if encoder.name == "av1":
        places = {"left": "left", "topleft": "topleft"}
        place = {} if siting not in places else {"chroma-sample-position": places[siting]}
        return _joined("svtav1-params", _av1(hdr, light) | place)
    if encoder.name == "vp9":
        return {"b": "0", "deadline": "good", "row-mt": "1"}
    if encoder.name == "ffv1":
        return {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}
    return {"profile": "4" if "444" in pixel_format else "3"}


def _x264(hdr: StaticHDR | None, light: tuple[int, int] | None) -> dict[str, str]:
    mastering = None if hdr is None else hdr.mastering_in_steps
    found = {} if mastering is None else {"mastering-display": mastering}
    return found if light is None else found | {"cll": f"{light[0]},{light[1]}"}


def _x265(
    hdr: StaticHDR | None, light: tuple[int, int] | None, siting: Siting | None, *, lossless: bool
) -> dict[str, str]:
    places = {"left": "0", "centre": "1", "topleft": "2"}
    found = {"log-level": "error"}
    if lossless:
        found["lossless"] = "1"
    if siting is not None:
        found["chromaloc"] = places[siting]
    if hdr is not None and hdr.mastering_in_steps is not None:
        found["master-display"] = hdr.mastering_in_steps
    if light is not None:
        found["max-cll"] = f"{light[0]},{light[1]}"
    return found | ({"hdr10": "1"} if hdr is not None else {})


def _av1(hdr: StaticHDR | None, light: tuple[int, int] | None) -> dict[str, str]:
    mastering = None if hdr is None else hdr.mastering_in_decimals
    found = {} if mastering is None else {"mastering-display": mastering}
    return found if light is None else found | {"content-light": f"{light[0]},{light[1]}"}


def _joined(option: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {option: ":".join(f"{name}={value}" for name, value in settings.items())} if settings else {}
