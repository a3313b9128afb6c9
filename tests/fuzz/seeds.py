"""Small files of every format and kind, made here, for mutating."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

_RANDOM = np.random.default_rng(7)
_Y, _X = np.mgrid[:20, :28]
RGB = np.stack([_X * 9, _Y * 12, _X * _Y], -1).astype(np.uint8)
GREY = RGB[..., 0]
RGBA = np.dstack([RGB, (_X * 9).astype(np.uint8)])
DEEP = _RANDOM.integers(0, 65536, (20, 28, 3)).astype(np.uint16)
_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"


def seeds(form: str) -> list[bytes]:
    """Files of one format."""
    return list(_MAKERS[form]())


def _pillow(form: str, *, frames: int = 1, mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    images = [Image.fromarray(np.roll(RGBA, 3 * index, 1)).convert(mode) for index in range(frames)]
    stream = io.BytesIO()
    if frames > 1:
        options |= {"save_all": True, "append_images": images[1:], "duration": 50}
    images[0].save(stream, form, **options)
    return stream.getvalue()


def _written(form: str, *arrays: Any, **options: Any) -> bytes:
    from upres.image.io import Frame, Picture, write

    duration = 40.0 if len(arrays) > 1 and form != "tiff" else None
    frames = tuple(Frame(pixels=array, duration_ms=duration) for array in arrays)
    stream = io.BytesIO()
    write(Picture(frames=frames), stream, format=form, **options)
    return stream.getvalue()


def _png_by_hand(color: int, depth: int, row: bytes, height: int, width: int, *extra: tuple[bytes, bytes]) -> bytes:
    from upres.image.codecs.png_chunks import join

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * height)
    return join([(b"IHDR", header), *extra, (b"IDAT", pixels), (b"IEND", b"")])


def _png() -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield _pillow("PNG", mode=mode)
    yield _pillow("PNG", frames=3)
    yield _pillow("PNG", mode="RGBA", frames=3, disposal=1, blend=1)
    yield _pillow("PNG", exif=_EXIF, dpi=(300, 300), icc_profile=bytes(200))
    yield _written("png", DEEP)
    yield _written("png", DEEP, np.roll(DEEP, 4, 1))
    yield _png_by_hand(3, 4, bytes(range(4)), 6, 8, (b"PLTE", bytes(range(48))), (b"tRNS", b"\0\x80"))
    yield _png_by_hand(0, 2, bytes(2), 5, 8, (b"tRNS", b"\0\1"), (b"gAMA", struct.pack(">I", 50000)))
    yield _png_by_hand(2, 16, bytes(range(48)), 4, 8, (b"cICP", b"\x0c\x0d\0\1"), (b"tEXt", b"Title\0A title"))
    yield _png_by_hand(0, 8, bytes(8), 4, 8, (b"iTXt", b"K\0\1\0en\0K\0" + zlib.compress(b"text" * 30)))


def _jpeg() -> Iterator[bytes]:
    import imagecodecs

    for mode in ("L", "RGB", "CMYK"):
        for options in ({}, {"progressive": True}, {"restart_marker_blocks": 3}):
            yield _pillow("JPEG", mode=mode, quality=60, **options)
    yield _pillow("JPEG", subsampling=0, exif=_EXIF, dpi=(72, 72), comment=b"hello", xmp=b"<x:xmpmeta/>")
    yield bytes(imagecodecs.jpeg_encode(DEEP >> 4, level=80, bitspersample=12))


def _webp() -> Iterator[bytes]:
    for mode in ("RGB", "RGBA"):
        for options in ({"quality": 50}, {"lossless": True}):
            yield _pillow("WEBP", mode=mode, **options)
            yield _pillow("WEBP", mode=mode, frames=3, **options)
    yield _pillow("WEBP", exif=_EXIF, xmp=b"<x:xmpmeta/>", icc_profile=bytes(200))


def _avif() -> Iterator[bytes]:
    import imagecodecs

    for mode in ("L", "RGB", "RGBA"):
        yield _pillow("AVIF", mode=mode, quality=60, speed=9)
    yield _pillow("AVIF", frames=2, speed=9)
    yield _pillow("AVIF", exif=_EXIF, xmp=b"<x:xmpmeta/>", speed=9)
    yield bytes(imagecodecs.avif_encode(DEEP >> 6, level=60, bitspersample=10))


def _heif() -> Iterator[bytes]:
    yield _written("heif", RGB)
    yield _written("heif", GREY)
    yield _written("heif", DEEP)


def _gif() -> Iterator[bytes]:
    for mode in ("1", "L", "P", "RGBA"):
        yield _pillow("GIF", mode=mode)
    yield _pillow("GIF", frames=3, loop=0)
    yield _pillow("GIF", frames=3, mode="RGBA", disposal=2, comment=b"hello")
    yield _pillow("GIF", frames=2, interlace=1)


def _bmp() -> Iterator[bytes]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield _pillow("BMP", mode=mode)
    palette = b"".join(bytes((value, value, value, 0)) for value in range(256))
    runs = b"\x08\x05\0\0" * 3 + b"\0\3\1\2\3\0\x05\7\0\0\0\1"
    start = 54 + len(palette)
    header = struct.pack("<IIIiiHHIIiiII", start + len(runs), 0, start, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0)[:12]
    info = struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(runs), 0, 0, 256, 0)
    yield b"BM" + header + info + palette + runs


def _tiff() -> Iterator[bytes]:
    import tifffile

    def stored(array: Any, **options: Any) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, array, metadata=None, **options)
        return stream.getvalue()

    for compression in (None, "lzw", "adobe_deflate", "packbits", "zstd", "lzma", "jpeg", "webp", "jpeg2000", "lerc"):
        yield stored(RGB, photometric="rgb", compression=compression)
    for compression in (None, "lzw", "adobe_deflate"):
        yield stored(DEEP, photometric="rgb", compression=compression, byteorder=">", tile=(16, 16))
        yield stored(
            np.moveaxis(DEEP, 2, 0).copy(), photometric="rgb", planarconfig="separate", compression=compression
        )
        yield stored(DEEP, photometric="rgb", compression=compression, predictor=compression is not None, bigtiff=True)
    for compression in ("png", "jpegxl", "jpegxr"):
        yield stored(RGB, photometric="rgb", compression=compression)
    yield stored(RGBA, photometric="separated")
    yield stored(RGBA, photometric="rgb", extrasamples=["unassalpha"], compression="lzw", rowsperstrip=4)
    yield stored((GREY / 255).astype(np.float32), photometric="minisblack", compression="adobe_deflate", predictor=True)
    yield stored(DEEP, photometric="cielab")
    for mode, options in (("1", {"compression": "group4"}), ("1", {"compression": "group3"}), ("P", {}), ("L", {})):
        yield _pillow("TIFF", mode=mode, **options)
    yield _pillow("TIFF", compression="jpeg")
    yield _pillow("TIFF", compression="tiff_lzw", dpi=(300, 300))
    yield _pillow("TIFF", mode="YCbCr")
    yield _written("tiff", RGB, GREY, DEEP)


def _jxl() -> Iterator[bytes]:
    yield _written("jxl", RGB)
    yield _written("jxl", GREY, lossless=True)
    yield _written("jxl", DEEP, lossless=True)
    yield _written("jxl", RGB, np.roll(RGB, 4, 1))


def _ppm() -> Iterator[bytes]:
    for array in (RGB, GREY, DEEP):
        yield _written("ppm", array)
    yield b"P3 2 2 15 " + b"1 2 3 " * 4
    yield b"P1 3 2 1 0 1 0 1 0"


def _jp2() -> Iterator[bytes]:
    import imagecodecs

    for array in (RGB, GREY, RGBA, DEEP):
        for container in ("jp2", "j2k"):
            yield bytes(imagecodecs.jpeg2k_encode(array, codecformat=container, reversible=True))


def _dds() -> Iterator[bytes]:
    for mode in ("L", "RGB", "RGBA"):
        yield _pillow("DDS", mode=mode)
    for blocks in ("DXT1", "DXT5", "BC5"):
        yield _pillow("DDS", mode="RGB" if blocks == "BC5" else "RGBA", pixel_format=blocks)


def _psd() -> Iterator[bytes]:
    for array in (RGB, RGBA, DEEP):
        planes = np.moveaxis(array, 2, 0)
        data = planes.astype(planes.dtype.newbyteorder(">")).tobytes()
        head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, *planes.shape, 8 * planes.itemsize, 3)
        yield head + bytes(12) + b"\0\0" + data


def _tga() -> Iterator[bytes]:
    for mode in ("L", "RGB", "RGBA", "P"):
        for compression in (None, "tga_rle"):
            yield _pillow("TGA", mode=mode, compression=compression)


_MAKERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "avif": _avif,
    "gif": _gif,
    "bmp": _bmp,
    "tiff": _tiff,
    "jxl": _jxl,
    "ppm": _ppm,
    "tga": _tga,
    "jp2": _jp2,
    "dds": _dds,
    "psd": _psd,
} | ({"heif": _heif} if find_spec("pillow_heif") else {})
READERS = tuple(_MAKERS)
"""Formats that there are seeds for."""
