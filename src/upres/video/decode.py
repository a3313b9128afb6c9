"""Who decodes the picture: libavcodec's own decoders, but for transparency, which theirs of VP8 and VP9 leave out."""

from av.codec.codec import UnknownCodecError
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

ALPHA_TAG = "alpha_mode"
"""Of a stream that carries transparency beside its pictures, as Matroska and WebM write it."""
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def decoder_of(stream: VideoStream) -> VideoCodecContext:
    """The decoder that gives all that the stream holds; the stream's own where that is one."""
    own = stream.codec_context
    library = _WITH_ALPHA.get(own.codec.canonical_name)
    told = {name.lower(): text for name, text in stream.metadata.items()}
    if library is None or told.get(ALPHA_TAG) != "1":
        return own
    try:
        decoder = CodecContext.create(library, "r")
    except UnknownCodecError:  # a libavcodec without libvpx
        return own
    assert isinstance(decoder, VideoCodecContext)
    decoder.color_primaries, decoder.color_trc = own.color_primaries, own.color_trc
    decoder.colorspace, decoder.color_range = own.colorspace, own.color_range
    return decoder
