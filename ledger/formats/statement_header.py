"""Which bank profile a spreadsheet is laid out by: the row that names its columns, found by what the profiles need."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ledger.errors import BadInput
from ledger.formats.sheet_cell import header_key
from ledger.terms.bank_profile import BankProfile
from ledger.terms.statement import Layout

HEADER_ROWS_MAX: Final = 60


class Row(NamedTuple):
    """A row of a table: where it stands ("line 7"), and its cells as text."""

    where: str
    cells: Sequence[str]


class Header(NamedTuple):
    """The row that names the columns: its place among the rows, and our field -> column."""

    profile: BankProfile
    at: int
    where: str
    columns: Mapping[str, int]
    names: Sequence[str]

    @property
    def layout(self) -> Layout:
        """What was recognised, for people."""
        pairs = sorted(self.columns.items(), key=lambda pair: pair[1])
        return Layout(self.profile.name, self.where, tuple((field, self.names[at].strip()) for field, at in pairs))


def find_header(rows: Sequence[Row], profiles: Sequence[BankProfile]) -> Header | None:
    """The header by the only profile that fits; generic ones are tried when no other does; None when none fits.

    Raises BadInput PROFILE_UNCLEAR when several fit, BAD_FIELD when a column that is needed stands there twice.
    """
    for generic in (False, True):
        found = [
            header
            for profile in profiles
            if profile.generic is generic and (header := _header(rows[:HEADER_ROWS_MAX], profile)) is not None
        ]
        if len(found) > 1:
            named = ", ".join(header.profile.name for header in found)
            raise BadInput("PROFILE_UNCLEAR", where=found[0].where, field="profile", value=named)
        if found:
            _refuse_twins(found[0])
            return found[0]
    return None


def _header(rows: Sequence[Row], profile: BankProfile) -> Header | None:
    for at, row in enumerate(rows):
        keys = [header_key(cell) for cell in row.cells]
        columns: dict[str, int] = {}
        for field, names in profile.needed.items():
            column = _column(names, keys)
            if column is None:
                break
            columns[field] = column
        else:
            for field, names in profile.optional.items():
                column = _column(names, keys)
                if column is not None:
                    columns[field] = column
            return Header(profile, at, row.where, columns, row.cells)
    return None


def _column(names: Sequence[str], keys: Sequence[str]) -> int | None:
    return next((keys.index(key) for key in map(header_key, names) if key in keys), None)


def _refuse_twins(header: Header) -> None:
    keys = [header_key(cell) for cell in header.names]
    for column in header.columns.values():
        if keys.count(keys[column]) > 1:
            raise BadInput("BAD_FIELD", where=header.where, field=header.names[column].strip())
