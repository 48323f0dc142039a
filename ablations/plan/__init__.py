"""From a study file to trials: loading, designs, identity, and what is still to do."""

from ablations.plan.estimate import Progress, progress_of, seconds_to_go
from ablations.plan.imported import (
    imported_records,
    records_path,
    require_imports,
    require_trains,
)
from ablations.plan.loading import (
    builtin_names,
    builtin_titles,
    load_study,
    slug_of,
    study_file,
    write_example,
    write_new,
)
from ablations.plan.making import make_study
from ablations.plan.matching import PlannedStore, identify_of, match_records
from ablations.plan.schema import study_schema
from ablations.plan.trials import plan_trials, remaining, trials_of_records

__all__ = [
    "PlannedStore",
    "Progress",
    "builtin_names",
    "builtin_titles",
    "identify_of",
    "imported_records",
    "load_study",
    "make_study",
    "match_records",
    "plan_trials",
    "progress_of",
    "records_path",
    "remaining",
    "require_imports",
    "require_trains",
    "seconds_to_go",
    "slug_of",
    "study_file",
    "study_schema",
    "trials_of_records",
    "write_example",
    "write_new",
]
