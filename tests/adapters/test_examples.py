"""The examples of docs/adapters.md run as they are written, with fewer epochs and seeds."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
NEEDED = {
    "keras": ("keras", "tensorflow"),
    "sklearn": ("sklearn",),
    "torch": ("torch",),
    "lightning": ("torch", "lightning"),
    "transformers": ("torch", "transformers", "accelerate"),
}
QUICKER = {
    "make_study(": "make_study(seeds=2, ",
    "epochs=5": "epochs=1",
    '"epochs": 5': '"epochs": 1',
    "run(study)": "run(study, jobs=0)",
}


def examples() -> dict[str, str]:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {re.findall(r"ablations\.adapters\.(?!split)(\w+)\(", own)[0]: own for own in blocks}


def test_each_adapter_has_an_example():
    assert set(examples()) == set(NEEDED)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the frameworks about themselves
@pytest.mark.parametrize("name", NEEDED)
def test_the_examples_run(name, tmp_path, monkeypatch):
    missing = [package for package in NEEDED[name] if find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    monkeypatch.chdir(tmp_path)
    code = examples()[name]
    for written, quicker in QUICKER.items():
        code = code.replace(written, quicker)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(code, names)
    findings = names["findings"]
    assert findings.n_completed == 2 * len(findings.study.arms)
    assert findings.study.seeds == (0, 1)
