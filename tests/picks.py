"""Facts described once and picked in two ways: drawn by hypothesis, which shrinks what fails, or thrown by plain dice,
a hundred times as fast, for the sizes of a full run.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import Final, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

One = TypeVar("One")
_AT_AN_END: Final = 0.1  # how often dice show the least number, and how often the most: there the faults are


class Pick(ABC):
    """Picks whole numbers; all else is made of them."""

    @abstractmethod
    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included."""

    def yes(self) -> bool:
        return self.number(0, 1) == 1

    def one_of(self, choices: Sequence[One]) -> One:
        return choices[self.number(0, len(choices) - 1)]

    def some(self, choices: Sequence[One], most: int) -> list[One]:
        """None to ``most`` of the choices, each once."""
        left = list(choices)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(self.number(0, most))]

    def fraction(self, most: Fraction, denominator_max: int) -> Fraction:
        """From 0 to ``most``."""
        denominator = self.number(1, denominator_max)
        return Fraction(self.number(0, int(most * denominator)), denominator)


class _Drawn(Pick):
    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def number(self, least: int, most: int) -> int:
        return self._data.draw(st.integers(least, most))


class _Thrown(Pick):
    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)

    def number(self, least: int, most: int) -> int:
        luck = self._dice.random()
        if most - least > 1 and luck < 2 * _AT_AN_END:
            return least if luck < _AT_AN_END else most
        return least + int(self._dice.random() * (most - least + 1))


def drawn(holds: Callable[[Pick], None], examples: int) -> None:
    """Try a property on examples that hypothesis draws."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        holds(_Drawn(data))

    tried()


def thrown(holds: Callable[[Pick], None], examples: int) -> None:
    """Try a property on examples thrown from the seeds 0, 1, 2 ... The seed that fails is named."""
    for seed in range(examples):
        try:
            holds(_Thrown(seed))
        except AssertionError as fault:
            raise AssertionError(f"seed {seed}: {fault}") from fault
