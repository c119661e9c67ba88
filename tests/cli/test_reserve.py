"""``custody reserve facts`` and ``call``: what is entered from documents, and what follows for a lacking reserve."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, Shop, deposit


def answered(shop: Shop, *words: str | Path, code: int = 0) -> dict[str, Any]:
    ran = shop.custody("reserve", *words, "--json")
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_facts_are_entered_once_and_show_their_document(shop: Shop) -> None:
    words = ("--institution", CODE, "--opened-on", "2020-09-01", "--capital", "500000", "--source", "licence 7")
    assert answered(shop, "facts", *words) == {"institution": CODE, "result": "done"}
    assert answered(shop, "facts", *words) == {"institution": CODE, "result": "replayed"}
    assert answered(shop, "facts", "--institution", CODE, "--income", "1.50", "--source", "accounts")
    row = "SELECT (opened_on, capital_fen, last_year_income_fen, source)::text FROM ledger.institution_fact"
    assert shop.ask(f"{row} ORDER BY recorded_at DESC LIMIT 1") == "(2020-09-01,50000000,150,accounts)"
    assert shop.count("institution_fact") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--capital", "1.005"], "BAD_AMOUNT"),
        (["--opened-on", "2099-01-01"], "DATE_IN_FUTURE"),
        (["--opened-on", "never"], "BAD_DATE"),
        (["--issuer-kind", "tiny"], "tiny"),
        (["--source", " "], "BAD_TEXT"),
    ],
)
def test_what_cannot_be_read_enters_nothing(shop: Shop, words: list[str], said: str) -> None:
    ran = shop.custody("reserve", "facts", "--institution", CODE, "--source", "licence", *words)
    assert (ran.code, shop.count("institution_fact")) == (UNUSABLE, 0)
    assert said in ran.err


def test_a_call_names_who_holds_more_than_the_place_allows(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert shop.custody("statement", "import", shop.statement("s.xml", deposit(1), on=date(2026, 3, 3))).code == 0
    (lacking,) = answered(shop, "call", code=REFUSED)["called"]
    assert (lacking["institution"], lacking["lacking"], lacking["above_limit"]) == (CODE, "100000.00", False)
    folder = tmp_path_factory.mktemp("rules")
    entry = '{{ value = {}, source = "s", confidence = "demo" }}'
    keys = {"formula": '"share_of_undelivered"', "percent": '"10"', "floor": '"1.00"', "balance_max_percent": '"50"'}
    lines = "\n".join(f"{key} = {entry.format(value)}" for key, value in keys.items())
    (folder / "110108-2026-02-02.toml").write_text(f"[reserve]\n{lines}\n", encoding="utf-8")
    (called,) = answered(shop, "call", "--rulebook-dir", folder, code=REFUSED)["called"]
    assert called == {"institution": CODE, "lacking": None, "due_on": None, "above_limit": True}
    assert shop.ask("SELECT facts ->> 'balance_fen' FROM ledger.finding WHERE code = 'BALANCE_ABOVE_LIMIT'") == "400000"
    assert answered(shop, "call", "--rulebook-dir", folder) == {"called": []}  # once a day
