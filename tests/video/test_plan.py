"""What becomes of a video is decided before its first frame, from facts alone."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from upres.errors import Hint, VideoError
from upres.pipeline.sizes import SizeRequest
from upres.video.hdr import StaticHDR
from upres.video.pixel_formats import pixel_format
from upres.video.plan import Wishes, guessed, plan_video, segment_frames
from upres.video.probe import Colors, OtherStream, PictureStream, Probe

TWICE = Wishes(request=SizeRequest(scale=2))
HDR = StaticHDR(
    primaries=tuple(
        (Fraction(x, 50000), Fraction(y, 50000))
        for x, y in [(34000, 16000), (13250, 34500), (7500, 3000), (15635, 16450)]
    ),
    luminance=(Fraction(1, 10000), Fraction(1000)),
    content_light=(1000, 400),
)


def film(path="film.mkv", container="matroska,webm", others=(), **picture):
    facts = {
        "index": 0,
        "codec": "h264",
        "width": 720,
        "height": 480,
        "pixel_format": "yuv420p",
        "time_base": Fraction(1, 1000),
        "frame_rate": Fraction(25),
        "frames": 100,
        "seconds": 4.0,
        "sample_aspect_ratio": Fraction(1),
        "display_matrix": None,
        "rotation": 0,
        "colors": Colors(primaries=1, transfer=1, matrix=1, range=1),
        "fields": None,
        "hdr": None,
        "dynamic_hdr": (),
    }
    return Probe(
        path=path,
        container=container,
        bytes=1,
        seconds=4.0,
        picture=PictureStream(**{**facts, **picture}),
        others=tuple(others),
        chapters=0,
        tags={},
    )


def stream(index, kind, codec):
    return OtherStream(index=index, kind=kind, codec=codec, language="eng")


@pytest.mark.parametrize(
    ("facts", "encoder", "written"),
    [
        ({"pixel_format": "yuv420p"}, "x264", "yuv420p"),
        ({"pixel_format": "yuvj420p"}, "x264", "yuv420p"),
        ({"pixel_format": "nv12"}, "x264", "yuv420p"),
        ({"pixel_format": "yuv422p"}, "x264", "yuv422p"),
        ({"pixel_format": "yuv444p"}, "x264", "yuv444p"),
        ({"pixel_format": "gray"}, "x264", "gray"),
        ({"pixel_format": "yuv420p10le"}, "x265", "yuv420p10le"),
        ({"pixel_format": "p010le"}, "x265", "yuv420p10le"),
        ({"pixel_format": "yuv422p10le"}, "x265", "yuv422p10le"),
        ({"pixel_format": "yuv444p12le"}, "x265", "yuv444p12le"),
        ({"pixel_format": "yuv420p", "colors": Colors(transfer=18, matrix=9)}, "x265", "yuv420p"),
        ({"pixel_format": "bgra"}, "x264", "yuv420p"),
    ],
)
def test_the_encoder_keeps_layout_and_depth(facts, encoder, written):
    plan = plan_video(film(**facts), TWICE)
    assert (plan.encoding.encoder.name, plan.encoding.pixel_format) == (encoder, written)


@pytest.mark.parametrize(("name", "facts", "encoder"), [
    ("a.webm", {}, "av1"),
    ("a.mov", {"pixel_format": "yuv422p10le"}, "x265"),
    ("a.mkv", {"pixel_format": "yuv444p16le"}, "ffv1"),
    ("a.mkv", {"pixel_format": "yuv444p12le"}, "x265"),
])  # fmt: skip
def test_a_codec_that_nobody_named_fits_film_and_container(name, facts, encoder):
    assert plan_video(film(**facts), TWICE, Path(name)).encoding.encoder.name == encoder


def test_a_codec_that_takes_less_says_what_it_takes_and_which_others_take_it():
    deep = film(pixel_format="yuv420p10le")
    with pytest.raises(VideoError, match="vp9 does not take yuv420p10le; these do: x264, x265, av1, ffv1, prores"):
        plan_video(deep, replace(TWICE, codec="vp9"))
    plan = plan_video(film(pixel_format="yuv422p16le"), replace(TWICE, codec="prores"))
    assert "prores takes 10 bits of the film's 16; ffv1 keeps all" in plan.warnings


def test_lossless_is_ffv1_with_a_key_frame_each_and_checksums():
    plan = plan_video(film(pixel_format="yuva420p"), replace(TWICE, lossless=True))
    assert plan.encoding.encoder.name == "ffv1"
    assert plan.encoding.pixel_format == "yuva420p"
    assert plan.encoding.options["g"] == plan.encoding.options["slicecrc"] == "1"
    assert plan.left_out == ()


def test_odd_results_go_to_an_encoder_that_takes_them():
    odd = film(width=321, height=241)
    wish = Wishes(request=SizeRequest(scale=3))
    assert plan_video(odd, wish).encoding.encoder.name == "av1"
    with pytest.raises(VideoError, match="x264 takes even sides only, got 963x723; these do: av1, vp9, ffv1") as caught:
        plan_video(odd, replace(wish, codec="x264"))
    assert caught.value.hint is Hint.OTHER_CODEC
    assert plan_video(odd, TWICE).encoding.encoder.name == "x264"


def test_sides_that_a_rounding_made_odd_become_even():
    assert plan_video(film(width=853), Wishes(request=SizeRequest(height=1080))).size == (1080, 1918)
    assert plan_video(film(width=853), Wishes(request=SizeRequest(scale=1.5))).size == (720, 1280)


def test_what_the_source_holds_is_copied_into_a_container_of_its_kind():
    others = [stream(1, "audio", "aac"), stream(2, "subtitle", "mov_text"), stream(3, "cover", "mjpeg")]
    plan = plan_video(film("film.mp4", "mov,mp4,m4a,3gp,3g2,mj2", others), TWICE)
    assert plan.container.name == "MP4"
    assert plan.copied == (1, 2, 3)
    assert plan.left_out == ()


def test_another_container_is_named_with_its_reason():
    others = [stream(1, "audio", "pcm_s16le"), stream(2, "subtitle", "ass")]
    plan = plan_video(film("film.avi", "avi", others), TWICE)
    assert plan.container.name == "Matroska"
    assert plan.warnings == ("avi files are not written: the result is a Matroska file",)
    lossless = plan_video(film("film.mp4", "mov,mp4,m4a,3gp,3g2,mj2"), replace(TWICE, lossless=True))
    assert lossless.warnings == ("MP4 does not hold ffv1: the result is a Matroska file",)


def test_what_a_container_cannot_hold_is_told_with_the_way_out():
    others = [stream(1, "audio", "aac"), stream(2, "subtitle", "ass"), stream(3, "data", "bin_data")]
    plan = plan_video(film(others=others), TWICE, Path("out.mp4"))
    assert plan.copied == (1,)
    assert plan.left_out == (
        "subtitle 2 (ass, eng): MP4 does not hold it; Matroska may hold it",
        "data 3 (bin_data, eng): data streams have no place in a file of another picture",
    )
    with pytest.raises(VideoError, match=r"out\.mp4: MP4 does not hold ffv1") as caught:
        plan_video(film(), replace(TWICE, lossless=True), Path("out.mp4"))
    assert caught.value.hint is Hint.OTHER_CONTAINER


@pytest.mark.parametrize(
    ("size", "name", "tags"),
    [
        ((480, 720), "bt601-525", (6, 6)),
        ((576, 720), "bt601-625", (5, 5)),
        ((720, 1280), "bt709", (1, 1)),
        ((1080, 1920), "bt709", (1, 1)),
    ],
)
def test_untagged_colours_are_written_as_players_guess_them_from_the_source(size, name, tags):
    plan = plan_video(film(height=size[0], width=size[1], colors=Colors()), TWICE)
    assert guessed(*size) == name
    assert (plan.colors.primaries, plan.colors.matrix) == tags
    assert plan.colors.transfer == 2
    assert name in plan.warnings[0]


def test_tagged_colours_stay_and_a_wish_counts_for_untagged_ones():
    tagged = Colors(primaries=9, transfer=18, matrix=9, range=1)
    assert plan_video(film(colors=tagged), replace(TWICE, color="bt709")).colors == tagged
    wished = plan_video(film(colors=Colors()), replace(TWICE, color="bt709"))
    assert (wished.colors.matrix, wished.warnings) == (1, ())


def test_pixels_keep_their_shape():
    anamorphic = film(sample_aspect_ratio=Fraction(32, 27))
    assert plan_video(anamorphic, TWICE).sample_aspect_ratio == Fraction(32, 27)
    square = plan_video(anamorphic, Wishes(request=SizeRequest(width=1708, height=960)))
    assert square.sample_aspect_ratio == pytest.approx(1, abs=0.01)


def test_a_shape_that_the_stream_does_not_hold_is_told_by_the_header():
    anamorphic = film(sample_aspect_ratio=Fraction(32, 27))
    for codec, name, in_header in (("av1", "a.mkv", True), ("av1", "a.mp4", False), ("x264", "a.mkv", False)):
        plan = plan_video(anamorphic, replace(TWICE, codec=codec), Path(name))
        assert (plan.left_out, plan.shape_in_header) == ((), in_header)
    assert not plan_video(film(), replace(TWICE, codec="av1"), Path("a.mkv")).shape_in_header


def test_chroma_siting_is_written_where_readers_would_guess_another():
    assert plan_video(film(), TWICE).siting == "left"
    assert "chroma_sample_location" not in plan_video(film(), TWICE).encoding.options
    uhd = film(pixel_format="yuv420p10le", colors=Colors(primaries=9, transfer=16, matrix=9, range=1))
    assert plan_video(uhd, TWICE).encoding.options["chroma_sample_location"] == "topleft"
    assert plan_video(film(codec="mjpeg"), TWICE).encoding.options["chroma_sample_location"] == "center"
    assert plan_video(film(), replace(TWICE, siting="topleft")).siting == "topleft"


def test_static_hdr_goes_to_the_encoder_in_its_own_spelling():
    hdr = film(pixel_format="yuv420p10le", colors=Colors(primaries=9, transfer=16, matrix=9, range=1), hdr=HDR)
    x265 = plan_video(hdr, TWICE).encoding.options["x265-params"]
    assert "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)" in x265
    assert "max-cll=1000,400" in x265
    av1 = plan_video(hdr, replace(TWICE, codec="av1")).encoding.options["svtav1-params"]
    assert (
        "mastering-display=G(0.26500,0.69000)B(0.15000,0.06000)R(0.68000,0.32000)WP(0.31270,0.32900)L(1000.0000,0.0001)"
        in av1
    )
    assert "content-light=1000,400" in av1
    left = plan_video(hdr, replace(TWICE, lossless=True)).left_out
    assert left == ("HDR metadata of the screen: ffv1 streams do not hold it",)


def test_what_would_be_spoilt_is_refused_with_the_way_on():
    with pytest.raises(VideoError, match="is interlaced \\(top field first\\)") as caught:
        plan_video(film(fields="top"), TWICE)
    assert caught.value.hint is Hint.DEINTERLACE
    assert plan_video(film(fields="top"), replace(TWICE, deinterlace=True)).size == (960, 1440)
    dynamic = film(dynamic_hdr=("HDR10+",))
    with pytest.raises(VideoError, match="carries HDR10\\+") as caught:
        plan_video(dynamic, TWICE)
    assert caught.value.hint is Hint.DROP_DYNAMIC_HDR
    assert plan_video(dynamic, replace(TWICE, drop_dynamic_hdr=True)).left_out == (
        "HDR10+: changes from frame to frame",
    )
    with pytest.raises(VideoError, match="pixels of the format yuv411p are not known"):
        plan_video(film(pixel_format="yuv411p"), TWICE)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"codec": "h266"}, "no codec 'h266'"),
        ({"crf": 60}, "x264: expected a constant quality of 0 to 51, got 60"),
        ({"codec": "ffv1", "crf": 10}, "ffv1: has no constant quality to choose"),
        ({"preset": "quick"}, "x264: no preset 'quick'; there are ultrafast"),
        ({"codec": "av1", "lossless": True}, "av1 always loses something"),
    ],
)
def test_settings_that_an_encoder_lacks_are_told(wish, message):
    with pytest.raises(VideoError, match=message):
        plan_video(film(), replace(TWICE, **wish))


def test_transparency_that_is_lost_is_told():
    assert plan_video(film(pixel_format="yuva420p"), TWICE).left_out == ("transparency: x264 has none; ffv1 keeps it",)


@pytest.mark.parametrize(
    ("name", "layout", "bits", "planar"),
    [
        ("yuv420p", "yuv420", 8, "yuv420p"),
        ("yuvj422p", "yuv422", 8, "yuv422p"),
        ("yuva444p10le", "yuv444", 10, "yuva444p10le"),
        ("gray12le", "grey", 12, "gray12le"),
        ("nv12", "yuv420", 8, "yuv420p"),
        ("p010le", "yuv420", 10, "yuv420p10le"),
        ("bgra", "rgb", 8, "bgra"),
        ("gbrp10le", "rgb", 10, "gbrp10le"),
        ("rgb48le", "rgb", 16, "rgb48le"),
    ],
)
def test_names_of_pixel_formats(name, layout, bits, planar):
    found = pixel_format(name)
    assert (found.layout, found.bits, found.planar) == (layout, bits, planar)


def test_segments_last_ten_seconds_or_250_frames():
    assert segment_frames(Fraction(24), slow=False) == 250
    assert segment_frames(Fraction(60000, 1001), slow=False) == 600
    assert segment_frames(Fraction(25), slow=True) == 50
