"""``upres challenge rank``: rank a table by a year's rules."""

import argparse
import json
import sys
from pathlib import Path

from upres.apps.cli.tables import print_rows

EPILOG = """examples:
  upres challenge rank published.csv --rules 2022
  upres challenge rank runs/set5/results.csv --rules 2024 --baseline imdn --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this action."""
    parser.epilog = EPILOG
    parser.description = "Rank a challenge table by a year's rules, and list where its printed figures contradict them."
    parser.add_argument("table", type=Path, help="CSV: one line an entry, or the long form system,...,metric,value")
    parser.add_argument("--rules", type=int, required=True, metavar="YEAR", help="whose rules: 2022, 2024 or 2025")
    parser.add_argument(
        "--gate", type=float, metavar="DB", help="smallest PSNR to be ranked, instead of the year's; 0 ranks all"
    )
    parser.add_argument("--baseline", metavar="ENTRY", help="whom scores are relative to, instead of the year's own")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Rank and print; returns the exit status."""
    from upres.lab.challenge.rank import rank, rules_of
    from upres.lab.challenge.table import PSNR, read_table

    rules = rules_of(args.rules)
    entries, year = read_table(args.table, year=args.rules)
    gate = None if args.gate is None else dict.fromkeys(PSNR, args.gate)
    ranking = rank(entries, rules, gate=gate, baseline=args.baseline, table_year=year)
    if not ranking.gate and all(entry.passed is None for entry in entries):
        print("upres: no PSNR column that the gate names: every entry is ranked", file=sys.stderr)
    if args.json:
        print(json.dumps(ranking.to_dict(), indent=1))
        return 0
    rows = ranking.rows()
    print_rows(rows)
    print(f"\nnot ranked: {', '.join(ranking.not_ranked) or 'nobody'}")
    for item in ranking.contradictions:
        figures = f"printed {item['printed']}, by the rule {item['computed']}"
        print(f"contradiction: {item['entry']}: {item['column']} {figures}")
    return 0
