"""``python -m upres.lab.data.rendered DIR [COUNT [SIZE [SEED]]]``: write rendered pictures as PNG files."""

import argparse
import io
from pathlib import Path

from PIL import Image

from upres.lab.data.rendered import TILE, rendered
from upres.machine.atomic import atomic_file


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(prog="python -m upres.lab.data.rendered", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("count", type=int, nargs="?", default=24)
    parser.add_argument("size", type=int, nargs="?", default=TILE, help="side in pixels (%(default)s)")
    parser.add_argument("seed", type=int, nargs="?", default=1, help="training draws by 0 (%(default)s)")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for index in range(args.count):
        file = io.BytesIO()
        Image.fromarray(rendered(index, height=args.size, width=args.size, seed=args.seed)).save(file, "PNG")
        with atomic_file(args.folder / f"rendered-{index:05}.png") as out:
            out.write(file.getvalue())


if __name__ == "__main__":
    main()
