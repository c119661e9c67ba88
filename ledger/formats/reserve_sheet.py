"""The reserve report as CSV: one line per institution, UTF-8 with a byte order mark for spreadsheets."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from ledger.money import hours_text, round_half_up, yuan
from ledger.terms.reserve import Requirement, ReserveLine

# What a spreadsheet would run as a formula when a text begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _of_requirement(read: Callable[[Requirement], str]) -> Callable[[ReserveLine], str]:
    """A column that is empty where no reserve is required."""
    return lambda line: "" if line.requirement is None else read(line.requirement)


COLUMNS: Final[Mapping[str, Callable[[ReserveLine], str]]] = {
    "institution": lambda line: line.code,
    "name": lambda line: _text(line.name),
    "place": lambda line: line.place,
    "zone": lambda line: _text(line.zone),
    "mode": lambda line: line.mode,
    "required": lambda line: yuan(line.required_fen),
    "held": lambda line: yuan(line.held_fen),
    "lacking": lambda line: yuan(line.lacking_fen),
    "coverage_percent": lambda line: percent_text(line.coverage),
    "formula": _of_requirement(lambda requirement: requirement.formula),
    "base": _of_requirement(lambda requirement: yuan(requirement.base_fen)),
    "percent": _of_requirement(lambda requirement: hours_text(round_half_up(requirement.percent * 100))),
    "floor_holds": _of_requirement(lambda requirement: "yes" if requirement.floor_holds else "no"),
    "claims": lambda line: yuan(line.claim_fen),
    "refunds_due": lambda line: yuan(line.refund_due_fen),
    "due_from_institution": lambda line: yuan(line.due_fen),
    "custody": lambda line: yuan(line.custody_fen),
    "pupils": lambda line: str(line.students),
    "rulebooks": lambda line: _text("; ".join(line.rulebooks)),
    "rulebook_digest": lambda line: line.rulebook_digest,
}


def render(lines: Sequence[ReserveLine]) -> bytes:
    """The sheet: amounts in yuan, percentages with two decimals, the same bytes for the same lines."""
    written = io.StringIO(newline="")
    sheet = csv.writer(written, lineterminator="\r\n")
    sheet.writerow(COLUMNS)
    for line in lines:
        sheet.writerow([cell(line) for cell in COLUMNS.values()])
    return written.getvalue().encode("utf-8-sig")


def sums_fen(lines: Sequence[ReserveLine]) -> dict[str, int]:
    """The sums of the amount columns, for the manifest."""
    return {
        "required": sum(line.required_fen for line in lines),
        "held": sum(line.held_fen for line in lines),
        "lacking": sum(line.lacking_fen for line in lines),
        "claims": sum(line.claim_fen for line in lines),
        "refunds_due": sum(line.refund_due_fen for line in lines),
        "due_from_institution": sum(line.due_fen for line in lines),
        "custody": sum(line.custody_fen for line in lines),
    }


def percent_text(share: Fraction | None) -> str:
    """A share as a percentage with two decimals: 7/8 -> "87.50"; "" where nothing is owed."""
    return "" if share is None else yuan(round_half_up(share * 10_000))


def _text(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text
