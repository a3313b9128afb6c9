"""Small films for tests, made by PyAV: one function writes any of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, RATE = 48, 32, 25
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "10" * 64 + "ffc0000b080001000101011100ffc4001f0000010501"
    "0101010101000000000000000001020304050607080900ffc4001500010100000000000000000000000000000000ffda0008010100003f00"
    "bfffd9"
)


@dataclass(frozen=True, kw_only=True)
class Film:
    """What a small film holds."""

    name: str
    frames: int = 6
    size: tuple[int, int] = (HEIGHT, WIDTH)
    codec: str = "ffv1"
    pixel_format: str = "yuv420p"
    times: Sequence[int] | None = None
    """Presentation times in units of the time base; ``None``: even."""
    time_base: Fraction = Fraction(1, 100)
    sar: Fraction = Fraction(1)
    rotation: int = 0
    colors: tuple[int, int, int, int] = (2, 2, 2, 0)
    """Primaries, transfer, matrix, range."""
    options: dict[str, str] = field(default_factory=dict)
    audio: int = 0
    subtitles: Sequence[str] = ()
    """Codecs of subtitle streams."""
    chapters: int = 0
    attachments: int = 0
    cover: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    repeats: int = 1
    """How often each picture is shown."""
    interlaced: bool = False
    timecode: str | None = None
    muxer: str | None = None

    @property
    def step(self) -> int:
        """Duration of a frame."""
        return round(Fraction(1, RATE) / self.time_base)


def planes_of(film: Film, index: int) -> list[np.ndarray]:
    """The samples of a frame: gradients that move, some noise, the full depth of the format."""
    made = av.VideoFrame(film.size[1], film.size[0], film.pixel_format)
    random = np.random.default_rng(index // film.repeats)
    planes = []
    for number, plane in enumerate(made.planes):
        parts = [each for each in made.format.components if each.plane == number]
        bits = max((each.bits for each in parts), default=8)
        samples = 1 if bits < 8 else max(1, len(parts))
        rows, columns = np.mgrid[0 : plane.height, 0 : plane.width * samples]
        wave = 0.5 + 0.4 * np.sin((rows + 2 * columns + 5 * (index // film.repeats) + 20 * number) / 7)
        values = np.clip(wave + random.normal(0, 0.02, wave.shape), 0, 1) * (2**bits - 1)
        shift = 16 - bits if film.pixel_format.startswith("p0") else 0
        planes.append(values.astype(np.uint16 if bits > 8 else np.uint8) << shift)
    return planes


def frame_of(film: Film, index: int) -> av.VideoFrame:
    frame = av.VideoFrame(film.size[1], film.size[0], film.pixel_format)
    for plane, values in zip(frame.planes, planes_of(film, index), strict=True):
        view = np.frombuffer(memoryview(plane), values.dtype).reshape(plane.height, -1)
        view[:] = 0
        view[:, : values.shape[1]] = values
    return frame


def write_film(film: Film, folder: Path) -> Path:
    """Write the film into the folder; its path."""
    path = folder / film.name
    with av.open(str(path), "w", format=film.muxer) as container:
        container.metadata.update(film.tags)
        video = container.add_stream(film.codec, rate=RATE, options=dict(film.options))
        context = video.codec_context
        video.height, video.width = film.size
        video.pix_fmt = film.pixel_format
        if film.timecode is not None:
            video.metadata["timecode"] = film.timecode
        context.time_base = video.time_base = film.time_base
        context.sample_aspect_ratio = film.sar
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = film.colors
        if film.interlaced:
            context.flags |= av.codec.context.Flags.interlaced_dct
        if film.rotation:
            video.set_display_rotation(film.rotation)
        beside = _streams_beside(film, container)
        container.start_encoding()
        _write_beside(film, beside, container)
        for index in range(film.frames):
            frame = frame_of(film, index)
            frame.pts = (film.times or range(0, film.step * film.frames, film.step))[index]
            frame.time_base, frame.duration = film.time_base, film.step
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def _streams_beside(film: Film, container: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number in range(film.audio):
        sound = container.add_stream("aac" if film.name.endswith((".mp4", ".mov")) else "mp2", rate=48000)
        sound.metadata.update({"language": ["eng", "fra"][number], "title": f"sound {number}"})
        sound.disposition = av.stream.Disposition.default if number == 0 else av.stream.Disposition.comment
        found[f"audio {number}"] = sound
    for number, codec in enumerate(film.subtitles):
        text = container.add_mux_stream(codec)
        text.metadata["language"] = "deu"
        text.disposition = av.stream.Disposition.forced
        found[f"subtitle {number}"] = text
    for number in range(film.attachments):
        container.add_attachment(f"font{number}.ttf", "application/x-truetype-font", b"glyphs" * 9)
    if film.cover:
        if film.name.endswith(".mkv"):
            container.add_attachment("cover.jpg", "image/jpeg", JPEG)
        else:
            cover = container.add_mux_stream("mjpeg", width=1, height=1)
            cover.disposition = av.stream.Disposition.attached_pic
            found["cover"] = cover
    if film.chapters:
        container.set_chapters(
            [
                {
                    "id": number + 1,
                    "start": number * 100,
                    "end": number * 100 + 100,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": f"part {number}"},
                }
                for number in range(film.chapters)
            ]
        )
    return found


def _write_beside(film: Film, streams: dict[str, Any], container: Any) -> None:
    for name, stream in streams.items():
        if name.startswith("audio"):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((2, 1152), np.float32 if stream.codec_context.format.name == "fltp" else np.int16),
                format=stream.codec_context.format.name if stream.codec_context.format.is_planar else "s16p",
                layout="stereo",
            )
            frame.sample_rate = 48000
            for number in range(5):
                frame.pts, frame.time_base = number * 1152, Fraction(1, 48000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        elif name.startswith("subtitle"):
            packet = av.Packet(b"\x00\x02Hi" if film.subtitles[0] == "mov_text" else b"Hi")
            packet.stream, packet.pts, packet.dts, packet.duration = stream, 40, 40, 80
            packet.time_base = Fraction(1, 1000)
            container.mux_one(packet)
        else:
            packet = av.Packet(JPEG)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, film.time_base
            packet.is_keyframe = True
            container.mux_one(packet)
