"""Pictures to TIFF: deflate with prediction, all pages, 8 and 16 bits; palettes, and 1 bit."""

import struct
from typing import Any, BinaryIO

import numpy as np

from upres.image.codecs.arrays import joined
from upres.image.codecs.codec import Encoding
from upres.image.codecs.encode_tiff_bits import write_pages
from upres.image.codecs.tiff_tags import captions_of, scaled
from upres.image.exif import ExifBlock
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.palette import Indexed, bilevel, has_palette, indexed, is_bilevel
from upres.image.picture import Frame, Metadata, Picture, Pixels
from upres.machine.cores import available_cores

_CLASSIC_LIMIT = 2**32 - 2**25
# Level 6 of libdeflate: photographs in 16 bits gain nothing above it.
_LEVEL = 6
_AHEAD = 2**23  # bytes of strips that are deflated at a time, on all cores
_XMP, _CAPTIONS, _RESOURCES = 700, 33723, 34377
_BYTE, _UNDEFINED = 1, 7


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:
    """Write a picture that fits the format; every frame becomes a page."""
    import tifffile

    metadata = picture.metadata
    size = sum(frame.pixels.nbytes + (0 if frame.alpha is None else frame.alpha.nbytes) for frame in picture.frames)
    big = size > _CLASSIC_LIMIT
    block = ExifBlock(metadata.exif) if metadata.exif else None
    order = block.order if block else "<"
    if encoding.colors == "keep" and is_bilevel(picture) and not big:
        fax = picture.source is not None and picture.source.fax
        write_pages(stream, [bilevel(frame) for frame in picture.frames], metadata, fax=fax, order=order)
    else:
        few = encoding.colors == "keep" and has_palette(picture, form)
        with tifffile.TiffWriter(stream, bigtiff=big, byteorder=order) as writer:
            for index, frame in enumerate(picture.frames):
                indices = indexed(frame) if few and frame.alpha is None else None
                _write_page(writer, frame, metadata, indices, encoding.threads, first=index == 0)
    if block and big:
        ledger.lost.append("EXIF (a TIFF over 4 GB has no place for it here)")
    elif block:
        _add_exif(stream, block)


def _write_page(
    writer: Any, frame: Frame, metadata: Metadata, few: Indexed | None, threads: int | None, *, first: bool
) -> None:
    pixels, page = joined(frame) if few is None else few.index, frame.page
    photometric = "palette" if few else "rgb" if frame.pixels.ndim == 3 else "minisblack"
    dpi = metadata.dpi if first or page is None else page.dpi
    tags = _tags_of_file(metadata) if first else []
    if page is not None:
        own = scaled(page, pixels.shape[0], pixels.shape[1], 8 * pixels.dtype.itemsize)
        tags += [(tag.code, tag.type, len(tag.value), tag.value, True) for tag in own]
    writer.write(
        pixels,
        photometric=photometric,
        colormap=None if few is None else _color_map(few),
        planarconfig="contig" if pixels.ndim == 3 else None,
        extrasamples=None if frame.alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        compressionargs={"level": _LEVEL},
        predictor=few is None,
        maxworkers=threads or available_cores(),
        buffersize=_AHEAD,
        iccprofile=metadata.icc,
        resolution=dpi,
        resolutionunit="inch" if dpi else None,
        extratags=tags,
        metadata=None,
        software=False,
    )


def _tags_of_file(metadata: Metadata) -> list[tuple[int, int, int, Any, bool]]:
    captions = captions_of(metadata.iptc) if metadata.iptc else None
    blocks = ((_XMP, _BYTE, metadata.xmp), (_CAPTIONS, _UNDEFINED, captions), (_RESOURCES, _BYTE, metadata.iptc))
    return [(code, kind, len(data), data, True) for code, kind, data in blocks if data]


def _color_map(few: Indexed) -> Pixels:
    """The palette as TIFF has it: 256 reds, greens and blues of 16 bits."""
    table = np.zeros((256, 3), np.uint16)
    table[: len(few.colors)] = few.colors * np.uint16(257)
    return table.T


def _add_exif(stream: BinaryIO, block: ExifBlock) -> None:
    """Append the block to a TIFF of the same byte order, and behind it the first directory anew, with its tags."""
    order = block.order
    end = stream.seek(0, 2)
    place = end + end % 2
    stream.write(bytes(place - end))
    moved = block.moved(place)
    stream.write(moved.data)
    stream.seek(4)
    (directory,) = struct.unpack(order + "I", stream.read(4))
    stream.seek(directory)
    (count,) = struct.unpack(order + "H", stream.read(2))
    entries = [stream.read(12) for _ in range(count)]
    following = stream.read(4)
    own = {entry[:2] for entry in entries}
    entries += [entry for entry in moved.entries if entry[:2] not in own]
    entries.sort(key=lambda entry: struct.unpack(order + "H", entry[:2]))
    new = stream.seek(0, 2)
    stream.write(bytes(new % 2))
    new += new % 2
    stream.write(struct.pack(order + "H", len(entries)) + b"".join(entries) + following)
    stream.seek(4)
    stream.write(struct.pack(order + "I", new))
    stream.seek(0, 2)
