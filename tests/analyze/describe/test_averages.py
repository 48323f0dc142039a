from __future__ import annotations

from ablations.analyze.describe.averages import epoch_means
from ablations.core.estimates import Curve


def test_an_epoch_is_averaged_over_the_seeds_that_reached_it() -> None:
    curves = (
        Curve(0, "loss", (1.0, 0.5, 0.25)),
        Curve(1, "loss", (3.0, 1.5)),
        Curve(0, "b", (2.0,)),
    )
    loss, other = epoch_means(curves)
    assert (loss.metric, other.metric) == ("loss", "b")
    assert loss.values == (2.0, 1.0, 0.25)
    assert loss.shared == 2
    assert loss.last == (0.25 + 1.5) / 2
    assert epoch_means(()) == ()
