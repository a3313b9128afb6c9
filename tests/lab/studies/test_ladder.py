"""The ladder compares what it says it compares."""

from dataclasses import replace

from upres.lab.studies.ladder import STUDY


def test_rungs_of_the_ladder_differ_only_in_the_block() -> None:
    rungs = {row.label: row for row in STUDY.rows}
    assert rungs["imdb"].against == ""
    assert {rungs[label].against for label in ("srb", "fdc", "rfdb")} == {"imdb_r"}
    specs = {label: replace(recipe.spec(), arguments={**recipe.spec().arguments, "block": ""}) for label, recipe in zip(
        rungs, STUDY.recipes(), strict=False
    )}  # fmt: skip
    assert specs["imdb"] == specs["imdb_r"] == specs["srb"] == specs["fdc"] == specs["rfdb"] != specs["ratio50"]
