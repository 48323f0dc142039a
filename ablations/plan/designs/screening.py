"""Plackett-Burman designs: hardly more arms than factors, for finding the few that matter."""

from __future__ import annotations

import numpy as np

from ablations.core.design import Design
from ablations.plan.designs.fractions import fraction_of, two_levels
from ablations.plan.designs.kind import Kind, Wanted
from ablations.plan.designs.sizes import MOST_SCREENED, screened_arms


def _lay_out(wanted: Wanted) -> Design:
    from pyDOE3 import pbdesign

    names = two_levels(wanted, most=MOST_SCREENED)
    whole = pbdesign(screened_arms(len(names)) - 1)
    signs = np.asarray(whole, dtype=np.int64)[:, : len(names)]
    phrase = "averaged over the arms of the screening"
    return fraction_of(wanted, -signs * signs[-1], phrase=phrase, generators={})


SCREENING = Kind(
    "screening",
    count=lambda wanted: screened_arms(len(wanted.factors)),  # mirrored, they are still few
    lay_out=_lay_out,
    keys=frozenset({"fold_over"}),
)
