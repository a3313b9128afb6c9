"""Options of `upres video`."""

import argparse
import re
from argparse import ArgumentTypeError

from upres.apps.cli._networks import add_engine
from upres.apps.cli.arguments import count, threads

EPILOG = """what is kept:
  Sound, subtitles, chapters, attachments, covers, tags, times, the shape of pixels, turns, colours and HDR10 metadata
  go into the result as they are. What the result's container cannot hold is said before the work; MKV holds nearly all.

going on:
  While film_x2.mkv is made, .film_x2.mkv.upres beside it holds what is done. After a crash, a power cut or Ctrl-C the
  same command goes on there. Ctrl-C waits for the run of frames at hand, a second one does not.

codecs:
  auto takes x264 for 8 bits and x265 for more and for HDR; x264, x265, av1, vp9, ffv1 and prores can be named.
  --lossless is ffv1. GIF and other short clips are films too: upres video anim.gif -o anim.mp4.

examples:
  upres video film.mkv                                film_x2.mkv beside it
  upres video film.mp4 -o large.mp4 --fit 1920x1080
  upres video film.mkv --info
  upres video film.mkv --preview 00:01:30             two PNG pictures: before and after
  upres video film.mkv --play --start 1:30            shown in mpv while it is enlarged
  upres video film.mkv --start 60 --end 90 --lossless
  upres video dvd.vob --deinterlace --real
  upres video film.mkv --steady                       still regions flicker about as the film's own do
  upres video clips/ -o large/ --codec av1 --crf 30
  upres video film.mkv -o - --format y4m | x264 - --demuxer y4m -o film.264"""


def add_networks(parser: argparse.ArgumentParser) -> None:
    """Which network enlarges, on what it runs, and what is printed."""
    choice = parser.add_argument_group("networks")
    choice.add_argument("--model", metavar="NAME", help="see `upres models`; bicubic (default: esr_tm, native)")
    choice.add_argument("--fast", action="store_true", help="small luma networks: sharper than the default, slower")
    choice.add_argument("--clean", action="store_true", help="the RGB networks of `upres upscale`: seconds a frame")
    choice.add_argument("--real", action="store_true", help="RGB networks that undo compression and noise")
    run = parser.add_argument_group("run")
    add_engine(run)
    run.add_argument("--threads", type=threads, metavar="N", help="threads of network and encoder (default: all)")
    run.add_argument("--json", action="store_true", help="print a report as JSON instead of lines")
    run.add_argument("--quiet", action="store_true", help="print errors only")


def add_video(parser: argparse.ArgumentParser) -> None:
    """What is made of the film."""
    film = parser.add_argument_group("film")
    film.add_argument("--info", action="store_true", help="say what the file is, and make nothing")
    film.add_argument("--preview", type=seconds, metavar="TIME", help="write one frame before and after as PNG")
    film.add_argument("--play", action="store_true", help="show the film larger as it runs, in mpv, and write nothing")
    film.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="such as 90, 1:30 or 00:01:30.5")
    film.add_argument("--end", type=seconds, metavar="TIME", help="where to stop")
    film.add_argument("--deinterlace", action="store_true", help="make whole frames of fields (bwdif) first")
    film.add_argument("--steady", action="store_true", help="keep the network from making still regions flicker")
    film.add_argument("--drop-dynamic-hdr", action="store_true", help="go on without HDR10+ and Dolby Vision")
    film.add_argument("--siting", choices=("left", "centre", "topleft"), help="where chroma lies (default: by codec)")
    film.add_argument(
        "--color", choices=("bt601-525", "bt601-625", "bt709", "bt2020"), help="of files that do not say their colours"
    )
    encoding = parser.add_argument_group("encoding")
    encoding.add_argument("--codec", default="auto", metavar="NAME", help="auto, x264, x265, av1, vp9, ffv1, prores")
    encoding.add_argument("--crf", type=_quality, metavar="N", help="constant quality: lower is better and larger")
    encoding.add_argument("--preset", metavar="NAME", help="the encoder's: medium, slow ...; 0 to 13 for av1")
    encoding.add_argument("--lossless", action="store_true", help="keep every sample; ffv1 where no codec is named")
    encoding.add_argument("--format", metavar="FORMAT", help="mkv, mp4, mov, webm, or y4m for -o -")
    files = parser.add_argument_group("files")
    files.add_argument("--include", action="append", default=[], metavar="GLOB", help="of folders, take only these")
    files.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="of folders, leave these out")
    files.add_argument("--recursive", action=argparse.BooleanOptionalAction, default=True, help="look into folders")
    files.add_argument("--overwrite", action="store_true", help="replace what is there, and what was begun otherwise")


def check(args: argparse.Namespace) -> None:
    """Refuse combinations that cannot be meant as wrong usage."""
    ways = [args.scale is not None, args.fit is not None, args.width is not None or args.height is not None]
    if sum(ways) > 1:
        args.usage_error("give one of --scale, --fit, --width and/or --height")
    if (args.model is not None) + args.clean + args.real > 1 or (args.model is not None and args.fast):
        args.usage_error("--model, --fast, --clean and --real each choose the networks: give one of them")
    if args.end is not None and args.end <= args.start:
        args.usage_error("--end must come after --start")
    if args.output == "-" and args.format != "y4m":
        args.usage_error("standard output takes frames only: -o - needs --format y4m")
    if (args.output == "-" or args.info or args.play or args.preview is not None) and len(args.inputs) > 1:
        args.usage_error("give one film")
    if args.play and (args.output is not None or args.info or args.preview is not None):
        args.usage_error("--play shows the film and writes nothing: give it without -o, --info and --preview")


def seconds(text: str) -> float:
    """Seconds, from ``90``, ``1:30`` or ``00:01:30.5``."""
    match = re.fullmatch(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d+)?)", text, re.ASCII)
    if match is None or (match[2] is not None and float(match[3]) >= 60):
        raise ArgumentTypeError(f"expected a time such as 90, 1:30 or 00:01:30.5, got '{text}'")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3])


def _quality(text: str) -> int:
    return 0 if text == "0" else count(text)
