"""The price check against government-guided prices (double reduction Opinions art. 26; 发改价格〔2021〕1279号)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Final

from ledger.money import round_half_up
from ledger.terms.price_cap import (
    CappedPrice,
    CapTable,
    Category,
    ContractPrice,
    ContractVerdict,
    Course,
    FeeLine,
    Mode,
    PriceCap,
    PriceVerdict,
    Stage,
    Verdict,
)
from ledger.terms.rulebook import Rulebook, RuleValue

PENALTIES: Final = (
    "penalty.price_gain_multiple_max",
    "penalty.price_no_gain_min",
    "penalty.price_no_gain_max",
    "penalty.price_serious_max",
)


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


def check_contract(contract: ContractPrice, rulebook: Rulebook) -> ContractVerdict:
    """Judge what a contract charges for one class hour, gift hours counted, and its excess over all hours.

    The excess is what price law returns (价格法 art. 41), rounded half up once. ``rulebook``: what was in force where
    and when the contract was signed.
    """
    hours = contract.hours_bought + contract.hours_gifted
    found = check(replace(contract.course, price_fen=round_half_up(contract.unit_fen)), rulebook)
    excess_fen = 0
    if found.holds is not None:
        excess_fen = max(0, round_half_up(contract.price_fen - Fraction(found.holds.cap_fen * hours, 100)))
        above = excess_fen > 0
        found = replace(
            found,
            verdict=Verdict.ABOVE_CAP if above else Verdict.WITHIN_CAP,
            reason="ABOVE_CAP" if above else "WITHIN_CAP",
            excess_fen=found.excess_fen if above else 0,
        )
    return ContractVerdict(contract, found, excess_fen, rulebook.digest)


def extra_fees(found: PriceVerdict, fees: Sequence[FeeLine], rulebook: Rulebook) -> tuple[FeeLine, ...]:
    """What may not be charged besides the training fee under a capped price: books, materials, anything.

    (Price notices of Shanghai, Sichuan and Wuhu; rulebook key ``price_cap.extra_fees_refused``.)
    """
    refused = rulebook.find("price_cap.extra_fees_refused")
    capped = found.holds is not None
    return tuple(fee for fee in fees if fee.amount_fen > 0) if capped and refused and refused.value else ()


def penalties(rulebook: Rulebook) -> dict[str, RuleValue]:
    """What a price above the cap may cost the institution, by rulebook key and with its source.

    价格违法行为行政处罚规定 art. 9: the gain is confiscated and fined up to five times; without a gain a sum between
    two limits.
    """
    return {key: rulebook.values[key] for key in PENALTIES if key in rulebook.values}


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
    newest = max(begun.values(), default=None)
    return tuple(row for row, start in begun.items() if start == newest)
