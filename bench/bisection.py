"""How often does a bisection name the right commit, a wrong one, or none, and what does it train?

Histories of 32 commits beside GOOD, one arm, up to 20 seeds. Numbers are in margins; ``sd`` is the
spread of a seed's results around its mean from one state of the code to another. ``same``: all
commits before the step have the same results to the last bit, and so have all from it on. ``new``:
each commit changes the results of all seeds. A name is wrong if it is not the step's, a range if
the step is not in it; where no commit exceeds the margin, every name is wrong.

    python bench/bisection.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from statistics import fmean

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.history.bisection import Answer, Seen, bisection
from ablations.core.design import Arm
from ablations.core.past import Bisected
from ablations.core.record import Metric

ARM, COMMITS, SEEDS = Arm((("a", "on"),)), 32, 20


def draw(rng: np.random.Generator, kind: str, sd: float) -> float:
    if kind == "bimodal":  # one in ten networks is worse by five times the spread
        return sd * (rng.standard_normal() - 5 * (rng.random() < 0.1))
    return sd * float(rng.standard_normal())


def play(
    losses: Sequence[float], rng: np.random.Generator, *, kind: str, sd: float, new: bool
) -> tuple[Bisected, dict[int, int]]:
    """Returns what a bisection found, and how many trials it asked for by commit."""
    noise: dict[tuple[float, int], float] = {}
    trained: dict[int, int] = {}
    search = bisection((ARM,), COMMITS, margin=1.0, seeds=range(SEEDS), own=5)
    answer: Answer = None
    while True:
        try:
            wanted = search.send(answer)
        except StopIteration as end:
            return end.value, trained
        answer = {}
        trained[wanted.place] = trained.get(wanted.place, 0) + len(wanted.trials)
        for arm, seed in wanted.trials:
            state = float(wanted.place) if new else losses[wanted.place]
            if (state, seed) not in noise:
                noise[state, seed] = draw(rng, kind, sd)
            value = noise[state, seed] - losses[wanted.place]
            answer[arm, seed] = Seen(Metric("score", value, "number", "higher"), repr(value))


def share(hits: int, of: int) -> str:
    low, high = proportion_confint(hits, of, method="wilson")
    return f"{hits / of:.1%} [{low:.1%}, {high:.1%}]"


def print_steps(bisections: int) -> int:
    """Prints a row for each kind of history with a step; returns the largest share of errors."""
    print(
        "| residuals | commits | sd | step | right | none or a range | wrong | commits | trials |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    rng, worst = np.random.default_rng(1), 0
    for kind, new, sd, size in product(
        ("normal", "bimodal"), (False, True), (0.5, 0.75, 1.0), (2.0, 3.0, 4.0)
    ):
        right = wrong = 0
        commits, trials = [], []
        for _ in range(bisections):
            at = int(rng.integers(1, COMMITS + 1))
            losses = [size * (place >= at) for place in range(COMMITS + 1)]
            found, trained = play(losses, rng, kind=kind, sd=sd, new=new)
            right += found.ending == "found" and found.bad == at
            wrong += found.ending in ("found", "left") and not found.good < at <= found.bad
            commits.append(len(trained) - 2)
            trials.append(sum(trained.values()))
        open_ = (bisections - right - wrong) / bisections
        cells = (
            kind, "new" if new else "same", sd, f"{size:g}", f"{right / bisections:.0%}",
            f"{open_:.0%}", share(wrong, bisections), max(commits), f"{fmean(trials):.0f}",
        )  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        worst = max(worst, wrong)
    return worst


def print_nothing(bisections: int) -> int:
    """Prints how often a commit is named where none exceeds the margin; returns the largest."""
    rng, worst = np.random.default_rng(2), 0
    slopes = {
        "no change": [0.0] * (COMMITS + 1),
        "one step of 0.9 margins": [0.9 * (place >= 16) for place in range(COMMITS + 1)],
        "32 steps of 0.1 margins": [0.1 * place for place in range(COMMITS + 1)],
    }
    for (name, losses), kind, sd in product(slopes.items(), ("normal", "bimodal"), (0.25, 0.75)):
        named = sum(
            play(losses, rng, kind=kind, sd=sd, new=True)[0].ending == "found"
            for _ in range(bisections)
        )
        print(f"{name}, {kind}, sd {sd}: a commit is named in {share(named, bisections)}",
              flush=True)  # fmt: skip
        worst = max(worst, named)
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bisections", type=int, default=200)
    bisections = parser.parse_args().bisections
    worst = max(print_nothing(bisections), print_steps(bisections))
    ok = proportion_confint(worst, bisections, method="wilson")[0] <= 0.05
    print("wrong names at most 5%:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
