"""Sound that becomes FLAC, packet by packet."""

import io

import av
import numpy as np
import pytest

from upres.video.sound import FlacSound


def test_a_packet_that_cannot_be_decoded_is_passed_over():
    made = io.BytesIO()
    with av.open(made, "w", format="asf") as container:
        sound = container.add_stream("wmav2", rate=44100, layout="mono")
        sound.bit_rate = 64000
        for start in range(0, 8 * 2048, 2048):
            part = av.AudioFrame.from_ndarray(np.full((1, 2048), 0.1, np.float32), "fltp", "mono")
            part.sample_rate, part.pts = 44100, start
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    made.seek(0)
    with av.open(made) as container, av.open(io.BytesIO(), "w", format="matroska") as target:
        stream = container.streams.audio[0]
        flac, packets = FlacSound(target, stream), [each for each in container.demux(stream) if each.size]
        broken = av.Packet(b"\x00" * 3)
        with pytest.raises(av.InvalidDataError):
            stream.codec_context.decode(broken)
        found = [packet for each in (packets[0], broken, *packets[1:]) for packet in flac.packets(each)]
        assert len(found) + len(flac.rest()) >= 3
