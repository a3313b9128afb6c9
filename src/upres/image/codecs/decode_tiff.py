"""TIFF by tifffile: any depth, any number of pages.

8-bit YCbCr and old JPEG pages go by way of Pillow's libtiff, which undoes their subsampling. LZW pages go by way of
imagecodecs' libtiff: its decoder of bare LZW (2026.3.6), which tifffile would call, ends the process on a first code
that is not in the table yet.
"""

import logging
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import WITHOUT_LENGTH, Budget, Cost
from upres.image.codecs import decode_pillow, tiff_checks, tiff_tags
from upres.image.codecs.decode_pillow import cmyk_to_rgb, turned
from upres.image.codecs.exif_of_tiff import exif_of_tiff
from upres.image.codecs.tiff_samples import bits_of, from_palette, to_samples, unmultiplied
from upres.image.metadata import Collected, collect
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, srgb_profile, to_srgb

# tifffile's complaints about tags would reach the terminal; what matters is checked here and raised.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_GREY_INVERTED, _GREY, _RGB, _PALETTE, _SEPARATED, _YCBCR, _CIELAB, _ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
_MODES = {_PALETTE: "palette", _RGB: "rgb", _YCBCR: "rgb", _SEPARATED: "cmyk", _CIELAB: "lab", _ICCLAB: "lab"}
_CHANNELS = {_RGB: 3, _SEPARATED: 4, _CIELAB: 3, _ICCLAB: 3}
_LZW, _OLD_JPEG, _JPEG = 5, 6, 7
_LOSSY = frozenset({_OLD_JPEG, 7, 33003, 33004, 33005, 34712, 34933, 34934, 50001, 52546})
_FAX = frozenset({2, 3, 4})
_REDUCED, _MASK = 1, 4
_ASSOCIATED, _UNASSOCIATED = 1, 2
_TAG_XMP, _TAG_IPTC, _TAG_ORIENTATION, _TAG_UNIT = 700, 34377, 274, 296
_TAG_PHOTOMETRIC = 262
_UNITS = {2: 1.0, 3: 2.54}


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a TIFF file; every page of full size becomes a frame."""
    import tifffile

    tiff_checks.check_directories(stream)
    with tifffile.TiffFile(stream) as tiff:
        tiff_checks.check_chain(tiff)
        every: list[Any] = list(tiff.pages)
        pages = [(index, page) for index, page in enumerate(every) if not page.subfiletype & (_REDUCED | _MASK)]
        notes = []
        if len(pages) < len(every):
            notes.append(f"{len(every) - len(pages)} reduced pictures or masks in the file were left out")
        tiff_checks.check_pages(every, pages)
        pages = pages[:1] if only_first else pages
        for _, page in pages:
            tiff_checks.check_sizes(page)
            budget.spend(page.imagewidth, page.imagelength, cost=_cost(page))
        first = pages[0][1]
        mode = _mode(first)
        collected = _collect(first, stream, mode)
        reader = _PageReader(stream, collected, notes)
        frames = tuple(
            tiff_tags.with_page(reader.frame(page, index), page, _dpi(page), first=page is first)
            for index, page in pages
        )
        notes += tiff_tags.left_out([page for _, page in pages])
        if any(page.iccprofile != first.iccprofile for _, page in pages):
            notes.append("its pages have different colour profiles; all are taken to have the first page's")
        source = Source(
            format="tiff",
            mode=mode if all(_mode(page) == mode for _, page in pages) else decode_pillow.SPACES[mode],
            bits=bits_of(first),
            lossless=int(first.compression) not in _LOSSY,
            fax=int(first.compression) in _FAX,
        )
    metadata = collected.metadata
    if mode in ("cmyk", "lab"):
        metadata = replace(metadata, icc=srgb_profile())
    return Picture(frames=frames, metadata=metadata, source=source, notes=(*collected.notes, *dict.fromkeys(notes)))


class _PageReader:
    def __init__(self, stream: BinaryIO, collected: Collected, notes: list[str]) -> None:
        self._stream = stream
        self._collected = collected
        self._notes = notes
        self._content: bytes | None = None

    def frame(self, page: Any, index: int) -> Frame:
        """One page, upright."""
        if page.compression == _OLD_JPEG:
            return self._by_pillow(index)
        tiff_checks.check_data(page, self._stream)
        if page.compression == _JPEG:
            tiff_checks.check_jpegs(page)
        if page.photometric == _YCBCR:
            return self._by_pillow(index)
        stored = self._by_libtiff(page, index) if page.compression == _LZW else page.asarray()
        color, alpha = self._channels(page, to_samples(page, stored))
        if page.photometric in (_SEPARATED, _CIELAB, _ICCLAB):
            color = self._to_srgb(color, "cmyk" if page.photometric == _SEPARATED else "lab")
        elif color.shape[2] == 1:
            color = color[..., 0]
        return turned(Frame(pixels=np.ascontiguousarray(color), alpha=alpha), self._orientation(page))

    def _orientation(self, page: Any) -> int:
        return int(_tag(page, _TAG_ORIENTATION) or self._collected.orientation)

    def _by_pillow(self, index: int) -> Frame:
        position = self._stream.tell()
        self._stream.seek(0)
        with decode_pillow.opened(self._stream, "tiff") as image:
            image.seek(index)
            image.load()  # Pillow itself turns TIFF pages upright
            pixels, alpha = decode_pillow.split(image)
        self._stream.seek(position)
        return Frame(pixels=pixels, alpha=alpha)

    def _by_libtiff(self, page: Any, index: int) -> Pixels:
        """A page's samples as they lie in the file, as ``page.asarray()`` gives them."""
        import imagecodecs

        if self._content is None:
            position = self._stream.tell()
            self._stream.seek(0)
            self._content = self._stream.read()
            self._stream.seek(position)
        content = self._content
        if page.photometric in (_SEPARATED, _CIELAB, _ICCLAB):
            # It would make RGB of inks; nothing but this tag tells it that they are.
            place, order = page.tags[_TAG_PHOTOMETRIC].valueoffset, page.parent.byteorder
            grey = _GREY.to_bytes(2, "little" if order == "<" else "big")
            content = b"".join((content[:place], grey, content[place + 2 :]))
        array: Pixels = imagecodecs.tiff_decode(content, index=index)
        if array.shape != page.shape or array.dtype.itemsize != page.dtype.itemsize:
            raise ImageReadError(f"damaged TIFF file (its pixels are {array.shape}, expected {page.shape})")
        return array.view(page.dtype.newbyteorder("="))

    def _channels(self, page: Any, samples: Pixels) -> tuple[Pixels, Pixels | None]:
        """Colour ``(H, W, C)`` and alpha of a page."""
        count = _CHANNELS.get(int(page.photometric), 1)
        if samples.shape[2] < count:
            raise ImageReadError(f"damaged TIFF file ({samples.shape[2]} samples a pixel instead of {count})")
        color = samples[..., :count]
        if page.photometric == _PALETTE:
            color = from_palette(page, samples[..., 0])
        elif page.photometric == _GREY_INVERTED:
            color = np.iinfo(samples.dtype).max - color
        kinds = [int(kind) for kind in page.extrasamples]
        kind = next((kind for kind in kinds if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
        if samples.shape[2] > count + (kind is not None):
            self._notes.append("channels that are neither colour nor alpha were left out")
        if kind is None:
            return color, None
        alpha = np.ascontiguousarray(samples[..., count + kinds.index(kind)])
        return (unmultiplied(color, alpha) if kind == _ASSOCIATED else color), alpha

    def _to_srgb(self, color: Pixels, space: Space) -> Pixels:
        icc = self._collected.metadata.icc
        if space == "cmyk":
            pixels, note, _ = cmyk_to_rgb(color, icc)
        else:
            pixels, _ = to_srgb(color, "lab", icc)
            note = "CIE Lab was converted to sRGB"
        self._notes.append(note)
        return pixels


def _cost(page: Any) -> Cost:
    """What a page takes: its samples as stored, once more in another order or depth, and the colours made of them."""
    stored = page.samplesperpixel * -(-bits_of(page) // 8)
    return Cost(kept=min(stored, 8), working=2 * stored + 4, densest=WITHOUT_LENGTH)


def _mode(page: Any) -> str:
    if page.photometric in (_GREY, _GREY_INVERTED):
        return "1-bit" if page.bitspersample == 1 else "grey"
    mode = _MODES.get(int(page.photometric))
    if mode is None:
        name = getattr(page.photometric, "name", page.photometric)
        raise ImageReadError(f"its pixels are of a kind that upres does not read ({name})")
    return mode


def _collect(page: Any, stream: BinaryIO, mode: str) -> Collected:
    position = stream.tell()
    exif = exif_of_tiff(stream)
    stream.seek(position)
    collected = collect(
        space=decode_pillow.SPACES[mode],
        icc=page.iccprofile,
        exif=exif,
        xmp=_bytes(page, _TAG_XMP),
        iptc=tiff_tags.iptc_resources(page, _bytes(page, _TAG_IPTC)),
        dpi=_dpi(page),
    )
    # The tag of the page, where there is one, is what counts, whatever its XMP says.
    orientation = _tag(page, _TAG_ORIENTATION)
    return replace(collected, orientation=orientation if orientation in range(1, 9) else collected.orientation)


def _dpi(page: Any) -> tuple[float, float] | None:
    unit = _tag(page, _TAG_UNIT)  # tifffile's "none" counts as false
    factor = _UNITS.get(2 if unit is None else int(unit))
    values = [_tag(page, 282), _tag(page, 283)]
    if factor is None or not all(isinstance(value, tuple) and value[0] and value[1] for value in values):
        return None
    return values[0][0] / values[0][1] * factor, values[1][0] / values[1][1] * factor


def _tag(page: Any, code: int) -> Any:
    return page.tags.valueof(code)


def _bytes(page: Any, code: int) -> bytes | None:
    value = _tag(page, code)
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | tuple | np.ndarray) else None
