"""``upres inspect``: figures of what a trained network does."""

import argparse
import json

from upres.apps.cli._inspect_lines import LINES
from upres.apps.cli.arguments import count, names, positive_number
from upres.errors import MissingExtraError

EPILOG = """examples:
  upres inspect rlfn_c32b6_x2 -o figures/
  upres inspect runs/vdsr_x2/best.safetensors -o figures/ --picture photo.png --figures similarity
  upres inspect edsr_baseline_x2 --weights EDSR_baseline_x2.pt -o figures/ --max-offset 2

figures, each as NAME.json and NAME.png, and index.html with all of them:
  similarity  of every channel the other channel of its layer that explains it best once shifted and multiplied; the
              figure shows the most similar pair of some layers. error is the share of variance that is left.
  receptive   which input pixels the middle of the output depends on: attribution, diffusion index, extent
  spectrum    share of high frequencies in what a convolution gives, in a shifted copy, and in their difference
  filters     filters of the picture and upscaling kernels: gain, direction, and detail that the input cannot hold
  choice      which candidate an edge-SR network believes where, and how sure it is
  bands       frequencies of which each candidate of an edge-SR network has more than bicubic"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "model", metavar="MODEL", help="shipped name, .safetensors file, or a zoo's name with --weights"
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the figures")
    parser.add_argument("--weights", metavar="FILE", help="weights for a zoo's name, as `upres import` takes them")
    parser.add_argument("--picture", metavar="FILE", help="what the network sees (default: examples/chelsea.png)")
    parser.add_argument("--figures", nargs="+", metavar="NAME", help="which ones (default: all that the network has)")
    parser.add_argument("--side", type=count, default=128, metavar="N", help="look at the middle NxN (default 128)")
    parser.add_argument("--max-offset", type=count, default=1, metavar="N", help="largest shift (default 1)")
    parser.add_argument(
        "--tolerance",
        type=positive_number,
        default=0.1,
        metavar="E",
        help="error of an explained channel (default 0.1)",
    )
    parser.add_argument("--pairs", type=count, default=6, metavar="N", help="rows of the similarity figure (default 6)")
    parser.add_argument("--overwrite", action="store_true", help="replace figures that are there")
    parser.add_argument("--json", action="store_true", help="print the figures' JSON")


def run(args: argparse.Namespace) -> int:
    """Make the figures and say what they show; returns the exit status."""
    try:
        from upres.lab.inspect.figures import Settings, inspect
        from upres.lab.subject import open_subject, require_trained
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres inspect", "lab") from error

    subject = open_subject(args.model, weights=args.weights)
    require_trained(subject)
    figures = names(args.figures) if args.figures else None
    keys = ("side", "max_offset", "tolerance", "pairs")
    settings = Settings(**{key: getattr(args, key) for key in keys})
    reports = inspect(subject, args.picture, args.output, figures=figures, settings=settings, overwrite=args.overwrite)
    if args.json:
        print(json.dumps(reports, indent=1))
        return 0
    for name, report in reports.items():
        print(f"{name}: {args.output}/{name}.png and .json\n" + "\n".join(LINES[name](report)))
    print(f"all of them: {args.output}/index.html")
    return 0
