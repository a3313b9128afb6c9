"""A table of small films: what each holds comes out again, and its pictures are those of the network."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.video.conftest import packets, shown
from tests.video.films import Film, frame_of, write_film
from upres.errors import VideoError
from upres.image.samples import Samples
from upres.pipeline.budget import Budget
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.still import make_planes
from upres.upscaler import Upscaler
from upres.video.plan import Wishes
from upres.video.probe import probe
from upres.video.run import VideoRun

MKV, MOV = "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"
"""What libavformat calls the demuxers."""
X264 = {"codec": "libx264", "options": {"preset": "ultrafast"}}
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
HDR10 = {"x265-params": f"log-level=error:hdr10=1:master-display={MASTERING}:max-cll=1000,400"}
FILMS = (
    (Film(name="plain.mkv"), {}, "h264", MKV),
    (Film(name="plain.mp4", **X264), {}, "h264", MOV),
    (Film(name="quick.mov", **X264, audio=1), {}, "h264", MOV),
    (Film(name="vfr.mkv", times=[0, 4, 9, 30, 31, 80]), {}, "h264", MKV),
    (Film(name="vfr.mp4", **X264, times=[0, 4, 9, 30, 31, 80]), {}, "h264", MOV),
    (Film(name="late.mp4", codec="libx264", times=[150, 154, 158, 162, 166, 170]), {}, "h264", MOV),
    (Film(name="sar.mp4", **X264, sar=Fraction(16, 11)), {}, "h264", MOV),
    (Film(name="sar.mkv", **X264, sar=Fraction(16, 11)), {}, "h264", MKV),
    (Film(name="turned.mp4", **X264, rotation=90), {}, "h264", MOV),
    (Film(name="turned.mkv", rotation=180), {}, "h264", MKV),
    (
        Film(
            name="pq.mkv",
            codec="libx265",
            pixel_format="yuv420p10le",
            colors=(9, 16, 9, 1),
            options=HDR10,
            size=(64, 96),
        ),
        {},
        "hevc",
        MKV,
    ),
    (Film(name="hlg.mkv", pixel_format="yuv420p10le", colors=(9, 18, 9, 1)), {}, "hevc", MKV),
    (Film(name="ten.mkv", pixel_format="yuv420p10le"), {"lossless": True}, "ffv1", MKV),
    (Film(name="twelve.mkv", pixel_format="yuv444p12le"), {"lossless": True}, "ffv1", MKV),
    (Film(name="422.mkv", pixel_format="yuv422p"), {}, "h264", MKV),
    (Film(name="444.mkv", pixel_format="yuv444p"), {}, "h264", MKV),
    (Film(name="grey.mkv", pixel_format="gray"), {"lossless": True}, "ffv1", MKV),
    (Film(name="odd.mkv", size=(33, 51)), {"lossless": True}, "ffv1", MKV),
    (Film(name="odd3.mkv", size=(33, 51)), {"scale": 3, "preset": "13"}, "av1", MKV),
    (Film(name="alpha.mkv", pixel_format="yuva420p"), {"lossless": True}, "ffv1", MKV),
    (Film(name="full.mkv", codec="mjpeg", pixel_format="yuvj420p", colors=(2, 2, 5, 2)), {}, "h264", MKV),
    (Film(name="raw.mkv", codec="rawvideo", pixel_format="nv12"), {"lossless": True}, "ffv1", MKV),
    (Film(name="two.mkv", audio=2, tags={"title": "Two"}), {}, "h264", MKV),
    (Film(name="two.mp4", **X264, audio=2, subtitles=["mov_text"]), {}, "h264", MOV),
    (Film(name="words.mkv", subtitles=["subrip"], chapters=2), {}, "h264", MKV),
    (Film(name="chapters.mp4", **X264, chapters=3), {}, "h264", MOV),
    (Film(name="cover.mp4", **X264, cover=True), {}, "h264", MOV),
    (Film(name="cover.mkv", cover=True, attachments=2), {}, "h264", MKV),
    (Film(name="moved.mp4", **X264, cover=True, audio=1), {"suffix": ".mkv"}, "h264", MKV),
    (Film(name="anim.gif", codec="gif", pixel_format="rgb8"), {}, "h264", MKV),
    (Film(name="one.mkv", frames=1), {}, "h264", MKV),
    (Film(name="old.avi", codec="mpeg4", time_base=Fraction(1, 25), audio=1), {}, "h264", MKV),
    (Film(name="stream.ts", codec="mpeg2video", time_base=Fraction(1, 25), audio=1), {}, "h264", MKV),
    (Film(name="web.webm", codec="libvpx-vp9", options={"cpu-used": "8"}), {"codec": "vp9"}, "vp9", MKV),
    (Film(name="alpha.webm", codec="libvpx-vp9", pixel_format="yuva420p", options={"auto-alt-ref": "0"}),
        {"lossless": True}, "ffv1", MKV),
    (Film(name="deep.mkv", pixel_format="yuv444p16le"), {}, "ffv1", MKV),
    (Film(name="pro.mov", codec="prores_ks", pixel_format="yuv422p10le"), {"codec": "prores"}, "prores", MOV),
    (Film(name="fields.mkv", **X264, interlaced=True), {"deinterlace": True}, "h264", MKV),
    (Film(name="named.mp4", **X264, muxer="matroska"), {}, "h264", MKV),
)  # fmt: skip


@pytest.mark.parametrize(("film", "wishes", "codec", "container"), FILMS, ids=[film.name for film, *_ in FILMS])
def test_nothing_is_lost(film, wishes, codec, container, tmp_path, enlarge):
    source = write_film(film, tmp_path)
    before = probe(source)
    run, report, output = enlarge(source, **wishes)
    after = probe(output)
    scale = wishes.get("scale", 2)
    assert (after.picture.width, after.picture.height) == (scale * before.picture.width, scale * before.picture.height)
    assert (after.picture.codec, after.container) == (codec, container)
    assert report.left_out == (("transparency: x264 has none; ffv1 keeps it",) if film.name.endswith("gif") else ())
    assert after.picture.sample_aspect_ratio == before.picture.sample_aspect_ratio
    assert after.picture.display_matrix == before.picture.display_matrix
    assert after.picture.hdr == before.picture.hdr
    assert sorted(each.kind for each in after.others) == sorted(each.kind for each in before.others)
    assert [each.language for each in after.others] == [each.language for each in before.others]
    assert after.chapters == before.chapters == film.chapters
    assert {**after.tags, **film.tags} == dict(after.tags)
    old, new = shown(source), shown(output)
    assert report.frames == len(old.times) == len(new.times) == film.frames
    later = new.times[0] - old.times[0]  # Matroska has no times before zero: where sound begins before, all is moved
    assert later == 0 or film.name == "moved.mp4"
    close = Fraction(1, 1000) if film.name.endswith((".avi", ".ts")) else 0
    assert all(abs(a - later - b) <= close for a, b in zip(new.times, old.times, strict=True))
    for kind in ("audio", "subtitle"):
        moved = [(time + round(later * 1000), data) for time, data in packets(source, kind)]
        assert packets(output, kind) == moved
    assert_colours(before, after)
    if codec == "ffv1":
        assert_luma(run, old, new)


def assert_colours(before, after):
    """Tags stay; where there are none they are those that players guess from the source."""
    old, new = before.picture.colors, after.picture.colors
    if old.matrix not in (0, 2):
        assert (new.primaries, new.transfer, new.matrix) == (old.primaries, old.transfer, old.matrix)
    elif before.picture.pixel_format.startswith("yuv") or before.picture.pixel_format == "nv12":
        assert (new.primaries, new.matrix) == (6, 6)
    if old.range == 2 and not before.picture.pixel_format.startswith("bgra"):
        assert new.range == 2


def assert_luma(run, old, new):
    """Luma is the kernels', bit for bit."""
    white = 2**run.plan.source.bits - 1
    samples = Samples(dtype="uint8" if white == 255 else "uint16", white=white, layout="grey")
    upscaler = Upscaler(2, model="esr_tm", threads=1)
    for source, made in zip(old.frames, new.frames, strict=True):
        (expected,) = make_planes(
            (source[0],),
            samples,
            upscaler.plan(source[0].shape),
            sessions=upscaler.sessions,
            settings=upscaler.settings,
            budget=Budget(cores=1),
        )
        np.testing.assert_array_equal(made[0], expected)


def test_what_the_report_says_is_json(tmp_path, enlarge):
    _, report, output = enlarge(write_film(Film(name="a.mkv", audio=1, repeats=3), tmp_path))
    told = json.loads(json.dumps(report.to_dict()))
    assert told["output"] == str(output)
    assert told["copied"] == ["audio 1 (mp2, eng, sound 0)"]
    assert (told["frames"], told["repeated"], told["codec"], told["left_out"]) == (6, 4, "h264", [])
    assert told["fps"] > 0


def test_a_part_of_a_film_begins_at_zero_with_its_sound(tmp_path, enlarge):
    film = Film(name="a.mkv", frames=30, audio=1, chapters=6)
    _, report, output = enlarge(write_film(film, tmp_path), start=0.1, end=0.5, lossless=True)
    times = shown(output).times
    assert report.frames == len(times) == 10
    assert times[0] == Fraction(20, 1000)
    assert all(0 <= time <= 400 for time, _ in packets(output, "audio"))
    with av.open(str(output)) as container:
        assert [each["metadata"]["title"] for each in container.chapters()] == [
            f"part {number}" for number in range(1, 5)
        ]


def test_a_truncated_film_is_made_as_far_as_it_goes(tmp_path, enlarge):
    source = write_film(Film(name="a.mkv", frames=100), tmp_path)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    _, report, output = enlarge(source)
    assert 0 < report.frames < 100
    assert len(shown(output).times) == report.frames
    (warning,) = [each for each in report.warnings if each.startswith("pictures end after")]
    assert warning.endswith("and the file says 4.0 s: it may have been cut off")


def test_sound_that_cannot_be_copied_becomes_flac(tmp_path, enlarge):
    source = tmp_path / "a.wmv"
    with av.open(str(source), "w", format="asf") as container:
        video = container.add_stream("wmv2", rate=25, width=48, height=32, pix_fmt="yuv420p")
        sound = container.add_stream("wmav2", rate=44100, layout="mono")
        sound.bit_rate = 64000
        for index in range(25):
            container.mux(video.encode(frame_of(Film(name="a.wmv"), index)))
        wave = 0.5 * np.sin(np.arange(44100) / 20).astype(np.float32)
        for start in range(0, len(wave), 2048):
            part = av.AudioFrame.from_ndarray(np.resize(wave[start : start + 2048], (1, 2048)), "fltp", "mono")
            part.sample_rate, part.pts = 44100, start
            container.mux(sound.encode(part))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    _, report, output = enlarge(source)
    assert "audio 1 (wmav2) becomes FLAC: it cannot be copied into Matroska" in report.found
    (old, began), (new, begins) = heard(source), heard(output)
    assert abs(begins - began) < 0.002
    assert abs(len(new) - len(old)) < 50
    least = min(len(old), len(new))
    assert np.abs(old[:least] - new[:least]).max() < 1e-4
    output.unlink()
    _, _, output = enlarge(source, start=0.4)
    assert 0.4 < len(heard(output)[0]) / 44100 < 0.7


def heard(path):
    """Samples of the first sound, and when they begin, in seconds."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=44100)
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), float(frames[0].pts * frames[0].time_base)


def test_a_timecode_is_kept_and_not_said_to_be_lost(tmp_path, enlarge):
    source = write_film(Film(name="a.mov", **X264, timecode="01:00:00:00"), tmp_path)
    _, report, output = enlarge(source)
    assert report.left_out == ()
    with av.open(str(output)) as container:
        assert [each.metadata["timecode"] for each in container.streams] == ["01:00:00:00"] * 2


def test_transparency_of_web_films_is_kept_or_said_to_be_left_out(tmp_path, enlarge):
    film = Film(name="a.webm", codec="libvpx-vp9", pixel_format="yuva420p", options={"auto-alt-ref": "0"})
    source = write_film(film, tmp_path)
    assert probe(source).picture.pixel_format == "yuva420p"
    _, report, output = enlarge(source, codec="vp9")
    assert report.left_out == ("transparency: vp9 has none; ffv1 keeps it",)
    with av.open(str(output)) as container:
        assert not any(name.lower() == "alpha_mode" for name in container.streams.video[0].metadata)
    _, report, output = enlarge(source, lossless=True)
    with av.open(str(output)) as container:
        alpha = [frame.to_ndarray(format="rgba")[..., 3] for frame in container.decode(video=0)]
    assert len(np.unique(alpha)) > 20


def test_a_film_whose_pictures_change_their_size_is_refused(tmp_path, enlarge):
    film = Film(name="a.ts", codec="mpeg2video", time_base=Fraction(1, 25))
    other = Film(name="b.ts", codec="mpeg2video", time_base=Fraction(1, 25), size=(64, 96))
    joined = tmp_path / "c.ts"
    joined.write_bytes(write_film(film, tmp_path).read_bytes() + write_film(other, tmp_path).read_bytes())
    with pytest.raises(VideoError, match="pictures change from 48x32 to 96x64 on the way"):
        enlarge(joined)


def test_an_rgb_network_keeps_the_depth(tmp_path, enlarge):
    source = write_film(Film(name="a.mkv", frames=2, pixel_format="yuv420p10le"), tmp_path)
    run, report, output = enlarge(source, model="rlfn_c32b6_x2", lossless=True)
    assert report.model == "rlfn_c32b6_x2"
    assert run.enlarger.is_slow
    made = shown(output).frames[0]
    assert probe(output).picture.pixel_format == "yuv420p10le"
    source_luma = shown(source).frames[0][0]
    assert np.abs(made[0][::2, ::2].astype(int) - source_luma).mean() < 60
    assert len(np.unique(made[0] % 4)) == 4


@pytest.mark.parametrize(
    ("networks", "model"),
    [({}, "esr_tm_x2"), ({"fast": True}, "espcn_d22s32_clean_x2"), ({"real": True}, "rlfn_c32b6_real_x2")],
)
def test_all_frames_get_the_network_that_was_asked_for(networks, model, tmp_path):
    source = write_film(Film(name="a.mkv", frames=2), tmp_path)
    run = VideoRun(source, Wishes(request=SizeRequest(scale=2)), {**networks, "threads": 1})
    report = run.make(tmp_path / "b.mkv")
    assert (report.model, report.frames) == (model, 2)
    before, after = shown(source).frames[1][0], shown(tmp_path / "b.mkv").frames[1][0]
    assert np.abs(after[::2, ::2].astype(int) - before).mean() < 25


def test_a_chain_of_networks_and_a_reduction_reach_any_size(tmp_path):
    source = write_film(Film(name="a.mkv", frames=1), tmp_path)
    run = VideoRun(source, Wishes(request=SizeRequest(width=240, height=120)), {"threads": 1})
    report = run.make(tmp_path / "b.mkv")
    assert (report.model, report.size) == ("esr_tm_x2+esr_tm_x3", (120, 240))
    assert probe(tmp_path / "b.mkv").picture.sample_aspect_ratio == Fraction(3, 4)
