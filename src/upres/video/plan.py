"""How a video is made: a pure function of what the file is and what was asked for."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from upres.errors import Hint, VideoError
from upres.image.samples import Siting, Size
from upres.pipeline.sizes import SizeRequest
from upres.video.containers import MATROSKA, Container, container_for, container_named
from upres.video.encoders import (
    Encoder,
    Encoding,
    automatic,
    encoder_named,
    fitting_format,
    halves_odd_sides,
    options_of,
    takers,
)
from upres.video.pixel_formats import PixelFormat, pixel_format
from upres.video.probe import Colors, PictureStream, Probe

COLORS: dict[str, tuple[int, int]] = {"bt601-525": (6, 6), "bt601-625": (5, 5), "bt709": (1, 1), "bt2020": (9, 9)}
"""Names for files without tags -> primaries and matrix."""
_CENTRED = ("mjpeg", "mpeg1video")
"""Codecs whose chroma lies in the middle where nothing else is said."""
_SHAPELESS = ("av1", "vp9", "prores")
"""Encoders whose streams do not say the shape of pixels."""
_LIMIT = 16384
"""Pixels that a side may have, as H.264 and AV1 know it."""
_SLACK = Fraction(1, 200)
"""Part by which the sides may grow differently before pixels are called other than square: less is a rounding."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for."""

    request: SizeRequest
    codec: str = "auto"
    crf: int | None = None
    preset: str | None = None
    lossless: bool = False
    deinterlace: bool = False
    steady: bool = False
    """Whether still regions are steadied by those of the frame before."""
    drop_dynamic_hdr: bool = False
    siting: Siting | None = None
    """Where chroma lies; ``None``: by the codec and the colours."""
    color: str | None = None
    """One of `COLORS`, for files without tags; ``None``: what players guess from the size."""
    start: float = 0.0
    """Seconds."""
    end: float | None = None


@dataclass(frozen=True, kw_only=True)
class VideoPlan:
    """How a video is made."""

    size: Size
    """Height and width of the result."""
    source: PixelFormat
    siting: Siting
    sample_aspect_ratio: Fraction
    colors: Colors
    """To be written."""
    steady: bool
    encoding: Encoding
    container: Container
    copied: tuple[int, ...]
    """Indices of streams that are copied as they are."""
    described: tuple[str, ...]
    """The same for people."""
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def studio(self) -> bool:
        """Whether luma goes from 16 to 235 of 255."""
        return self.colors.range != 2 and not self.source.is_rgb

    @property
    def shape_in_header(self) -> bool:
        """Whether the header of a Matroska file has to tell the shape of pixels, because the stream does not."""
        shapeless = not self.container.any_time_base and self.encoding.encoder.name in _SHAPELESS
        return shapeless and self.sample_aspect_ratio != 1


def plan_video(probe: Probe, wishes: Wishes, output: Path | None = None) -> VideoPlan:
    """Decide everything before the first frame.

    Args:
        probe: The file.
        wishes: What was asked for.
        output: The result's name, whose suffix chooses the container; ``None``: the source's container if it holds
            everything, else Matroska.

    Raises:
        VideoError: If the result would lose what may not be lost unasked, or nothing can hold it.
    """
    picture = probe.picture
    _refuse(probe, wishes)
    source = _known_format(probe)
    size = _size(wishes.request, picture, source)
    encoder = _encoder(wishes, source, size, picture.colors, output)
    chosen = fitting_format(encoder, source)
    if chosen is None:
        raise VideoError(f"{encoder.name} does not take {source.name}; {_takers(source, size)}", hint=Hint.OTHER_CODEC)
    if halves_odd_sides(encoder, chosen, size):
        raise VideoError(
            f"{encoder.name} takes even sides only, got {size[1]}x{size[0]}; {_takers(source, size)}",
            hint=Hint.OTHER_CODEC,
        )
    colors, color_notes = _colors(picture, source, chosen, wishes.color)
    siting, write_siting = _siting(picture, wishes.siting)
    options = options_of(
        encoder,
        crf=wishes.crf,
        preset=wishes.preset,
        lossless=wishes.lossless,
        hdr=picture.hdr,
        siting=write_siting if source.layout in ("yuv420", "yuv422") else None,
        pixel_format=chosen,
    )
    container, reason = _container(probe, encoder, output)
    held = [each for each in probe.others if container.holds(each)]
    left, notes = _losses(probe, container, encoder, source, chosen)
    return VideoPlan(
        size=size,
        source=source,
        siting=siting,
        sample_aspect_ratio=_aspect(picture, size),
        colors=colors,
        steady=wishes.steady,
        encoding=Encoding(encoder=encoder, pixel_format=chosen, options=options),
        container=container,
        copied=tuple(each.index for each in held),
        described=tuple(each.described for each in held),
        left_out=tuple(left),
        warnings=tuple(filter(None, (reason, *notes, *color_notes))),
    )


def _refuse(probe: Probe, wishes: Wishes) -> None:
    picture = probe.picture
    if picture.fields is not None and not wishes.deinterlace:
        raise VideoError(
            f"{probe.path}: is interlaced ({picture.fields} field first): a network would sharpen the combs",
            hint=Hint.DEINTERLACE,
        )
    if picture.dynamic_hdr and not wishes.drop_dynamic_hdr:
        raise VideoError(
            f"{probe.path}: carries {' and '.join(picture.dynamic_hdr)}, which changes from frame to frame and cannot"
            " be kept",
            hint=Hint.DROP_DYNAMIC_HDR,
        )


def _known_format(probe: Probe) -> PixelFormat:
    name = probe.picture.pixel_format
    source = pixel_format(name)
    if source is None:
        raise VideoError(f"{probe.path}: pixels of the format {name} are not known here; convert them to yuv420p first")
    return source


def _size(request: SizeRequest, picture: PictureStream, source: PixelFormat) -> Size:
    """Sides that only a rounding made odd become even: encoders and players like them better."""
    height, width = request.size_of(picture.height, picture.width)
    whole = request.scale is not None and request.scale == int(request.scale)
    if not whole and not source.is_rgb and not (request.width and request.height):
        width = width if request.width else max(2, width - width % 2)
        height = height if request.height else max(2, height - height % 2)
    if max(height, width) > _LIMIT:
        raise VideoError(f"the result would be {width}x{height}; videos have at most {_LIMIT} pixels a side")
    return height, width


def _encoder(wishes: Wishes, source: PixelFormat, size: Size, colors: Colors, output: Path | None) -> Encoder:
    if wishes.codec != "auto":
        return encoder_named(wishes.codec)
    fitting = automatic(source, size, lossless=wishes.lossless, is_hdr=colors.is_hdr)
    held = None if output is None else container_named(output).video
    return next((each for each in fitting if held is None or each.codec in held), fitting[0])


def _takers(source: PixelFormat, size: Size) -> str:
    """Which encoders take pictures of this kind, in words."""
    return f"these do: {', '.join(each.name for each in takers(source, size))}"


def _aspect(picture: PictureStream, size: Size) -> Fraction:
    """Pixels' own aspect ratio: what is shown keeps its shape where the sides grow by different factors."""
    stretch = Fraction(picture.width * size[0], picture.height * size[1])
    if abs(stretch - 1) <= _SLACK:
        return picture.sample_aspect_ratio
    return (picture.sample_aspect_ratio * stretch).limit_denominator(1000)


def _colors(
    picture: PictureStream, source: PixelFormat, chosen: str, wish: str | None
) -> tuple[Colors, tuple[str, ...]]:
    """The tags of the result: the source's, and where it has none those that players guess from its size."""
    written = pixel_format(chosen)
    if source.is_rgb:
        if written is None or written.is_rgb:
            return replace(picture.colors, matrix=0, range=2), ()
        return Colors(primaries=1, transfer=13, matrix=1, range=1), ("RGB pictures become YUV by BT.709, studio range",)
    colors = replace(picture.colors, range=2) if source.full_range else picture.colors
    if colors.matrix not in (0, 2) or source.layout == "grey":
        return colors, ()
    name = wish or guessed(picture.height, picture.width)
    primaries, matrix = COLORS[name]
    primaries = primaries if colors.primaries in (0, 2) else colors.primaries
    note = f"the file does not say its colours; players take {name} at its size, so that is written into the result"
    return replace(colors, primaries=primaries, matrix=matrix), () if wish else (note,)


def guessed(height: int, width: int) -> str:
    """The colours that players assume for an untagged film of this size."""
    if width >= 1280 or height > 576:
        return "bt709"
    return "bt601-625" if height == 576 else "bt601-525"


def _siting(picture: PictureStream, wish: Siting | None) -> tuple[Siting, Siting | None]:
    """Where chroma lies, and what is to be written about it: nothing where every reader assumes it."""
    if wish is not None:
        return wish, wish
    if picture.codec in _CENTRED:
        return "centre", "centre"
    if picture.colors.primaries == 9 and picture.colors.transfer == 16:
        return "topleft", "topleft"
    return "left", None


def _container(probe: Probe, encoder: Encoder, output: Path | None) -> tuple[Container, str]:
    if output is None:
        return container_for(Path(probe.path), probe.container, encoder.codec, probe.others)
    container = container_named(output)
    if encoder.codec not in container.video:
        raise VideoError(f"{output}: {container.name} does not hold {encoder.codec}", hint=Hint.OTHER_CONTAINER)
    return container, ""


def _losses(
    probe: Probe, container: Container, encoder: Encoder, source: PixelFormat, chosen: str
) -> tuple[list[str], list[str]]:
    """What the result lacks, and what else is to be said, in sentences."""
    left = [f"{each.described}: {_why_not(each.kind, container)}" for each in probe.others if not container.holds(each)]
    notes = list[str]()
    written, picture = pixel_format(chosen), probe.picture
    if source.alpha and not (written and written.alpha):
        left.append(f"transparency: {encoder.name} has none; ffv1 keeps it")
    if picture.hdr is not None and encoder.name not in ("x264", "x265", "av1"):
        left.append(f"HDR metadata of the screen: {encoder.name} streams do not hold it")
    if picture.dynamic_hdr:
        left.append(f"{' and '.join(picture.dynamic_hdr)}: changes from frame to frame")
    if not source.is_rgb and written is not None and written.layout != source.layout:
        notes.append(f"{encoder.name} takes no {source.layout}: chroma becomes {written.layout}")
    if written is not None and written.bits < source.bits:
        notes.append(f"{encoder.name} takes {written.bits} bits of the film's {source.bits}; ffv1 keeps all")
    if not container.any_time_base and picture.frame_rate and picture.frame_rate > 500:
        notes.append(f"{container.name} tells times in milliseconds, and frames come faster than that")
    return left, notes


def _why_not(kind: str, container: Container) -> str:
    if kind == "data":
        return "data streams have no place in a file of another picture"
    other = "" if container is MATROSKA else f"; {MATROSKA.name} may hold it"
    return f"{container.name} does not hold it{other}"


def segment_frames(frame_rate: Fraction | None, *, slow: bool) -> int:
    """Frames that are encoded together, and may be lost when the run is killed.

    Args:
        frame_rate: Of the source.
        slow: Whether a frame takes a network long: then a fifth of the time.
    """
    rate = frame_rate or Fraction(25)
    frames = max(250, ceil(10 * rate))
    return max(25, frames // 5) if slow else frames
