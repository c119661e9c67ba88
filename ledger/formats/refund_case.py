"""One refund case from outside: a JSON object as 9-contracts describes it, read strictly.

Amounts and hours are decimal strings, days YYYY-MM-DD; ``disputed_hours`` lists hours
among those used that the family disputes. A key outside the format, a number where a string
belongs and a clause outside the list are refused with their path, so that nobody is quoted on a typing error.
"""

from fractions import Fraction
from typing import Final

from ledger.errors import BadInput
from ledger.formats.strict_json import Part, Point, read_object
from ledger.money import hours_from_text
from ledger.terms.clause import Clause, read_clause
from ledger.terms.refund import (
    Cause,
    DaysServed,
    DisputedHours,
    FaceValueUsed,
    HoursUsed,
    MonthsUsed,
    PaidOn,
    ProgressUsed,
    RefundCase,
    RefundContract,
    RefundRequest,
    Term,
    Used,
)

_IGNORED: Final = frozenset({"title", "rule", "note", "source", "kind", "expect"})
_CASE_KEYS: Final = _IGNORED | {
    "id",
    "contract",
    "used",
    "cause",
    "request",
    "place",
    "price_cap_per_hour",
    "disputed_hours",
}
_CONTRACT_KEYS: Final = (
    "paid",
    "hours_bought",
    "hours_gifted",
    "gift_money",
    "term",
    "list_price_per_hour",
    "list_price_proven",
    "market_price_per_hour",
    "clauses",
)
_TERM_KEYS: Final = ("first_day", "last_day", "months")
_USED_KEYS: Final = ("hours", "face_value", "last_day_served", "months", "progress_percent")
_REQUEST_KEYS: Final = ("paid_on", "requested_on", "same_service_before")


def read_case(content: bytes, file: str) -> RefundCase:
    """Read one case. Raises BadInput with ``file`` and the path of what does not fit, like ``contract.clauses[1]``."""
    case = Part(file, "", read_object(content, file))
    if "cases" in case.keys:
        raise BadInput("CASE_LIST", where=file, field="cases")
    case.only(_CASE_KEYS)
    case_id = case.text("id")
    contract = _contract(case.part("contract", _CONTRACT_KEYS), case.fen_or_none("price_cap_per_hour"))
    used = _used(case.part("used", _USED_KEYS))
    cause = case.text("cause")
    if cause not in list(Cause):
        raise case.refusal("CASE_CAUSE", "cause")
    request = _request(case.part("request", _REQUEST_KEYS), contract.paid_fen) if "request" in case.keys else None
    place = case.text("place") if "place" in case.keys else None
    return RefundCase(case_id, contract, used, Cause(cause), request or RefundRequest(), place, _disputed(case))


def _contract(part: Part, price_cap_fen: int | None) -> RefundContract:
    return RefundContract(
        paid_fen=part.fen("paid"),
        hours_bought=part.hours_or_none("hours_bought"),
        hours_gifted=part.hours_or_none("hours_gifted") or 0,
        gift_money_fen=part.fen_or_none("gift_money") or 0,
        term=_term(part.part("term", _TERM_KEYS)) if "term" in part.keys else None,
        list_price_fen=part.fen_or_none("list_price_per_hour"),
        list_price_proven=part.flag("list_price_proven"),
        market_price_fen=part.fen_or_none("market_price_per_hour"),
        clauses=_clauses(part),
        price_cap_fen=price_cap_fen,
    )


def _term(part: Part) -> Term:
    term = Term(
        first_on=part.day_or_none("first_day"),
        last_on=part.day_or_none("last_day"),
        months=part.months("months") if "months" in part.keys else None,
    )
    if (term.last_on is None) == (term.months is None) or (term.last_on is not None and term.first_on is None):
        raise BadInput("CASE_TERM", where=part.file, field=part.path)
    return term


def _clauses(part: Part) -> tuple[Clause, ...]:
    found = part.keys.get("clauses", [])
    if not isinstance(found, list):
        raise part.refusal("CASE_LIST_WANTED", "clauses")
    clauses = []
    for place, code in enumerate(found):
        clause = read_clause(code) if isinstance(code, str) and not isinstance(code, Point) else None
        if clause is None:
            raise BadInput("CASE_CLAUSE", where=part.file, field=f"{part.at('clauses')}[{place}]", value=code)
        clauses.append(clause)
    return tuple(dict.fromkeys(clauses))


def _disputed(case: Part) -> tuple[DisputedHours, ...]:
    """Hours among those used that the family disputes, lesson by lesson, each a decimal string."""
    found = case.keys.get("disputed_hours", [])
    if not isinstance(found, list):
        raise case.refusal("CASE_LIST_WANTED", "disputed_hours")
    hours = []
    for place, written in enumerate(found):
        path = f"{case.at('disputed_hours')}[{place}]"
        text = None if isinstance(written, Point) else written
        hours.append(DisputedHours(path, hours_from_text(text, where=case.file, field=path)))
    return tuple(hours)


def _used(part: Part) -> Used:
    if len(part.keys) != 1:
        raise BadInput("CASE_USED_ONE", where=part.file, field=part.path)
    match next(iter(part.keys)):
        case "hours":
            return HoursUsed(part.hours_or_none("hours") or 0)
        case "face_value":
            return FaceValueUsed(part.fen("face_value"))
        case "months":
            return MonthsUsed(part.months("months"))
        case "progress_percent":
            return ProgressUsed(Fraction(part.fen("progress_percent"), 100))
        case _:
            served_on = part.day_or_none("last_day_served")
            assert served_on is not None
            return DaysServed(served_on)


def _request(part: Part, paid_fen: int) -> RefundRequest:
    paid_on = part.day_or_none("paid_on")
    return RefundRequest(
        payments=(PaidOn(paid_on, paid_fen),) if paid_on is not None else (),
        requested_on=part.day_or_none("requested_on"),
        same_service_before=part.flag("same_service_before"),
    )
