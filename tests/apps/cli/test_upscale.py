"""`upres upscale` as users type it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from io import BytesIO

import numpy as np
import pytest

from upres.apps.cli.main import main
from upres.image.io import Frame, Picture, read, write

RNG = np.random.default_rng(0)


def save(path, shape=(20, 30, 3), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(60, 200, shape, np.uint8)
    alpha = RNG.integers(0, 255, shape[:2], np.uint8) if options.pop("alpha", False) else None
    write(Picture(frames=(Frame(pixels=pixels, alpha=alpha),)), path, **options)
    return path


@pytest.fixture
def folder(tiny_catalogue, tmp_path, monkeypatch):
    """The working directory, with a few pictures in it; the tiny models are the defaults."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "photo.jpg")
    save(tmp_path / "more" / "grey.png", (9, 11))
    save(tmp_path / "more" / "deep" / "clear.webp", alpha=True)
    return tmp_path


def upscale(*arguments):
    return main(["upscale", *map(str, arguments)])


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def report(capsys):
    return json.loads(capsys.readouterr().out)["files"]


def test_other_machines_need_ray_and_files(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert upscale("more", "-o", "out", "--executor", "ray") == 1
    assert "the executor ray needs the 'cluster' extra: pip install 'upres[cluster]'" in capsys.readouterr().err
    for arguments in (["photo.jpg", "--address", "10.0.0.1:6379"], ["photo.jpg", "-o", "-", "--executor", "ray"]):
        with pytest.raises(SystemExit) as caught:
            upscale(*arguments)
        assert caught.value.code == 2
    assert "leave --executor out, or name files" in capsys.readouterr().err
    assert files(folder) == ["more/deep/clear.webp", "more/grey.png", "photo.jpg"]


def test_a_photo_gets_a_larger_one_beside_it(folder, capsys):
    assert upscale("photo.jpg") == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"photo\.jpg -> photo_x2\.jpg  60x40  judged: clean  tiny_x2, \w+  \d+\.\d\d s\n", out)
    assert err == ""
    made = read("photo_x2.jpg")
    assert made.size == (40, 60)
    assert made.source.format == "jpeg"


def test_a_folder_goes_into_a_folder_and_json_tells(folder, capsys):
    assert upscale(".", "-o", "large/", "--scale", 3, "--json") == 0
    rows = report(capsys)
    assert [(row["input"], row["output"]) for row in rows] == [
        ("photo.jpg", "large/photo_x3.jpg"),
        ("more/grey.png", "large/more/grey_x3.png"),
        ("more/deep/clear.webp", "large/more/deep/clear_x3.webp"),
    ]
    for row in rows:
        assert {"input", "output", "model", "engine", "seconds", "error"} <= set(row)
        assert (row["model"], row["error"]) == ("tiny_x3", None)
        assert row["seconds"] > 0
    assert read("large/more/grey_x3.png").pixels.shape == (27, 33)
    assert read("large/more/deep/clear_x3.webp").alpha.shape == (60, 90)


def test_a_second_run_has_nothing_to_do(folder, capsys):
    assert upscale(".") == 0
    before = {path: (folder / path).stat().st_mtime_ns for path in files(folder)}
    capsys.readouterr()
    assert upscale(".") == 0
    out, err = capsys.readouterr()
    assert out == "photo_x2.jpg: up to date\nmore/grey_x2.png: up to date\nmore/deep/clear_x2.webp: up to date\n"
    assert err == (
        "upres: left out 3 files that upres made from others of this run, by the journals of 3 folders: "
        "photo_x2.jpg, more/grey_x2.png, more/deep/clear_x2.webp\nupres: 0 made, 3 up to date, 0 failed\n"
    )
    assert {path: (folder / path).stat().st_mtime_ns for path in files(folder)} == before
    assert upscale(".", "--json") == 0
    assert [(row["skipped"], row["model"], row["error"]) for row in report(capsys)] == [(True, "tiny_x2", None)] * 3


def test_outputs_are_no_inputs_of_the_next_run(folder, capsys):
    upscale(".")
    before = files(folder)
    assert upscale(*folder.glob("*.jpg")) == 0
    assert upscale(".", "-o", "large", "--scale", 3) == 0
    assert upscale(".", "-o", "large", "--scale", 3) == 0
    new = set(files(folder)) - set(before)
    assert {path.split("/")[-1] for path in new} == {"photo_x3.jpg", "grey_x3.png", "clear_x3.webp", ".upres.jsonl"}


def test_an_output_named_alone_is_made_larger_again(folder):
    upscale("photo.jpg")
    assert upscale("photo_x2.jpg") == 0
    assert read("photo_x2_x2.jpg").size == (80, 120)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda: save(_path("photo.jpg")), (), "was made from another picture, or from another version of photo.jpg"),
        (lambda: save(_path("photo_x2.jpg")), (), "was changed since upres made it"),
        (lambda: _path(".upres.jsonl").unlink(), (), "exists"),
        (None, ("--quality", 80), "was made with other options (quality default, now 80)"),
    ],
)
def test_what_is_there_is_replaced_only_on_demand(folder, capsys, change, arguments, message):
    upscale("photo.jpg")
    if change is not None:
        change()
    before = (folder / "photo_x2.jpg").read_bytes()
    capsys.readouterr()
    assert upscale("photo.jpg", *arguments) == 1
    assert capsys.readouterr().err == f"upres: photo_x2.jpg {message}; --overwrite replaces it\n"
    assert (folder / "photo_x2.jpg").read_bytes() == before
    assert upscale("photo.jpg", "--overwrite", *arguments) == 0
    assert upscale("photo.jpg", *arguments) == 0


def _path(name):
    from pathlib import Path

    return Path(name)


def test_other_weights_are_other_options(folder, tiny_models, capsys):
    upscale("photo.jpg", "-o", "o.png", "--model", tiny_models[2].weights)
    capsys.readouterr()
    assert upscale("photo.jpg", "-o", "o.png", "--model", "tiny_x3") == 1
    assert re.fullmatch(
        r"upres: o\.png was made with other options \(model tiny_x2, now tiny_x3; weights \w+, now \w+\);"
        r" --overwrite replaces it\n",
        capsys.readouterr().err,
    )


def test_bad_files_are_named_and_passed_over(folder, capsys):
    (folder / "empty.png").touch()
    (folder / "cut.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:300])
    (folder / "text.png").write_text("not a picture")
    assert upscale(".", "missing.png", "--json") == 1
    out, err = capsys.readouterr()
    rows = {row["input"]: row for row in json.loads(out)["files"]}
    bad = {"empty.png", "cut.jpg", "text.png", "missing.png"}
    assert {name for name, row in rows.items() if row["error"]} == bad
    for name in bad:
        assert rows[name]["error"].startswith(f"{name}: ")
        assert rows[name]["output"] is None
        assert f"upres: {rows[name]['error']}\n" in err
    assert err.endswith("upres: 3 made, 0 up to date, 4 failed\n")
    assert {path for path in files(folder) if "_x2" in path} == {
        "photo_x2.jpg",
        "more/grey_x2.png",
        "more/deep/clear_x2.webp",
    }


def test_two_pictures_do_not_share_an_output(folder, capsys):
    save(folder / "photo.png")
    assert upscale("photo.jpg", "photo.png", "--format", "webp") == 1
    assert "upres: photo_x2.webp is the output of photo.jpg in this very run\n" in capsys.readouterr().err


def test_the_input_is_never_the_output(folder, capsys):
    before = (folder / "photo.jpg").read_bytes()
    assert upscale("photo.jpg", "-o", "more/../photo.jpg", "--overwrite") == 1
    assert capsys.readouterr().err == ("upres: more/../photo.jpg is the input itself; choose another output\n")
    assert (folder / "photo.jpg").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "name", "size"),
    [
        (["--scale", "1.5"], "photo_x1.5.jpg", (30, 45)),
        (["--scale", "0.5"], "photo_x0.5.jpg", (10, 15)),
        (["--scale", "8"], "photo_x8.jpg", (160, 240)),
        (["--width", "45"], "photo_w45.jpg", (30, 45)),
        (["--height", "50"], "photo_h50.jpg", (50, 75)),
        (["--width", "33", "--height", "44"], "photo_33x44.jpg", (44, 33)),
        (["--fit", "90x45"], "photo_fit90x45.jpg", (45, 68)),
    ],
)
def test_sizes(folder, arguments, name, size):
    assert upscale("photo.jpg", *arguments) == 0
    assert read(name).size == size


def test_jpeg_quality_and_chroma(folder):
    save(folder / "noise.png", (64, 64, 3))
    for quality in ((), ("--quality", 40)):
        assert upscale("noise.png", "-o", f"out{len(quality)}.jpg", *quality) == 0
    from PIL import Image, JpegImagePlugin

    with Image.open("out0.jpg") as best, Image.open("out2.jpg") as small:
        assert JpegImagePlugin.get_sampling(best) == 0  # 4:4:4
        assert isinstance(best, JpegImagePlugin.JpegImageFile)
        assert isinstance(small, JpegImagePlugin.JpegImageFile)
        assert sum(best.quantization[0]) < sum(small.quantization[0]) / 4
    made = read("out0.jpg").pixels.astype(float)
    upscale("noise.png", "-o", "exact.png")
    assert 10 * np.log10(255**2 / np.mean((made - read("exact.png").pixels) ** 2)) > 35


def test_transparency_in_a_jpeg(folder, capsys):
    clear = np.zeros((16, 16), np.uint8)
    write(Picture(frames=(Frame(pixels=np.full((16, 16, 3), 9, np.uint8), alpha=clear),)), folder / "logo.png")
    assert upscale("logo.png", "-o", "white.jpg", "--json") == 0
    (row,) = report(capsys)
    assert row["warnings"] == ["jpeg cannot hold: transparency (laid on white)"]
    assert read("white.jpg").pixels.min() >= 250
    assert upscale("logo.png", "-o", "blue.jpg", "--background", "#0000ff", "--json") == 0
    (row,) = report(capsys)
    assert row["warnings"] == []
    assert np.allclose(read("blue.jpg").pixels.reshape(-1, 3).mean(axis=0), [0, 0, 255], atol=3)


def test_sixteen_bits_and_grey_stay(folder):
    pixels = (np.arange(30 * 40).reshape(30, 40) * 50).astype(np.uint16)
    write(Picture(frames=(Frame(pixels=pixels),)), folder / "deep.tif")
    assert upscale("deep.tif") == 0
    made = read("deep_x2.tif").pixels
    assert (made.dtype, made.shape) == (np.uint16, (60, 80))
    assert len(np.unique(made)) > 1000


def test_standard_input_and_output(folder, monkeypatch, capfdbinary):
    class Stream:
        buffer = BytesIO((folder / "photo.jpg").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stream)
    assert upscale("-", "--format", "png", "--scale", 3) == 0
    made = read(capfdbinary.readouterr().out)
    assert (made.source.format, made.size) == ("png", (60, 90))
    assert upscale("photo.jpg", "-o", "-") == 0
    assert read(capfdbinary.readouterr().out).source.format == "jpeg"
    assert files(folder) == ["more/deep/clear.webp", "more/grey.png", "photo.jpg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.jpg", "--scale", "2", "--width", "9"], "give one of --scale, --fit, --width and/or --height"),
        (["photo.jpg", "--scale", "0"], "argument --scale: expected a positive number, got 0"),
        (["photo.jpg", "--fit", "1920"], "argument --fit: expected WIDTHxHEIGHT such as 1920x1080, got 1920"),
        (["photo.jpg", "--quality", "101"], "argument --quality: expected 1 to 100, got 101"),
        (["photo.jpg", "--max-memory", "much"], "argument --max-memory: expected a size such as 500M or 2G, got much"),
        (["photo.jpg", "--background", "blu"], "argument --background: expected a colour such as white or #ffcc00"),
        (["photo.jpg", "-o", "-", "--json"], "--json and the picture cannot both go to standard output"),
        (["photo.jpg", "more", "-o", "-"], "standard output takes one picture"),
        (["-", "photo.jpg"], "standard input is one picture; name no others beside it"),
        (["photo.jpg", "--fast", "--model", "esr_tm"], "--model and --fast each choose the networks"),
        (["photo.jpg", "--clean", "--real"], "--model, --clean, --real and --strength each choose the networks"),
        (["photo.jpg", "--strength", "2"], "argument --strength: expected a number from 0 to 1, got '2'"),
        (["photo.jpg", "--crisp", "--fast"], "--crisp chooses the networks by itself: leave --fast away"),
        (["photo.jpg", "--crisp", "--denoise", "0.5"], "--crisp chooses the networks by itself: leave --denoise away"),
        (["photo.jpg", "--crisp", "2"], "argument --crisp: expected a number from 0 to 1, got '2'\n"),
        (
            ["--crisp", "photo.jpg"],
            "got 'photo.jpg'; a picture is named before the option, or the option gets a number",
        ),
        (["photo.jpg", "--denoise", "--strength", "0.5"], "--strength is of what is found: give each task its own"),
        (["photo.jpg", "--scale", "abc"], "argument --scale: expected a positive number, got abc"),
        (["photo.jpg", "--best", "--fast"], "--best chooses the networks by itself: leave --model and --fast away"),
        (["photo.jpg", "--name", "{stm}{suffix}"], "argument --name: no field '{stm}' for names; there are {stem},"),
        (["photo.jpg", "--name", "{stem}{suffix}", "-o", "x.jpg"], "-o names the file already: leave --name out"),
    ],
)
def test_wrong_usage(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as raised:
        upscale(*arguments)
    assert raised.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.jpg", "--model", "tiny_y2"], "upres: no model 'tiny_y2'. Did you mean 'tiny_x2'?"),
        (["photo.jpg", "--engine", "opnvino"], "upres: no engine 'opnvino'. Did you mean 'openvino'? There are: auto,"),
        (["photo.jpg", "--format", "jpge"], "jpge"),
        (["photo.jpg", "--scale", "60000"], "upres: the output would have 1800000x1200000 pixels, over the budget of"),
        (["photo.jpg", "--scale", "3000"], "upres: the output would be 90000x60000; jpeg holds 65500 pixels a side"),
        (["photo.jpg", "-o", "photo.jpg/x.png"], "upres: photo.jpg: cannot make this folder"),
        (["nothing"], "upres: nothing: No such file or directory"),
    ],
)
def test_user_mistakes(folder, capsys, monkeypatch, arguments, message):
    if "3000" in arguments:
        monkeypatch.setattr("upres.upscaler.DEFAULT_MAX_PIXELS", 10**12)
    assert upscale(*arguments) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert files(folder) == ["more/deep/clear.webp", "more/grey.png", "photo.jpg"]


def test_a_folder_without_pictures(folder, capsys):
    (folder / "none").mkdir()
    assert upscale("none") == 1
    assert capsys.readouterr().err == "upres: no pictures in none\n"


def test_quiet_says_nothing_but_errors(folder, capsys):
    assert upscale("photo.jpg", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert upscale("missing.jpg", "--quiet") == 1
    assert capsys.readouterr() == ("", "upres: missing.jpg: No such file or directory\n")


def test_the_command_imports_no_torch(folder, tiny_models):
    names = "{'torch', 'scipy', 'tqdm', 'openvino', 'onnxruntime', 'tifffile', 'imagecodecs', 'urllib.request'}"
    code = f"""
import sys
from upres.apps.cli.main import main
code = main(["upscale", "photo.jpg", "--quiet", "--model", {str(tiny_models[2].weights)!r}])
sys.exit(code or str({names} & set(sys.modules) or ""))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "None")


SLOW_IMPORTS = {
    "numpy.ma": 12,
    "numpy.random": 13,
    "PIL.GifImagePlugin": 4,
    "difflib": 1,
}
"""Module -> milliseconds that it costs, with what only it brings."""


@pytest.mark.parametrize(
    ("model", "lowered"), [("fast", True), ("default", True), ("esr_tm", False)], ids=["fast", "default", "esr_tm"]
)
def test_one_picture_imports_nothing_that_it_can_do_without(folder, model, lowered):
    options = {"fast": ["--fast"], "default": [], "esr_tm": ["--model", "esr_tm"]}[model]
    code = f"""
import sys
from upres.apps.cli.main import main
assert main(["upscale", "photo.jpg", "--quiet", *{options}]) == 0
print(*({set(SLOW_IMPORTS)} & set(sys.modules)), "upres.engines.lowering.lower" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (str(lowered), "")


def test_a_command_s_process_keeps_no_threads_for_products_and_looks_for_garbage_rarely(folder):
    watched = """
import atexit, gc, os, runpy, sys
def told():
    print(gc.get_threshold()[0], gc.get_freeze_count() > 10_000, os.environ["OPENBLAS_NUM_THREADS"])
atexit.register(told)
sys.argv = ["upres", "upscale", "photo.jpg", "--quiet", "--model", "bicubic"]
runpy.run_module("upres", run_name="__main__")
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout, done.returncode) == ("50000 True 1\n", 0), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("moment", ["starting", "writing"])
def test_ctrl_c_leaves_nothing_half_done(folder, tiny_models, moment):
    save(folder / "big" / "big.png", (3000, 3000, 3))
    code = f"""
import signal, sys
from upres.apps.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # what nohup or & start ignores it, and hands that down
print("ready", flush=True)
sys.exit(main(["upscale", "big", "--scale", "4", "--model", {str(tiny_models[2].weights)!r}]))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    while moment == "writing" and process.poll() is None and files(folder / "big") == ["big.png"]:
        time.sleep(0.01)  # a file half written has a name of its own
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "upres: interrupted\n")
    assert files(folder / "big") == ["big.png"]


@pytest.mark.needs("openvino")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak as Linux counts it")
def test_memory_besides_the_arrays_is_bounded(folder, tiny_models):
    """A picture four times as large takes more only by its arrays: input, output, the encoder's copy of each."""
    code = """
import sys, numpy as np
LIMIT = 260 * 2**20
from upres.machine.memory import peak_bytes, resident_bytes
from upres.upscaler import Upscaler
upscaler = Upscaler(1.5, model=sys.argv[1], max_memory=LIMIT, engine="openvino", threads=2)
upscaler(np.zeros((8, 8, 3), np.uint8))
height = int(sys.argv[2])
pixels = np.full((height, 800, 3), 100, np.uint8)
before = resident_bytes()
out = upscaler(pixels)
print(peak_bytes() - before - out.nbytes, LIMIT - peak_bytes())
"""
    needs = []
    for height in (1500, 6000):
        line = [sys.executable, "-c", code, str(tiny_models[2].weights), str(height)]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        extra, spare = map(int, done.stdout.split())
        needs.append(extra)
        assert spare > -0.15 * 260 * 2**20
    assert needs[1] < needs[0] + 30 * 2**20, needs


def test_another_precision_is_another_option(folder, capsys):
    assert upscale("photo.jpg") == 0
    capsys.readouterr()
    assert upscale("photo.jpg", "--precision", "f32") == 1
    assert "--overwrite" in capsys.readouterr().err
    assert upscale("photo.jpg", "--precision", "f32", "--overwrite") == 0


def test_what_a_memory_limit_cannot_hold_is_refused_before_the_work(folder, capsys):
    assert upscale("photo.jpg", "--max-memory", "1M") == 1
    assert re.fullmatch(
        r"upres: photo\.jpg: needs \d+ MiB of memory or more, over the limit of 1 MiB; "
        r"raise --max-memory; --fast needs less, --best more\n",
        capsys.readouterr().err,
    )
    assert not (folder / "photo_x2.jpg").exists()


def test_going_over_the_memory_limit_is_said(folder, capsys, monkeypatch):
    monkeypatch.setattr("upres.folders.memory.require_memory", lambda *_: None)
    monkeypatch.setattr("upres.pipeline.budget.require_memory", lambda *_: None)
    assert upscale("photo.jpg", "--max-memory", "1M") == 0
    assert re.fullmatch(
        r"upres: photo\.jpg: took \d+ MiB of memory, over the limit of 1 MiB\n", capsys.readouterr().err
    )


def test_a_scale_as_people_write_it(folder):
    assert upscale("photo.jpg", "--scale", "2x") == 0
    assert read("photo_x2.jpg").size == (40, 60)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--name", "{stem}_{scale}x{suffix}", "--scale", "1.5"], ["photo_1.5x.jpg", "more/grey_1.5x.png"]),
        (["--name", "{stem}-{width}x{height}{suffix}"], ["photo-60x40.jpg", "more/grey-22x18.png"]),
        (["--name", "{model} {stem}.webp"], ["tiny_x2 photo.webp", "more/tiny_x2 grey.webp"]),
        (
            ["--name", "{model}{suffix}", "--strength", "0.5"],
            ["tiny_x2-tiny_x2-at-0.5.jpg", "more/tiny_x2-tiny_x2-at-0.5.png"],
        ),
        (["--name", "{stem}_{scale}{suffix}", "--width", "45"], ["photo_1.5.jpg", "more/grey_4.091.png"]),
        (["--name", "{stem}!{suffix}", "--format", "png", "-o", "out"], ["out/photo!.png", "out/more/grey!.png"]),
    ],
)
def test_outputs_are_called_by_a_pattern(folder, capsys, arguments, names):
    before = files(folder)
    given = [".", "--exclude", "*.webp", "--exclude", "out", *arguments]
    assert upscale(*given) == 0
    assert [path for path in files(folder) if path not in before and not path.endswith(".jsonl")] == sorted(names)
    capsys.readouterr()
    assert upscale(*given) == 0
    assert "0 made, 2 up to date" in capsys.readouterr().err


def test_a_pattern_that_calls_two_outputs_alike(folder, capsys):
    save(folder / "other.jpg")
    assert upscale("photo.jpg", "other.jpg", "--name", "{width}{suffix}") == 1
    assert "upres: 60.jpg is the output of photo.jpg in this very run\n" in capsys.readouterr().err
    assert upscale("photo.jpg", "--name", "{stem}{suffix}", "--overwrite") == 1
    assert capsys.readouterr().err == "upres: photo.jpg is the input itself; choose another output\n"


def test_outputs_get_the_date_of_their_inputs(folder):
    os.utime(folder / "photo.jpg", ns=(10**18, 10**18 + 5 * 10**9))
    assert upscale("photo.jpg", "--keep-date") == 0
    assert (folder / "photo_x2.jpg").stat().st_mtime_ns == 10**18 + 5 * 10**9
    assert upscale("photo.jpg") == 0  # the date is no part of the content
    assert upscale("more/grey.png") == 0
    assert (folder / "more" / "grey_x2.png").stat().st_mtime_ns > (folder / "photo.jpg").stat().st_mtime_ns + 10**9


def test_folders_without_a_picture_say_why(folder, capsys):
    (folder / "none").mkdir()
    (folder / "none" / "a.xyz").touch()
    assert upscale("none") == 1
    left_out = "none: left out 1 file of other kinds (.xyz) in folders without a picture"
    assert capsys.readouterr().err == f"upres: no pictures in none: {left_out}\n"
    assert upscale("none", "photo.jpg") == 0
    assert f"upres: {left_out}\n" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a pipe")
def test_a_pipe_in_a_folder_is_told_and_the_rest_is_made(folder, capsys):
    os.mkfifo(folder / "more" / "pipe.png")
    assert upscale("more", "--json") == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["problems"] == ["more/pipe.png: left out, it is a pipe and no file"]
    assert [row["error"] for row in told["files"]] == [None, None]
    assert err.startswith(f"upres: {told['problems'][0]}\n")
