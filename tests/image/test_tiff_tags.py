"""Tags of TIFF pages: kept, scaled with the picture, or named."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from upres.image.codecs.tiff_tags import captions_of
from upres.image.io import Frame, Picture, read, write

CAPTIONS = b"\x1c\x02\x19\0\x04key1\x1c\x02\x78\0\x09A caption"
POINT = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 2)
AREA = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 1)


def stored(*pages, byteorder="<"):
    """A TIFF of pages, each an array with options of tifffile."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=byteorder) as writer:
        for array, options in pages:
            kind = "rgb" if array.ndim == 3 else "minisblack"
            writer.write(array, photometric=kind, metadata=None, software=False, **options)
    return stream.getvalue()


def enlarged(picture, down=2, across=2):
    """The picture with its pixels repeated, as something that makes it larger would hand it on."""

    def grown(frame):
        fields = {"duration_ms": frame.duration_ms, "page": frame.page}
        return Frame(pixels=frame.pixels.repeat(down, 0).repeat(across, 1), **fields)

    return picture.map(grown)


def rewritten(data, **scale):
    stream = io.BytesIO()
    report = write(enlarged(read(data), **scale), stream, format="tiff")
    stream.seek(0)
    return [{tag.code: tag.value for tag in page.tags} for page in tifffile.TiffFile(stream).pages], report


def geo(*tags):
    return {"extratags": [(code, kind, len(value), value, True) for code, kind, value in tags]}


@pytest.mark.parametrize("byteorder", "<>")
def test_places_on_the_earth_follow_the_size(rgb, byteorder):
    tags = geo(
        (33550, 12, (10.0, 20.0, 0.0)),
        (33922, 12, (30.0, 20.0, 0.0, 500000.0, 4e6, 0.0, 0.0, 0.0, 0.0, 499700.0, 4000400.0, 0.0)),
        (34735, 3, AREA),
        (34737, 2, b"WGS 84|\0"),
        (42112, 2, b"<GDALMetadata/>\0"),
        (42113, 2, b"-99\0"),
    )
    (page,), report = rewritten(stored((rgb, tags), byteorder=byteorder), down=4, across=2)
    assert report.lost == report.warnings == ()
    assert page[33550] == (5.0, 5.0, 0.0)
    assert page[33922] == (60.0, 80.0, 0.0, 500000.0, 4e6, 0.0, 0.0, 0.0, 0.0, 499700.0, 4000400.0, 0.0)
    assert page[34735] == AREA
    assert (page[34737], page[42112], page[42113]) == ("WGS 84|", "<GDALMetadata/>", "-99")


def test_places_of_pixels_centres_stay_where_they_are(rgb):
    tags = geo((33922, 12, (10.0, 4.0, 0.0, 7.0, 8.0, 0.0)), (34735, 3, POINT))
    (page,), _ = rewritten(stored((rgb, tags)))
    assert page[33922][:2] == (20.5, 8.5)


@pytest.mark.parametrize(("keys", "half"), [(AREA, 0.0), (POINT, 0.5)])
def test_a_transformation_gives_the_same_place_on_the_earth(rgb, keys, half):
    matrix = np.array([[3.0, 0.5, 0, 100], [0.25, -2.0, 0, 900], [0, 0, 0, 0], [0, 0, 0, 1]])
    (page,), _ = rewritten(stored((rgb, geo((34264, 12, tuple(matrix.ravel())), (34735, 3, keys)))), down=3, across=2)
    made = np.array(page[34264]).reshape(4, 4)
    before = np.array([10.0, 7.0, 0, 1])
    after = np.array([(10.0 + half) * 2 - half, (7.0 + half) * 3 - half, 0, 1])
    assert made @ after == pytest.approx(matrix @ before)


def test_georeference_is_named_where_it_cannot_go(rgb):
    data = stored((rgb, geo((33550, 12, (10.0, 20.0, 0.0)))))
    assert write(read(data), io.BytesIO(), format="jpeg").lost == ("georeference (GeoTIFF)",)
    turned = stored((rgb, geo((33550, 12, (10.0, 20.0, 0.0)), (274, 3, (6,)))))
    assert read(turned).notes == ("the georeference was left out, as the picture is turned",)
    assert 33550 not in rewritten(turned)[0][0]


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("kind", [1, 4, 7])
def test_iptc_captions_are_kept_and_go_into_jpeg(rgb, kind, byteorder):
    padded = CAPTIONS.ljust(-(-len(CAPTIONS) // 4) * 4, b"\0")
    value = struct.unpack(f"{byteorder}{len(padded) // 4}I", padded) if kind == 4 else padded
    data = stored((rgb, geo((33723, kind, value))), byteorder=byteorder)
    (page,), report = rewritten(data)
    assert report.lost == report.warnings == ()
    assert bytes(page[33723]) == padded
    assert captions_of(bytes(page[34377])) == padded
    stream = io.BytesIO()
    assert write(read(data), stream, format="jpeg").lost == ()
    with Image.open(stream) as image:
        assert image.info["photoshop"][0x0404] == padded
    assert captions_of(read(stream.getvalue()).metadata.iptc) == padded
    assert write(read(data), io.BytesIO(), format="png").lost == ("IPTC captions",)


def test_captions_among_other_resources():
    named = b"8BIM\x03\xed\x03abc\0\0\0\x01x\0"
    assert captions_of(named + b"8BIM\x04\x04\0\0\0\0\0\x03abc\0") == b"abc"
    assert captions_of(named) is None
    assert captions_of(b"8BIM\x04\x04\0\0\0\0") is None
    assert captions_of(b"junk") is None


def test_pages_keep_their_names_and_resolutions(rgb):
    data = stored(
        (rgb, {"resolution": (300, 300), "resolutionunit": 2, "description": "one", **geo((285, 2, b"cover\0"))}),
        (
            rgb[..., 0].copy(),
            {
                "resolution": (59.06, 118.1),
                "resolutionunit": 3,
                "description": "Zo\xeb".encode("latin-1"),
                **geo((285, 2, b"2\0")),
            },
        ),
        (rgb[:9].copy(), {}),
    )
    pages, report = rewritten(data)
    assert report.lost == report.warnings == ()
    assert [page.get(285) for page in pages] == ["cover", "2", None]
    assert [page.get(270) for page in pages] == ["one", "Zoë", None]
    dpi = [(page[282][0] / page[282][1], page[283][0] / page[283][1], page[296]) for page in pages]
    assert dpi[0] == (300, 300, 2)
    assert dpi[1] == (pytest.approx(150, abs=0.1), pytest.approx(300, abs=0.1), 2)
    assert dpi[2][2] == 1, "no resolution"


def test_a_page_that_lies_on_its_side_has_its_resolution_turned(rgb):
    on_its_side = {"resolution": (200, 100), "resolutionunit": 2, **geo((274, 3, (6,)))}
    pages, _ = rewritten(stored((rgb, {}), (rgb, on_its_side)))
    assert (pages[1][282], pages[1][283]) == ((100, 1), (200, 1))


def test_a_resolution_that_no_page_has_is_named(rgb):
    pages, report = rewritten(stored((rgb, {}), (rgb, {"resolution": (10**7, 10**7), "resolutionunit": 2})))
    assert report.lost == ("resolution of page 2 (it is none that a picture has)",)
    assert pages[1][296] == 1


OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="P:0" Type="%s" SignificantBits="12" SizeX="60" SizeY="40" SizeC="1" SizeZ="1" SizeT="1" '
    'PhysicalSizeX="0.5" PhysicalSizeY="2.5e-1" PhysicalSizeXUnit="um"/></Image></OME>'
)


def test_a_microscopes_description_follows_the_size(rgb):
    floats = (rgb[..., 0] / 255).astype(np.float32)
    (page,), report = rewritten(stored((floats, {"description": OME % "float"})), down=2, across=4)
    assert report.lost == report.warnings == ()
    expected = (OME % "uint16").replace('SizeX="60"', 'SizeX="240"').replace('SizeY="40"', 'SizeY="80"')
    expected = expected.replace('"12"', '"16"').replace('"0.5"', '"0.125"').replace('"2.5e-1"', '"0.125"')
    assert page[270] == expected


def test_a_microscopes_description_is_named_where_it_cannot_go(rgb):
    picture = read(stored((rgb, {"description": OME % "uint8"})))
    stream = io.BytesIO()
    assert write(picture, stream, format="jpeg").lost == ("OME-XML",)
    assert b"OME" not in stream.getvalue()


def test_tags_that_nobody_hands_on_are_named(rgb):
    tags = geo((65000, 3, (1, 2)), (37724, 7, b"Adobe Photoshop Document Data Block\0"), (305, 2, b"a program\0"))
    assert read(stored((rgb, tags))).notes == ("TIFF tags left out: ImageSourceData (37724), 65000 (65000)",)
    many = geo(*((65000 + place, 3, (1,)) for place in range(9)))
    assert read(stored((rgb, many))).notes[0].endswith("65005 (65005) and 3 more")
    assert read(stored((rgb, {}))).notes == ()


def test_frames_of_no_document_have_the_resolution_of_the_picture(rgb, tmp_path):
    frames = (Frame(pixels=rgb), Frame(pixels=rgb))
    write(Picture(frames=frames), tmp_path / "a.tif")
    assert all(frame.page is not None for frame in read(tmp_path / "a.tif").frames)
