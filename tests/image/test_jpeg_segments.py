"""What lies in a JPEG beside its pixels is kept, or said to be lost; nothing goes on claiming what is gone."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from upres.image.codecs.jpeg_segments import extended_segments, segment, walked
from upres.image.io import Frame, Metadata, Picture, read, write

RDF = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s'
RDF += b"</rdf:RDF></x:xmpmeta>"


def described(content=b"", inside=b""):
    return RDF % (b'<rdf:Description rdf:about="" ' + content + b">" + inside + b"</rdf:Description>")


def jpeg(*segments, progressive=False, trailer=b""):
    """A picture whose scans hold stuffed bytes, with segments behind its first marker."""
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(noise).save(stream, "JPEG", quality=95, progressive=progressive)
    data = stream.getvalue()
    assert b"\xff\x00" in data
    return data[:2] + b"".join(segments) + data[2:] + trailer


def xmp_segment(packet):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def rewritten(picture, name="jpeg"):
    stream = io.BytesIO()
    report = write(picture, stream, format=name)
    return read(stream.getvalue()), report


@pytest.mark.parametrize("progressive", [False, True])
def test_the_end_of_the_picture_is_found(progressive):
    whole = jpeg(segment(0xFE, b"\xff\xd9 in a comment"), progressive=progressive)
    segments, end = walked(whole + b"\xff\xd9 behind it")
    assert end == len(whole)
    assert (0xFE, b"\xff\xd9 in a comment") in segments
    assert walked(whole[:-2])[1] == len(whole) - 2


@pytest.mark.parametrize("comment", [b"Z\xfcrich \xa9", "Zürich".encode(), b"\xff\xd8\x80", b"CREATOR: x\0"])
def test_comments_are_kept_to_the_byte(comment):
    source = read(jpeg(segment(0xFE, comment), segment(0xFE, b"second")))
    stream = io.BytesIO()
    assert write(source, stream, format="jpeg").lost == ()
    assert [content for kind, content in walked(stream.getvalue())[0] if kind == 0xFE] == [comment, b"second"]
    stream = io.BytesIO()
    write(source, stream, format="gif")
    assert bytes([len(comment)]) + comment in stream.getvalue()


def test_a_latin_1_comment_is_readable_text_in_a_png():
    got, report = rewritten(read(jpeg(segment(0xFE, b"Z\xfcrich \xa9 M\xfcller\0"))), "png")
    assert report.lost == ()
    assert got.metadata.text == (("Comment", "Zürich © Müller"),)


def test_a_comment_that_is_too_long_is_reported():
    picture = Picture(
        frames=(Frame(pixels=np.zeros((4, 4), np.uint8)),), metadata=Metadata(text=(("Comment", "a" * 70000),))
    )
    assert rewritten(picture)[1].lost == ("comments over 64 kB",)


def extended_pair(length):
    extended = described(
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"', b"<dc:description>long </dc:description>" * length
    )
    digest = hashlib.md5(extended).hexdigest().upper().encode()
    first = described(b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="' + digest + b'"')
    return first, extended


def test_extended_xmp_is_kept():
    first, extended = extended_pair(4000)
    assert len(extended) > 2 * 65535
    source = read(jpeg(xmp_segment(first), extended_segments(extended)))
    assert source.metadata.xmp_extended == extended
    got, report = rewritten(source)
    assert report.lost == report.warnings == ()
    assert got.metadata.xmp_extended == extended
    assert got.metadata.xmp == first


@pytest.mark.parametrize("name", ["png", "webp", "avif", "tiff"])
def test_extended_xmp_becomes_part_of_the_packet_elsewhere(name):
    first, extended = extended_pair(3)
    got, report = rewritten(read(jpeg(xmp_segment(first), extended_segments(extended))), name)
    assert report.lost == ()
    assert got.metadata.xmp.count(b"<dc:description>long </dc:description>") == 3
    assert b"HasExtendedXMP" not in got.metadata.xmp


def test_extended_xmp_that_is_damaged_or_cannot_be_joined_is_named():
    first, extended = extended_pair(3)
    for parts in (b"", extended_segments(extended)[:-9] + b"xxxxxxxxx"):
        source = read(jpeg(xmp_segment(first), parts))
        got, report = rewritten(source)
        assert report.warnings == ("the extended XMP is damaged or missing and was left out",)
        assert b"HasExtendedXMP" not in got.metadata.xmp
    foreign = extended.replace(b"<rdf:RDF ", b'<rdf:RDF xmlns:e="e" ')
    digest = hashlib.md5(foreign).hexdigest().upper().encode()
    first = described(b'xmpNote:HasExtendedXMP="' + digest + b'"')
    got, report = rewritten(read(jpeg(xmp_segment(first), extended_segments(foreign))), "png")
    assert report.lost == ("extended XMP",)
    assert b"HasExtendedXMP" not in got.metadata.xmp


MOTION = described(
    b'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"',
    b'<Container:Directory><rdf:Seq><rdf:li Item:Semantic="MotionPhoto"/></rdf:Seq></Container:Directory>',
)
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256))


@pytest.mark.parametrize("lead", [b"", b"padding "])
def test_the_video_of_a_motion_photo_is_named_and_no_longer_claimed(lead):
    source = read(jpeg(xmp_segment(MOTION), trailer=lead + VIDEO))
    assert source.notes == ("the video of a motion photo was left out",)
    got, report = rewritten(source)
    assert report.warnings == source.notes
    assert b"MotionPhoto" not in got.metadata.xmp
    assert b"Container" not in got.metadata.xmp
    assert got.notes == ()


def test_a_gain_map_is_named_and_no_longer_claimed():
    claim = described(
        b'hdrgm:Version="1.0"',
        b'<Container:Directory><rdf:Seq><rdf:li Item:Semantic="GainMap"/></rdf:Seq></Container:Directory>',
    )
    source = read(jpeg(xmp_segment(claim), trailer=jpeg()))
    assert source.notes == (
        "the gain map, by which bright screens show more, was left out",
        "further pictures in the file (preview, gain map or depth) were left out",
    )
    got, _ = rewritten(source)
    assert b"hdrgm" not in got.metadata.xmp
    assert b"GainMap" not in got.metadata.xmp


def test_other_data_behind_the_picture_is_named():
    assert read(jpeg(trailer=b"SEFH and more")).notes == ("13 bytes behind the picture were left out",)
    assert read(jpeg(trailer=bytes(100))).notes == ()


def test_segments_that_nobody_hands_on_are_named():
    got = read(jpeg(segment(0xEB, b"JP\0\1credentials"), segment(0xE4, b"vendor"), segment(0xE4, b"vendor 2")))
    assert got.notes == ("APP11 (content credentials or another JUMBF box) and APP4 of the file could not be kept",)
    assert read(jpeg()).notes == ()


def test_photoshop_resources_are_kept():
    resources = b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03abc"
    got, report = rewritten(read(jpeg(segment(0xED, b"Photoshop 3.0\0" + resources))))
    assert got.metadata.iptc == resources
    assert report.lost == report.warnings == ()
