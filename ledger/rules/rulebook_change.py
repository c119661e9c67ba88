"""What differs between two states of the law: by day for one place, or by file for two folders. Facts, no judgement."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ledger.rules.price_cap import table_in_force
from ledger.terms.price_cap import CapTable, Mode, PriceCap, Stage
from ledger.terms.rulebook import Rulebook, RulebookChange, Rulebooks, RuleValue


def between_days(before: Rulebook, after: Rulebook) -> list[RulebookChange]:
    """Values and prices in force that differ, by key. A value from another text that says the same is no change."""
    changes = _values(before.place, before.zone, before.values, after.values)
    return sorted([*changes, *_prices(before.place, before.zone, _caps(before), _caps(after))], key=lambda one: one.key)


def between_folders(before: Rulebooks, after: Rulebooks) -> list[RulebookChange]:
    """Values and prices that differ, by place, zone, day and key. A source or a confidence that differs is a change."""
    old, new = ({(v.place, v.zone, v.effective_on): v for v in books.versions} for books in (before, after))
    changes: list[RulebookChange] = []
    for key in sorted(old.keys() | new.keys()):
        place, zone, on = key
        was, comes = old.get(key), new.get(key)
        values = _values(place, zone, was.values if was else {}, comes.values if comes else {}, source=True)
        tables = [_rows(version.caps if version else None) for version in (was, comes)]
        found = [*values, *_prices(place, zone, *tables)]
        changes += sorted((replace(one, effective_on=on) for one in found), key=lambda one: one.key)
    return changes


def _values(
    place: str, zone: str, before: Mapping[str, RuleValue], after: Mapping[str, RuleValue], *, source: bool = False
) -> Iterator[RulebookChange]:
    def said(value: RuleValue | None) -> object:
        if value is None or not source:
            return value and (value.value,)
        return value.value, value.source, value.confidence, value.note, value.dated, value.until

    for key in before.keys() | after.keys():
        if said(before.get(key)) != said(after.get(key)):
            yield RulebookChange(key, place, zone, before.get(key), after.get(key))


_Bands = Mapping[str, PriceCap]


def _prices(place: str, zone: str, before: _Bands, after: _Bands) -> Iterator[RulebookChange]:
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield RulebookChange(key, place, zone, before.get(key), after.get(key))


def _caps(book: Rulebook) -> dict[str, PriceCap]:
    """Every row in force, by its band."""
    found: dict[str, PriceCap] = {}
    for stage in Stage:
        for mode in Mode:
            # a stage that follows another table has no rows of its own
            table = table_in_force(stage, mode, book)
            rows = () if table is None else table.rows
            found |= {_band(row): row for row in rows if row.stage is stage}
    return found


def _rows(table: CapTable | None) -> dict[str, PriceCap]:
    """Every row of a file: rows of one band that follow each other are told apart by their day."""
    rows = () if table is None else table.rows
    return {f"{_band(row)}{f' from {row.starts_text}' if row.starts_text else ''}": row for row in rows}


def _band(row: PriceCap) -> str:
    return f"price_cap.{row.stage}.{row.mode}.{row.band}"
