"""The containers that are written, in one table, and what each holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upres.errors import Hint, VideoError
from upres.video.probe import OtherStream


@dataclass(frozen=True, kw_only=True)
class Container:
    """One kind of file."""

    name: str
    muxer: str
    suffixes: tuple[str, ...]
    read_as: frozenset[str]
    """libavformat's names of the demuxers of such files."""
    video: frozenset[str]
    audio: frozenset[str] | None
    """Codecs; ``None``: any."""
    subtitle: frozenset[str]
    attachments: bool = False
    covers: bool = True
    any_time_base: bool = True
    """False where times are whole milliseconds."""

    def holds(self, stream: OtherStream) -> bool:
        """Whether the stream can be copied as it is."""
        match stream.kind:
            case "audio":
                return self.audio is None or stream.codec in self.audio
            case "subtitle":
                return stream.codec in self.subtitle
            case "video":
                return stream.codec in self.video
            case "cover":
                return self.covers
            case "attachment":
                return self.attachments
            case _:
                return False


_VIDEO = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mjpeg"})
_AUDIO = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac", "dts", "truehd"})
_PCM = frozenset(
    f"pcm_{kind}" for kind in ("s16le", "s16be", "s24le", "s24be", "s32le", "f32le", "u8", "alaw", "mulaw")
)

MATROSKA = Container(
    name="Matroska",
    muxer="matroska",
    suffixes=(".mkv", ".mka"),
    read_as=frozenset({"matroska"}),
    video=_VIDEO | {"ffv1", "prores", "vp8", "theora", "rawvideo", "huffyuv", "utvideo", "dvvideo", "vc1", "wmv3"},
    audio=None,
    subtitle=frozenset({"subrip", "ass", "ssa", "webvtt", "text", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}),
    attachments=True,
    any_time_base=False,
)
CONTAINERS: tuple[Container, ...] = (
    MATROSKA,
    Container(
        name="MP4",
        muxer="mp4",
        suffixes=(".mp4", ".m4v"),
        read_as=frozenset({"mp4", "m4a", "3gp", "3g2", "mj2"}),
        video=_VIDEO,
        audio=_AUDIO,
        subtitle=frozenset({"mov_text"}),
    ),
    Container(
        name="QuickTime",
        muxer="mov",
        suffixes=(".mov", ".qt"),
        read_as=frozenset({"mov"}),
        video=_VIDEO | {"prores"},
        audio=_AUDIO - {"opus", "flac", "truehd"} | _PCM,
        subtitle=frozenset({"mov_text"}),
    ),
    Container(
        name="WebM",
        muxer="webm",
        suffixes=(".webm",),
        read_as=frozenset({"webm"}),
        video=frozenset({"vp9", "av1", "vp8"}),
        audio=frozenset({"opus", "vorbis"}),
        subtitle=frozenset({"webvtt"}),
        covers=False,
        any_time_base=False,
    ),
)


def container_named(path: Path) -> Container:
    """The container that a file's suffix names.

    Raises:
        VideoError: If there is none of that suffix.
    """
    for each in CONTAINERS:
        if path.suffix.lower() in each.suffixes:
            return each
    known = ", ".join(each.suffixes[0] for each in CONTAINERS)
    raise VideoError(f"{path}: cannot write '{path.suffix}' videos; there are {known}", hint=Hint.OTHER_CONTAINER)


def container_for(source: Path, demuxer: str, codec: str, others: Sequence[OtherStream]) -> tuple[Container, str]:
    """The container where none is named, and why it is not the source's; no reason where it is.

    Args:
        source: The source.
        demuxer: libavformat's names of its container.
        codec: Of the result's picture.
        others: Streams that are to be copied.
    """
    names = set(demuxer.split(","))
    alike = [each for each in CONTAINERS if names & each.read_as]
    by_name = [each for each in alike if source.suffix.lower() in each.suffixes]
    own = next(iter(by_name or alike), None)
    if own is None:
        return MATROSKA, f"{demuxer.split(',')[0]} files are not written: the result is a Matroska file"
    if codec not in own.video:
        return MATROSKA, f"{own.name} does not hold {codec}: the result is a Matroska file"
    lost = [each.described for each in others if not own.holds(each) and MATROSKA.holds(each)]
    if lost:
        return MATROSKA, f"{own.name} does not hold {', '.join(lost)}: the result is a Matroska file"
    return own, ""
