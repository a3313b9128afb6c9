"""``upres train``: run training recipes, one after another, resuming what was interrupted."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upres.apps.cli._training_progress import TrainingProgress, is_first_process
from upres.apps.cli.hints import worded
from upres.errors import MissingExtraError, RecipeError, UpresError

if TYPE_CHECKING:
    from upres.lab.studies.study import Study
    from upres.lab.training.recipe import Recipe

EPILOG = """examples:
  upres train esr_tm_x2 --data photos/ --out runs/esr_tm_x2
  upres train esr_tm_x2 --data photos/ --out runs/short --set steps=2000 --set optim.learning_rate=2e-3
  upres train --queue rlfn_s_x2 rlfn_s_x4 --data photos/ --out runs/
  upres train ladder_rfdn --data photos/ --out runs/
  upres train --list

Stopped with Ctrl-C or killed, the same command goes on where it was, to the same bits. The run's folder holds
best.safetensors, which `upres evaluate` and `upres export` take. A study (ladder_rfdn, tricks, ghost, restorers) is a
queue of small runs; it ends with a table and a file of results."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="RECIPE",
        help="names, or files of JSON (a run's recipe.json, what --show printed)",
    )
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument("--show", action="store_true", help="print the resolved recipe as JSON and stop")
    parser.add_argument("--data", metavar="DIR", help="folder of high-resolution pictures, searched recursively")
    parser.add_argument("--out", metavar="DIR", help="folder of the run; with --queue one folder a recipe in it")
    parser.add_argument("--queue", action="store_true", help="run several recipes in turn, finished ones are left out")
    parser.add_argument("--validation", metavar="DIR", help="pictures to validate on (default: CID22val beside --data)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.add_argument("--restart", action="store_true", help="begin anew where --out holds an unfinished run")
    parser.add_argument("--devices", type=int, default=1, help="processes that share each batch")
    parser.add_argument("--cache", metavar="DIR", help="where decoded pictures are kept")
    parser.add_argument("--results", metavar="FILE", help="a study's results (benchmarks/results/STUDY.json)")
    parser.add_argument("--summarise", action="store_true", help="sum up a study's finished runs, train nothing")
    parser.add_argument("--speed", action="store_true", help="compare steps/s with a plain PyTorch loop and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Train, and print what came of it."""
    try:
        from upres.apps.cli._training_reports import print_results, print_speeds
        from upres.lab.studies import run as studies
        from upres.lab.studies.speed import compare_speeds
        from upres.lab.training.recipes import recipe_names
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres train", "lab") from error
    if args.list:
        print("\n".join((*recipe_names(), *studies.study_names())))
        return 0
    if not args.recipes:
        raise RecipeError("name a recipe; `upres train --list` shows them")
    recipes = [recipe for name in args.recipes for recipe in studies.recipes_of(name, args.set)]
    if args.show:
        print(json.dumps([recipe.to_dict() for recipe in recipes], indent=2))
        return 0
    chosen = studies.studies_of(args.recipes)
    _check(args, recipes, chosen)
    studies.require_validation(() if args.summarise else chosen, args.validation)
    if args.speed and not args.summarise:
        print_speeds(compare_speeds(recipes, args.data, cache=args.cache), as_json=args.json)
        return 0
    results = [] if args.summarise else [_train(each, args, in_queue=args.queue or bool(chosen)) for each in recipes]
    if not is_first_process():
        return 0
    summaries = [studies.sum_up(study, recipes, args.out, args.results) for study in chosen]
    print_results(results, summaries, as_json=args.json)
    return 1 if any(result["error"] for result in results) else 0


def _check(args: argparse.Namespace, recipes: Sequence["Recipe"], chosen: Sequence["Study"]) -> None:
    if args.summarise and (not chosen or args.out is None):
        raise RecipeError("--summarise needs a study (last in `upres train --list`) and the --out DIR of its runs")
    if not args.summarise and (args.data is None or (args.out is None and not args.speed)):
        raise RecipeError("training needs --data DIR and --out DIR")
    if len(recipes) > 1 and not (args.queue or args.speed or chosen):
        raise RecipeError("several recipes need --queue")


def _train(recipe: "Recipe", args: argparse.Namespace, *, in_queue: bool) -> dict[str, Any]:
    """Train one recipe; in a queue an error is noted and the next recipe has its turn."""
    from upres.lab.training.run import queue_folder, run_recipe

    try:
        with TrainingProgress(recipe, quiet=args.quiet) as progress:
            result = run_recipe(
                recipe,
                data=args.data,
                out=queue_folder(args.out, recipe) if in_queue else Path(args.out),
                validation=args.validation,
                cache=args.cache,
                devices=args.devices,
                restart=args.restart,
                listener=progress,
                progress=progress.on_picture,
            )
    except UpresError as error:
        if not in_queue:
            raise
        print(f"upres: {recipe.name}: {worded(error)}", file=sys.stderr)
        return {"recipe": recipe.name, "error": worded(error)}
    return {**asdict(result), "error": None}
