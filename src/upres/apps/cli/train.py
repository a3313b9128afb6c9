"""``upres train``: run training recipes, one after another, resuming what was interrupted."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from upres.errors import MissingExtraError, RecipeError, UpresError

EPILOG = """examples:
  upres train esr_tm_x2 --data photos/ --out runs/esr_tm_x2
  upres train esr_tm_x2 --data photos/ --out runs/short --set steps=2000 --set optim.learning_rate=2e-3
  upres train --queue esr_max_x2 esr_tm_x2 esr_tr_x2 --data photos/ --out runs/
  upres train --list

Stopped with Ctrl-C or killed, the same command goes on where it was; the result is the same to the bit.
The run's folder holds best.safetensors, which `upres evaluate` and `upres export` take."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="recipe names, or recipe.json files")
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
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Train, and print what came of it."""
    try:
        from upres.lab.training import jobs, recipes
        from upres.lab.training.recipe import Recipe, override
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres train", "lab") from error
    if args.list:
        print("\n".join(recipes.recipe_names()))
        return 0
    if not args.recipes:
        raise RecipeError("name a recipe; `upres train --list` shows them")

    def resolve(name: str) -> Recipe:
        base = (
            Recipe.from_dict(json.loads(Path(name).read_text())) if name.endswith(".json") else recipes.recipe_for(name)
        )
        return override(base, args.set)

    resolved = [resolve(name) for name in args.recipes]
    if args.show:
        print(json.dumps([recipe.to_dict() for recipe in resolved], indent=2))
        return 0
    if args.data is None or args.out is None:
        raise RecipeError("training needs --data DIR and --out DIR")
    if len(resolved) > 1 and not args.queue:
        raise RecipeError("several recipes need --queue")
    results = [_one(recipe, args) for recipe in resolved]
    _report(results, as_json=args.json)
    return 1 if any(result["error"] for result in results) else 0


def _one(recipe: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Train one recipe; in a queue an error is noted and the next recipe has its turn."""
    from upres.lab.training import jobs

    try:
        with _terminal(recipe, quiet=args.quiet) as terminal:
            result = jobs.run_recipe(
                recipe,
                data=args.data,
                out=jobs.queue_folder(args.out, recipe) if args.queue else Path(args.out),
                validation=args.validation,
                cache=args.cache,
                devices=args.devices,
                restart=args.restart,
                listener=terminal,
                progress=terminal.on_picture,
            )
    except UpresError as error:
        if not args.queue:
            raise
        print(f"upres: {recipe.name}: {error}", file=sys.stderr)
        return {"recipe": recipe.name, "error": str(error)}
    facts = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(result).items()}
    return {**facts, "error": None}


def _report(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"runs": results}, indent=2))
        return
    for result in results:
        if result["error"] is None:
            print(
                f"{result['recipe']}: {result['best_psnr_db']:.3f} dB in validation at step {result['best_step']} "
                f"of {result['steps']}, {result['seconds']:.0f} s: {result['best']}"
            )


def _terminal(recipe: Any, *, quiet: bool) -> Any:
    """A listener that draws a progress bar on stderr."""
    from upres.lab.training.listener import Listener

    class Terminal(Listener):
        """Progress of one run."""

        def __init__(self) -> None:
            self.bar = tqdm(total=recipe.steps, desc=recipe.name, unit="step", file=sys.stderr, disable=quiet)
            self.best = float("-inf")

        def __enter__(self) -> "Terminal":
            return self

        def __exit__(self, *_: object) -> None:
            self.bar.close()

        def on_picture(self, done: int, total: int) -> None:
            self.bar.set_postfix_str(f"decoding pictures {done}/{total}")

        def on_start(self, progress: Any) -> None:
            self.bar.initial = self.bar.n = progress.step
            self.best = progress.best_psnr_db
            self.bar.refresh()

        def on_step(self, step: int, loss: float, rate: float) -> None:
            self.bar.set_postfix_str(f"loss {loss:.5f}, rate {rate:.1e}, best {self.best:.3f} dB", refresh=False)
            self.bar.update(step - self.bar.n)

        def on_validation(self, step: int, psnr_db: float) -> None:  # noqa: ARG002
            self.best = max(self.best, psnr_db)

        def on_warning(self, message: str) -> None:
            tqdm.write(f"upres: {message}", file=sys.stderr)

    return Terminal()
