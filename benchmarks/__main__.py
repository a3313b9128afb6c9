"""``python -m benchmarks``: measure the figures of the documentation, write their pages, check that both agree."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import PAGES, machines
from benchmarks.pages.page import ROOT, Page, Settings
from upres.errors import near_miss
from upres.machine.environment import environment
from upres.machine.names import label

EPILOG = """examples:
  python -m benchmarks list                                 # pages, where they stand, what they show
  python -m benchmarks check all                            # 1 where a page is not what its results say
  python -m benchmarks write readme_speed sweep
  python -m benchmarks measure stills --shared ../shared    # on an otherwise idle machine; writes the page too
  python -m benchmarks measure int8 --part speed --runs runs/int8
  python -m benchmarks measure pool --checkpoints runs/mine/best.safetensors
  python -m benchmarks name                                 # what this machine is called
  python -m benchmarks name epyc-c                          # call it so, here and in results without a name"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.command == "list":
        return _list()
    if args.command == "name":
        return _name(args.name)
    unknown = [name for name in args.pages if name != "all" and name not in PAGES]
    if unknown:
        parser.error(f"there is no page '{unknown[0]}'.{near_miss(unknown[0], list(PAGES))} {', '.join(PAGES)}")
    pages = list(PAGES.values()) if "all" in args.pages else [PAGES[name] for name in args.pages]
    if args.command == "check":
        return _check(pages)
    if args.command == "measure":
        settings = Settings(
            shared=args.shared,
            runs=args.runs,
            sweep=args.sweep,
            repeats=args.repeats,
            checkpoints=tuple(args.checkpoints),
        )
        pages = _measure(pages, args.part, settings, by_name="all" not in args.pages)
    for page in pages:
        page.write()
        print(f"{page.name}: wrote {page.target}")
    return 0


def _parser() -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=EPILOG, formatter_class=style
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("list", help="the pages", epilog=EPILOG, formatter_class=style)
    helps = {
        "measure": "measure what pages show, and write them",
        "write": "write pages from the results files",
        "check": "say which pages are not what the results files say",
    }
    for command, says in helps.items():
        parsed = commands.add_parser(command, help=says, epilog=EPILOG, formatter_class=style)
        parsed.add_argument("pages", nargs="+", metavar="NAME", help=f"all, or of {', '.join(PAGES)}")
        if command == "measure":
            _add_settings(parsed)
    named = commands.add_parser("name", help="name this machine", epilog=EPILOG, formatter_class=style)
    named.add_argument("name", nargs="?", metavar="NAME", help="a short one, such as epyc-c; without it, say the name")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    defaults = Settings()
    parser.add_argument("--part", metavar="PART", help="only this part of what is measured")
    parser.add_argument(
        "--shared", type=Path, default=defaults.shared, metavar="DIR", help="with data/ and reference/ (../shared)"
    )
    parser.add_argument(
        "--runs", type=Path, default=defaults.runs, metavar="DIR", help="of the 8-bit networks (runs/int8)"
    )
    parser.add_argument(
        "--sweep", type=Path, default=defaults.sweep, metavar="DIR", help="of `upres sweep plan pool` (sweeps/pool)"
    )
    parser.add_argument("--repeats", type=int, default=defaults.repeats, metavar="N", help="of whole processes (3)")
    parser.add_argument("--checkpoints", nargs="*", default=(), metavar="FILE", help="to show beside the pool")


def _list() -> int:
    for page in PAGES.values():
        made = ", ".join(f"measure {page.name} --part {part}" for part in page.measure)
        print(f"{page.name}\n  in    {page.target}\n  from  {', '.join(page.inputs)}")
        print("".join(f"  by    {way}\n" for way in (made, page.command) if way), end="")
    return 0


def _check(pages: Sequence[Page]) -> int:
    others = [page for page in pages if not page.is_written()]
    for page in others:
        print(f"{page.target} is not what the results say: python -m benchmarks write {page.name}", file=sys.stderr)
    return 1 if others else 0


def _measure(pages: Sequence[Page], part: str | None, settings: Settings, *, by_name: bool) -> list[Page]:
    """The pages that something was measured for; a page that nothing here measures is named with its command."""
    measured = []
    for page in pages:
        chosen = {name: run for name, run in page.measure.items() if part in (None, name)}
        for name, run in chosen.items():
            print(f"{page.name}: measuring {name}", file=sys.stderr)
            run(settings)
        if chosen:
            measured.append(page)
        elif by_name:
            parts = f"its parts are {', '.join(page.measure)}" if page.measure else f"made by {page.command}"
            print(f"{page.name}: nothing to measure here; {parts}", file=sys.stderr)
    return measured


def _name(name: str | None) -> int:
    if name is not None:
        try:
            machines.add(name)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
    print(label({**environment(), "name": None}))
    for path, given in machines.name_results():
        print(f"{path.relative_to(ROOT)}: measured on {given}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
