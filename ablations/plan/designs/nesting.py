"""Factors that exist only at one level of another, as a study file names them."""

from __future__ import annotations

from ablations.core.design import Nesting
from ablations.plan.designs.kind import Wanted
from ablations.plan.validation import require, require_known


def nestings_of(wanted: Wanted) -> tuple[Nesting, ...]:
    """Returns the factors of ``design.applies``, in its order.

    Raises:
        StudyError: if it names no factor or level, or one that is itself only at a level.
    """
    applies = {factor: dict(outer) for factor, outer in (wanted.applies or {}).items()}
    levels = {factor.name: [level.name for level in factor.levels] for factor in wanted.factors}
    found = []
    for factor, named in applies.items():
        ((outer, level),) = named.items()
        place = f"design.applies.{factor}"
        require_known("design.applies names no factor", factor, levels)
        require_known(f"{place} names no factor", outer, levels)
        require_known(f"{place} names no level of '{outer}'", level, levels[outer])
        require(
            outer != factor and outer not in applies,
            f"{place} must name a factor that exists in all arms",
            received=str(named),
            cure=f"Name one of {', '.join(name for name in levels if name not in applies)}",
        )
        found.append(Nesting(factor, outer, level))
    return tuple(found)
