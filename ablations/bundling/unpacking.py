"""Opens a bundle again, so that its trials can be trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations.bundling.contents import ABOUT
from ablations.errors import StoreError
from ablations.plan.loading import load_study
from ablations.session import Session


def unpacked(files: Mapping[str, bytes], folder: Path, *, data_dir: Path | None = None) -> Session:
    """Writes a bundle's files into an empty folder, and returns its study with its records.

    Args:
        files: As ``archive.read_archive`` returns them, whose names all lie inside.
        folder: Where to.
        data_dir: Where the data lie, for data sets that need it.

    Raises:
        StoreError: if the bundle does not say where its study is.
        StudyError: if its study file cannot be used.
    """
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    about = _about(files)
    options = _options(about["options"])
    study = load_study(folder / about["study"], **options)
    runs = folder / "runs"
    return Session(study, data_dir, runs, source=folder / about["records"])


def _about(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        about = json.loads(files[ABOUT])
        if {about["study"], about["records"]} <= files.keys():
            return dict(about)
    except (KeyError, TypeError, ValueError):
        pass
    raise StoreError(
        f"the bundle's {ABOUT} does not name its study and its records",
        received=files.get(ABOUT, b"no such file")[:200].decode(errors="replace"),
        cure="Bundle the study again: ablations bundle",
    )


def _options(words: Sequence[str]) -> dict[str, Any]:
    """Reads what ``--set``, ``--seeds`` and ``--threads`` were."""
    pairs = list(zip(words[::2], words[1::2], strict=True))
    options: dict[str, Any] = {"overrides": [text for name, text in pairs if name == "--set"]}
    numbers = {name.removeprefix("--"): int(text) for name, text in pairs if name != "--set"}
    return options | {name: n for name, n in numbers.items() if name in ("seeds", "threads")}
