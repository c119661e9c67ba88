"""Bank profiles from TOML files: the ones that come with the product, or one file of the operator's own."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from ledger.errors import BadInput
from ledger.terms.bank_profile import BankProfile, Chain, Decimals, Sign

BUILT_IN: Final = Path(__file__).resolve().parent / "profiles"
_FIELDS: Final = frozenset({
    "booked_on", "value_on", "credit", "debit", "amount", "mark", "balance", "currency", "own_account", "account",
    "name", "bank", "memo", "summary", "bank_ref", "end_to_end_id", "state",
})  # fmt: skip
_PREAMBLE: Final = frozenset({"account", "opening", "currency"})
_KEYS: Final = frozenset({
    "title", "generic", "currency", "sign", "chain", "decimals", "order", "unique", "dates", "columns", "optional",
    "marks", "unpaid", "ends", "totals", "preamble",
})  # fmt: skip
_ORDERS: Final[Mapping[str, bool | None]] = {"oldest first": False, "newest first": True, "either": None}
_MARKS: Final[Mapping[str, bool | None]] = {"credit": True, "debit": False, "neither": None}
_SIGNED_BY: Final[Mapping[Sign, frozenset[str]]] = {
    Sign.COLUMNS: frozenset({"credit", "debit"}),
    Sign.SIGNED: frozenset({"amount"}),
    Sign.DEBIT_PLUS: frozenset({"amount"}),
    Sign.MARK: frozenset({"amount", "mark"}),
    Sign.TEXT: frozenset({"amount", "memo"}),
}


@cache
def built_in() -> tuple[BankProfile, ...]:
    """The profiles that come with the product, by name."""
    return tuple(read_profile(path.read_bytes(), path.stem) for path in sorted(BUILT_IN.glob("*.toml")))


def find_profile(name: str) -> BankProfile:
    """A profile by its name, or of a TOML file by its path. Raises BadInput UNKNOWN_PROFILE, BAD_PROFILE."""
    found = next((profile for profile in built_in() if profile.name == name), None)
    if found is not None:
        return found
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise BadInput("UNKNOWN_PROFILE", field="profile", value=name)
    return read_profile(path.read_bytes(), path.stem)


def read_profile(content: bytes, name: str) -> BankProfile:
    """A profile as its file says. Raises BadInput BAD_PROFILE with the key that is wrong."""
    try:
        found = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise BadInput("BAD_PROFILE", where=name, value=str(fault)) from fault
    for key in found:
        if key not in _KEYS:
            raise BadInput("BAD_PROFILE", where=name, field=key)
    at = _Keys(name, found)
    sign = Sign(at.choice("sign", [one.value for one in Sign], None))
    chain = Chain(at.choice("chain", [one.value for one in Chain], Chain.NONE))
    needed, optional = at.headers("columns"), at.headers("optional")
    wanted = {"booked_on", *_SIGNED_BY[sign], *(["balance"] if chain is Chain.MUST else [])}
    missing = sorted(wanted - needed.keys())
    if missing:
        raise BadInput("BAD_PROFILE", where=name, field=f"columns.{missing[0]}")
    return BankProfile(
        name=name,
        title=at.text("title", name),
        generic=at.truth("generic", absent=False),
        currency=at.text("currency", ""),
        sign=sign,
        chain=chain,
        decimals=Decimals(at.choice("decimals", [one.value for one in Decimals], Decimals.POINT)),
        newest_first=_ORDERS[at.choice("order", list(_ORDERS), "either")],
        unique=at.truth("unique", absent=False),
        dates=at.texts("dates") or ("YYYY-MM-DD",),
        needed=needed,
        optional=optional,
        marks={word: _MARKS[side] for word, side in at.words("marks", list(_MARKS))},
        unpaid=frozenset(at.texts("unpaid")),
        ends=at.texts("ends"),
        totals={word: side == "credit" for word, side in at.words("totals", ["credit", "debit"])},
        preamble=dict(at.words("preamble", sorted(_PREAMBLE))),
    )


class _Keys:
    """The keys of a profile, each checked for its kind."""

    def __init__(self, name: str, found: Mapping[str, Any]) -> None:
        self._name, self._found = name, found

    def text(self, key: str, absent: str) -> str:
        """A text."""
        found = self._found.get(key, absent)
        if not isinstance(found, str):
            raise self._wrong(key)
        return found

    def truth(self, key: str, *, absent: bool) -> bool:
        """true or false."""
        found = self._found.get(key, absent)
        if not isinstance(found, bool):
            raise self._wrong(key)
        return found

    def choice(self, key: str, allowed: Sequence[str], absent: str | None) -> str:
        """One of the allowed words; without ``absent`` it must be there."""
        found = self._found.get(key, absent)
        if found not in allowed:
            raise self._wrong(key)
        return str(found)

    def texts(self, key: str, of: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """A list of texts; () when it is absent."""
        found = (self._found if of is None else of).get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise self._wrong(key)
        return tuple(found)

    def headers(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """A table of our fields with the headers banks write for each."""
        found = self._table(key)
        for field in found:
            if field not in _FIELDS or not self.texts(field, found):
                raise self._wrong(f"{key}.{field}")
        return {field: self.texts(field, found) for field in found}

    def words(self, key: str, sides: Sequence[str]) -> list[tuple[str, str]]:
        """A table of sides with the words for each, as (word, side)."""
        found = self._table(key)
        for side in found:
            if side not in sides:
                raise self._wrong(f"{key}.{side}")
        return [(word, side) for side in found for word in self.texts(side, found)]

    def _table(self, key: str) -> Mapping[str, Any]:
        found = self._found.get(key, {})
        if not isinstance(found, dict):
            raise self._wrong(key)
        return found

    def _wrong(self, key: str) -> BadInput:
        return BadInput("BAD_PROFILE", where=self._name, field=key)
