"""XMP packets: asked and patched as text, so that what nobody here knows stays as it is.

Reference: Adobe XMP specification parts 1 to 3; Google's Photo Sphere (GPano), Motion Photo and Ultra HDR formats;
Metadata Working Group guidelines 2.0, section 5.9 (regions).
"""

import hashlib
import re

_ORIENTATION = rb"""(tiff:Orientation(?:\s*=\s*["']|>))\s*([1-8])"""
_SIZE = rb"""((?:tiff:Image|exif:Pixel)(Width|Length|XDimension|YDimension)(?:\s*=\s*["']|>))\s*\d+"""
_PANORAMA = rb"""(GPano:(%s)(?:\s*=\s*["']|>))\s*(\d+(?:\.\d+)?)"""
_WIDTHS = (
    b"CroppedAreaImageWidthPixels|FullPanoWidthPixels|CroppedAreaLeftPixels|LargestValidInteriorRect(?:Left|Width)"
)
_HEIGHTS = (
    b"CroppedAreaImageHeightPixels|FullPanoHeightPixels|CroppedAreaTopPixels|LargestValidInteriorRect(?:Top|Height)"
)
_REGIONS = rb"<mwg-rs:AppliedToDimensions\b.*?(?:/>|</mwg-rs:AppliedToDimensions>)"
_EXTENDED = rb"""(xmpNote:HasExtendedXMP(?:\s*=\s*["']|>)\s*)([0-9A-Fa-f]{32})"""

# What a packet says of pictures or a video behind the picture it lies in.
_CLAIMED_NAMES = rb"(?:GCamera|Camera):(?:MotionPhoto|MicroVideo)\w*|hdrgm:\w+"
_CLAIMED_TREES = (rb"(?:Container|GContainer):Directory", rb"hdrgm:\w+")


def orientation(packet: bytes) -> int | None:
    """The orientation that a packet gives, 1 to 8."""
    found = re.search(_ORIENTATION, packet)
    return int(found[2]) if found else None


def upright(packet: bytes) -> bytes:
    """The packet with its orientation set to 1."""
    return re.sub(_ORIENTATION, rb"\g<1>1", packet)


def sized(packet: bytes, width: int, height: int) -> bytes:
    """The packet with the properties that repeat the picture's size set, and those of a panorama scaled with it."""

    def size(found: re.Match[bytes]) -> bytes:
        value = width if found[2] in (b"Width", b"XDimension") else height
        return found[1] + str(value).encode()

    packet = re.sub(_SIZE, size, packet)
    packet = re.sub(_REGIONS, lambda found: _region(found[0], width, height), packet, flags=re.DOTALL)
    return _panorama(_panorama(packet, _WIDTHS, width), _HEIGHTS, height)


def without_claims(packet: bytes) -> bytes:
    """The packet without what it says of a video, a gain map or other pictures behind the picture."""
    for name in _CLAIMED_TREES:
        packet = re.sub(rb"<(%s)\b(?:[^>]*/>|.*?</\1\s*>)" % name, b"", packet, flags=re.DOTALL)
    packet = re.sub(rb"<(%s)>[^<]*</\1>" % _CLAIMED_NAMES, b"", packet)
    return re.sub(rb"""\s(?:%s)\s*=\s*(?:"[^"]*"|'[^']*')""" % _CLAIMED_NAMES, b"", packet)


def extension_digest(packet: bytes) -> bytes | None:
    """The digest, in upper case, of the extended packet that belongs to this one."""
    found = re.search(_EXTENDED, packet)
    return found[2].upper() if found else None


def with_extension(packet: bytes, extended: bytes | None) -> bytes:
    """The packet naming the extended one by its digest, or none where there is none."""
    if extended is not None:
        digest = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper().encode()
        return re.sub(_EXTENDED, lambda found: found[1] + digest, packet)
    packet = re.sub(rb"<xmpNote:HasExtendedXMP>[^<]*</xmpNote:HasExtendedXMP>", b"", packet)
    return re.sub(rb"""\sxmpNote:HasExtendedXMP\s*=\s*(?:"[^"]*"|'[^']*')""", b"", packet)


def merged(packet: bytes, extended: bytes) -> bytes | None:
    """Both packets in one, for formats without a limit; ``None`` where they cannot be joined as text."""
    inside = re.search(rb"<rdf:RDF\b([^>]*)>(.*)</rdf:RDF>", extended, re.DOTALL)
    end = packet.rfind(b"</rdf:RDF>")
    if inside is None or end < 0 or set(re.findall(rb"xmlns:(\w+)", inside[1])) - {b"rdf"}:
        return None
    return with_extension(packet[:end] + inside[2] + packet[end:], None)


def _region(element: bytes, width: int, height: int) -> bytes:
    if b"pixel" not in element:
        return element

    def size(found: re.Match[bytes]) -> bytes:
        return found[1] + str(width if found[2] == b"w" else height).encode()

    return re.sub(rb"""(stDim:([wh])(?:\s*=\s*["']|>))\s*[\d.]+""", size, element)


def _panorama(packet: bytes, names: bytes, side: int) -> bytes:
    """The lengths along one side of a panorama, scaled as that side is: from what the packet says to what it is."""
    pattern = _PANORAMA % names
    lengths = {found[2]: float(found[3]) for found in re.finditer(pattern, packet)}
    before = next((length for name, length in lengths.items() if name.startswith(b"CroppedAreaImage")), 0.0)
    before = before or next((length for name, length in lengths.items() if name.startswith(b"FullPano")), 0.0)
    if not before:
        return packet
    return re.sub(pattern, lambda found: found[1] + str(round(float(found[3]) * side / before)).encode(), packet)
