"""A measured case: rounds that alternate between us and the yardstick, medians, ratios, gates, verdicts."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SEED: Final = 20261126
ROUNDS: Final = 3
LARGE: Final = 10.0  # the scale at which the sizes of millions are run


@dataclass(slots=True)
class Run:
    """What was asked for: ``scale`` 1 is quick, 10 the full sizes; ``only`` keeps cases whose name contains it.

    ``server`` is filled by whoever starts one: version and settings, for the report.
    """

    folder: Path
    scale: float = 1.0
    rounds: int = ROUNDS
    only: str = ""
    seed: int = SEED
    say: Callable[[str], None] = lambda _line: None
    server: dict[str, str] = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        return self.only in name

    def sized(self, number: int, least: int = 1) -> int:
        """A quick size at this run's scale."""
        return max(round(number * self.scale), least)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table.

    Judged is the ratio (ours against the yardstick, the more the better: the median of the rounds' own ratios), or
    with ``at_most`` the measured figure itself. ``gate`` and ``reach`` are in the unit of what is judged; None: none.
    """

    name: str
    measured: float
    unit: str
    against: str = ""
    yardstick: float | None = None
    ratios: tuple[float, ...] = ()
    gate: float | None = None
    reach: float | None = None
    at_most: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def passes(self) -> bool:
        return self.gate is None or self._meets(self.gate)

    @property
    def verdict(self) -> str:
        if not self.passes:
            return "MISSED"
        if self.reach is not None and self._meets(self.reach):
            return "reached"
        return "passes" if self.gate is not None else "no gate"

    def as_json(self) -> dict[str, Any]:
        """Plain values; figures rounded to what the measuring is worth."""
        return {
            "case": self.name,
            "measured": rounded(self.measured),
            "unit": self.unit,
            "yardstick": None if self.yardstick is None else rounded(self.yardstick),
            "against": self.against,
            "ratio": None if self.ratio is None else rounded(self.ratio),
            "ratios": [rounded(one) for one in self.ratios],
            "gate": self.gate,
            "reach": self.reach,
            "at_most": self.at_most,
            "verdict": self.verdict,
            "notes": dict(self.notes),
        }

    def _meets(self, limit: float) -> bool:
        if self.at_most:
            return self.measured <= limit
        return self.ratio is not None and self.ratio >= limit


def rounded(figure: float) -> float:
    """Four significant digits."""
    return float(f"{figure:.4g}")


def compared(
    name: str, unit: str, against: str, ours: Sequence[float], theirs: Sequence[float], gate: float | None,
    reach: float | None, *, less_is_better: bool = False, **notes: object,
) -> Case:  # fmt: skip
    """A case out of both sides' rounds, in order. ``less_is_better``: the figures are times, not rates."""
    pairs = list(zip(ours, theirs, strict=True))
    ratios = tuple(their / our if less_is_better else our / their for our, their in pairs)
    return Case(
        name, statistics.median(ours), unit, against, statistics.median(theirs), ratios, gate, reach, notes=notes
    )


def alternate(works: Mapping[str, Callable[[], float]], rounds: int, *, warm: int = 1) -> dict[str, list[float]]:
    """What each work measured in each round, after ``warm`` rounds that do not count.

    All works of a round run one after the other, in turned order every other round: the load of a shared machine
    changes slower than a round, so all sides see the same.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(-warm, rounds):
        names = list(works) if number % 2 == 0 else list(reversed(list(works)))
        for name in names:
            figure = works[name]()
            if number >= 0:
                found[name].append(figure)
    return found


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def milliseconds(work: Callable[[], object], times: int = 9) -> float:
    """The median of some tries, in milliseconds."""
    return statistics.median(seconds(work) for _ in range(times)) * 1000
