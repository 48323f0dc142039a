"""What runs where: what `status` shows of the driver, its workers and its machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ablations.core.design import Arm
from ablations.text import formatting, naming
from ablations.text.escaping import harmless

if TYPE_CHECKING:
    from rich.table import Table

    from ablations.core.study import Study
    from ablations.plan import Progress
    from ablations.records.running import Running
    from ablations.records.sqlite.store import Store


@dataclass(frozen=True, slots=True)
class Now:
    """Who runs a study, and what the driver has noted; it has ended if that is all there is."""

    driver: str | None
    noted: Running | None
    ended: bool

    @classmethod
    def of(cls, store: Store) -> Now:
        """Returns what runs now."""
        from ablations.records.running import has_ended, read_running

        noted = read_running(store)
        ended = noted is not None and has_ended(noted, store)
        return cls(store.driver(), noted, ended)

    @property
    def who(self) -> str | None:
        """The process that runs the study, if one does."""
        if self.driver or self.noted is None or self.ended:
            return self.driver
        heard = formatting.duration(self.noted.age_seconds)
        return f"process {self.noted.process} of another machine, heard of {heard} ago"

    @property
    def jobs(self) -> int | None:
        """How many trials run at a time, where that is known."""
        return None if self.noted is None or self.ended else len(self.noted.trials) or None

    def lines(self, progress: Progress) -> list[str]:
        """Who runs the study, or that nobody does any more though there is something to do."""
        if self.ended and not progress.to_do:
            return []
        if self.ended and self.noted is not None:
            heard = f"{formatting.duration(self.noted.age_seconds)} ago"
            who = f"process {self.noted.process} was last heard of {heard}"
            what = formatting.counted(len(self.noted.trials), "trial")
            cure = f"it had {what} at work, which 'run' trains again"
            return [f"the driver no longer runs: {who}; {cure}"]
        return [f"the study is being run now, by {self.who}"] if self.who else []

    def table(self, study: Study) -> Table | None:
        """Returns a row for each trial that runs, and for each worker or machine without one."""
        from ablations.cli.screens import make_table

        if self.noted is None or self.ended or not self.noted.places:
            return None
        table = make_table("where", "done", "failed", "trains", "began", flexible=3)
        for place in self.noted.places:
            counts = [str(own.get(place, 0)) for own in (self.noted.done, self.noted.failed)]
            first = [place, *counts]
            lost = self.noted.machines and place not in self.noted.machines
            idle = "nothing: it was lost" if lost else formatting.UNKNOWN
            for label, began in self._trials(place, study) or [(idle, "")]:
                table.add_row(*map(Text, map(harmless, (*first, label, began))))
                first = ["", "", ""]
        return table

    def _trials(self, place: str, study: Study) -> list[tuple[str, str]]:
        found = []
        for trial in self.noted.trials if self.noted else ():
            arm = Arm(tuple(trial.arm.items()))
            label = naming.arm_label(study, arm) if arm in study.arms else arm.name
            if trial.place == place:
                began = f"{formatting.duration(round(trial.seconds))} ago"
                found.append((f"{label}, seed {trial.seed}", began))
        return found

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        if self.noted is None:
            return {"running": None if self.driver is None else {"driver": self.driver}}
        noted = asdict(self.noted)
        return {"running": {**noted, "driver": self.driver, "ended": self.ended}}
