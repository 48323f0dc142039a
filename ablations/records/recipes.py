"""Whether record files that are put together are of one study, and in what they differ if not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.core.design import Arm
from ablations.errors import StoreError
from ablations.records.description import parsed
from ablations.text.formatting import few, listing

_NAMED = 3
"""How many names of a kind a message shows."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the trials of one arm were made with; ``threads`` is empty where it is not recorded."""

    entry: str
    settings: str
    data: str
    threads: str

    def facts(self) -> dict[str, str]:
        """Returns all of it by name, each value as text."""
        settings = {name: json.dumps(value) for name, value in json.loads(self.settings).items()}
        own = {"training function": self.entry, "data": self.data or "unknown"}
        return settings | own | ({"threads": self.threads} if self.threads else {})


@dataclass(frozen=True, slots=True)
class Contents:
    """What a record file holds: its studies, and the recipes of each arm."""

    path: Path
    studies: frozenset[str]
    recipes: Mapping[Arm, frozenset[Recipe]]


def contents_of(path: Path, connection: sqlite3.Connection) -> Contents:
    """Reads what a record file holds, without its records."""
    studies = connection.execute("SELECT DISTINCT study FROM records")
    found: dict[Arm, set[Recipe]] = {}
    distinct = connection.execute(
        "SELECT DISTINCT r.arm, r.entry, r.settings, r.data, json_extract(e.facts, '$.threads') "
        "FROM records r LEFT JOIN environments e ON e.id = r.environment"
    )
    for arm, entry, settings, data, threads in distinct:
        ordered = json.dumps(parsed(settings), sort_keys=True)
        recipe = Recipe(entry, ordered, data, str(threads or ""))
        found.setdefault(Arm(tuple(parsed(arm).items())), set()).add(recipe)
    recipes = {arm: frozenset(own) for arm, own in found.items()}
    return Contents(path, frozenset(study for (study,) in studies), recipes)


def require_one_study(files: Sequence[Contents]) -> str:
    """Returns the study that all records are of.

    Raises:
        StoreError: if there are no records, or they are of several studies.
    """
    found = {study: own.path for own in reversed(files) for study in own.studies}
    if not found:
        raise StoreError(
            "there are no records to merge",
            received=few([str(own.path) for own in files]),
            cure="Name record files of shards that have trained a trial",
        )
    if len(found) > 1:
        raise StoreError(
            "the files hold records of several studies",
            received=few([f"{study} in {path}" for study, path in sorted(found.items())]),
            cure="Name the files of one study, such as runs/STUDY/shard-*/records.sqlite",
        )
    return next(iter(found))


def require_common_recipes(files: Sequence[Contents]) -> None:
    """Makes sure that all files with records of an arm have a recipe of it in common.

    A file may also hold what was trained before a setting was changed.

    Raises:
        StoreError: if two files have none in common, with what is different.
    """
    if found := differing(files):
        raise StoreError(
            "the files were trained with different settings",
            received=found,
            cure="Leave out those of other settings; if you mean to keep both, merge them one "
            "after the other",
        )


def differing(files: Sequence[Contents]) -> str:
    """Returns in what the files differ in the first arm that does not have one recipe in all."""
    for arm in dict.fromkeys(arm for own in files for arm in own.recipes):
        having = [own for own in files if arm in own.recipes]
        common = having[0].recipes[arm]
        for own in having[1:]:
            if not common & own.recipes[arm]:
                one, other = _nearest(common, own.recipes[arm])
                return f"{arm.name}: {_differences(one, other, having[0].path, own.path)}"
            common &= own.recipes[arm]
    return ""


def _nearest(some: Iterable[Recipe], others: Iterable[Recipe]) -> tuple[Recipe, Recipe]:
    """Returns the two recipes, one of each side, that differ in the fewest facts."""
    pairs = [(one, other) for one in some for other in others]
    return min(pairs, key=lambda pair: (len(_unequal(*pair)), str(pair)))


def _unequal(one: Recipe, other: Recipe) -> list[str]:
    facts = one.facts(), other.facts()
    names = sorted({*facts[0], *facts[1]})
    return [name for name in names if facts[0].get(name) != facts[1].get(name)]


def _differences(one: Recipe, other: Recipe, first: Path, second: Path) -> str:
    def side(recipe: Recipe) -> str:
        facts = recipe.facts()
        return listing([f"{name} = {facts.get(name, 'unset')}" for name in unequal[:_NAMED]])

    unequal = _unequal(one, other)
    return f"{side(one)} in {first}; {side(other)} in {second}"
