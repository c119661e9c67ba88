"""The price check against government-guided prices (double reduction Opinions art. 26; 发改价格〔2021〕1279号)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction

from ledger.terms.price_cap import CappedPrice, CapTable, Category, Course, Mode, PriceCap, PriceVerdict, Stage, Verdict
from ledger.terms.rulebook import Rulebook


def check(course: Course, rulebook: Rulebook) -> PriceVerdict:
    """Judge the price of one lesson by what is in force in ``rulebook`` on its day.

    Academic training is capped, non-academic prices are only disclosed. The nearest place with a table
    for the stage and mode decides. A class size outside its bands has no cap, which is not an
    allowance; where two bands cover it the lower cap holds and both are cited.
    """
    if course.category is Category.NON_ACADEMIC:
        return PriceVerdict(Verdict.NOT_CAPPED, "NON_ACADEMIC")
    found = table_in_force(course.stage, course.mode, rulebook)
    if found is None:
        return PriceVerdict(Verdict.NO_CAP_SET, "NO_TABLE")
    capped = sorted(
        (
            CappedPrice(row, found.file, cap_of(row, course.minutes, rulebook))
            for row in found.rows
            if row.covers(course.class_size)
        ),
        key=lambda priced: priced.cap_fen,
    )
    if not capped:
        return PriceVerdict(Verdict.NO_CAP_SET, "SIZE_NOT_COVERED")
    excess_fen = course.price_fen - capped[0].cap_fen
    above = excess_fen > 0
    return PriceVerdict(
        verdict=Verdict.ABOVE_CAP if above else Verdict.WITHIN_CAP,
        reason="ABOVE_CAP" if above else "WITHIN_CAP",
        excess_fen=max(0, excess_fen),
        holds=capped[0],
        cited=tuple(capped),
    )


def cap_of(row: PriceCap, minutes: int, rulebook: Rulebook) -> int:
    """Fen for one lesson: base x (1 + float) x minutes / standard minutes, cut to whole fen.

    A row without standard minutes takes the national length of its mode. Raises BadInput RULE_MISSING
    when none is in force.
    """
    standard = row.standard_minutes or rulebook.whole(f"price_cap.minutes_{row.mode}")
    return int(row.base_fen * (1 + row.float_percent / 100) * Fraction(minutes, standard))


def table_in_force(stage: Stage, mode: Mode, rulebook: Rulebook) -> CapTable | None:
    """The nearest and newest table with rows for the stage and mode in force on the rulebook's day.

    Senior high follows the compulsory table only where the rulebook says so.
    """
    for table in rulebook.cap_tables:
        rows = tuple(row for row in table.rows if row.stage is stage and row.mode is mode)
        if standing := _newest(rows, table, rulebook.on):
            return replace(table, rows=standing)
    follows = rulebook.find("price_cap.senior_high_table")
    if stage is Stage.SENIOR_HIGH and follows is not None:
        return table_in_force(Stage.COMPULSORY, mode, rulebook)
    return None


def _newest(rows: Iterable[PriceCap], table: CapTable, on: date) -> tuple[PriceCap, ...]:
    """The academic rows in force on ``on``. A later table replaces an earlier one of the same file as a whole."""
    starts = {row: row.starts_on or table.effective_on for row in rows if row.category is Category.ACADEMIC}
    begun = {row: start for row, start in starts.items() if start <= on and (row.ends_on is None or on <= row.ends_on)}
    return tuple(row for row, start in begun.items() if start == max(begun.values()))
