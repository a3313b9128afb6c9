"""XMP packets patched as text."""

import hashlib

import pytest

from upres.image import xmp

HEAD = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="Zo\xc3\xab" '
)
TAIL = b"</rdf:Description></rdf:RDF></x:xmpmeta>"


def packet(attributes=b"", elements=b""):
    return HEAD + attributes + b">" + elements + TAIL


def test_a_panorama_is_scaled_with_its_picture():
    names = b'GPano:CroppedAreaImageWidthPixels="400" GPano:CroppedAreaImageHeightPixels="100" '
    names += b'GPano:FullPanoWidthPixels="500" GPano:FullPanoHeightPixels="250" GPano:InitialViewHeadingDegrees="180" '
    names += b"GPano:CroppedAreaLeftPixels='50' GPano:CroppedAreaTopPixels='75'"
    got = xmp.sized(packet(names), 1000, 300)
    for part in (
        b'CroppedAreaImageWidthPixels="1000"',
        b'CroppedAreaImageHeightPixels="300"',
        b'FullPanoWidthPixels="1250"',
        b'FullPanoHeightPixels="750"',
        b"CroppedAreaLeftPixels='125'",
        b"CroppedAreaTopPixels='225'",
        b'InitialViewHeadingDegrees="180"',
    ):
        assert part in got
    assert xmp.sized(got, 1000, 300) == got


def test_a_panorama_in_elements_and_one_without_a_crop():
    elements = b"<GPano:FullPanoWidthPixels>400</GPano:FullPanoWidthPixels>"
    elements += b"<GPano:FullPanoHeightPixels>200</GPano:FullPanoHeightPixels>"
    got = xmp.sized(packet(elements=elements), 800, 400)
    assert b"<GPano:FullPanoWidthPixels>800</GPano:FullPanoWidthPixels>" in got
    assert b"<GPano:FullPanoHeightPixels>400</GPano:FullPanoHeightPixels>" in got
    empty = packet(b'GPano:CroppedAreaImageWidthPixels="0"')
    assert xmp.sized(empty, 800, 400) == empty


def test_the_size_that_faces_were_marked_in():
    pixels = b'<mwg-rs:AppliedToDimensions stDim:w="96" stDim:h="72" stDim:unit="pixel"/>'
    got = xmp.sized(packet(elements=pixels + b'<xmpTPg:MaxPageSize stDim:w="96" stDim:unit="pixel"/>'), 192, 144)
    assert b'<mwg-rs:AppliedToDimensions stDim:w="192" stDim:h="144" stDim:unit="pixel"/>' in got
    assert b'<xmpTPg:MaxPageSize stDim:w="96"' in got
    resource = b'<mwg-rs:AppliedToDimensions rdf:parseType="Resource"><stDim:w>96</stDim:w><stDim:h>72</stDim:h>'
    resource += b"<stDim:unit>pixel</stDim:unit></mwg-rs:AppliedToDimensions>"
    got = xmp.sized(packet(elements=resource), 192, 144)
    assert b"<stDim:w>192</stDim:w><stDim:h>144</stDim:h>" in got


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        (b'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" ', b""),
        (b"GCamera:MicroVideo='1' GCamera:MicroVideoOffset='1234' ", b""),
        (b"", b"<GCamera:MotionPhoto>1</GCamera:MotionPhoto><Camera:MotionPhoto>1</Camera:MotionPhoto>"),
        (b'hdrgm:Version="1.0" ', b"<hdrgm:GainMapMax><rdf:Seq><rdf:li>2</rdf:li></rdf:Seq></hdrgm:GainMapMax>"),
        (b"", b'<Container:Directory><rdf:Seq><rdf:li Item:Length="5000"/></rdf:Seq></Container:Directory>'),
    ],
)
def test_claims_of_what_is_left_out_are_removed(attributes, elements):
    rest = b'xmp:Rating="4"', b"<dc:title>Container</dc:title>"
    got = xmp.without_claims(packet(attributes + rest[0], elements + rest[1]))
    assert got.replace(b" xmp", b"xmp") == packet(rest[0], rest[1]).replace(b" xmp", b"xmp")
    assert xmp.without_claims(got) == got


def test_extended_packets_are_named_joined_and_forgotten():
    extended = packet(b'xmp:Label="long"').replace(b'dc:creator="Zo\xc3\xab"', b"")
    first = packet(b'xmpNote:HasExtendedXMP="%s"' % (b"0" * 32))
    named = xmp.with_extension(first, extended)
    digest = hashlib.md5(extended).hexdigest().upper().encode()
    assert xmp.extension_digest(named) == digest
    joined = xmp.merged(named, extended)
    assert b"HasExtendedXMP" not in joined
    assert b'xmp:Label="long"' in joined
    assert joined.count(b"<rdf:Description") == joined.count(b"</rdf:Description>") == 2
    assert b"HasExtendedXMP" not in xmp.with_extension(named, None)
    in_element = packet(elements=b"<xmpNote:HasExtendedXMP>%s</xmpNote:HasExtendedXMP>" % digest)
    assert xmp.extension_digest(in_element) == digest
    assert xmp.with_extension(in_element, None) == packet()


def test_packets_that_cannot_be_joined():
    assert xmp.merged(packet(), b"no packet") is None
    foreign = packet().replace(b"<rdf:RDF ", b'<rdf:RDF xmlns:exif="http://ns.adobe.com/exif/1.0/" ')
    assert xmp.merged(packet(), foreign) is None
