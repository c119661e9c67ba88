"""CSV files of the rulebooks: UTF-8, a header that must fit, findings with line and column instead of guesses."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from ledger.terms.rulebook import Confidence, Finding


def day_from_text(text: object) -> date | None:
    """A date written YYYY-MM-DD, or None when it is written or meant otherwise."""
    if not (isinstance(text, str) and len(text) == 10 and text.isascii()):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(slots=True)
class Row:
    """One line of a CSV file; reading a cell that does not fit adds a finding and gives a harmless value."""

    file: str
    line: int
    cells: Mapping[str, str]
    findings: list[Finding]

    def flaw(self, column: str, reason: str) -> None:
        self.findings.append(Finding(self.file, column, reason, self.line, self.cells.get(column)))

    def text(self, column: str) -> str:
        """Text that must be there."""
        found = self.cells[column].strip()
        if not found:
            self.flaw(column, "RULE_EMPTY")
        return found

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """One of ``allowed``."""
        found = self.cells[column].strip()
        if found in allowed:
            return found
        self.flaw(column, "RULE_CHOICE")
        return next(iter(allowed))

    def confidence(self) -> str:
        """The mark of how well the row is known."""
        return self.choice("confidence", [mark.value for mark in Confidence])

    def day(self, column: str) -> date:
        """A date YYYY-MM-DD."""
        found = day_from_text(self.cells[column].strip())
        if found is None:
            self.flaw(column, "BAD_DATE")
        return found or date.min

    def whole(self, column: str, *, minimum: int = 1) -> int | None:
        """A whole number, None for an empty cell."""
        found = self.cells[column].strip()
        if not found:
            return None
        if not (found.isascii() and found.isdigit() and len(found) <= 6 and int(found) >= minimum):
            self.flaw(column, "RULE_NUMBER")
            return None
        return int(found)


@dataclass(slots=True)
class Table:
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_table(content: bytes, file: str, columns: Collection[str], optional: Collection[str] = ()) -> Table:
    """Read a CSV file with exactly ``columns``, in any order; ``optional`` ones count as empty when absent."""
    table = Table()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        table.findings.append(Finding(file, "", "CSV_UNREADABLE", broken_line(content, fault), value=str(fault)))
        return table
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        table.findings += _header_findings(file, header, columns, optional)
        if table.findings:
            return table
        for cells in lines:
            if not any(cells):
                continue
            if len(cells) != len(header):
                table.findings.append(Finding(file, "", "CSV_CELLS", lines.line_num))
                continue
            filled = dict.fromkeys(optional, "") | dict(zip(header, cells, strict=True))
            table.rows.append(Row(file, lines.line_num, filled, table.findings))
    except csv.Error as fault:
        table.findings.append(Finding(file, "", "CSV_UNREADABLE", lines.line_num, value=str(fault)))
    return table


def _header_findings(
    file: str, header: list[str], columns: Collection[str], optional: Collection[str]
) -> list[Finding]:
    unknown = [name for name in header if name not in columns and name not in optional]
    double = {name for name in header if header.count(name) > 1}
    return [
        *(Finding(file, name, "RULE_UNKNOWN_KEY", 1) for name in unknown),
        *(Finding(file, name, "CSV_COLUMN_MISSING", 1) for name in columns if name not in header),
        *(Finding(file, name, "CSV_COLUMN_TWICE", 1) for name in sorted(double)),
    ]


def refuse(findings: list[Finding]) -> None:
    """Stop at the first finding that refuses its file. Raises BadInput with its file, line and key."""
    for finding in findings:
        if finding.refused:
            raise finding.refusal()


def broken_line(content: bytes, fault: UnicodeDecodeError) -> int:
    """The line of the first byte that is no UTF-8."""
    return content.count(b"\n", 0, fault.start) + 1
