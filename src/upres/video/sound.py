"""Sound that a container does not take as it is: decoded, and written as FLAC, which loses nothing more."""

from collections.abc import Sequence
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import InvalidDataError
from av.packet import Packet

_FORMAT = "s32"
"""FLAC keeps 24 bits of these, finer than any lossy sound is."""

_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
"""What files that tell a number alone mean."""


class FlacSound:
    """One stream of sound that becomes FLAC, for sources such as Windows Media Audio.

    Args:
        container: Gets the new stream.
        source: Read by whoever gives the packets.
    """

    def __init__(self, container: OutputContainer, source: AudioStream) -> None:
        context = source.codec_context
        layout = _LAYOUTS.get(context.layout.name, context.layout.name)
        self._source = context
        self.stream: Any = container.add_stream("flac", rate=context.sample_rate, layout=layout)
        self.stream.codec_context.format = _FORMAT
        self._resampler = AudioResampler(format=_FORMAT, layout=layout, rate=context.sample_rate)

    def packets(self, packet: "Packet[AudioStream]") -> list[Any]:
        """What the encoder gives after one more packet of the source; nothing of one that cannot be decoded."""
        try:
            return self._encoded(self._source.decode(packet))
        except InvalidDataError:
            return []

    def rest(self) -> list[Any]:
        """What decoder and encoder hold back."""
        found = [*self._encoded([*self._source.decode(None), None]), *self.stream.encode(None)]
        return [packet for packet in found if packet.size]  # the last one holds a checksum for a header that is written

    def _encoded(self, frames: Sequence[AudioFrame | None]) -> list[Any]:
        resampled = (each for frame in frames for each in self._resampler.resample(frame))
        return [packet for each in resampled for packet in self.stream.encode(each)]
