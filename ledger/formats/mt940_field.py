"""The fields of MT940 and MT942 messages: cut out of the text, and each read strictly by itself.

A comma stands before the decimals and must be there; RC takes a credit back (a debit), RD a debit (a credit).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from ledger.errors import BadInput
from ledger.terms.currency import minor_from_text

FIELD_LINES_MAX: Final = 200
LINE_LENGTH_MAX: Final = 2_000
BLOCK, END = "{", "-"  # a message's head, and the line that ends it

# Only these begin a field; text that merely looks like one ("?602017-01-01T13", wrapped to ":12:11") goes on.
_TAG: Final = re.compile(r":(20|21|25P?|28C?|13D?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]|NS):(.*)", re.ASCII | re.DOTALL)
_FRAME: Final = "\x01\x03"  # start and end of a message on a line to the bank
_DATE: Final = re.compile(r"\d{6}", re.ASCII)
_BALANCE: Final = re.compile(r"(.)(.{6})([A-Z]{3})(.*)", re.ASCII | re.DOTALL)
_MOVE: Final = re.compile(r"(\d{6})(\d{4}|[ ]{4})?([A-Z]*)([0-9.,]*)(?:([A-Z])(.{3})(.*))?", re.ASCII | re.DOTALL)
_MARK: Final = re.compile("(R?)([CD])([A-Z]?)")  # reversal, credit or debit, third letter of the currency
_AMOUNT: Final = re.compile(r"0*(\d{1,15}),(\d{0,9})", re.ASCII)
_NUMBER: Final = re.compile(r"(\d{1,18})(?:/(\d{1,9}))?", re.ASCII)
_FLOOR: Final = re.compile(r"([A-Z]{3})[CD]?[0-9,]+", re.ASCII)
_STRUCTURED: Final = re.compile(r"\s*\d{0,3}\?\d\d", re.ASCII)
_SUBFIELD: Final = re.compile(r"\?(\d\d)", re.ASCII)
_MEMO: Final = frozenset({*(str(n) for n in range(20, 30)), *(str(n) for n in range(60, 64))})
_END_TO_END: Final = re.compile(r"EREF\+(.{1,35}?)\s*(?:(?:KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|PURP)\+|$)")
_WRAPPED_AT: Final = 65
_NO_REFERENCE: Final = frozenset({"NONREF", "NOTPROVIDED", "NOREF", "/"})
_SCIENTIFIC: Final = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d+", re.ASCII)


class Field(NamedTuple):
    """A field with its lines, or a mark between messages. ``at`` is the line of the file it begins on."""

    tag: str
    lines: list[str]
    at: int

    @property
    def where(self) -> str:
        return f"line {self.at}"

    @property
    def text(self) -> str:
        """The only line; BadInput BAD_FIELD when there are more, blank ones not counted."""
        if any(line.strip() for line in self.lines[1:]):
            raise BadInput("BAD_FIELD", where=self.where, field=f":{self.tag}:")
        return self.lines[0].strip()


class Move(NamedTuple):
    """A :61: line. ``booked_on`` is the entry date where there is one, else the value date."""

    value_on: date
    booked_on: date
    credit: bool
    reversal: bool
    amount_fen: int
    kind: str
    reference: str
    bank_ref: str
    details: str


class Narrative(NamedTuple):
    """A :86: field. "" for what it does not say."""

    memo: str
    bank: str
    account: str
    name: str
    end_to_end_id: str


class Balance(NamedTuple):
    fen: int
    currency: str
    on: date


def fields(lines: Iterable[str]) -> Iterator[Field]:
    """The fields in order, between them marks: BLOCK for a line of SWIFT blocks, END for "-" or "-}".

    Raises BadInput BAD_FIELD (text outside of fields), LIMIT_EXCEEDED.
    """
    open_field: Field | None = None
    for at, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n").strip(_FRAME)
        if len(line) > LINE_LENGTH_MAX:
            raise BadInput("LIMIT_EXCEEDED", where=f"line {at}", field="characters in one line", value=LINE_LENGTH_MAX)
        mark, rest = _mark(line)
        if mark and open_field is not None:
            yield open_field
            open_field = None
        for tag in mark:
            yield Field(tag, [line], at)
        found = _TAG.fullmatch(rest)
        if found:
            if open_field is not None:
                yield open_field
            open_field = Field(found[1], [found[2]], at)
        elif open_field is not None:
            if len(open_field.lines) >= FIELD_LINES_MAX:
                raise BadInput("LIMIT_EXCEEDED", where=f"line {at}", field="lines in one field", value=FIELD_LINES_MAX)
            open_field.lines.append(rest)
        elif rest.strip():
            raise BadInput("BAD_FIELD", where=f"line {at}", field="text")
    if open_field is not None:
        yield open_field


def _mark(line: str) -> tuple[str, str]:
    """(the marks a line stands for, what is left of it): "-}{5:}{1:..}{4:" ends a message and begins another."""
    if line.strip() == "-":
        return END, ""
    ends = line.startswith("-}")
    if not ends and not line.startswith("{"):
        return "", line
    begins = "{1:" in line or "{2:" in line or "{4:" in line
    return (END if ends else "") + (BLOCK if begins else ""), line.partition("{4:")[2]


def message_kind(block: str) -> str:
    """ "940" of a line of blocks, from block 2; "" where it does not say."""
    found = re.search(r"\{2:[IO](\d{3})", block, re.ASCII)
    return found[1] if found else ""


def balance(field: Field) -> Balance:
    """:60a: or :62a:. Raises BadInput BAD_FIELD, BAD_DATE, BAD_AMOUNT, MISSING_CURRENCY."""
    name = f":{field.tag}:"
    found = _BALANCE.fullmatch(field.text)
    if found is None:
        letters = any(sign.isalpha() for sign in field.text[7:])
        raise BadInput("BAD_FIELD" if letters else "MISSING_CURRENCY", where=field.where, field=name)
    if found[1] not in "CD":
        raise BadInput("BAD_FIELD", where=field.where, field=name, value=found[1])
    fen = _amount(found[4], found[3], field)
    return Balance(fen if found[1] == "C" else -fen, found[3], _day(found[2], field))


def move(field: Field, currency: str) -> Move:
    """:61:. Raises BadInput BAD_FIELD, BAD_DATE, BAD_AMOUNT."""
    found = _MOVE.fullmatch(field.lines[0])
    if found is None:
        raise BadInput("BAD_FIELD", where=field.where, field=":61:")
    mark = _MARK.fullmatch(found[3])
    if mark is None or (mark[3] and mark[3] != currency[2]):
        raise BadInput("BAD_FIELD", where=field.where, field=":61: mark", value=found[3])
    amount_fen = _amount(found[4], currency, field)
    if found[5] is None:
        raise BadInput("BAD_FIELD", where=field.where, field=":61: type")
    value_on = _day(found[1], field)
    reference, _, bank_ref = (part.strip() for part in found[7].partition("//"))
    return Move(
        value_on=value_on,
        booked_on=_entry_day(found[2], value_on, field) if found[2] and found[2].strip() else value_on,
        credit=(mark[2] == "C") != bool(mark[1]),
        reversal=bool(mark[1]),
        amount_fen=amount_fen,
        kind=f"{found[5]}{found[6].strip()}",
        reference=_reference(reference, field),
        bank_ref=_reference(bank_ref, field),
        details=" ".join(line.strip() for line in field.lines[1:] if line.strip()),
    )


def narrative(field: Field) -> Narrative:
    """:86:, with sub-fields (?20 ...) or free. Raises BadInput BAD_ACCOUNT ("6.23E+18": digits are lost)."""
    if not _STRUCTURED.match(field.lines[0]):
        free = _unwrapped(field.lines)
        return Narrative(free, "", "", "", _end_to_end(free))
    parts = _SUBFIELD.split("".join(field.lines))
    found: dict[str, str] = {}
    for code, text in zip(parts[1::2], parts[2::2], strict=True):
        found[code] = found.get(code, "") + text
    memo = "".join(text for code, text in found.items() if code in _MEMO).strip()
    account = found.get("31", "").strip()
    if _SCIENTIFIC.fullmatch(account):
        raise BadInput("BAD_ACCOUNT", where=field.where, field=":86:?31")
    name = (found.get("32", "") + found.get("33", "")).strip()
    return Narrative(memo, found.get("30", "").strip()[:35], account[:34], name[:140], _end_to_end(memo))


def number(field: Field) -> tuple[int | None, int]:
    """:28C: as (statement number, page); a bank that counts nothing writes 0: None. Raises BadInput BAD_FIELD."""
    found = _NUMBER.fullmatch(field.text)
    if found is None:
        raise BadInput("BAD_FIELD", where=field.where, field=f":{field.tag}:", value=field.text)
    return int(found[1]) or None, int(found[2] or 1)


def floor_currency(field: Field) -> str:
    """The currency of :34F:, the floor limit of an MT942. Raises BadInput BAD_FIELD."""
    found = _FLOOR.fullmatch(field.text)
    if found is None:
        raise BadInput("BAD_FIELD", where=field.where, field=":34F:")
    return found[1]


def _amount(written: str, currency: str, field: Field) -> int:
    found = _AMOUNT.fullmatch(written)
    if found is None:
        raise BadInput("BAD_AMOUNT", where=field.where, field=f":{field.tag}:", value=written)
    try:
        return minor_from_text(f"{found[1]}.{found[2] or '0'}", currency)
    except BadInput as fault:
        raise BadInput("BAD_AMOUNT", where=field.where, field=f":{field.tag}:", value=written) from fault


def _day(written: str, field: Field) -> date:
    """YYMMDD, of this century from 2000 to 2079."""
    century = "19" if written[:2] >= "80" else "20"
    try:
        if _DATE.fullmatch(written):
            return date(int(century + written[:2]), int(written[2:4]), int(written[4:]))
    except ValueError:
        pass  # 30 February
    raise BadInput("BAD_DATE", where=field.where, field=f":{field.tag}:", value=written)


def _entry_day(written: str, value_on: date, field: Field) -> date:
    """MMDD with the year that brings it nearest to the value date: 31 December and 1 January are neighbours."""
    days = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            days.append(date(year, int(written[:2]), int(written[2:])))
        except ValueError:
            continue  # 29 February of another year
    if not days:
        raise BadInput("BAD_DATE", where=field.where, field=":61:", value=written)
    return min(days, key=lambda day: abs(day - value_on))


def _reference(written: str, field: Field) -> str:
    if len(written) > 35:
        raise BadInput("BAD_FIELD", where=field.where, field=f":{field.tag}: reference")
    return "" if written.upper() in _NO_REFERENCE else written


def _end_to_end(memo: str) -> str:
    found = _END_TO_END.search(memo)
    return "" if found is None or found[1].upper() in _NO_REFERENCE else found[1].strip()


def _unwrapped(lines: Sequence[str]) -> str:
    """Free text: a full line goes on without a blank, so that a reference is not cut in two."""
    text = ""
    for line in lines:
        text += line if len(line) >= _WRAPPED_AT else f"{line} "
    return " ".join(text.split())
