"""Lets a project's own tests assert on a study: a plugin that pytest finds by itself.

    @pytest.mark.ablation("study.toml", gate=True)
    def test_augmentation_helps(ablation):
        assert ablation.effects[0].estimate > 0

The study's missing trials are trained, as by ``ablations run``, and the fixture ``ablation`` is
what was found. With ``gate`` the test fails where the study's gates do, and is skipped, with the
reason, where they are inconclusive.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # each start of pytest imports this module, so it imports little itself
    from filelock import BaseFileLock

    from ablations.core.findings import Findings
    from ablations.core.study import Study

_OPTION = "--ablation-seeds"
_FOUND = pytest.StashKey[dict[object, "Findings"]]()
_GATED, _OWN = pytest.StashKey[bool](), pytest.StashKey["Findings"]()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a marker asks for, with its paths resolved."""

    study: Study | str
    gate: bool
    data_dir: Path | None
    runs_dir: Path


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the number of seeds."""
    group = parser.getgroup("ablations")
    group.addoption(
        _OPTION,
        type=_count,
        metavar="N",
        help="Number of seeds of each arm, in place of that of the studies that tests name.",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise pytest.UsageError(
            f"{_OPTION} takes a number of seeds. Received: {text}. Give 1 or more."
        )
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """Describes the marker, for ``pytest --markers`` and ``--strict-markers``."""
    config.addinivalue_line(
        "markers",
        "ablation(study, *, gate=False, data_dir=None, runs_dir='runs'): train what is missing of "
        "a study; the fixture 'ablation' is what was found, and gate=True has its gates decide",
    )
    config.stash[_FOUND] = {}


@pytest.fixture(autouse=True)
def _ablation_of_marker(request: pytest.FixtureRequest) -> None:
    """Runs the study of a marked test, also where the test does not name the fixture."""
    if request.node.get_closest_marker("ablation"):
        request.getfixturevalue("ablation")


@pytest.fixture
def ablation(request: pytest.FixtureRequest) -> Findings:
    """What was found in the study that the marker ``ablation`` of the test names."""
    from ablations.errors import AblationsError

    try:
        asked = _asked(request)
        findings = _findings(request.config, asked)
    except (AblationsError, OSError) as error:
        problem = str(error)
    else:
        request.node.stash[_GATED] = asked.gate
        request.node.stash[_OWN] = findings
        return findings
    pytest.fail(problem, pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Lets the gates decide before the test does; a gate that fails is no error of a fixture."""
    if _OWN in item.stash:
        findings = item.stash[_OWN]
        _require_same_code(findings)
        _judge(findings) if item.stash[_GATED] else _require_complete(findings)


def _asked(request: pytest.FixtureRequest) -> _Asked:
    """Reads the marker of a test.

    Raises:
        StudyError: if it has none, or one that is not ``ablation(study, gate=…, …)``.
    """
    from ablations.errors import StudyError

    marker = request.node.get_closest_marker("ablation")
    try:
        return _read_marker(request, *marker.args, **marker.kwargs)
    except (AttributeError, TypeError) as error:
        given = "no marker" if marker is None else f"{marker.args} {marker.kwargs}"
        raise StudyError(
            "a test that uses a study names it with the marker 'ablation'",
            received=given,
            cure='Write @pytest.mark.ablation("study.toml", gate=True); it also takes data_dir and '
            "runs_dir",
        ) from error


def _read_marker(
    request: pytest.FixtureRequest,
    study: Study | str | Path,
    *,
    gate: bool = False,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> _Asked:
    from ablations.core.study import Study

    if not isinstance(study, str | Path | Study):
        raise TypeError(study)
    root, beside = request.config.rootpath, request.path.parent
    named = str(_found(study, beside, root)) if isinstance(study, str | Path) else study
    data = None if data_dir is None else root / data_dir
    return _Asked(named, gate, data, root / runs_dir)


def _found(study: str | Path, *folders: Path) -> str | Path:
    """Returns the file of a study: beside the test, else in pytest's root; or a built-in name."""
    return next((path for folder in folders if (path := folder / study).is_file()), study)


def _findings(config: pytest.Config, asked: _Asked) -> Findings:
    """Returns what was found in a study, which is trained once for all tests of this process."""
    from ablations.plan.loading import load_study
    from ablations.plan.tables import require_fixed_seeds

    seeds, found = config.getoption(_OPTION), config.stash[_FOUND]
    own = asked.study if isinstance(asked.study, str) else id(asked.study)
    key = (own, asked.data_dir, asked.runs_dir)
    if key not in found:
        study = asked.study
        if isinstance(study, str):
            study = load_study(study, seeds=seeds)
        elif seeds is not None:
            require_fixed_seeds(study.adaptive and {"at_most": len(study.seeds)}, override=seeds)
            study = replace(study, seeds=tuple(range(seeds)))
        found[key] = _trained(study, asked)
    return found[key]


def _trained(study: Study, asked: _Asked) -> Findings:
    from ablations.calls import run_study
    from ablations.session import Session

    with _alone(asked.runs_dir / study.slug):
        records = run_study(study, data_dir=asked.data_dir, runs_dir=asked.runs_dir)
    return Session(study, asked.data_dir, asked.runs_dir).findings(records)


def _alone(folder: Path) -> BaseFileLock:
    """Has the processes of pytest-xdist take turns with a study: the second finds its records."""
    from filelock import FileLock

    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"ablations-{digest}.lock")


def _require_same_code(findings: Findings) -> None:
    """Fails the test where its trials show what the code was, and not what it is."""
    from ablations.reporting import n_of_other_code
    from ablations.text.sentences import other_code_sentence

    if number := n_of_other_code(findings):
        pytest.fail(other_code_sentence(number), pytrace=False)


def _require_complete(findings: Findings) -> None:
    """Fails the test where trials are missing or failed, which no assertion would notice."""
    from ablations.text.checks import trial_checks

    if lost := [c.text for c in trial_checks(findings) if c.status != "passed"]:
        pytest.fail("\n".join(lost), pytrace=False)


def _judge(findings: Findings) -> None:
    """Ends the test by the gates of its study, unless all of them passed."""
    from ablations.analyze.compare.gates import exit_code
    from ablations.core.findings import Decision
    from ablations.text.judged import judged_decision

    if not findings.gates:
        pytest.fail(
            f"{findings.study.slug} has no gates. Received: gate=True. Add [[gates]] to the study, "
            "or leave out gate and assert on the fixture 'ablation'.",
            pytrace=False,
        )
    judged = judged_decision(Decision(findings, exit_code(findings)))
    text = "\n".join([judged.headlines[0][0], *(check.text for check in judged.open_checks)])
    if judged.status == "inconclusive":
        pytest.skip(f"{text}\nMore seeds decide it: {_OPTION} N, or 'seeds' in the study.")
    if judged.status != "passed":
        pytest.fail(text, pytrace=False)
