"""A shard: the part of a study that one of several machines trains by itself.

Which seeds are a shard's follows from its number and their order alone, so that the machines need
not talk to each other. All arms of a seed are in one shard: they are compared within the seed, and
so on one machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ablations.errors import StudyError

_WRITTEN = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """The shard ``number``, from 1, of ``count``."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``3/16``.

        Raises:
            StudyError: if it is no shard.
        """
        found = _WRITTEN.fullmatch(text)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count:
            raise StudyError(
                "--shard takes the number of a shard, from 1, and how many shards there are",
                received=text,
                cure="Write 1/16 for the first of sixteen, and 16/16 for the last",
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def folder(self) -> str:
        """The name of its folder in that of the study.

        Example:
            >>> Shard(3, 16).folder
            'shard-3-of-16'
        """
        return f"shard-{self.number}-of-{self.count}"

    @classmethod
    def of_folder(cls, name: str) -> Self | None:
        """Returns the shard that a folder is named after, if it is."""
        first, _, count = name.removeprefix("shard-").partition("-of-")
        try:
            found = cls.parse(f"{first}/{count}")
        except StudyError:
            return None
        return found if found.folder == name else None

    def seeds(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """Returns its part of a study's seeds: every ``count``-th of them.

        Example:
            >>> Shard(1, 2).seeds([5, 6, 7]), Shard(2, 2).seeds([5, 6, 7])
            ((5, 7), (6,))
        """
        return tuple(seeds[self.number - 1 :: self.count])
