from __future__ import annotations

import subprocess
import sys
import time
from textwrap import dedent

import numpy as np
import pytest

from ablations.vision.features.blocks import Blocks, Ledger


def squares(folder, compute=None, size=4):
    def own(block):
        rows = np.arange(block * size, min((block + 1) * size, 10))
        return (rows**2).astype(np.float32)[:, None]

    return Blocks(folder, size, compute or own, "numpy", Ledger())


def test_rows_come_in_the_order_asked_for(tmp_path):
    blocks = squares(tmp_path)
    assert blocks.read(np.array([9, 1, 1, 5]))[:, 0].tolist() == [81, 1, 1, 25]
    assert sorted(p.name for p in tmp_path.glob("*.npy")) == ["00000.npy", "00001.npy", "00002.npy"]


def test_only_what_is_asked_for_is_computed_and_only_once(tmp_path):
    seen = []

    def compute(block):
        seen.append(block)
        return np.zeros((4, 1), np.float32)

    squares(tmp_path, compute).read(np.array([0, 3]))
    squares(tmp_path, compute).read(np.array([2, 5]))
    assert seen == [0, 1]


def test_the_ledger_tells_own_work_from_that_of_others(tmp_path):
    def slow(block):
        time.sleep(0.02)
        return np.zeros((4, 1), np.float32)

    first, second = (squares(tmp_path, slow) for _ in range(2))
    first.read(np.array([0, 4]))
    second.read(np.array([0, 4, 8]))
    assert first.ledger.seconds >= 0.04
    assert first.ledger.shared_seconds == pytest.approx(0, abs=1e-9)
    assert second.ledger.shared_seconds == pytest.approx(first.ledger.seconds)
    assert second.ledger.seconds >= first.ledger.seconds + 0.02
    assert (second.ledger.rows, second.ledger.engines) == (12, {"numpy"})


def start(tmp_path, code):
    """Starts a process that uses the blocks of ``tmp_path``."""
    lines = (
        "import os, sys, time",
        "from pathlib import Path",
        "import numpy as np",
        "from ablations.vision.features.blocks import Blocks, Ledger",
        "folder = Path(sys.argv[1])",
        dedent(code),
    )
    return subprocess.Popen([sys.executable, "-c", "\n".join(lines), str(tmp_path)])


def test_processes_share_the_work(tmp_path):
    code = """
    def compute(block):
        with (folder / "log").open("a") as file:
            file.write(f"{block}\\n")
        time.sleep(0.02)
        return np.full((4, 1), block, np.float32)

    found = Blocks(folder / "blocks", 4, compute, "numpy", Ledger()).read(np.arange(80))
    assert found[:, 0].tolist() == [row // 4 for row in range(80)]
    """
    both = [start(tmp_path, code) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert sorted(map(int, (tmp_path / "log").read_text().split())) == list(range(20))


def test_a_process_that_dies_leaves_its_block_to_others(tmp_path):
    code = 'Blocks(folder, 4, lambda block: os._exit(9), "numpy", Ledger()).read(np.array([0]))'
    assert start(tmp_path, code).wait() == 9
    assert squares(tmp_path).read(np.array([3]))[:, 0].tolist() == [9]


def test_what_the_computing_raises_is_raised_and_nothing_is_kept(tmp_path):
    def fail(block):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        squares(tmp_path, fail).read(np.array([0]))
    assert squares(tmp_path).read(np.array([2]))[:, 0].tolist() == [4]


@pytest.mark.parametrize("damage", ["truncated", "without facts", "gone"])
def test_what_is_damaged_is_computed_anew(damage, tmp_path):
    squares(tmp_path).read(np.array([1, 5]))
    block = tmp_path / "00000.npy"
    if damage == "truncated":
        block.write_bytes(block.read_bytes()[:90])
    elif damage == "gone":
        block.unlink()
    else:
        block.with_suffix(".json").unlink()
    assert squares(tmp_path).read(np.array([3, 5]))[:, 0].tolist() == [9, 25]
