from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.errors import StudyError
from ablations.plan.shard import Shard


@given(st.lists(st.integers(0, 1000), unique=True), st.integers(1, 40))
def test_each_seed_is_in_one_shard_and_shards_differ_by_one_seed_at_most(seeds, count):
    parts = [Shard(number, count).seeds(seeds) for number in range(1, count + 1)]
    assert sorted(seed for part in parts for seed in part) == sorted(seeds)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(0, 1000), unique=True, min_size=1), st.integers(1, 9))
def test_more_seeds_move_none_to_another_shard(seeds, count):
    for number in range(1, count + 1):
        shard = Shard(number, count)
        assert shard.seeds([*seeds, 2000])[: len(shard.seeds(seeds))] == shard.seeds(seeds)


def test_the_third_of_sixteen_has_the_seeds_whose_place_modulo_16_is_2():
    assert Shard.parse("3/16").seeds(range(40)) == (2, 18, 34)


@pytest.mark.parametrize("text", ["0/4", "5/4", "x/y", "3", "3/", "-1/4", "1/0", "1 /2", "٣/٤", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(StudyError) as caught:
        Shard.parse(text)
    assert str(caught.value) == (
        "--shard takes the number of a shard, from 1, and how many shards there are. "
        f"Received: {text}. Write 1/16 for the first of sixteen, and 16/16 for the last."
    )


@pytest.mark.parametrize(
    "name", ["shard-0-of-4", "shard-01-of-4", "shard-x", "logs", "shard-5-of-4"]
)
def test_a_folder_of_another_name_is_no_shard(name):
    assert Shard.of_folder(name) is None


def test_a_shard_is_found_again_by_its_folder():
    assert Shard.of_folder(Shard(3, 16).folder) == Shard(3, 16)
