"""Every figure of every protocol that `upres evaluate` measured of what ships."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pages.page import Page, results
from upres.evaluation.results import to_markdown


def render(content: Mapping[str, Any]) -> str:
    """The tables of `upres evaluate --markdown`."""
    return to_markdown(content["results"])


PAGES: Sequence[Page] = (
    Page(
        name="quality",
        target="docs/reports/quality.md",
        inputs=(results("quality"),),
        render=render,
        command="upres evaluate bicubic all --data Set5 Set14 --protocol all --out benchmarks/results/quality.json",
    ),
)
