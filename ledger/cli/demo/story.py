"""The demo world and where it stands: database, keys, law, files, and what was refused on purpose."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from ledger.cli.demo.bank import Bank
from ledger.cli.demo.world import School
from ledger.errors import Outcome, Result
from ledger.terms.rulebook import Rulebook, Rulebooks
from ledger.vault import Vault


@dataclass
class Story:
    """The world and where it stands. ``folder`` keeps statements, payment files, reports and the progress."""

    engine: Engine
    vault: Vault
    rulebooks: Rulebooks
    folder: Path
    schools: Sequence[School]
    days: Sequence[date]
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bank = Bank(self.folder)

    def run(self, steps: Sequence[Callable[["Story"], None]]) -> Iterator[int]:
        """Run the steps that are not done; yields how many are, after each. A step that was cut off is run again and
        finds its own work done.
        """
        path = self.folder / "progress.json"
        done = json.loads(path.read_text(encoding="utf-8"))["done"] if path.exists() else 0
        for step in steps[done:]:
            step(self)
            done += 1
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            draft.write_text(json.dumps({"done": done}), encoding="utf-8")
            os.replace(draft, path)
            yield done

    def rulebook(self, school: School, on: date) -> Rulebook:
        """What is in force at a school on a day."""
        return self.rulebooks.in_force(school.institution.place, school.institution.zone, on)

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Count refusals by code for the summary: the demo plants some on purpose."""
        for outcome in outcomes:
            if outcome.result in (Result.REFUSED, Result.CONFLICT):
                self.refused[outcome.code] = self.refused.get(outcome.code, 0) + 1
