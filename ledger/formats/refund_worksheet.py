"""A refund's worksheet as the books keep it: JSON with amounts in fen, hours in hundredths, labels in both languages.

Every cause has its whole sheet, so that a decision on a contested cause takes up what was shown when the refund was
asked, to the fen; nothing is reckoned again under later facts or later law.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ledger.errors import Message
from ledger.terms.refund import Cause, Part, Worksheet
from ledger.terms.refund_request import DateCode, FundingPart, RefundDate, RefundParts

_KEPT_BESIDE = ("dates",)


def parts_of(worksheet: Worksheet) -> RefundParts:
    """What a quote is made of: overcharge, principal without it, and interest and costs."""
    return RefundParts(*(worksheet.part_fen(part) for part in (Part.OVERCHARGE, Part.PRINCIPAL, Part.EXTRA)))


def kept_sheets(
    asked: Worksheet, others: Sequence[Worksheet], funding: Mapping[Cause, Sequence[FundingPart]],
    dates: Sequence[RefundDate],
) -> dict[str, Any]:  # fmt: skip
    """The sheet that was asked with, the sheets of the other causes, who pays each part, and the dates."""
    return {
        **_sheet(asked, funding[asked.cause]),
        "alternatives": [{"cause": one.cause.value, **_sheet(one, funding[one.cause])} for one in others],
        "dates": dates_as_rows(dates),
    }


def decided_sheet(kept: Mapping[str, Any], asked: Cause, decided: Cause) -> dict[str, Any] | None:
    """The kept worksheet under the cause that was decided; what was asked becomes one of its alternatives.

    None where the books keep no sheet of that cause (asked before sheets of every cause were kept).
    """
    if asked is decided:
        return dict(kept)
    sheets = {other["cause"]: other for other in kept["alternatives"]}
    if "lines" not in sheets[decided.value]:
        return None
    beside = {name: kept[name] for name in _KEPT_BESIDE if name in kept}
    own = {name: value for name, value in kept.items() if name not in ("alternatives", *_KEPT_BESIDE)}
    others = [{"cause": asked.value, **own}] + [one for cause, one in sheets.items() if cause != decided.value]
    chosen = {name: value for name, value in sheets[decided.value].items() if name != "cause"}
    return {**chosen, "alternatives": others, **beside}


def dates_as_rows(dates: Sequence[RefundDate]) -> list[dict[str, Any]]:
    """Dates with the rule that gives each."""
    return [
        {"code": one.code.value, "label_zh": one.label.zh, "label_en": one.label.en, "on": one.on.isoformat(),
         "provisional": one.provisional, "counted_from": one.counted_from.isoformat(), "days": one.days,
         "day_kind": one.day_kind, "rule": one.rule, "source": one.source}
        for one in dates
    ]  # fmt: skip


def read_dates(rows: Sequence[Mapping[str, Any]]) -> tuple[RefundDate, ...]:
    """The dates as they were kept."""
    return tuple(
        RefundDate(
            DateCode(row["code"]), Message(en=row["label_en"], zh=row["label_zh"]), date.fromisoformat(row["on"]),
            row["provisional"], date.fromisoformat(row["counted_from"]), row["days"], row["day_kind"], row["rule"],
            row["source"],
        )
        for row in rows
    )  # fmt: skip


def _sheet(worksheet: Worksheet, funding: Sequence[FundingPart]) -> dict[str, Any]:
    parts = parts_of(worksheet)
    return {
        "refund_fen": worksheet.refund_fen,
        "overcharge_fen": parts.overcharge_fen,
        "principal_fen": parts.principal_fen,
        "extra_fen": parts.extra_fen,
        "lines": [
            {"code": line.code, "part": line.part.value, "label_zh": line.label.zh, "label_en": line.label.en,
             "formula": line.formula, "amount_fen": line.amount_fen, "rule_zh": line.rule.zh, "rule_en": line.rule.en,
             "source": line.source}
            for line in worksheet.lines
        ],
        "disputed": [{"lesson": one.ref, "hours": one.hours, "adds_fen": one.adds_fen} for one in worksheet.disputed],
        "disputed_fen": worksheet.disputed_fen,
        "funding": [
            {"part": one.part.value, "payer": one.payer.value, "amount_fen": one.amount_fen} for one in funding
        ],
        "digest": worksheet.digest,
    }  # fmt: skip
