"""``upres train``: run training recipes, one after another, resuming what was interrupted."""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from upres.apps.cli._training_progress import TrainingProgress
from upres.errors import MissingExtraError, RecipeError, UpresError

EPILOG = """examples:
  upres train esr_tm_x2 --data photos/ --out runs/esr_tm_x2
  upres train esr_tm_x2 --data photos/ --out runs/short --set steps=2000 --set optim.learning_rate=2e-3
  upres train --queue rlfn_s_x2 rlfn_s_x4 --data photos/ --out runs/
  upres train ladder_rfdn --data photos/ --out runs/
  upres train --list

Stopped with Ctrl-C or killed, the same command goes on where it was; the result is the same to the bit.
The run's folder holds best.safetensors, which `upres evaluate` and `upres export` take.
A study (ladder_rfdn, tricks, choice) is a queue of small runs; it ends with a table and a file of results."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="RECIPE",
        help="recipe names, or files of JSON (a run's recipe.json, or what --show printed)",
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
        from upres.lab.studies import study as studies
        from upres.lab.training import recipes
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres train", "lab") from error
    if args.list:
        print("\n".join((*recipes.recipe_names(), *studies.STUDIES)))
        return 0
    if not args.recipes:
        raise RecipeError("name a recipe; `upres train --list` shows them")
    resolved = [recipe for name in args.recipes for recipe in _resolve(name, args.set)]
    if args.show:
        print(json.dumps([recipe.to_dict() for recipe in resolved], indent=2))
        return 0
    chosen = [studies.STUDIES[name] for name in args.recipes if name in studies.STUDIES]
    return _sum_up(resolved, chosen, args) if args.summarise else _train(resolved, chosen, args)


def _train(resolved: list[Any], chosen: list[Any], args: argparse.Namespace) -> int:
    if args.data is None or (args.out is None and not args.speed):
        raise RecipeError("training needs --data DIR and --out DIR")
    if args.speed:
        return _compare_speed(resolved, args)
    args.queue = args.queue or bool(chosen)
    if len(resolved) > 1 and not args.queue:
        raise RecipeError("several recipes need --queue")
    results = [_one(recipe, args) for recipe in resolved]
    if not _is_first_process():
        return 0
    _report(results, [_summary(study, resolved, args) for study in chosen], as_json=args.json)
    return 1 if any(result["error"] for result in results) else 0


def _sum_up(resolved: list[Any], chosen: list[Any], args: argparse.Namespace) -> int:
    if not chosen or args.out is None:
        raise RecipeError(
            "--summarise needs a study (`upres train --list` ends with them) and the --out DIR of its runs"
        )
    _report([], [_summary(study, resolved, args) for study in chosen], as_json=args.json)
    return 0


def _resolve(name: str, settings: list[str]) -> list[Any]:
    """The recipes behind a name: one, or those of a study."""
    from upres.lab.studies.study import STUDIES
    from upres.lab.training.recipe import Recipe, override
    from upres.lab.training.recipes import recipe_for

    if name in STUDIES:
        found = STUDIES[name].recipes()
    elif name.endswith(".json"):
        content = _read_json(name)
        found = [Recipe.from_dict(each) for each in (content if isinstance(content, list) else [content])]
    else:
        found = [recipe_for(name)]
    return [override(recipe, settings) for recipe in found]


def _read_json(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: not a readable recipe ({error})") from error


def _is_first_process() -> bool:
    """False in the processes that ``--devices`` starts beside the one at the terminal."""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


def _one(recipe: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Train one recipe; in a queue an error is noted and the next recipe has its turn."""
    from upres.lab.training.run import queue_folder, run_recipe

    try:
        with TrainingProgress(recipe, quiet=args.quiet or not _is_first_process()) as progress:
            result = run_recipe(
                recipe,
                data=args.data,
                out=queue_folder(args.out, recipe) if args.queue else Path(args.out),
                validation=args.validation,
                cache=args.cache,
                devices=args.devices,
                restart=args.restart,
                listener=progress,
                progress=progress.on_picture,
            )
    except UpresError as error:
        if not args.queue:
            raise
        print(f"upres: {recipe.name}: {error}", file=sys.stderr)
        return {"recipe": recipe.name, "error": str(error)}
    facts = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(result).items()}
    return {**facts, "error": None}


def _summary(study: Any, resolved: list[Any], args: argparse.Namespace) -> dict[str, Any]:
    """Sum up a study whose runs are done, and write its results file."""
    from upres.lab.studies.speed import latency_ms
    from upres.lab.studies.study import run_name, summarise
    from upres.machine.atomic import write_text
    from upres.machine.environment import environment

    steps = min(recipe.steps for recipe in resolved if recipe.name.startswith(f"{study.name}-"))
    out = Path(args.out)
    files = {row.label: out / run_name(study, row, study.seeds[0]) / "last.safetensors" for row in study.rows}
    timed = latency_ms({label: path for label, path in files.items() if path.is_file()})
    summary = {**summarise(study, out, steps=steps, latency_ms=timed), "environment": environment()}
    target = Path(args.results or Path("benchmarks", "results", f"{study.name}.json"))
    write_text(target, json.dumps(summary, indent=2) + "\n")
    return summary


def _compare_speed(resolved: list[Any], args: argparse.Namespace) -> int:
    from upres.lab.data.pictures import load_pictures
    from upres.lab.studies.speed import compare_speed
    from upres.machine.environment import environment

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for recipe in resolved:
            pictures = load_pictures(args.data, recipe.spec().scale, cache=args.cache)
            rows.append(asdict(compare_speed(recipe, pictures, folder=folder)))
    if args.json:
        print(json.dumps({"environment": environment(), "speed": rows}, indent=2))
        return 0
    for row in rows:
        print(
            f"{row['recipe']}: {row['loop_steps_per_s']:.2f} steps/s, "
            f"a plain PyTorch loop {row['plain_steps_per_s']:.2f}; "
            f"{row['waiting_share']:.1%} of the time waiting for batches"
        )
    return 0


def _report(results: list[dict[str, Any]], summaries: list[dict[str, Any]], *, as_json: bool) -> None:
    from upres.lab.studies.study import markdown

    if as_json:
        print(json.dumps({"runs": results, **({"studies": summaries} if summaries else {})}, indent=2))
        return
    for result in results:
        if result["error"] is None:
            print(
                f"{result['recipe']}: {result['best_psnr_db']:.3f} dB in validation at step {result['best_step']} "
                f"of {result['steps']}, {result['seconds']:.0f} s: {result['best']}"
            )
    for summary in summaries:
        print(f"\n## {summary['title']}\n\n{markdown(summary)}", end="")
