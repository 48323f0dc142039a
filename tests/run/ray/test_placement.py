"""Which machine of a cluster trains which trial; no cluster is needed to decide that."""

from __future__ import annotations

import pytest

from ablations.core.design import Arm, Resources
from ablations.core.study import Trial
from ablations.run.executors.ray.placement import Machine, Placement, amounts

SMALL = Machine("small", {"CPU": 1.0})
LARGE = Machine("large", {"CPU": 4.0, "GPU": 1.0})
BOTH = (SMALL, LARGE)


def trial(arm: str, seed: int) -> Trial:
    return Trial("s", "m:f", Arm((("a", arm),)), seed, {"a": arm})


def batches(seeds, arms="xy"):
    return [(trial(arm, seed),) for seed in seeds for arm in arms]


def need_of(batch):
    gpus = 0.5 if batch[0].arm.level("a") == "gpu" else 0
    return amounts(Resources(gpus=gpus))


def placed(placement, *order):
    """Has the machines ask in this order; returns (machine, arm, seed) of what each got."""
    found = []
    for machine in order:
        batch = placement.next_for(machine, BOTH)
        if batch:
            found.append((machine.name, batch[0].arm.level("a"), batch[0].seed))
    return found


def placement(**how) -> Placement:
    return Placement(need_of, **how)


def test_all_arms_of_a_seed_go_to_one_machine_and_the_faster_one_takes_more_seeds():
    own = placement()
    own.add(batches(range(3)))
    got = placed(own, SMALL, LARGE, LARGE, LARGE, LARGE, SMALL, SMALL)
    assert got == [
        ("small", "x", 0), ("large", "x", 1), ("large", "y", 1), ("large", "x", 2),
        ("large", "y", 2), ("small", "y", 0),
    ]  # fmt: skip
    assert not own.waiting()


def test_with_spread_the_arms_of_a_seed_go_anywhere():
    own = placement(spread=True)
    own.add(batches([0]))
    assert placed(own, SMALL, LARGE) == [("small", "x", 0), ("large", "y", 0)]


def test_seeds_that_train_together_are_one_block_of_all_arms():
    own = placement()
    own.add([(trial("x", 0), trial("x", 1)), (trial("y", 0), trial("y", 1))])
    assert [name for name, *_ in placed(own, SMALL, LARGE, SMALL)] == ["small", "small"]


def test_what_is_left_of_a_seed_leaves_a_lost_machine_together():
    own = placement()
    own.add(batches([0], arms="wxyz"))
    assert placed(own, SMALL, SMALL) == [("small", "w", 0), ("small", "x", 0)]
    own.leave("small")
    own.again((trial("x", 0),))
    assert placed(own, LARGE, SMALL, LARGE, LARGE) == [
        ("large", "x", 0), ("large", "y", 0), ("large", "z", 0),
    ]  # fmt: skip


def test_what_is_tried_again_stays_on_its_machine_even_when_its_seed_was_through():
    own = placement()
    own.add(batches([0, 1]))
    placed(own, SMALL, SMALL)
    own.again((trial("x", 0),))
    assert placed(own, LARGE, SMALL) == [("large", "x", 1), ("small", "x", 0)]


def test_what_needs_more_memory_is_tried_on_another_machine_if_there_is_one():
    own = placement()
    own.add(batches([0]))
    placed(own, SMALL, SMALL)
    own.elsewhere((trial("x", 0),), "small")
    assert placed(own, SMALL, LARGE) == [("large", "x", 0)]
    own.elsewhere((trial("x", 0),), "small")
    assert own.next_for(SMALL, [SMALL]) == (trial("x", 0),)


def test_a_seed_waits_for_a_machine_that_has_what_all_its_arms_need():
    own = placement()
    own.add(batches([0], arms=("x", "gpu")))
    assert own.unplaceable([SMALL]) == {"CPU": 1, "GPU": 0.5}
    assert own.unplaceable(BOTH) is None
    assert placed(own, SMALL, LARGE, SMALL, LARGE) == [("large", "x", 0), ("large", "gpu", 0)]
    spread = placement(spread=True)
    spread.add(batches([0], arms=("gpu", "x")))
    assert placed(spread, SMALL, LARGE) == [("small", "x", 0), ("large", "gpu", 0)]


@pytest.mark.parametrize(("need", "slots"), [
    (Resources(cpus=1), 4), (Resources(cpus=3), 1), (Resources(cpus=5), 0),
    (Resources(gpus=0.25), 4), (Resources(gpus=0.3), 3), (Resources(gpus=2), 0),
    (Resources(memory_gib=1), 0), (Resources(accelerator="A100", gpus=1), 0),
])  # fmt: skip
def test_a_machine_runs_as_many_tasks_as_fit_each_resource(need, slots):
    assert LARGE.slots(amounts(need)) == slots
