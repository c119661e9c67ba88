"""How much an institution must pledge, and how far its families are covered.

The formulas are those seen in real rules: a share of what is undelivered (Zhejiang, Huizhou), of last
year's receipts with a floor (Shanghai 2012), of recent payments (Zigong), of last quarter's balance by kind
of issuer (commercial cards), one charging period, a tier above a line (Shanghai cards), tiers by pupils.
Every number is data of the place (rulebook keys ``reserve.*``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Final

from ledger.errors import BadInput
from ledger.money import fen_from_text, round_half_up
from ledger.rules.calendar import add_months
from ledger.terms.institution import Institution
from ledger.terms.reserve import (
    MONTHS_OF_A_CHARGE,
    EnteredFacts,
    FundPosition,
    Requirement,
    ReserveFacts,
    ReserveFigures,
    ReserveLine,
    ReserveRule,
)
from ledger.terms.rulebook import Rulebook

_WHOLE = Fraction(100)
_YEAR_MONTHS = 12
CUSTODY_ALONE: Final = "custody"
ISSUERS: Final = ("large", "group", "brand")


def rule(rulebook: Rulebook) -> ReserveRule:
    """The reserve rule in force. Raises BadInput RULE_MISSING for the formula or the floor, which has no default."""

    def fen(key: str) -> int | None:
        return None if rulebook.find(key) is None else rulebook.whole(key)

    def percent(key: str) -> Fraction | None:
        return None if rulebook.find(key) is None else rulebook.percent(key)

    tiers = rulebook.find("reserve.student_tiers")
    return ReserveRule(
        formula=rulebook.text("reserve.formula"),
        percent=percent("reserve.percent"),
        floor_fen=rulebook.whole("reserve.floor"),
        start_fen=fen("reserve.start"),
        special_line_percent=percent("reserve.special_line_percent"),
        special_line_max_fen=fen("reserve.special_line_max"),
        student_tiers=() if tiers is None else student_tiers(str(tiers.value)),
        outflow_multiple=fen("reserve.outflow_multiple"),
        issuer_percents=tuple(
            (kind, share) for kind in ISSUERS if (share := percent(f"reserve.percent_{kind}")) is not None
        ),
        young_start_fen=fen("reserve.young_start"),
        young_percent=percent("reserve.young_percent"),
        balance_max_percent=percent("reserve.balance_max_percent"),
        young_balance_max_multiple=fen("reserve.young_balance_max_multiple"),
        rolling_months=rolling_months(rulebook),
    )


def rolling_months(rulebook: Rulebook) -> int:
    """How many months back payments count as recent; one charging period where no file says."""
    key = "reserve.rolling_months"
    return MONTHS_OF_A_CHARGE if rulebook.find(key) is None else rulebook.whole(key)


def student_tiers(text: str) -> tuple[tuple[int, int], ...]:
    """Read "100:50000.00,300:100000.00" into (pupils, fen), ascending. Raises BadInput RULE_NUMBER."""
    tiers = []
    for part in text.split(","):
        students, _, amount = part.strip().partition(":")
        if not (students.isascii() and students.isdigit()):
            raise BadInput("RULE_NUMBER", field="reserve.student_tiers", value=text)
        tiers.append((int(students), fen_from_text(amount, field="reserve.student_tiers")))
    return tuple(sorted(tiers))


def with_entered(facts: ReserveFacts, entered: EnteredFacts | None, on: date) -> ReserveFacts:
    """What the books say and what was entered from documents, as of ``on``; the accounts' income before the receipts.

    An institution is in its first year until the day before the anniversary of its opening.
    """
    if entered is None:
        return facts
    income = entered.last_year_income_fen
    return replace(
        facts,
        under_one_year=None if entered.opened_on is None else on < add_months(entered.opened_on, _YEAR_MONTHS),
        opening_funds_fen=entered.opening_funds_fen,
        capital_fen=entered.capital_fen,
        last_year_income_fen=facts.last_year_income_fen if income is None else income,
        issuer_kind=entered.issuer_kind,
    )


def required(reserve: ReserveRule, facts: ReserveFacts) -> Requirement:
    """The reserve required in fen, rounded half up once. Raises BadInput RULE_MISSING or FACT_MISSING by name."""
    base_fen, percent = _FORMULAS[reserve.formula](reserve, facts)
    share_fen = round_half_up(base_fen * percent / _WHOLE)
    floor_fen = reserve.floor_fen or 0
    return Requirement(
        required_fen=max(share_fen, floor_fen),
        formula=reserve.formula,
        base_fen=base_fen,
        percent=percent,
        floor_holds=floor_fen > share_fen,
    )


def outflow_room_fen(reserve: ReserveRule, facts: ReserveFacts, paid_out_fen: int) -> int | None:
    """What may still go to the institution this month, ``paid_out_fen`` having gone: a multiple of the least reserve
    (Rongcheng 2019: twice); None without such a rule. Raises as ``required``.
    """
    if reserve.outflow_multiple is None:
        return None
    return max(reserve.outflow_multiple * required(reserve, facts).required_fen - paid_out_fen, 0)


def limits_balance(rulebook: Rulebook) -> bool:
    """Whether the place limits what an institution may hold prepaid."""
    return any(rulebook.find(f"reserve.{key}") for key in ("balance_max_percent", "young_balance_max_multiple"))


def balance_max_fen(reserve: ReserveRule, facts: ReserveFacts) -> int | None:
    """The most an institution may hold prepaid; None where no rule says.

    A share of last year's income (commercial cards art. 28; Jiangsu fitness); in its first year a multiple of its
    paid-in capital (Jiangsu fitness: twice). Cut to whole fen. Raises BadInput FACT_MISSING by name.
    """
    if reserve.young_balance_max_multiple is not None and _is_young(facts):
        return reserve.young_balance_max_multiple * _fact(facts, "capital_fen")
    if reserve.balance_max_percent is None:
        return None
    return int(_fact(facts, "last_year_income_fen") * reserve.balance_max_percent / _WHOLE)


def coverage(funds: Sequence[FundPosition], reserve_fen: int) -> Fraction | None:
    """Cover of the families: 1 = whole; None when nothing is owed.

    (claim + refund_due - due, over custody funds, + reserve) / (claim + refund_due, over all funds).
    Suspense, payable and money in transit cover nobody.
    """
    owed = sum(fund.claim_fen + fund.refund_due_fen for fund in funds)
    if owed == 0:
        return None
    held = sum(fund.claim_fen + fund.refund_due_fen - fund.due_fen for fund in funds if fund.is_custody)
    return Fraction(held + reserve_fen, owed)


def line(institution: Institution, figures: ReserveFigures, rulebook: Rulebook) -> ReserveLine:
    """One institution's line of the reserve report. Custody alone asks for no reserve (Opinions art. 26: or, not and).

    Raises BadInput RULE_MISSING or FACT_MISSING: a report with a guess in it would be worse than none.
    """
    needs = institution.mode != CUSTODY_ALONE
    return ReserveLine(
        code=institution.code,
        name=institution.name,
        place=institution.place,
        zone=institution.zone,
        mode=institution.mode,
        requirement=required(rule(rulebook), with_entered(figures.facts, figures.entered, figures.on))
        if needs
        else None,
        held_fen=figures.held_fen,
        coverage=coverage(figures.funds, figures.held_fen),
        claim_fen=sum(fund.claim_fen for fund in figures.funds),
        refund_due_fen=sum(fund.refund_due_fen for fund in figures.funds),
        due_fen=sum(fund.due_fen for fund in figures.funds),
        custody_fen=figures.custody_fen,
        students=figures.facts.students or 0,
        rulebooks=rulebook.versions,
        rulebook_digest=rulebook.digest,
    )


def _fact(facts: ReserveFacts, name: str) -> int:
    value = getattr(facts, name)
    if value is None:
        raise BadInput("FACT_MISSING", field=name)
    return int(value)


def _is_young(facts: ReserveFacts) -> bool:
    if facts.under_one_year is None:
        raise BadInput("FACT_MISSING", field="opened_on")
    return facts.under_one_year


def _set(value: Fraction | int | None, key: str) -> Fraction:
    if value is None:
        raise BadInput("RULE_MISSING", field=key)
    return Fraction(value)


def _share_of(name: str) -> Callable[[ReserveRule, ReserveFacts], tuple[int, Fraction]]:
    """A percentage of one fact."""

    def formula(reserve: ReserveRule, facts: ReserveFacts) -> tuple[int, Fraction]:
        return _fact(facts, name), _set(reserve.percent, "reserve.percent")

    return formula


def _share_of_last_year_receipts(reserve: ReserveRule, facts: ReserveFacts) -> tuple[int, Fraction]:
    """Last year's receipts; a new institution that opened with more than a line reckons from its opening funds
    (Shanghai 2012: a tenth, above one million yuan).
    """
    if reserve.young_start_fen is not None and _is_young(facts):
        funds_fen = _fact(facts, "opening_funds_fen")
        above = funds_fen > reserve.young_start_fen
        return funds_fen, _set(reserve.young_percent, "reserve.young_percent") if above else Fraction(0)
    return _fact(facts, "last_year_receipts_fen"), _set(reserve.percent, "reserve.percent")


def _share_by_issuer(reserve: ReserveRule, facts: ReserveFacts) -> tuple[int, Fraction]:
    """Last quarter's balance by kind of issuer (commercial cards art. 26: large 20 %, group 30 %, brand 40 %)."""
    balance_fen = _fact(facts, "last_quarter_balance_fen")
    if facts.issuer_kind is None:
        raise BadInput("FACT_MISSING", field="issuer_kind")
    return balance_fen, _set(
        dict(reserve.issuer_percents).get(facts.issuer_kind), f"reserve.percent_{facts.issuer_kind}"
    )


def _tiered_balance(reserve: ReserveRule, facts: ReserveFacts) -> tuple[int, Fraction]:
    """Nothing up to the start; above it a share of the whole balance; above the special line all of it.

    The special line is a share of last year's income, at most its maximum, and exists only where it lies
    above the start; an institution younger than a year keeps everything (Shanghai, cards, arts. 9-11).
    """
    balance_fen = _fact(facts, "balance_fen")
    start = _set(reserve.start_fen, "reserve.start")
    if balance_fen <= start:
        return balance_fen, Fraction(0)
    if _is_young(facts):
        return balance_fen, _WHOLE
    line = _fact(facts, "last_year_income_fen") * _set(reserve.special_line_percent, "reserve.special_line_percent")
    line = min(line / _WHOLE, _set(reserve.special_line_max_fen, "reserve.special_line_max"))
    return balance_fen, _WHOLE if balance_fen > line > start else _set(reserve.percent, "reserve.percent")


def _tiers_by_students(reserve: ReserveRule, facts: ReserveFacts) -> tuple[int, Fraction]:
    """A fixed amount from a number of pupils on."""
    students = _fact(facts, "students")
    if not reserve.student_tiers:
        raise BadInput("RULE_MISSING", field="reserve.student_tiers")
    return max((fen for pupils, fen in reserve.student_tiers if pupils <= students), default=0), _WHOLE


_FORMULAS: Final[Mapping[str, Callable[[ReserveRule, ReserveFacts], tuple[int, Fraction]]]] = {
    "share_of_undelivered": _share_of("undelivered_fen"),
    "share_of_last_year_receipts": _share_of_last_year_receipts,
    "share_of_recent_payments": _share_of("recent_payments_fen"),
    "share_of_quarter_balance": _share_of("last_quarter_balance_fen"),
    "share_by_issuer": _share_by_issuer,
    "one_charging_period": _share_of("period_receipts_fen"),
    "tiered_balance": _tiered_balance,
    "tiers_by_students": _tiers_by_students,
}
