"""Which machine trains which trial: all arms of a seed on one, so that their speeds compare."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ablations.core.design import Resources
from ablations.core.study import Trial

Batch = tuple[Trial, ...]
"""Trials of one task: several only where they train together."""

Block = tuple[int, ...]
"""The seeds of a batch: batches of the same seeds, one an arm, belong together.

One that belongs to no other has a negative number of its own besides, which no seed is.
"""

Amounts = Mapping[str, float]
"""So much of each resource, by the names that Ray gives them."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the cluster: Ray's name for it, and what it has in all."""

    name: str
    has: Amounts

    def slots(self, need: Amounts) -> int:
        """Returns how many tasks with this need it can run at a time.

        Example:
            >>> Machine("a", {"CPU": 4, "GPU": 1}).slots({"CPU": 1, "GPU": 0.5})
            2
        """
        wanted = {name: amount for name, amount in need.items() if amount}
        return int(min(self.has.get(name, 0) / amount + 1e-9 for name, amount in wanted.items()))


def amounts(resources: Resources) -> Amounts:
    """Returns resources by Ray's names for them; memory is in bytes.

    Example:
        >>> dict(amounts(Resources(cpus=2, gpus=0.5, memory_gib=1, accelerator="L4")))
        {'CPU': 2, 'GPU': 0.5, 'memory': 1073741824, 'accelerator_type:L4': 0.001}
    """
    found: dict[str, float] = {"CPU": resources.cpus, "GPU": resources.gpus}
    if resources.memory_gib is not None:
        found["memory"] = int(resources.memory_gib * 2**30)
    if resources.accelerator is not None:
        found[f"accelerator_type:{resources.accelerator}"] = 0.001
    return found


@dataclass(slots=True)
class Placement:
    """The batches that wait, and the machine to which those of each seed belong.

    A machine takes the next batch of its own blocks, and a new block when it has none left. So no
    machine waits while there are blocks, and a faster one trains more of them.

    Args:
        needs: What a batch needs.
        spread: Whether any machine may take any batch.
    """

    needs: Callable[[Batch], Amounts]
    spread: bool = False
    _homeless: deque[Block] = field(default_factory=deque)
    _batches: dict[Block, deque[Batch]] = field(default_factory=dict)
    _homes: dict[Block, str] = field(default_factory=dict)
    _avoided: dict[Block, str] = field(default_factory=dict)
    _own: dict[str, deque[Block]] = field(default_factory=dict)
    _alone: int = 0

    def add(self, batches: Iterable[Batch]) -> None:
        """Has batches wait, in their order."""
        for batch in batches:
            block = self._block(batch)
            if block not in self._batches:
                self._batches[block] = deque()
                self._queue(block).append(block)
            self._batches[block].append(batch)

    def again(self, batch: Batch) -> None:
        """Has a batch wait once more, before the others of its block."""
        block = self._block(batch)
        if block not in self._batches:
            self._batches[block] = deque()
            self._queue(block).appendleft(block)
        self._batches[block].appendleft(batch)

    def elsewhere(self, batch: Batch, machine: str) -> None:
        """Has a batch wait for another machine than this one, if there is another that fits."""
        block = self._block(batch, alone=True)
        self._batches[block], self._avoided[block] = deque([batch]), machine
        self._homeless.appendleft(block)

    def leave(self, machine: str) -> None:
        """Has all that waits for a machine, which is lost, wait for any other one."""
        self._homeless.extendleft(reversed(self._own.pop(machine, deque())))
        self._homes = {block: home for block, home in self._homes.items() if home != machine}

    def next_for(self, machine: Machine, others: Iterable[Machine]) -> Batch | None:
        """Takes the batch that a machine is to train next, if there is one for it."""
        own = self._own.setdefault(machine.name, deque())
        if not own and (block := self._free_block(machine, others)) is not None:
            own.append(block)
            self._homes[block] = machine.name
        if not own:
            return None
        waiting = self._batches[own[0]]
        batch = waiting.popleft()
        if not waiting:
            del self._batches[own.popleft()]
        return batch

    def waiting(self) -> bool:
        """Whether any batch waits."""
        return bool(self._batches)

    def unplaceable(self, machines: Iterable[Machine]) -> Amounts | None:
        """Returns what a batch needs together with its block, if no machine has all of that."""
        known = list(machines)
        for block in self._batches:
            if not any(self._fits(block, machine) for machine in known):
                return self._need(block)
        return None

    def _block(self, batch: Batch, *, alone: bool = False) -> Block:
        seeds = tuple(trial.seed for trial in batch)
        if not (alone or self.spread):
            return seeds
        self._alone += 1
        return (*seeds, -self._alone)

    def _queue(self, block: Block) -> deque[Block]:
        home = self._homes.get(block)
        return self._homeless if home is None else self._own.setdefault(home, deque())

    def _free_block(self, machine: Machine, others: Iterable[Machine]) -> Block | None:
        for place, block in enumerate(self._homeless):
            if self._fits(block, machine) and not self._better_elsewhere(block, machine, others):
                del self._homeless[place]
                return block
        return None

    def _better_elsewhere(self, block: Block, machine: Machine, others: Iterable[Machine]) -> bool:
        avoids = self._avoided.get(block) == machine.name
        return avoids and any(own != machine and self._fits(block, own) for own in others)

    def _fits(self, block: Block, machine: Machine) -> bool:
        return machine.slots(self._need(block)) > 0

    def _need(self, block: Block) -> Amounts:
        """Returns the most that a batch of the block needs of each resource."""
        found: dict[str, float] = {}
        for need in map(self.needs, self._batches[block]):
            found |= {name: max(found.get(name, 0), amount) for name, amount in need.items()}
        return found
