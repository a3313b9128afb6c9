"""Progress of ``upres train`` on stderr: one bar while pictures are decoded, one for the steps."""

import os
import sys
from math import isfinite
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from upres.lab.training.recipe import Recipe
    from upres.lab.training.state import RunPosition


def is_first_process() -> bool:
    """False in the processes that ``--devices`` starts beside the one at the terminal."""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


class TrainingProgress:
    """Listens to one run (the methods of `upres.lab.training.listener.Listener`) and draws it.

    Args:
        recipe: What is run.
        quiet: Draw nothing; warnings are still printed. So do all processes but the first.
    """

    def __init__(self, recipe: "Recipe", *, quiet: bool) -> None:
        self.recipe, self.quiet = recipe, quiet or not is_first_process()
        self.bar: Any = None
        self.best = float("-inf")

    def __enter__(self) -> "TrainingProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._show(None)

    def on_picture(self, done: int, total: int) -> None:
        """A picture is decoded."""
        if done == 1:
            self._show(tqdm(total=total, desc="decoding pictures", unit="picture", leave=False, **self._drawn()))
        self.bar.update(done - self.bar.n)
        if done == total:
            self._show(None)

    def on_start(self, progress: "RunPosition") -> None:
        """The run begins or goes on."""
        self.best = progress.best_psnr_db
        bar = {"desc": self.recipe.name, "unit": "step", "total": self.recipe.steps, "initial": progress.step}
        self._show(tqdm(**bar, **self._drawn()))

    def on_step(self, step: int, loss: float, rate: float) -> None:
        """Some steps are done."""
        best = f", best {self.best:.3f} dB" if isfinite(self.best) else ""
        self.bar.set_postfix_str(f"loss {loss:.5f}, rate {rate:.1e}{best}", refresh=False)
        self.bar.update(step - self.bar.n)

    def on_validation(self, step: int, psnr_db: float) -> None:  # noqa: ARG002
        """The network was validated."""
        self.best = max(self.best, psnr_db)

    def on_warning(self, message: str) -> None:
        """Something that the person should know."""
        tqdm.write(f"upres: {message}", file=sys.stderr)

    def _drawn(self) -> dict[str, Any]:
        return {"file": sys.stderr, "disable": self.quiet}

    def _show(self, bar: Any) -> None:
        if self.bar is not None:
            self.bar.close()
        self.bar = bar
