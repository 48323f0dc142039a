"""The process that trains a study at one commit, as `ablations.commits` starts it; not by hand."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.cli.terminal.signals import heed_termination
from ablations.errors import AblationsError, StoreError, StudyError
from ablations.records.git import code_names, is_tracked, repository_of

if TYPE_CHECKING:
    from ablations.commits import Request
    from ablations.core.design import Arm
    from ablations.core.study import Study


def main() -> None:
    """Reads a request from standard input, and writes the answer to the file that it names."""
    heed_termination()
    os.environ.pop("PYTHONSAFEPATH", None)  # workers find code as those of 'run' do
    from ablations.commits import Request

    request = Request.from_json(sys.stdin.readline())
    threading.Thread(target=_stop_with_starter, daemon=True).start()
    sys.path[:] = request.path
    with suppress(KeyboardInterrupt):
        answer = json.dumps(_answered(request))
        Path(request.answer).write_text(answer, encoding="utf-8")


def _stop_with_starter() -> None:
    """Waits for the end of standard input, and stops this process as SIGTERM does."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _answered(request: Request) -> dict[str, Any]:
    try:
        return _trained(request)
    except StoreError as error:
        return {"store": error.parts}
    except (AblationsError, OSError) as error:
        return {"error": str(error)}


def _trained(request: Request) -> dict[str, Any]:
    """Trains what is asked, and returns the study and the keys of the trials.

    Raises:
        AblationsError: if the study, its data or its records cannot be used, or its code is not
            that of the commit.
    """
    from ablations.plan import load_study

    own = request.options
    loaded = load_study(request.study, overrides=own.overrides, threads=own.threads)
    _require_own_code(loaded, Path(request.top))
    _require_no_copy(loaded, repository_of(Path(request.study).parent))
    seeds = request.seeds or tuple(islice(_seeds(loaded), own.seeds))
    study = replace(loaded, seeds=seeds, adaptive=None)
    return {"study": _described(loaded, seeds), "keys": _keys(study, request)}


def _keys(study: Study, request: Request) -> list[tuple[object, int, str]]:
    """Trains those of the trials that have no record, and returns the keys of all it may train.

    They are under the arms of the request, whose levels may be in another order.
    """
    from ablations.plan import remaining
    from ablations.progress.watching import watched
    from ablations.session import Session

    if not request.trials:
        return []
    own, arms = request.options, {frozenset(arm.levels): arm for arm in study.arms}
    names = {_arm_of(arm, arms): arm for arm, _ in request.trials}
    asked = {(_arm_of(arm, arms), seed) for arm, seed in request.trials}
    session = Session(study, own.data_dir, own.runs_dir, plain=own.plain)
    chosen = [trial for trial in session.possible_trials if (trial.arm, trial.seed) in asked]
    if to_do := remaining(chosen, session.planned_store.outcomes()):
        with watched(session, to_do) as watcher:
            session.run(to_do, jobs=own.jobs, observer=watcher)
    planned = (trial for trial in session.possible_trials if trial.arm in names)
    return [(names[trial.arm].levels, trial.seed, trial.key) for trial in planned]


def _arm_of(arm: Arm, arms: Mapping[frozenset[tuple[str, str]], Arm]) -> Arm:
    """Returns the study's arm with the levels of one of another commit.

    Raises:
        StudyError: if it has none.
    """
    if (found := arms.get(frozenset(arm.levels))) is None:
        raise StudyError(
            "the study has no such arm at this commit",
            received=arm.name,
            cure="Name commits between which its arms have the same levels",
        )
    return found


def _seeds(study: Study) -> Iterator[int]:
    """Yields the study's own seeds, and then others."""
    yield from study.seeds
    yield from (seed for seed in count() if seed not in study.seeds)


def _described(study: Study, seeds: tuple[int, ...]) -> dict[str, Any]:
    fixed = len(study.seeds) if study.adaptive is None else study.adaptive.at_least
    return {
        "slug": study.slug,
        "metric": study.metric,
        "margin": study.smallest_effect_that_matters,
        "arms": [arm.levels for arm in study.arms],
        "seeds": seeds,
        "own": fixed,
    }


def _require_own_code(study: Study, top: Path) -> None:
    """Makes sure that no code of the repository comes from the working tree.

    Raises:
        StudyError: if some does, as that of packages that are installed with ``pip install -e``.
    """
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    within = [Path(file) for file in files if file and Path(file).is_relative_to(top)]
    folders = {top / file.relative_to(top).parts[0] for file in within}
    tracked = {folder for folder in folders if is_tracked(folder, top)}  # no environment is
    for file in within:
        if top / file.relative_to(top).parts[0] in tracked and is_tracked(file, top):
            raise StudyError(
                f"{study.entry} imports code of the working tree, which is not that of the commit",
                received=str(file),
                cure="Put its folder on Python's path, as in 'PYTHONPATH=src ablations bisect', or "
                "issue the command where that package is not installed from this folder",
            )


def _require_no_copy(study: Study, tree: Path) -> None:
    """Makes sure that no code which the commit has is read from where it was installed.

    Raises:
        StudyError: if some is, by which all commits would train the same code.
    """
    found = {name: getattr(module, "__file__", None) for name, module in [*sys.modules.items()]}
    own = code_names(tree) - sys.stdlib_module_names - {"__main__"}
    for name in sorted(own & found.keys()):
        file = found[name]
        if file and not Path(file).is_relative_to(tree):
            raise StudyError(
                f"{study.entry} imports an installed copy of {name}, so every commit would train "
                "the same code",
                received=file,
                cure="Put the folder of this code on Python's path, where it comes before what is "
                "installed: 'PYTHONPATH=src ablations ...', or 'PYTHONPATH=. ablations ...'",
            )


if __name__ == "__main__":
    main()
